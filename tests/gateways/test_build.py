"""The commands of docs/nginx.md that build the module against an installed library: what they make is
loaded by nginx."""
import os
import pathlib
import re
import subprocess
import unittest

import nginx
from nginx import host

SOURCES = pathlib.Path("/usr/share/nginx/src")


@unittest.skipUnless(SOURCES.exists(), "nginx-dev is not installed")
class BuildTest(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.folder = pathlib.Path(folder.__enter__())
        self.addCleanup(folder.__exit__, None, None, None)

    def test_with_nginxs_own_commands(self):
        library = pathlib.Path(host.binary()).parents[1] / "lib"
        (self.folder / "convoy.pc").write_text(
            f"includedir={host.ROOT}/capi\nName: convoy\nDescription: x\nVersion: 0\n"
            f"Libs: -L{library} -lconvoy\n")
        subprocess.run(["cp", "-rs", SOURCES, self.folder / "sources"], check=True)
        page = (host.ROOT / "docs" / "nginx.md").read_text()
        command = re.search(r"^\./configure .*$", page, re.M)[0].replace("…", str(host.ROOT))
        done = subprocess.run(
            ["bash", "-euc", command], cwd=self.folder / "sources", capture_output=True, text=True,
            timeout=300, env={**os.environ, "PKG_CONFIG_PATH": str(self.folder)})
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        module = self.folder / "sources" / "objs" / "ngx_http_convoy_module.so"
        (self.folder / "secret").write_text("s")
        server = nginx.Nginx(
            str(self.folder), "location / { convoy_verify github {folder}/secret; }",
            load=f"load_module {module};",
            environment={**os.environ, "LD_LIBRARY_PATH": str(library)})
        self.assertEqual(server.check()[0], 0, server.check()[1])


if __name__ == "__main__":
    unittest.main()
