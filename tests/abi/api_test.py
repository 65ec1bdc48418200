"""capi/api.toml against convoy.h and libconvoy.so: every function and constant has its entry."""
import os
import re
import subprocess
import sys
import tomllib
import unittest

LIBRARY, HEADER, API, VERSION = sys.argv[1:5]
sys.path.insert(0, os.path.dirname(HEADER))
import convoy_header  # noqa: E402


def version_of(text):
    return tuple(int(part) for part in text.split("."))


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(API, "rb") as file:
            cls.api = tomllib.load(file)
        cls.functions = convoy_header.functions(
            convoy_header.read_all(HEADER, convoy_header.OF_LIBRARY))
        every_header = convoy_header.read_all(HEADER)
        cls.constants = convoy_header.constants(every_header)
        cls.testing_functions = [name for name in convoy_header.functions(every_header)
                                 if name not in cls.functions]

    def compare(self, section, missing, surplus):
        if missing:
            self.fail("\n".join([f"\nadd to capi/api.toml under [{section}]:\n", *missing, ""]))
        if surplus:
            self.fail(f"\nin capi/api.toml, but gone from convoy.h: {', '.join(surplus)}\n"
                      "Restore them; before their first release only: delete the entries.")

    def test_every_function_has_an_entry_and_no_entry_lost_its_function(self):
        listed = self.api["functions"]
        self.assertGreater(len(self.functions), 30)
        missing = [f'{name} = {{ since = "{VERSION}" }}'
                   for name in self.functions if name not in listed]
        surplus = [name for name in listed if name not in self.functions]
        self.compare("functions", missing, surplus)

    def test_every_function_of_the_suites_has_an_entry(self):
        listed = self.api["testing_functions"]
        self.assertGreater(len(self.testing_functions), 2)
        missing = [f'{name} = {{ since = "{VERSION}" }}'
                   for name in self.testing_functions if name not in listed]
        surplus = [name for name in listed if name not in self.testing_functions]
        self.compare("testing_functions", missing, surplus)

    def test_every_listed_function_is_exported(self):
        listing = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True,
                                 capture_output=True, text=True).stdout
        exported = set(re.findall(r" T (\w+)", listing))
        unknown = sorted(set(self.api["functions"]) - exported)
        self.assertFalse(unknown, f"in capi/api.toml, but not defined in capi/*.cc: {unknown}")

    def test_every_function_has_the_symbol_version_that_it_came_with(self):
        listing = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", LIBRARY],
                                 check=True, capture_output=True, text=True).stdout
        nodes = dict(re.findall(r" T (\w+)@@(\S+)", listing))
        for name, entry in self.api["functions"].items():
            with self.subTest(name=name):
                # The node of 0.1.0 has the name that it was released with.
                node = "CONVOY_" + ".".join(entry["since"].split(".")[:2])
                self.assertEqual(nodes[name], {"CONVOY_0.1": "CONVOY_0"}.get(node, node),
                                 "capi/exports.map and capi/api.toml disagree")

    def test_the_changelog_names_what_each_version_added(self):
        with open(os.path.join(os.path.dirname(os.path.dirname(API)), "CHANGELOG.md"),
                  encoding="utf-8") as file:
            sections = dict(re.findall(r"^## \[([\d.]+)\].*?\n(.*?)(?=^## |\Z)", file.read(),
                                       flags=re.M | re.S))
        for name, entry in self.api["functions"].items():
            self.assertIn(entry["since"], sections)
            if entry["since"] != "0.1.0":  # the first one, whose header is in clients/0.1.0
                self.assertIn(f"`{name}`", sections[entry["since"]])

    def test_every_constant_keeps_its_value(self):
        listed = self.api["constants"]
        self.assertGreater(len(self.constants), 10)
        missing = [f'{name} = {{ value = {value}, since = "{VERSION}" }}'
                   for name, value in self.constants.items() if name not in listed]
        surplus = [name for name in listed if name not in self.constants]
        self.compare("constants", missing, surplus)
        for name, value in self.constants.items():
            self.assertEqual(value, listed[name]["value"],
                             f"the value of {name} is permanent: restore it in convoy.h")

    def test_versions_are_of_the_past_or_the_present(self):
        for section in ("functions", "testing_functions", "constants"):
            for name, entry in self.api[section].items():
                with self.subTest(name=name):
                    since = version_of(entry["since"])
                    self.assertLessEqual(since, version_of(VERSION))
                    self.assertLessEqual(since, version_of(entry.get("deprecated", VERSION)))
                    self.assertLessEqual(set(entry), {"since", "deprecated", "value"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
