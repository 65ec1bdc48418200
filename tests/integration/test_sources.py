"""Third-party sources: what is pinned is checked, and the build's SPDX document names it."""
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import host

SCRIPT = host.ROOT / "script" / "sources"
PARTS = json.loads((host.ROOT / "script" / "third_party.json").read_text())


def run(*words):
    return subprocess.run([str(SCRIPT), *words], capture_output=True, text=True, timeout=60)


class SourcesTest(unittest.TestCase):
    def test_a_source_that_differs_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("check", folder).returncode, 1, "nothing was checked")
            for file in PARTS["abseil"]["sha256"]:
                pathlib.Path(folder, file).write_bytes(b"something else")
            done = run("check", folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("abseil", done.stderr)

    def test_every_static_part_has_a_version_and_hashes(self):
        for name, part in PARTS.items():
            if "static" not in part["linked"]:
                continue
            self.assertTrue(part["version"] and part["sha256"], name)
            for digest in part["sha256"].values():
                self.assertEqual(len(digest), 2 * hashlib.sha256().digest_size)
        self.assertIn("abseil=", run("pins").stdout)
        for name in ("boringssl", "quickjs"):
            self.assertIn(PARTS[name]["pypi_version"], run("folder", name).stdout)

    def test_the_sbom_names_what_is_inside(self):
        folder = pathlib.Path(os.environ.get("CONVOY_BIN_DIR", "")).parent
        with tempfile.TemporaryDirectory() as made:
            path = folder / "libconvoy.spdx.json"
            if not path.exists():  # a build of single targets
                path = pathlib.Path(made, "sbom.json")
                self.assertEqual(run("sbom", str(path)).returncode, 0)
            document = json.loads(path.read_text())
        self.assertEqual(document["spdxVersion"], "SPDX-2.3")
        packages = {package["name"]: package for package in document["packages"]}
        for name in PARTS:
            self.assertIn(name, packages)
        digest = packages["boringssl"]["checksums"][0]["checksumValue"]
        self.assertIn(digest, PARTS["boringssl"]["sha256"].values())
        ids = {package["SPDXID"] for package in document["packages"]}
        for relation in document["relationships"]:
            self.assertIn(relation["relatedSpdxElement"], ids)


if __name__ == "__main__":
    unittest.main()
