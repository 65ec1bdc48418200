"""The layout of every struct of the C headers against the committed table, layout.txt.

A C program that prints the sizes and offsets is made from the header, so a new struct cannot be
forgotten. With --update as the last argument the table is written instead.
"""
import difflib
import os
import struct
import subprocess
import sys
import tempfile
import unittest

COMPILER, HEADER, TABLE = sys.argv[1:4]
sys.path.insert(0, os.path.dirname(HEADER))
import convoy_header  # noqa: E402


def probe_source(structs):
    lines = ["#include <stddef.h>", "#include <stdio.h>", "#include <convoy_testing.h>",
             "int main(void) {"]
    for name, fields in structs.items():
        lines.append(f'  printf("{name} size %zu\\n", sizeof({name}));')
        for field in fields:
            lines.append(f'  printf("{name}.{field} at %zu size %zu\\n", offsetof({name}, {field}),'
                         f" sizeof((({name}*)0)->{field}));")
    return "\n".join([*lines, "  return 0;", "}", ""])


def measure():
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "probe.c"), os.path.join(folder, "probe")
        with open(source, "w") as file:
            file.write(probe_source(convoy_header.structs(convoy_header.read_all(HEADER))))
        subprocess.run([COMPILER, "-I", os.path.dirname(HEADER), source, "-o", program], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


class Layout(unittest.TestCase):
    @unittest.skipIf(struct.calcsize("P") != 8, "the table is that of 64-bit machines")
    def test_structs_have_the_layout_of_the_table(self):
        with open(TABLE) as file:
            table = file.read()
        measured = measure()
        self.assertGreater(len(measured.splitlines()), 10)
        difference = "".join(difflib.unified_diff(table.splitlines(True), measured.splitlines(True),
                                                  "tests/abi/layout.txt", "convoy.h"))
        if difference:
            self.fail(f"""

{difference}
A new struct, and new fields at the end of a struct that begins with its own size, are fine: update
the table with   cmake --build BUILD_DIR --target convoy_abi_update
Anything else breaks programs that were built before: take it back.""")


if __name__ == "__main__":
    if sys.argv[-1] == "--update":
        with open(TABLE, "w") as table_file:
            table_file.write(measure())
    else:
        unittest.main(argv=sys.argv[:1])
