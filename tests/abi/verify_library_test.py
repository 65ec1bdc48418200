"""libconvoy-verify: what it exports, and that it needs libc and libstdc++ alone. Prints its size.

Usage: verify_library_test.py LIBRARY PROGRAM HEADER [SANITIZERS]   (PROGRAM is linked with it)
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

LIBRARY, PROGRAM, HEADER = sys.argv[1:4]
IS_SANITIZED = len(sys.argv) > 4 and sys.argv[4] != ""
sys.path.insert(0, os.path.dirname(HEADER))
import convoy_header  # noqa: E402

# The objects of convoy.h that need no gateway.
NOUNS = ("error", "buf", "version", "presets", "verifier", "verification", "verdict", "reply")
LIBRARIES = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class VerifyLibrary(unittest.TestCase):
    def test_it_exports_all_functions_that_need_no_gateway(self):
        declared = {name for name in convoy_header.functions(convoy_header.read(HEADER))
                    if name.split("_")[1] in NOUNS}
        self.assertIn("convoy_verification_feed", declared)
        listing = run("nm", "-D", "--defined-only", "--with-symbol-versions", LIBRARY)
        exported = dict(re.findall(r" T (\w+)@@(\S+)", listing))
        self.assertEqual(set(exported), declared)
        # Never a node of libconvoy.so: a program may have both.
        self.assertEqual(set(exported.values()), {"CONVOY_VERIFY_0.2"})
        self.assertNotRegex(listing, r" u ")

    @unittest.skipIf(IS_SANITIZED, "sanitizers bring their own libraries")
    def test_it_needs_libc_and_libstdcxx_alone(self):
        loaded = set(re.findall(r"^\s*(\S+) =>", run("ldd", LIBRARY), flags=re.M))
        self.assertEqual({name for name in loaded if not name.startswith("linux-vdso")} - LIBRARIES,
                         set())
        self.assertIn("libconvoy-verify.so.0", run("ldd", PROGRAM))
        self.assertNotIn("libconvoy.so", run("ldd", PROGRAM))

    @unittest.skipIf(IS_SANITIZED, "instrumented code is larger")
    def test_it_is_small(self):
        with tempfile.NamedTemporaryFile() as stripped:
            run("strip", "--strip-unneeded", "-o", stripped.name, LIBRARY)
            size = os.path.getsize(stripped.name)
        print(f"libconvoy-verify: {size / 1e6:.2f} MB stripped", file=sys.stderr)
        self.assertLess(size, 5_000_000)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
