"""Installs the build into an empty folder and uses it from there as a stranger would."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE, BUILD, CONSUMER, VERSION, CC = sys.argv[1:6]
SONAME = "libconvoy.so.0"


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout[-6000:]}{done.stderr[-6000:]}")
    return done.stdout


def is_ours(symbol):
    """True for a strong symbol in a name space of libconvoy's own, judged by its mangled name."""
    return (symbol.startswith("convoy_") or "convoy_lts" in symbol or "convoy_bssl" in symbol or
            re.match(r"_Z(Thn\d+_)?[A-Z]*N?K?[A-Za-z]*6convoy", symbol) or "16convoy_rapidjson" in symbol)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="convoy_install_")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        first = os.path.join(cls.folder, "first")
        run(CMAKE, "--install", BUILD, "--prefix", first)
        # Nothing may remember where it was installed.
        cls.prefix = os.path.join(cls.folder, "moved")
        os.rename(first, cls.prefix)
        (pc_folder,) = [where for where, _, files in os.walk(cls.prefix) if "convoy.pc" in files]
        cls.libdir = os.path.dirname(pc_folder)
        cls.environment = dict(os.environ, PKG_CONFIG_PATH=pc_folder)

    def test_library_has_its_soname_and_links(self):
        real = os.path.join(self.libdir, f"libconvoy.so.{VERSION}")
        self.assertTrue(os.path.isfile(real) and not os.path.islink(real))
        self.assertIn(f"[{SONAME}]", run("readelf", "-d", real))
        for name in (SONAME, "libconvoy.so"):
            self.assertEqual(os.path.realpath(os.path.join(self.libdir, name)),
                             os.path.realpath(real))

    def test_no_installed_text_names_the_build(self):
        for where, _, files in os.walk(self.prefix):
            for name in files:
                if name.endswith((".h", ".cmake", ".pc")):
                    with open(os.path.join(where, name), errors="replace") as file:
                        self.assertNotIn(BUILD, file.read(), name)

    def test_archive_defines_no_strong_symbol_outside_our_name_spaces(self):
        archive = os.path.join(self.libdir, "libconvoy.a")
        listing = run("nm", "--defined-only", "--extern-only", archive)
        strong = set(re.findall(r"^\w+ [TDBRC] (\S+)$", listing, flags=re.M))
        self.assertGreater(len(strong), 1000)
        self.assertEqual([name for name in sorted(strong) if not is_ours(name)], [])

    def build_by_pkg_config(self, package, environment, *options):
        flags = run("pkg-config", *options, "--cflags", "--libs", package, env=environment).split()
        program = os.path.join(self.folder, "by_pkg_config_" + "".join([package, *options]))
        run(CC, "-std=c99", os.path.join(CONSUMER, "verify.c"), "-o", program, *flags,
            f"-Wl,-rpath,{self.libdir}")
        self.assertEqual(run(program).strip(), "verified")
        return run("ldd", program)

    def test_c_programs_by_pkg_config(self):
        for package in ("convoy", "convoy-verify"):
            with self.subTest(package=package):
                self.assertEqual(run("pkg-config", "--modversion", package,
                                     env=self.environment).strip(), VERSION)
                self.assertIn(f"lib{package}.so.0", self.build_by_pkg_config(package, self.environment))

    def test_adapters_are_found_where_they_are_installed(self):
        folder = os.path.join(self.libdir, "convoy")
        found = set(os.listdir(folder) if os.path.isdir(folder) else ())
        names = [name for name in ("kafka", "amqp", "sqs", "pubsub") if f"libconvoy-{name}.so" in found]
        self.assertEqual([name for name in os.listdir(self.libdir)
                          if re.match(r"libconvoy-(kafka|amqp|sqs|pubsub|postgres)", name)], [])
        flags = run("pkg-config", "--cflags", "--libs", "convoy", env=self.environment).split()
        program = os.path.join(self.folder, "adapters")
        run(CC, "-std=c99", os.path.join(CONSUMER, "adapters.c"), "-o", program, *flags,
            f"-Wl,-rpath,{self.libdir}")
        if names:
            self.assertEqual(run(program, ",".join(names)).strip(), f"loaded {','.join(names)}")
        self.assertIn(f"{folder}/libconvoy-none.so is not there: install", run(program, "none"))

    def test_static_c_programs_by_pkg_config(self):
        only_archive = os.path.join(self.folder, "only_archive")
        shutil.copytree(self.prefix, only_archive, symlinks=True)
        libdir = self.libdir.replace(self.prefix, only_archive)
        for name in os.listdir(libdir):
            if re.match(r"libconvoy[\w-]*\.so", name):
                os.unlink(os.path.join(libdir, name))
        environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(libdir, "pkgconfig"))
        self.assertNotIn("libconvoy", self.build_by_pkg_config("convoy", environment, "--static"))
        libraries = self.build_by_pkg_config("convoy-verify", environment, "--static")
        for name in ("libconvoy", "libsqlite3", "libcurl", "libbrotli"):
            self.assertNotIn(name, libraries)

    def test_licences_are_installed(self):
        folder = os.path.join(self.prefix, "share", "licenses", "libconvoy")
        for name, text in (("LICENSE", "Apache License"), ("LICENSE.abseil", "Apache License"),
                           ("LICENSE.boringssl", "Apache License"), ("LICENSE.rapidjson", "Milo Yip")):
            with open(os.path.join(folder, name)) as file:
                self.assertIn(text, file.read(), name)

    def test_programs_by_find_package(self):
        build = os.path.join(self.folder, "consumer")
        run(CMAKE, "-S", CONSUMER, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
            f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DEXPECTED_VERSION={VERSION}")
        run(CMAKE, "--build", build)
        programs = [("c_shared", True), ("c_static", False), ("cxx_shared", True),
                    ("cxx_static", False), ("conformance", False), ("ui", False),
                    ("otlp", False), ("verify_shared", False), ("verify_static", False),
                    ("parts_conformance", False), ("parts_host", True),
                    ("parts_storage_conformance", False), ("parts_storage_host", True),
                    ("host_linked", True), ("host_loaded", False), ("host_archive", False)]
        if os.path.exists(os.path.join(self.prefix, "lib", "libconvoy_script.a")):
            programs.append(("functions", False))
            self.assertTrue(os.path.exists(os.path.join(
                self.prefix, "share", "licenses", "libconvoy", "LICENSE.quickjs")))
        for name, is_shared in programs:
            with self.subTest(program=name):
                program = os.path.join(build, name)
                self.assertEqual(run(program, cwd=build).strip(), "verified")
                libraries = run("ldd", program)
                self.assertEqual(SONAME in libraries, is_shared)
                self.assertEqual("libconvoy-verify.so.0" in libraries, name == "verify_shared")
                if name.startswith("verify_"):
                    self.assertNotIn("libsqlite3", libraries)
                if name.startswith("host_"):  # the test is worth nothing without them
                    self.assertIn("libcrypto.so.3", libraries)
                    self.assertIn("libabsl_", libraries)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
