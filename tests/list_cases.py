"""Generator of CTest's tests of single cases: asks each suite that is built for the names of its cases, and
writes the CTest script that has a test for each of them.

  list_cases.py SCRIPT BIN_DIR SUITE…    SUITE is a test of CTest, like unit.json

Run by ctest itself (tests/cases.cmake.in), so that the list is never older than the suites.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SECONDS_MAX = 600


def names(executable):
    """In the order of the suite. Catch2 gives a status that is no failure, and a quoted line for a name
    that begins with "#"."""
    listed = subprocess.run([executable, "--list-test-names-only"], capture_output=True, text=True,
                            check=False, timeout=60)
    return [re.sub(r'^"(#.*)"$', r"\1", line) for line in listed.stdout.splitlines() if line]


def quoted(text):
    """A bracket argument of CMake, which has no escapes."""
    equals = "="
    while f"]{equals}]" in text + "]":
        equals += "="
    return f"[{equals}[{text}]{equals}]"


def lines(suite, executable, build_dir):
    for name in names(executable):
        test = quoted(f"{suite}: {name}")
        # Characters that mean something in an expression of test names. A name that matches nothing
        # is a failure, not a run without cases.
        exactly = re.sub(r"([\\,\[\]])", r"\\\1", name)
        yield f"add_test({test} {quoted(str(executable))} {quoted(exactly)} --warn NoTests)"
        yield (f"set_tests_properties({test} PROPERTIES LABELS case TIMEOUT {SECONDS_MAX} "
               f"ENVIRONMENT {quoted(f'CONVOY_BUILD_DIR={build_dir}')})")


def main(script, bin_dir, *suites):
    script, bin_dir = pathlib.Path(script), pathlib.Path(bin_dir)
    written = []
    for suite in suites:
        executable = bin_dir / f"test_{suite.replace('.', '_')}"
        if executable.exists():
            written += lines(suite, executable, bin_dir.parent)
    # Renamed into place: two runs of ctest may be at it at once.
    with tempfile.NamedTemporaryFile("w", dir=script.parent, delete=False) as file:
        file.write("".join(f"{line}\n" for line in written))
    os.replace(file.name, script)


main(*sys.argv[1:])
