"""The examples in the comments of convoy.h, compiled as C99 and run as they stand there.

Usage: header_example_test.py CC LIBRARY HEADER CALLER
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

COMPILER, LIBRARY, HEADER, CALLER = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])


def block_after(title):
    """The indented lines that follow the line of a comment which ends with `title`."""
    lines = HEADER.read_text(encoding="utf-8").splitlines()
    (begin,) = [number for number, line in enumerate(lines) if line.endswith(title)]
    taken = []
    for line in lines[begin + 1:]:
        match = re.fullmatch(r" \*(?: {3,}(.*)|)", line)
        if not match:
            break
        taken.append(line[3:])
    return "\n".join(taken).strip("\n") + "\n"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


class Examples(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="convoy_example_")
        self.addCleanup(work.cleanup)
        self.folder = pathlib.Path(work.name)

    def compile_and_run(self, source, *options):
        program = self.folder / "example"
        run(COMPILER, "-std=c99", "-pedantic", "-Wall", "-Werror", "-I", HEADER.parent, *options,
            source, "-o", program, LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}")
        return run(program, cwd=self.folder, timeout=60)

    def test_the_program_at_the_top(self):
        source = self.folder / "example.c"
        source.write_text(block_after("a request that a server has read for it:"))
        printed = self.compile_and_run(source)
        self.assertRegex(printed, r"^the key of the REST API is CO\.\S+\nstatus 200\n$")
        self.assertTrue((self.folder / "hooks.db").exists())
        self.assertEqual(run(self.folder / "example", cwd=self.folder), "status 200\n")

    def test_taking_local_deliveries(self):
        (self.folder / "take_deliveries.inc").write_text(
            block_after("takes deliveries, handles them and finishes each:"))
        printed = self.compile_and_run(CALLER, "-I", self.folder)
        self.assertEqual(printed, "handled 3\n")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    unittest.main(argv=sys.argv[:1])
