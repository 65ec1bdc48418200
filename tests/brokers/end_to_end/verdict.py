"""Verdict on a run of tests: what failed is wrong, timed out, or could not start.

Only a server that could not start is tried again, and only its start (base.started). A wrong result is
never repeated away. What timed out may be slow or stuck: the load of the machine is printed beside it.
"""
import os
import subprocess
import sys
import unittest

from gateway import host
from servers import base  # found by gateway

PASSED = "passed"
WRONG = "wrong"
TIMED_OUT = "timed out"
COULD_NOT_START = "could not start"

#: for scripts; a wrong result decides if there are several
EXIT_CODES = {PASSED: 0, WRONG: 1, TIMED_OUT: 3, COULD_NOT_START: 75}


def of_error(error):
    if isinstance(error, base.CouldNotStart):
        return COULD_NOT_START
    if isinstance(error, (base.TimedOut, host.TimedOut, subprocess.TimeoutExpired)):
        return TIMED_OUT
    return WRONG


def load():
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


class Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.verdicts = []  # [(verdict, test)]

    def _judge(self, test, error):
        if error is not None:
            self.verdicts.append((of_error(error[1]), test))

    def addError(self, test, err):
        self._judge(test, err)
        super().addError(test, err)

    def addFailure(self, test, err):
        self._judge(test, err)
        super().addFailure(test, err)

    def addSubTest(self, test, subtest, err):
        self._judge(subtest, err)
        super().addSubTest(test, subtest, err)

    @property
    def verdict(self):
        found = [verdict for verdict, _ in self.verdicts]
        return next((one for one in (WRONG, TIMED_OUT, COULD_NOT_START) if one in found), PASSED)


class Runner(unittest.TextTestRunner):
    resultclass = Result


def run_tests():
    """Runs the tests of the main module as its arguments say. The exit code of the process."""
    program = unittest.main(exit=False, warnings="ignore", testRunner=Runner)
    result = program.result
    for verdict, test in result.verdicts:
        print(f"{verdict}: {test} ({load()})", file=sys.stderr)
    if result.testsRun == 0 or result.unexpectedSuccesses:
        return EXIT_CODES[WRONG]
    return EXIT_CODES[result.verdict]
