"""Seeds of the simulator: each gives the same run, whether it is played alone or among others.

usage: test_repeatable.py PROGRAM
"""
import re
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()
SEEDS = range(1, 61)  # so many that one of them is ordered by chance if any is


def figures(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True)
    return [int(number) for number in re.findall(r"(\d+) ", done.stdout)]


#: as FixAddresses in repeatable.cc asks for; some containers forbid it
TRY = "import ctypes; raise SystemExit(ctypes.CDLL(None).personality(0x0040000) == -1)"
MAY_FIX_ADDRESSES = subprocess.run([sys.executable, "-c", TRY]).returncode == 0


@unittest.skipUnless(MAY_FIX_ADDRESSES, "the system does not let addresses be fixed")
class RepeatableTest(unittest.TestCase):
    def test_twice(self):
        every = ("--first", SEEDS[0], "--seeds", len(SEEDS))
        self.assertEqual(figures(*every), figures(*every))

    def test_alone_and_among_others(self):
        alone = [figures("--seed", seed) for seed in SEEDS]
        self.assertEqual(figures("--first", SEEDS[0], "--seeds", len(SEEDS)),
                         [sum(column) for column in zip(*alone)])


if __name__ == "__main__":
    unittest.main()
