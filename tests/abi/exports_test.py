"""Exported symbols of the shared library: the functions of its header, and nothing else."""
import re
import subprocess
import sys
import unittest

LIBRARY, HEADER = sys.argv[1], sys.argv[2]
IS_SANITIZED = len(sys.argv) > 3 and sys.argv[3] != ""
SCRIPTING = sys.argv[4] if len(sys.argv) > 4 else ""  # libconvoy_script.a, if it was built

# Libraries that are loaded directly with libconvoy.
NEEDED = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "libsqlite3.so.0",
          "libcurl-gnutls.so.4"}
OPTIONAL = {"libbrotlidec.so.1", "libre2.so.9"}  # CONVOY_BROTLI, CONVOY_RE2


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Exports(unittest.TestCase):
    def test_exports_are_the_functions_of_the_header(self):
        declared = set(re.findall(r"CONVOY_API[^;(]*?\b(convoy_\w+)\(", open(HEADER).read()))
        lines = [line.split() for line in run("nm", "-D", "--defined-only", LIBRARY).splitlines()]
        exported = {fields[2].split("@")[0] for fields in lines if fields[1] != "A"}
        self.assertGreater(len(declared), 30)
        self.assertEqual(exported, declared)

    def test_no_symbol_is_unique(self):
        kinds = {line.split()[1] for line in run("nm", "-D", "--defined-only", LIBRARY).splitlines()}
        self.assertNotIn("u", kinds, "GNU_UNIQUE symbols pin the library against dlclose")

    @unittest.skipUnless(SCRIPTING, "payload functions were not built")
    def test_the_script_engine_keeps_its_symbols(self):
        lines = [line.split() for line in run("nm", "-g", "--defined-only", SCRIPTING).splitlines()]
        names = {fields[2] for fields in lines if len(fields) == 3}
        plain = {name for name in names if not name.startswith("_Z") and "." not in name}
        self.assertIn("convoy_script_engine_run", plain)
        self.assertEqual(set(), {name for name in plain if not name.startswith("convoy_script_")})

    @unittest.skipIf(IS_SANITIZED, "sanitizers bring their own libraries")
    def test_needed_libraries(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", LIBRARY)))
        loaders = {name for name in needed if name.startswith("ld-linux")}
        self.assertEqual(needed - loaders - OPTIONAL, NEEDED)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
