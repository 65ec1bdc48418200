"""The binding, with a gateway inside Python's own HTTP server while its ssl module is in use."""
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import ssl
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
HASH_BEFORE = hashlib.sha256(b"before").hexdigest()  # OpenSSL is in use before the library is loaded
ssl.create_default_context()

import convoy  # noqa: E402
from convoy._library import DECLARATIONS  # noqa: E402

HEADER = pathlib.Path(__file__).resolve().parents[3] / "capi" / "convoy.h"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes deliveries."""

    seen: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.seen.append((dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Binding(unittest.TestCase):
    def test_declarations_are_those_of_the_header(self):
        declared = set(re.findall(r"CONVOY_API[^;(]*?\b(convoy_\w+)\(", HEADER.read_text()))
        self.assertEqual(set(DECLARATIONS), declared)

    def test_errors_are_exceptions_that_name_the_setting(self):
        with self.assertRaisesRegex(convoy.ConvoyError, "deliver.lease_s"):
            convoy.Config({"deliver.lease_s": "0"})
        with self.assertRaisesRegex(convoy.ConvoyError, "no.such"):
            convoy.Config({"no.such": "1"})
        with self.assertRaises(convoy.ConvoyError):
            convoy.Verifier("nobody", ["x"])

    def test_the_verifier_agrees_with_hmac_of_python(self):
        verifier = convoy.Verifier("github", ["old", "secret"])
        for size in (0, 1, 1000, 100_000):
            body = os.urandom(size)
            mac = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
            headers = [("X-Hub-Signature-256", "sha256=" + mac), ("X-GitHub-Delivery", "id-1")]
            verdict = verifier.verify(headers, body, 0)
            self.assertTrue(verdict.is_accepted)
            self.assertEqual((verdict.secret_index, verdict.event_id), (1, "id-1"))
            self.assertEqual(verifier.verify(headers, body + b"x", 0).reason, "signature_mismatch")

    def test_a_gateway_in_pythons_own_server(self):
        with tempfile.TemporaryDirectory() as folder:
            config = convoy.Config({"storage.path": os.path.join(folder, "events.db"),
                                    "deliver.allowed_networks": "127.0.0.0/8"})
            with convoy.Gateway(config) as gateway:
                self.play(gateway)

    def play(self, gateway):
        key = gateway.bootstrap()

        class Host(http.server.BaseHTTPRequestHandler):
            def answer(self):
                if not convoy.mount(gateway, self):
                    self.send_response(418)
                    self.end_headers()

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        host, receiver = serve(Host), serve(Receiver)
        gateway.start()

        def call(method, path, body=None, headers=None, status=200):
            connection = http.client.HTTPConnection(*host.server_address)
            connection.request(method, path, body, headers or {"Authorization": "Bearer " + key})
            response = connection.getresponse()
            text = response.read()
            connection.close()
            self.assertEqual(response.status, status, text)
            return json.loads(text) if text else None

        call("GET", "/elsewhere", status=418)
        call("GET", "/api/v1/projects", headers={"X": "y"}, status=401)
        made = call("POST", "/api/v1/projects",
                    json.dumps({"name": "p", "type": "incoming"}), status=201)
        base = "/api/v1/projects/" + made["data"]["project"]["uid"]
        url = "http://127.0.0.1:%d/hook" % receiver.server_address[1]
        endpoint = call("POST", base + "/endpoints", json.dumps({"name": "e", "url": url}),
                        status=201)["data"]["uid"]
        source = call("POST", base + "/sources", json.dumps(
            {"name": "s", "type": "http", "provider": "github",
             "verifier": {"type": "hmac", "hmac": {"secret": "secret"}}}), status=201)["data"]
        call("POST", base + "/subscriptions", json.dumps(
            {"name": "b", "endpoint_id": endpoint, "source_id": source["uid"]}), status=201)

        body = b"\x00\xff bytes"
        mac = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        link = "/ingest/" + source["mask_id"]
        call("POST", link, body, {"X-Hub-Signature-256": mac})
        call("POST", link, body, {"X-Hub-Signature-256": mac[:-1] + "_"}, status=400)
        deadline = time.monotonic() + 30
        while not Receiver.seen and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual([seen[1] for seen in Receiver.seen], [body])
        self.assertTrue(Receiver.seen[0][0]["X-Convoy-Signature"].startswith("t="))
        host.shutdown()
        receiver.shutdown()
        host.server_close()
        receiver.server_close()

    def test_openssl_of_python_still_works(self):
        self.assertEqual(hashlib.sha256(b"before").hexdigest(), HASH_BEFORE)
        self.assertTrue(ssl.create_default_context().get_ca_certs is not None)
        ssl.RAND_bytes(16)


if __name__ == "__main__":
    unittest.main()
