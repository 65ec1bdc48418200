"""The types behind the exported functions, by libabigail, against the committed baseline.

Only what the headers show counts: the insides of the opaque types are free. New functions are fine.
With --update as the last argument the baseline is written instead.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ABIDW, ABIDIFF, LIBRARY, HEADER, BASELINE = sys.argv[1:6]

sys.path.insert(0, os.path.dirname(HEADER))
import convoy_header  # noqa: E402

# abidiff's exit code: bits for a failure of its own (1, 2), a change (4), an incompatible one (8).
IS_CHANGED = 4 | 8


def describe():
    """The interface as XML, without what differs from one machine to the next."""
    with tempfile.TemporaryDirectory() as folder:
        # Their neighbours are not public.
        for name in convoy_header.OF_LIBRARY:
            shutil.copy(os.path.join(os.path.dirname(HEADER), name), folder)
        xml = subprocess.run(
            [ABIDW, "--no-architecture", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
             "--no-parameter-names", "--no-elf-needed", "--type-id-style", "hash",
             "--exported-interfaces-only", "--headers-dir", folder, "--drop-private-types", LIBRARY],
            check=True, capture_output=True, text=True).stdout
    return re.sub(r" path='[^']*/(capi/\w+\.cc)'", r" path='\1'", xml)


class Types(unittest.TestCase):
    def test_no_function_and_no_public_type_changed(self):
        current = describe()
        for proof in ("<parameter ", "class-decl name='convoy_request' size-in-bits"):
            self.assertIn(proof, current, "the C shim was built without the types (-g)")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "current.abi")
            with open(path, "w") as file:
                file.write(current)
            done = subprocess.run([ABIDIFF, "--no-added-syms", BASELINE, path],
                                  capture_output=True, text=True)
        self.assertEqual(done.returncode & ~IS_CHANGED, 0, done.stderr)
        if done.returncode:
            self.fail(f"""

{done.stdout}
Take it back, unless it is a new field at the end of a struct that begins with its own size; then
update the baseline with   cmake --build BUILD_DIR --target convoy_abi_update""")


if __name__ == "__main__":
    if sys.argv[-1] == "--update":
        with open(BASELINE, "w") as baseline_file:
            baseline_file.write(describe())
    else:
        unittest.main(argv=sys.argv[:1])
