"""Rules of script/tidy that read texts, each with texts that it refuses and texts that it accepts."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]


def load_tidy():
    loader = importlib.machinery.SourceFileLoader("tidy", str(ROOT / "script/tidy"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


TIDY = load_tidy()


class LifetimesTest(unittest.TestCase):
    def lines_of(self, text):
        return [line for line, _ in TIDY.lifetime_findings(text)]

    def test_a_loop_over_a_part_of_a_temporary_is_refused(self):
        self.assertEqual([1], self.lines_of("for (const Event& event : List(store).value()) Use(event);"))
        self.assertEqual([1], self.lines_of("for (auto& e : List(store).value().items) Use(e);"))
        self.assertEqual([2], self.lines_of("\nfor (const auto& [key, value] :\n     map.Read()\n         .value()) {"))
        self.assertEqual([1], self.lines_of("for (const Row& row : *storage.Rows(id)) Use(row);"))
        self.assertEqual([1], self.lines_of("for (int i = 0; const Row& row : Rows(i).value()) Use(row);"))
        self.assertEqual([2], self.lines_of('Use(")");  // for (\nfor (char c : Text("(:").value()) Use(c);'))

    def test_a_loop_over_what_outlives_it_is_accepted(self):
        for text in ("const auto list = List(store).value();\nfor (const Event& event : list) Use(event);",
                     "for (const Event& event : page.value().items) Use(event);",
                     "for (Event& event : std::move(page).value()) Use(event);",
                     "for (const Event& event : ListAll(store)) Use(event);",
                     "for (const Event& event : *page) Use(event);",
                     "for (int i = 0; i < Count().value(); ++i) Use(i);",
                     '// for (auto& e : List().value())\nUse("for (auto& e : List().value())");'):
            self.assertEqual([], self.lines_of(text), text)


class ProseTest(unittest.TestCase):
    def findings(self, path, *lines):
        return [line for line, _ in TIDY.prose_findings(path, list(lines))]

    def test_a_clause_is_no_subject_in_texts_for_users(self):
        self.assertEqual([1], self.findings("docs/a.md", "The queue is full. What comes then is dropped."))
        self.assertEqual([1], self.findings("docs/a.md", "It is counted; what remains is sent."))
        self.assertEqual([2], self.findings("include/convoy/a.h", "// A queue of lines.",
                                            "int size();  // in lines; whatever is longer is cut"))
        self.assertEqual([2], self.findings("capi/a.h", "/* A queue.", " * What is beyond it is dropped. */"))

    def test_other_sentences_and_other_texts_are_accepted(self):
        for path, *lines in (("docs/a.md", "What does it cost? It depends on what you send."),
                             ("docs/a.md", "## What to rely on"),
                             ("docs/a.md", "| `What` | the member `whatever` |"),
                             ("include/convoy/a.h", "// A queue of lines.", "What what = What::kNothing;"),
                             ("lib/a.cc", "// A queue of lines; what is beyond its end is dropped.")):
            self.assertEqual([], self.findings(path, *lines), lines)

    def test_words_that_hide_the_actor_are_refused_everywhere(self):
        self.assertEqual([2], self.findings("lib/a.cc", "// A queue.", "// No" + "body reads it."))
        self.assertEqual([3], self.findings("lib/a.cc", "// A queue.", "int size;", "// What waits is dropped."))
        self.assertEqual([1], self.findings("lib/a.cc", "// How lines are queued."))


if __name__ == "__main__":
    unittest.main()
