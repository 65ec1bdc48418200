"""nginx with the module under valgrind: no use of memory that is not there, and none of the module's or
the library's left at the end, with requests of all kinds and clients that go away."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import unittest

import nginx
from nginx import host

SERVER = """
location /github { convoy_verify github {folder}/secret; client_max_body_size 8m; proxy_pass UPSTREAM; }
location /x { convoy_verify x {folder}/secret; proxy_pass UPSTREAM; }
location /ingest/ { convoy_mount {folder}/events.db deliver.allowed_networks=127.0.0.0/8; }
location /api/ { convoy_mount {folder}/events.db; }
location /ingest/verified { convoy_verify github {folder}/secret; convoy_mount {folder}/events.db; }
location /declined/ { convoy_mount {folder}/events.db; }
"""


@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class MemoryTest(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__, None, None, None)
        pathlib.Path(self.folder, "secret").write_text("s")
        self.key = host.bootstrap(self.folder + "/events.db")
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)
        self.nginx = nginx.Nginx(self.folder, SERVER.replace("UPSTREAM", self.inbox.url))
        self.log = pathlib.Path(self.folder, "valgrind.log")
        # One process, so that it is the worker, too.
        self.process = subprocess.Popen(
            ["valgrind", "--leak-check=full", "--show-leak-kinds=definite", "--error-exitcode=9",
             "--errors-for-leak-kinds=none", f"--log-file={self.log}",
             *self.nginx.command("-g", "daemon off; master_process off;")])
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        client = self.nginx.client()
        host.wait_until(lambda: self.answers(client), "nginx", 120)
        client.close()

    def answers(self, client):
        try:
            return client.send("GET", "/declined/").status == 404
        except OSError:
            return False

    def send_all(self, path):
        for size in (0, 10, 9000, 100_000):
            body = os.urandom(size)
            genuine = nginx.github("s", body)
            self.assertEqual(self.nginx.send("POST", "/github", body, genuine).status, 200)
            self.assertEqual(self.nginx.send("POST", "/github", body, {}).status, 403)
            self.assertEqual(self.nginx.send("POST", path, body, {"X-Id": str(size)}).status, 200)
            self.assertEqual(self.nginx.send("POST", "/ingest/verified", body, genuine).status, 404)
        self.assertEqual(self.nginx.send("POST", path, (b"x" * 1000 for _ in range(50))).status, 200)
        self.assertEqual(self.nginx.send("GET", "/x?crc_token=abc").status, 200)
        self.assertEqual(self.nginx.send("POST", "/ingest/none", b"{}").status, 404)

    def go_away(self, path):
        head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"
        for part in ("", "{", "null") * 5:
            with socket.create_connection(("127.0.0.1", self.nginx.port)) as gone:
                gone.sendall((head + part).encode())
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def test_all_kinds_of_requests(self):
        admin = self.nginx.client(self.key)
        project = host.Project(admin, "p", "incoming")
        source = project.source("s", idempotency_keys=["request.header.X-Id"])
        project.subscribe("s", project.endpoint("e", self.inbox.url + "/e"), source)
        path = f"/ingest/{source['mask_id']}"
        self.send_all(path)
        self.go_away(path)
        self.go_away("/github")
        host.wait_until(lambda: {each["status"] for each in project.deliveries()} == {"Success"},
                        "deliveries", 60)
        project.client.close()
        admin.close()
        self.process.send_signal(signal.SIGQUIT)
        self.assertEqual(self.process.wait(120), 0, self.log.read_text())
        lost = re.split(r"^==\d+== \n", self.log.read_text(), flags=re.M)
        self.assertEqual([record for record in lost if "definitely lost in" in record and
                          "convoy" in record], [])


if __name__ == "__main__":
    unittest.main()
