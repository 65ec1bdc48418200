"""CONTRIBUTING.md: what its recipes name is there, and the commands that a newcomer is told can be run."""
import re
import unittest

import host

PAGE = (host.ROOT / "CONTRIBUTING.md").read_text()
SOURCES = [path.read_text() for path in host.ROOT.glob("tests/**/CMakeLists.txt")]
# Words in capitals stand for a name of the reader's.
PLACEHOLDER = re.compile(r"[A-Z]{4,}")


class ContributingTest(unittest.TestCase):
    def test_every_path_is_there(self):
        folders = {path.name for path in host.ROOT.iterdir() if path.is_dir()}
        paths = [word for word in re.findall(r"`([\w./-]+)`", PAGE) if word.split("/")[0] in folders]
        self.assertGreater(len(paths), 30)
        missing = [path for path in paths
                   if not path.startswith("build/") and not PLACEHOLDER.search(path.replace("CMakeLists", ""))
                   and not (host.ROOT / path).exists()]
        self.assertEqual(missing, [])

    def test_every_target_and_suite_is_declared(self):
        targets = [name for line in re.findall(r"--target ([^`\n]*)", PAGE) for name in line.split()]
        suites = {f"test_{kind}_{name}" for text in SOURCES
                  for kind, name in re.findall(r"convoy_test\((\w+) (\w+)", text)}
        self.assertIn("test_unit_verify", targets)
        for target in targets:
            if target.startswith("test_"):
                self.assertIn(target, suites)
        for name in re.findall(r"\b(?:unit|integration|conformance)\.(\w+)\$", PAGE):
            declared = (host.ROOT / "tests/integration" / f"test_{name}.py").exists() or any(
                re.search(rf"convoy_test\(unit {name}\b|conformance\.{name}\b", text) for text in SOURCES)
            self.assertTrue(declared, name)

    def test_the_symbols_of_the_recipes_are_in_their_files(self):
        for path, symbol in (("include/convoy/options.h", "struct GatewayOptions"),
                             ("capi/settings.cc", "kOptionSettings[]"),
                             ("examples/convoyd/setting_table.cc", "Setting OptionSetting("),
                             ("examples/convoyd/settings.h", "struct Settings"),
                             ("include/convoy/config.h", "struct ConfigKindOf"),
                             ("lib/http/resource/config_change.h", "Reply ChangeProject("),
                             ("lib/http/openapi.cc", "kAbouts[]"),
                             ("tests/integration/test_hostile_roles.py", "def foreign_ids(")):
            self.assertIn(symbol, (host.ROOT / path).read_text(), path)


if __name__ == "__main__":
    unittest.main()
