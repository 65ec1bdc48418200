"""The Debian packages: their files and dependencies, and their use in a clean root of Debian 12.

    python3 tests/packages/test_debian.py        after script/packages, as root
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import roots
from roots import BUILD, ROOT, run

PACKAGES = ("libconvoy0", "libconvoy-verify0", "libconvoy-plugins", "libconvoy-dev", "convoyd")
CONSUMER = ROOT / "tests" / "abi" / "consumer"


def file_of(package):
    (file,) = BUILD.glob(f"{package}_*.deb")
    return file


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="convoy_debian_")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.trees = {}
        for package in PACKAGES:
            cls.trees[package] = pathlib.Path(cls.folder.name) / package
            run("dpkg-deb", "-x", file_of(package), cls.trees[package])

    def names(self, package):
        tree = self.trees[package]
        return {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}

    def test_each_file_is_in_one_package_and_each_package_has_its_licences(self):
        seen = {}
        for package in PACKAGES:
            names = self.names(package)
            self.assertIn(f"usr/share/doc/{package}/copyright", names)
            self.assertIn(f"usr/share/doc/{package}/changelog.Debian.gz", names)
            for name in names:
                self.assertNotIn(name, seen, f"{package} and {seen.get(name)}")
                seen[name] = package

    def test_the_libraries_are_their_packages(self):
        for package, library in (("libconvoy0", "libconvoy"), ("libconvoy-verify0", "libconvoy-verify")):
            files = {name for name in self.names(package) if "/doc/" not in name}
            self.assertTrue(all(re.search(rf"/{library}\.so\.0(\.\d+\.\d+)?$", name) for name in files), files)
            self.assertEqual(len(files), 2)
            self.assertTrue(all(name.startswith("usr/lib/") for name in files))

    def test_the_plug_ins_lie_in_a_folder_beside_the_library(self):
        (folder,) = {name.rpartition("/")[0] for name in self.names("libconvoy0") if "libconvoy.so" in name}
        files = {name for name in self.names("libconvoy-plugins") if "/doc/" not in name}
        self.assertEqual(files, {f"{folder}/convoy/libconvoy-{name}.so"
                                 for name in ("kafka", "amqp", "sqs", "pubsub", "postgres")})

    def test_binaries_are_stripped(self):
        for package in ("libconvoy0", "libconvoy-verify0", "libconvoy-plugins", "convoyd"):
            for path in self.trees[package].rglob("*"):
                if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF":
                    self.assertNotIn(".symtab", run("readelf", "-SW", path), path)

    def test_dependencies_are_those_of_the_binaries(self):
        depends = {package: run("dpkg-deb", "-f", file_of(package), "Depends") for package in PACKAGES}
        for name in ("libc6", "libstdc++6", "libsqlite3-0", "libcurl3-gnutls"):
            self.assertIn(name, depends["libconvoy0"])
            self.assertIn(name, depends["convoyd"])
        for package in PACKAGES:
            self.assertEqual("libpq5" in depends[package], package in ("libconvoy-plugins", "convoyd"), package)
        self.assertIn("libconvoy0 (= ", depends["libconvoy-plugins"])
        self.assertEqual(set(re.findall(r"(?:^|, )([\w.+-]+)", depends["libconvoy-verify0"])) -
                         {"libc6", "libgcc-s1", "libstdc++6"}, set())
        self.assertRegex(depends["libconvoy-dev"], r"libconvoy0 \(= [\d.]+-1\)")
        self.assertIn("libconvoy 0 libconvoy0", run("dpkg-deb", "-I", file_of("libconvoy0"), "shlibs"))

    def test_lintian_finds_no_error(self):
        done = subprocess.run(["lintian", "--fail-on", "error", "--allow-root",
                               *(str(file_of(package)) for package in PACKAGES)],
                              capture_output=True, text=True)
        print(done.stdout, file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class CleanRoot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = roots.Root("bookworm")
        cls.addClassCleanup(cls.root.remove)
        for package in PACKAGES:
            shutil.copy(file_of(package), cls.root.path / "tmp")
        cls.environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        cls.root.run("apt-get", "update", "-qq", env=cls.environment)
        cls.install("libconvoy0", "libconvoy-verify0", "convoyd")

    @classmethod
    def install(cls, *packages, more=()):
        files = [f"/tmp/{file_of(package).name}" for package in packages]
        cls.root.run("apt-get", "install", "-qq", "--no-install-recommends", *files, *more,
                     env=cls.environment)

    def test_the_server_runs(self):
        answer = self.root.run("/usr/bin/convoyd", "bootstrap", "--database", "/tmp/events.db")
        self.assertIn('"api_key":"CO.', answer)
        listing = self.root.run("/usr/bin/convoyd", "presets")
        self.assertIn("github", listing)
        unit = self.root.path / "usr/lib/systemd/system/convoyd.service"
        self.assertIn("/usr/bin/convoyd serve", unit.read_text())

    def test_programs_are_built_and_run_with_the_packages(self):
        self.install("libconvoy-dev", more=("gcc", "libc6-dev", "libstdc++-12-dev", "pkg-config"))
        shutil.copy(CONSUMER / "verify.c", self.root.path / "tmp")
        for package, library in (("convoy", "libconvoy.so.0"), ("convoy-verify", "libconvoy-verify.so.0")):
            for static in ("", "--static"):
                with self.subTest(package=package, static=static):
                    # Where both are installed -l finds the shared one.
                    archive = f"s/-l{package}/-l:lib{package}.a/" if static else ""
                    self.root.run("sh", "-ec", f"gcc -std=c99 /tmp/verify.c -o /tmp/verify "
                                  f"$(pkg-config {static} --cflags --libs {package} | sed '{archive}')")
                    self.assertEqual(self.root.run("/tmp/verify").strip(), "verified")
                    self.assertEqual(library in self.root.run("ldd", "/tmp/verify"), not static)

    def test_the_plug_ins_are_found(self):
        self.install("libconvoy-dev", "libconvoy-plugins", more=("gcc", "libc6-dev", "pkg-config"))
        shutil.copy(CONSUMER / "adapters.c", self.root.path / "tmp")
        self.root.run("sh", "-ec", "gcc -std=c99 /tmp/adapters.c -o /tmp/adapters "
                      "$(pkg-config --cflags --libs convoy)")
        names = "kafka,amqp,sqs,pubsub"
        self.assertEqual(self.root.run("/tmp/adapters", names).strip(), f"loaded {names}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
