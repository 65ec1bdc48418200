"""The binding, with a gateway inside Python's own HTTP server while its ssl module is in use."""
import base64
import gc
import hashlib
import hmac
import http.client
import http.server
import json
import logging
import os
import pathlib
import select
import ssl
import sys
import tempfile
import threading
import time
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
HASH_BEFORE = hashlib.sha256(b"before").hexdigest()  # OpenSSL is in use before the library is loaded
ssl.create_default_context()

import convoy  # noqa: E402
from convoy import _callbacks, _gateway  # noqa: E402


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


def api(gateway, key, method, path, body=None):
    """A call of the REST API without a server; returns its data."""
    reply = gateway.handle(method, path, [("Authorization", "Bearer " + key)],
                           json.dumps(body).encode() if body else b"")
    if reply.status not in (200, 201):
        raise AssertionError((reply.status, reply.body))
    return json.loads(reply.body)["data"]


def open_link(gateway):
    """The ingest link of a new source that takes anything."""
    key = gateway.bootstrap()
    project = api(gateway, key, "POST", "/api/v1/projects", {"name": "p", "type": "incoming"})
    source = api(gateway, key, "POST", f"/api/v1/projects/{project['project']['uid']}/sources",
                 {"name": "s", "type": "http", "verifier": {"type": "noop"}})
    return "/ingest/" + source["mask_id"]


class Streaming(unittest.TestCase):
    def setUp(self):
        self.gateway = convoy.Gateway(convoy.Config({"gateway.body_bytes_max": "1000"}))
        self.link = open_link(self.gateway)

    def test_a_body_in_pieces_is_one_body(self):
        incoming = self.gateway.begin("POST", self.link)
        for piece in (b"\x00", b"", b"x" * 998, b"\xff"):
            self.assertIsNone(incoming.feed(piece))
        reply = incoming.finish()
        self.assertEqual((reply.status, json.loads(reply.body)["data"]), (200, 1000))
        with self.assertRaisesRegex(convoy.ConvoyError, "answered"):
            incoming.finish()

    def test_a_body_too_large_is_answered_before_its_end(self):
        incoming = self.gateway.begin("POST", self.link)
        self.assertIsNone(incoming.feed(b"x" * 1000))
        self.assertEqual(incoming.feed(b"x").status, 413)
        with self.assertRaises(convoy.ConvoyError):
            incoming.feed(b"x")
        refused = self.gateway.begin("POST", self.link, [("Content-Length", "1001")])
        self.assertEqual(refused.status, 413)

    def test_heads_are_judged(self):
        self.assertIsNone(self.gateway.begin("GET", "/elsewhere"))
        self.assertEqual(self.gateway.begin("POST", "/ingest/unknown").status, 404)
        self.assertEqual(self.gateway.begin("GET", "/api/v1/projects").status, 401)

    def test_a_request_may_outlive_its_gateway(self):
        incoming = self.gateway.begin("POST", self.link)
        self.gateway = None
        gc.collect()
        with self.assertRaisesRegex(convoy.ConvoyError, "freed"):
            incoming.finish()


class Asynchronous(unittest.TestCase):
    def setUp(self):
        self.gateway = convoy.Gateway()
        self.link = open_link(self.gateway)

    def tearDown(self):
        self.assertEqual(len(_gateway._awaited), 0)

    def test_a_future_for_each_request(self):
        self.gateway.start()
        futures = [self.gateway.handle_async("POST", self.link, body=b"%d" % i) for i in range(100)]
        incoming = self.gateway.begin("POST", self.link)
        incoming.feed(b"{}")
        futures.append(incoming.finish_async())
        del incoming
        gc.collect()
        self.assertEqual([future.result(timeout=30).status for future in futures], [200] * 101)
        self.assertIsNone(self.gateway.handle_async("GET", "/elsewhere"))
        self.gateway.close()

    def test_pumped_by_pythons_select(self):
        future = self.gateway.handle_async("POST", self.link, body=b"{}")
        self.assertFalse(future.done())
        for _ in range(100):
            select.select([self.gateway], [], [], 0.1)
            self.gateway.step()
            if future.done():
                break
        self.assertEqual(future.result(timeout=0).status, 200)

    def test_calls_from_a_callback_are_refused(self):
        codes = []

        def on_done(_):
            for call in (self.gateway.step, self.gateway.close, self.gateway.bootstrap,
                         lambda: self.gateway.handle("GET", "/healthz"),
                         lambda: self.gateway.begin("GET", "/healthz")):
                try:
                    call()
                except convoy.ConvoyError as error:
                    codes.append(error.code)

        future = self.gateway.handle_async("POST", self.link, body=b"{}")
        future.add_done_callback(on_done)
        self.gateway.step()
        self.assertEqual(codes, [13] * 5)
        self.assertEqual(self.gateway.handle("GET", "/healthz").status, 200)


class Events(unittest.TestCase):
    def setUp(self):
        self.gateway = convoy.Gateway()
        self.key = self.gateway.bootstrap()
        made = api(self.gateway, self.key, "POST", "/api/v1/projects",
                   {"name": "p", "type": "outgoing"})
        self.project = made["project"]["uid"]
        self.base = "/api/v1/projects/" + self.project
        self.endpoint = api(self.gateway, self.key, "POST", self.base + "/endpoints", {
            "name": "e", "url": "https://receiver.test/", "owner_id": "acme"})["uid"]

    def deliveries(self, event_id):
        path = f"{self.base}/eventdeliveries?eventId={event_id}"
        reply = self.gateway.handle("GET", path.partition("?")[0],
                                    [("Authorization", "Bearer " + self.key)],
                                    query=path.partition("?")[2])
        return len(json.loads(reply.body)["data"]["content"])

    def test_one_endpoint_an_owner_everyone(self):
        first = self.gateway.ingest(self.project, "t", b'{"n":1}', endpoint_id=self.endpoint,
                                    custom_headers=[("X-Tenant", "acme")])
        self.assertEqual((first.is_duplicate, self.deliveries(first.event_id)), (False, 1))
        for audience, count in (({"owner_id": "acme"}, 1), ({"owner_id": "nobody"}, 0), ({}, 1)):
            receipt = self.gateway.ingest(self.project, "t", b"1", **audience)
            self.assertEqual(self.deliveries(receipt.event_id), count, audience)
        with self.assertRaises(ValueError):
            self.gateway.ingest(self.project, "t", b"1", endpoint_id="a", owner_id="b")

    def test_an_idempotency_key_counts_once(self):
        send = lambda: self.gateway.ingest(  # noqa: E731
            self.project, "t", b"{}", endpoint_id=self.endpoint, idempotency_key="ключ-1")
        self.assertEqual([send().is_duplicate for _ in range(3)], [False, True, True])

    def test_futures(self):
        self.gateway.start()
        futures = [self.gateway.ingest_async(self.project, "t", b"%d" % i,
                                             endpoint_id=self.endpoint) for i in range(50)]
        receipts = [future.result(timeout=30) for future in futures]
        self.assertEqual(len({receipt.event_id for receipt in receipts}), 50)
        refused = self.gateway.ingest_async(self.project, "t", b"{", endpoint_id=self.endpoint)
        with self.assertRaisesRegex(convoy.ConvoyError, "data"):
            refused.result(timeout=30)
        self.gateway.close()
        closed = self.gateway.ingest_async(self.project, "t", b"1", endpoint_id=self.endpoint)
        self.assertTrue(closed.exception(timeout=30).is_retriable)


class Logging(unittest.TestCase):
    def disable_endpoint(self, logger):
        """Sends an event to an endpoint without a listener, which gets it disabled."""
        config = convoy.Config({"deliver.allowed_networks": "127.0.0.0/8"}, logger=logger)
        gateway = convoy.Gateway(config)
        key = gateway.bootstrap()
        base = "/api/v1/projects/" + api(gateway, key, "POST", "/api/v1/projects", {
            "name": "p", "type": "outgoing", "config": {
                "disable_endpoint": True,
                "strategy": {"type": "linear", "duration": 1, "retry_count": 1}}})["project"]["uid"]
        endpoint = api(gateway, key, "POST", base + "/endpoints",
                       {"name": "e", "url": "http://127.0.0.1:1/"})["uid"]
        gateway.start()
        api(gateway, key, "POST", base + "/events",
            {"endpoint_id": endpoint, "event_type": "t", "data": {}})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            listed = api(gateway, key, "GET", base + "/endpoints/" + endpoint)
            if listed["status"] == "inactive":
                break
            time.sleep(0.01)
        self.assertEqual(listed["status"], "inactive")
        gateway.close()
        return endpoint

    def test_lines_arrive_with_their_level(self):
        logger = logging.getLogger("test.convoy")
        with self.assertLogs(logger, "WARNING") as seen:
            endpoint = self.disable_endpoint(logger)
        record = seen.records[0]
        self.assertEqual(record.levelno, logging.WARNING)
        self.assertEqual(record.getMessage(), f'endpoint disabled endpoint_id="{endpoint}"')
        self.assertEqual(record.convoy_event, "endpoint disabled")
        gc.collect()
        self.assertEqual(len(_callbacks.loggers), 0)

    def test_an_exception_of_the_logger_stays_in_python(self):
        class Broken(logging.Logger):
            def log(self, *_, **__):
                raise RuntimeError("a broken logger")

        seen = []
        before, sys.unraisablehook = sys.unraisablehook, lambda it: seen.append(str(it.exc_value))
        try:
            self.disable_endpoint(Broken("broken"))
        finally:
            sys.unraisablehook = before
        self.assertEqual(set(seen), {"a broken logger"})


class Binding(unittest.TestCase):
    def test_the_package_has_the_version_of_the_library(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        self.assertEqual(project["version"], convoy.version())

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

    def test_the_verifier_explains_what_would_make_a_request_pass(self):
        body = b'{"a":1}'
        digest = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        headers = [("X-Hub-Signature-256", "sha256=" + digest)]
        good = convoy.Verifier.explain("github", ["secret"], headers, body, 0)
        self.assertTrue(good["accepted"])
        spoilt = convoy.Verifier.explain("github", ["secret"], headers, b'{ "a": 1 }', 0)
        self.assertEqual(spoilt["reason"], "signature_mismatch")
        self.assertEqual(spoilt["causes"][0]["code"], "body_rewritten")
        self.assertNotIn("secret\"", str(spoilt))

    def test_the_verifier_takes_a_url_parameters_and_a_scheme(self):
        url, body = "https://hooks.example.com/in?a=1", b'{"n":1}'
        mac = base64.b64encode(hmac.digest(b"key", url.encode() + body, "sha256")).decode()
        square = convoy.Verifier("square", ["key"])
        headers = [("x-square-hmacsha256-signature", mac)]
        self.assertTrue(square.verify(headers, body, 0, url=url).is_accepted)
        self.assertFalse(square.verify(headers, body, 0, url=url + "2").is_accepted)
        mac = hmac.new(b"key", body, hashlib.sha256).hexdigest()
        headers = [("X-Pusher-Signature", mac), ("X-Pusher-Key", "mine")]
        for app_key, is_accepted in (("mine", True), ("other", False)):
            pusher = convoy.Verifier("pusher", ["key"], {"app_key": app_key})
            self.assertEqual(pusher.verify(headers, body, 0).is_accepted, is_accepted)
        with self.assertRaisesRegex(convoy.ConvoyError, "no_such"):
            convoy.Verifier("pusher", ["key"], {"no_such": "x"})
        old = hashlib.sha256(b"key" + body).hexdigest()
        headers = [("X-HubSpot-Signature", old), ("X-HubSpot-Signature-Version", "v1")]
        self.assertFalse(convoy.Verifier("hubspot", ["key"]).verify(headers, body, 0).is_accepted)
        hubspot = convoy.Verifier("hubspot", ["key"], scheme_name="v1")
        self.assertTrue(hubspot.verify(headers, body, 0).is_accepted)

    def test_the_verifier_answers_handshakes(self):
        answer = convoy.Verifier("dropbox", ["key"]).answer([], b"", 0, query="challenge=abc")
        self.assertEqual((answer.reply.status, answer.reply.body), (200, b"abc"))
        self.assertIsNone(convoy.Verifier("dropbox", ["key"]).answer([], b"", 0, query="a=b"))
        asana = convoy.Verifier("asana")
        answer = asana.answer([("X-Hook-Secret", "given")], b"{}", 0, method="POST")
        self.assertEqual(answer.learned_secret, "given")
        self.assertIn(("X-Hook-Secret", "given"), answer.reply.headers)

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


class Metrics(unittest.TestCase):
    def test_somebody_has_to_be_allowed_to_read_them(self):
        token = "only-for-the-metrics"
        with convoy.Gateway() as gateway:
            self.assertIsNone(gateway.handle("GET", "/metrics"))
        config = convoy.Config({"metrics.access": "token", "metrics.token": token})
        with convoy.Gateway(config) as gateway:
            self.assertEqual(gateway.handle("GET", "/metrics").status, 401)
            reply = gateway.handle("GET", "/metrics", [("Authorization", "Bearer " + token)])
            self.assertEqual(reply.status, 200)
            self.assertIn(b'\nconvoy_event_ingested_total{outcome="accepted"} 0\n', reply.body)

    def test_a_token_that_will_not_do_is_refused_and_not_repeated(self):
        with self.assertRaises(convoy.ConvoyError) as refused:
            convoy.Gateway(convoy.Config({"metrics.access": "token", "metrics.token": "short"}))
        self.assertIn("metrics_token", str(refused.exception))
        self.assertNotIn("short", str(refused.exception))
        with self.assertRaises(convoy.ConvoyError):
            convoy.Config({"metrics.access": "everyone"})


if __name__ == "__main__":
    unittest.main()
