"""Both directives over HTTP/2, where streams of one connection are read and answered side by side."""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import unittest

import nginx
from nginx import host

PORT = nginx.free_port()
SERVER = """
listen 127.0.0.1:%d http2;
client_max_body_size 8m;
location / { return 200 plain; }
location /github { convoy_verify github {folder}/secret; proxy_pass UPSTREAM; }
location /ingest/ { convoy_mount {folder}/events.db; }
location /api/ { convoy_mount {folder}/events.db; }
""" % PORT


class Http2Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = host.Folder()
        cls.folder = folder.__enter__()
        cls.addClassCleanup(folder.__exit__, None, None, None)
        pathlib.Path(cls.folder, "secret").write_text("s")
        key = host.bootstrap(cls.folder + "/events.db")
        cls.upstream = host.Inbox()
        cls.addClassCleanup(cls.upstream.close)
        cls.nginx = nginx.Nginx(cls.folder, SERVER.replace("UPSTREAM", cls.upstream.url))
        cls.nginx.__enter__()
        cls.addClassCleanup(cls.nginx.__exit__)
        admin = cls.nginx.client(key)
        cls.addClassCleanup(admin.close)
        cls.project = host.Project(admin, "p", "incoming")
        cls.addClassCleanup(cls.project.client.close)
        cls.source = cls.project.source("s", idempotency_keys=["request.header.X-Id"])

    def curl(self, path, body, headers, *flags):
        """The status; 0 if curl gave up."""
        words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        out = subprocess.run(
            ["curl", "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--data-binary", "@-",
             "--http2-prior-knowledge", *words, *flags, f"http://127.0.0.1:{PORT}{path}"],
            input=body, stdout=subprocess.PIPE, timeout=60).stdout.decode()
        version, status = out.split()
        if status != "000":
            self.assertEqual(version, "2")
        return int(status)

    def test_verification(self):
        for size in (0, 100, 20_000, 2_000_000):
            body = os.urandom(size)
            with self.subTest(size=size):
                self.assertEqual(self.curl("/github", body, nginx.github("s", body)), 200)
                self.assertEqual(self.upstream.bodies("/github")[-1], body)
                self.assertEqual(self.curl("/github", body, nginx.github("x", body)), 403)

    def test_intake(self):
        path = f"/ingest/{self.source['mask_id']}"
        bodies = [json.dumps("x" * size).encode() for size in (1, 100, 20_000, 2_000_000)] * 4
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda item: self.curl(path, item[1], {"X-Id": f"a{item[0]}"}),
                                  enumerate(bodies)))
        self.assertEqual(codes, [200] * 16)
        self.assertEqual(len(self.project.events()), 16)

    def test_streams_that_are_given_up(self):
        path = f"/ingest/{self.source['mask_id']}"
        for target in (path, "/github"):
            for _ in range(5):
                self.curl(target, b"x" * 4_000_000, {}, "--limit-rate", "1M", "--max-time", "0.2")
        self.assertEqual(self.nginx.send("GET", "/").body, b"plain")
        self.assertEqual(self.nginx.serious(), [])


if __name__ == "__main__":
    unittest.main()
