"""Exported symbols of the shared libraries: the functions of their headers, and nothing else."""
import os
import re
import subprocess
import sys
import unittest

LIBRARY, HEADER = sys.argv[1], sys.argv[2]
IS_SANITIZED = len(sys.argv) > 3 and sys.argv[3] != ""
SCRIPTING = sys.argv[4] if len(sys.argv) > 4 else ""  # libconvoy_script.a, if it was built

sys.path.insert(0, os.path.dirname(HEADER))
import convoy_header  # noqa: E402

PLUGINS = [f"libconvoy-{name}.so" for name in ("kafka", "amqp", "sqs", "pubsub", "postgres")]

# Libraries that are loaded directly with libconvoy.
NEEDED = {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "libsqlite3.so.0",
          "libcurl-gnutls.so.4"}
OPTIONAL = {"libbrotlidec.so.1", "libre2.so.9"}  # CONVOY_BROTLI, CONVOY_RE2


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exports_of(library):
    lines = [line.split() for line in run("nm", "-D", "--defined-only", library).splitlines()]
    return {fields[2].split("@")[0] for fields in lines if fields[1] != "A"}


def beside(name):
    return os.path.join(os.path.dirname(LIBRARY), name)


def plugins():
    """Those that were built."""
    return [path for path in map(beside, PLUGINS) if os.path.exists(path)]


class Exports(unittest.TestCase):
    def test_exports_are_the_functions_of_the_header(self):
        declared = set(convoy_header.functions(
            convoy_header.read_all(HEADER, convoy_header.OF_LIBRARY)))
        self.assertGreater(len(declared), 30)
        self.assertEqual(exports_of(LIBRARY), declared)

    def test_the_suites_export_the_functions_of_their_header(self):
        declared = set(convoy_header.functions(
            convoy_header.read_all(HEADER, ("convoy_testing.h",))))
        self.assertEqual(exports_of(beside("libconvoy-testing.so")), declared)

    def test_a_plug_in_exports_its_entry_point(self):
        for path in plugins():
            with self.subTest(plugin=path):
                is_store = path.endswith("-postgres.so")
                self.assertEqual(exports_of(path),
                                 {"convoy_store_plugin" if is_store else "convoy_plugin_1"})

    @unittest.skipIf(IS_SANITIZED, "sanitizers bring their own libraries")
    def test_a_plug_in_needs_nothing_of_libconvoy_but_its_client_library(self):
        for path in plugins():
            with self.subTest(plugin=path):
                self.assertNotIn("libconvoy", run("readelf", "-d", path).replace(path, ""))

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
