"""capi/api.toml against convoy.h and libconvoy.so: every function and constant has its entry."""
import re
import subprocess
import sys
import tomllib
import unittest

import convoy_header

LIBRARY, HEADER, API, VERSION = sys.argv[1:5]


def version_of(text):
    return tuple(int(part) for part in text.split("."))


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(API, "rb") as file:
            cls.api = tomllib.load(file)
        header = convoy_header.read(HEADER)
        cls.functions = convoy_header.functions(header)
        cls.constants = convoy_header.constants(header)

    def explain(self, section, missing, surplus):
        return "\n".join(
            [""] + [f'capi/api.toml, [{section}]: add     {line}' for line in missing] +
            [f"capi/api.toml, [{section}]: {name} is gone from convoy.h. A promise was broken: "
             "restore it (before its first release only: delete the entry)" for name in surplus])

    def test_every_function_has_an_entry_and_no_entry_lost_its_function(self):
        listed = self.api["functions"]
        self.assertGreater(len(self.functions), 30)
        missing = [f'{name} = {{ since = "{VERSION}" }}'
                   for name in self.functions if name not in listed]
        surplus = [name for name in listed if name not in self.functions]
        self.assertFalse(missing or surplus, self.explain("functions", missing, surplus))

    def test_every_listed_function_is_exported(self):
        listing = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True,
                                 capture_output=True, text=True).stdout
        exported = set(re.findall(r" T (\w+)", listing))
        unknown = sorted(set(self.api["functions"]) - exported)
        self.assertFalse(unknown, f"in capi/api.toml, but not defined in capi/*.cc: {unknown}")

    def test_every_constant_keeps_its_value(self):
        listed = self.api["constants"]
        self.assertGreater(len(self.constants), 10)
        missing = [f'{name} = {{ value = {value}, since = "{VERSION}" }}'
                   for name, value in self.constants.items() if name not in listed]
        surplus = [name for name in listed if name not in self.constants]
        self.assertFalse(missing or surplus, self.explain("constants", missing, surplus))
        for name, value in self.constants.items():
            self.assertEqual(value, listed[name]["value"],
                             f"the value of {name} is permanent: restore it in convoy.h")

    def test_versions_are_of_the_past_or_the_present(self):
        for section in ("functions", "constants"):
            for name, entry in self.api[section].items():
                with self.subTest(name=name):
                    since = version_of(entry["since"])
                    self.assertLessEqual(since, version_of(VERSION))
                    self.assertLessEqual(since, version_of(entry.get("deprecated", VERSION)))
                    self.assertLessEqual(set(entry), {"since", "deprecated", "value"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
