"""The Caddy module in a real Caddy: genuine and forged webhooks, durable intake over reloads and kills."""
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bindings" / "python"))

import convoy  # noqa: E402

SECRETS = (b"an old secret", b"a new secret")
STARTED_S = 60
CONFIGURATION = """{
	admin 127.0.0.1:%(admin)d
	auto_https off
	storage file_system %(folder)s/storage
}
http://127.0.0.1:%(port)d {
	convoy {
		storage.path %(folder)s/events.db
		gateway.public_url {env.PUBLIC_URL}
	}
	route /github {
		convoy_verify github %(folder)s/secrets {
			body_max 1000B
		}
		reverse_proxy 127.0.0.1:%(upstream)d
	}
	respond /mine "%(text)s"
}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Upstream:
    """A server that keeps what it gets."""

    def __init__(self):
        self.bodies = bodies = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Caddy(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "secrets").write_bytes(b"\n".join(SECRETS) + b"\n")
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)
        self.port, self.admin = free_port(), free_port()
        self.project, self.link = self.make_source()
        self.process = None
        self.addCleanup(self.stop)

    def make_source(self):
        with self.gateway() as gateway:
            project = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "incoming"})
            path = f"/api/v1/projects/{project['project']['uid']}"
            source = gateway.call("POST", path + "/sources", {
                "name": "s", "type": "http", "verifier": {"type": "noop"},
                "idempotency_keys": ["request.header.X-Number"]})
            return path, source["mask_id"]

    def gateway(self):
        return convoy.Gateway(convoy.Config({"storage.path": str(self.folder / "events.db")}))

    def configure(self, text="hello", more=""):
        path = self.folder / "Caddyfile"
        path.write_text(CONFIGURATION % {"folder": self.folder, "port": self.port, "text": text,
                                         "admin": self.admin, "upstream": self.upstream.port} + more)
        return path

    def caddy(self, *words):
        return [CADDY, *words, "--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")]

    def start(self):
        self.configure()
        environment = {**os.environ, "PUBLIC_URL": "http://hooks.example.com", "HOME": str(self.folder)}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.caddy("run"), env=environment, stdout=log, stderr=log)
        end = time.monotonic() + STARTED_S
        while True:
            with contextlib.suppress(OSError):
                return self.assertEqual(self.send("GET", "/mine")[0], 200)
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)

    def send(self, method, path, body=b"", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def send_signed(self, body, secret=SECRETS[0]):
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        return self.send("POST", "/github", body, {"X-Hub-Signature-256": "sha256=" + signature})[0]

    def stored(self):
        """Numbers of all events but duplicates, after the server is gone."""
        with contextlib.closing(sqlite3.connect(self.folder / "events.db")) as database:
            rows = database.execute("SELECT body FROM event WHERE is_duplicate = 0").fetchall()
        return [json.loads(body)["n"] for (body,) in rows]

    def test_only_genuine_webhooks_reach_the_upstream(self):
        self.start()
        self.assertEqual(self.send_signed(b'{"n":1}'), 202)
        self.assertEqual(self.send_signed(b'{"n":2}', SECRETS[1]), 202)
        self.assertEqual(self.send_signed(b'{"n":3}', b"another secret"), 401)
        self.assertEqual(self.send("POST", "/github", b"{}")[0], 401)
        self.assertEqual(self.send_signed(b"x" * 1000), 202)
        self.assertEqual(self.send_signed(b"x" * 1001), 413)
        self.assertEqual(self.upstream.bodies, [b'{"n":1}', b'{"n":2}', b"x" * 1000])

    def ingest(self, number, tries=1):
        """None: no connection, or it broke. Every answer is a success."""
        for _ in range(tries):
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = self.send("POST", f"/ingest/{self.link}", b'{"n":%d}' % number,
                                   {"X-Number": str(number)})[0]
                self.assertEqual(status, 200)
                return number
        return None

    def test_events_are_durable_and_a_reload_keeps_the_gateway_open(self):
        self.start()
        self.assertEqual(self.send("GET", "/mine"), (200, b"hello"))
        self.assertEqual(self.send("POST", "/ingest/unknown", b"{}")[0], 404)
        with concurrent.futures.ThreadPoolExecutor(8) as senders:
            # Caddy itself resets connections that wait to be accepted by the old configuration.
            sent = [senders.submit(self.ingest, number, 5) for number in range(600)]
            for text in ("once", "twice"):
                self.configure(text)
                subprocess.run(self.caddy("reload"), check=True, capture_output=True, timeout=60,
                               env={**os.environ, "HOME": str(self.folder)})
                self.assertEqual(self.send("GET", "/mine")[1].decode(), text)
            self.assertEqual({each.result() for each in sent}, set(range(600)))
        self.stop()
        self.assertEqual(sorted(self.stored()), list(range(600)))

    def test_a_killed_server_has_lost_nothing_that_it_answered(self):
        self.start()
        with concurrent.futures.ThreadPoolExecutor(8) as senders:
            sent = [senders.submit(self.ingest, number) for number in range(4000)]
            while sum(each.done() for each in sent) < 200:
                time.sleep(0.01)
            self.stop(signal.SIGKILL)
            answered = {each.result() for each in sent} - {None}
        stored = self.stored()
        self.assertGreaterEqual(len(answered), 150)
        self.assertLess(len(answered), 4000)
        self.assertLessEqual(answered, set(stored))
        self.assertEqual(len(stored), len(set(stored)))
        print(f"\nkilled: answered {len(answered)}, stored {len(stored)}", flush=True)

    def check(self, expected, more):
        self.configure(more=more)
        done = subprocess.run(self.caddy("validate"), capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PUBLIC_URL": "http://h", "HOME": str(self.folder)})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(expected, done.stdout + done.stderr)

    def test_mistakes_are_found_by_validate(self):
        site = "http://127.0.0.1:1 {\n\t%s\n}\n"
        self.check("setting called", site % "convoy {\n\t\tstorage.pat x\n\t}")
        self.check("set twice", site % "convoy {\n\t\tlocal.names a\n\t\tlocal.names b\n\t}")
        self.check("githup", site % f"convoy_verify githup {self.folder}/secrets")
        self.check("secret_file", site % f"convoy_verify github {self.folder}/none")
        self.check("no size", site % f"convoy_verify github {self.folder}/secrets {{\n\t\tbody_max big\n\t}}")
        self.check("NO_SUCH", site % "convoy {\n\t\tgateway.public_url {env.NO_SUCH}\n\t}")


def build():
    """The program, in a folder that is kept; exits with CTest's code for skipped without Go's proxy, or
    with a Go of before 1.21, which does not fetch the version that Caddy wants."""
    version = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout
    if int(re.search(r"go1\.(\d+)", version)[1]) < 21:
        print("skipped: Caddy wants a Go that is newer than", version.strip())
        sys.exit(77)
    folder = pathlib.Path(os.environ["CONVOY_BIN_DIR"]) / "caddy"
    done = subprocess.run(["go", "build", "-p", "2", "-o", str(folder), "./cmd/caddy"], text=True,
                          cwd=ROOT / "examples" / "caddy", env={**os.environ, "CGO_ENABLED": "0"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        is_away = "dial tcp" in done.stdout or "proxyconnect" in done.stdout
        print("skipped: Go's proxy cannot be reached" if is_away else done.stdout)
        sys.exit(77 if is_away else 1)
    return str(folder)


if __name__ == "__main__":
    CADDY = build()
    unittest.main(verbosity=2)
