"""Test cases of Catch2 as tests of CTest: with `-C case` every case is one, found and run by its name as
CONTRIBUTING.md says; without it, none is.

  cases_test.py BUILD_DIR SUITE…    the suites are built
"""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(sys.argv[1])
SUITES = sys.argv[2:]


def ctest(*arguments, folder=BUILD):
    done = subprocess.run(["ctest", "--test-dir", folder, *arguments], capture_output=True, text=True,
                          check=False, timeout=300)
    return done.returncode, done.stdout


def listed(*arguments):
    """Names of tests, of which none is run: so the log of a ctest that runs this test stays as it is."""
    status, output = ctest("-N", *arguments)
    assert status == 0, output
    return re.findall(r"^ *Test *#\d+: (.*)$", output, re.M)


def cases_of(suite):
    executable = BUILD / "bin" / f"test_{suite.replace('.', '_')}"
    done = subprocess.run([executable, "--list-test-names-only"], capture_output=True, text=True,
                          check=False, timeout=60)
    return done.stdout.splitlines()


class CasesTest(unittest.TestCase):
    def run_one(self, *arguments):
        """In a folder of its own, which has the tests of cases only."""
        with tempfile.TemporaryDirectory() as folder:
            script = pathlib.Path(folder) / "CTestTestfile.cmake"
            script.write_text(f'include("{BUILD}/tests/cases.cmake")\n')
            return ctest("-V", "--no-tests=error", *arguments, folder=folder)

    def test_every_case_is_listed_with_its_suite(self):
        for suite in SUITES:
            wanted = [f"{suite}: {name}" for name in cases_of(suite)]
            self.assertGreater(len(wanted), 10, suite)
            self.assertEqual(listed("-C", "case", "-R", f"^{re.escape(suite)}: "), wanted)

    def test_other_runs_have_none(self):
        for arguments in ((), ("-L", "unit"), ("-C", "case", "-L", "unit"), ("-LE", "case")):
            names = listed(*arguments)
            self.assertIn(SUITES[0], names)
            self.assertEqual([name for name in names if ": " in name], [], arguments)

    def test_names_with_characters_of_test_expressions_select_one_case(self):
        names = [f"{suite}: {name}" for suite in SUITES for name in cases_of(suite)]
        for character in (",", "'"):
            name = next(name for name in names if character in name)
            status, output = self.run_one("-C", "case", "-R", f"^{re.escape(name)}$")
            self.assertEqual(status, 0, output)
            self.assertIn("100% tests passed, 0 tests failed out of 1\n", output)
            self.assertIn("in 1 test case)", output)

    def test_a_name_that_no_case_has_is_an_error(self):
        status, output = self.run_one("-C", "case", "-R", "no case has this name")
        self.assertNotEqual(status, 0, output)

    def test_the_command_of_contributing_runs_one_case(self):
        page = (ROOT / "CONTRIBUTING.md").read_text()
        command = re.search(r"^ctest (.*-C case.*?) +#", page, re.M)[1]
        arguments = shlex.split(command)
        place = arguments.index("--test-dir")
        del arguments[place:place + 2]
        status, output = self.run_one(*arguments)
        self.assertEqual(status, 0, output)
        self.assertIn("100% tests passed, 0 tests failed out of 1\n", output)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
