"""The gateway in servers of WSGI, with the dashboard."""
import http.client
import io
import json
import pathlib
import sys
import threading
import unittest
import wsgiref.simple_server
import wsgiref.validate

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import convoy  # noqa: E402


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


def other(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application's own"]


class WsgiTest(unittest.TestCase):
    def serve(self, application=other, **settings):
        gateway = convoy.Gateway(convoy.Config({"ui.prefix": "/ui", **settings}))
        self.addCleanup(gateway.close)
        self.key = gateway.bootstrap()
        made = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "incoming"})
        source = gateway.call("POST", f"/api/v1/projects/{made['project']['uid']}/sources",
                              {"name": "s", "type": "http", "verifier": {"type": "noop"}})
        self.link = "/ingest/" + source["mask_id"]
        self.events = f"/api/v1/projects/{made['project']['uid']}/events"
        self.application = convoy.wsgi(gateway, application)
        # The validator sees to it that both sides keep to PEP 3333.
        server = wsgiref.simple_server.make_server(
            "127.0.0.1", 0, wsgiref.validate.validator(self.application), handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        self.port = server.server_port
        return gateway

    def send(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body,
                               {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def test_requests_of_the_gateway_and_of_the_application(self):
        gateway = self.serve()
        self.assertEqual(self.send("GET", "/")[2], b"the application's own")
        body = json.dumps({"text": "é" * 100_000}).encode()
        status, _, _ = self.send("POST", self.link, body, Content_Type="application/json")
        self.assertEqual(status, 200)
        stored = gateway.call("GET", self.events)["content"]
        self.assertEqual(stored[0]["data"], json.loads(body))

    def test_without_an_application_the_rest_is_not_found(self):
        self.serve(None)
        self.assertEqual(self.send("GET", "/")[0], 404)
        self.assertEqual(self.send("GET", "/healthz")[0], 200)

    def test_the_dashboard_and_a_session(self):
        self.serve(**{"gateway.public_url": "https://shop.test",
                      "ui.frame_origins": "https://app.example.com"})
        status, headers, page = self.send("GET", "/ui/")
        self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, "text/html"))
        self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
        _, headers, _ = self.send("GET", "/ui/portal/")
        self.assertIn("frame-ancestors https://app.example.com", headers["Content-Security-Policy"])
        status, headers, _ = self.send("GET", "/ui")
        self.assertEqual((status, headers["Location"]), (302, "ui/"))
        self.assertEqual(self.send("HEAD", "/ui/")[2], b"")
        status, headers, _ = self.send("POST", "/ui/session", json.dumps({"key": self.key}),
                                       X_Convoy_Ui="1", Content_Type="application/json")
        self.assertEqual(status, 200)
        cookie = headers["Set-Cookie"]
        self.assertIn("; HttpOnly; SameSite=Strict; Secure", cookie)
        status, _, body = self.send("GET", "/ui/api/v1/projects", X_Convoy_Ui="1",
                                    Cookie=cookie.split(";")[0])
        self.assertEqual(status, 200, body)
        self.assertEqual(json.loads(body)["data"][0]["name"], "p")
        self.assertEqual(self.send("GET", "/ui/api/v1/projects", X_Convoy_Ui="1")[0], 401)

    def test_a_body_that_is_too_large_is_refused_before_it_is_read(self):
        self.serve(**{"gateway.body_bytes_max": "1000"})

        class Unread(io.BytesIO):
            def read(self, *_):
                raise AssertionError("the body was read")

        said = []
        answer = self.application(
            {"REQUEST_METHOD": "POST", "PATH_INFO": self.link, "CONTENT_LENGTH": "1001",
             "CONTENT_TYPE": "application/json", "wsgi.input": Unread()},
            lambda status, headers: said.append(status))
        self.assertTrue(said[0].startswith("413"), said)
        self.assertTrue(b"".join(answer))

    def test_paths_keep_their_escapes_below_a_mount(self):
        seen = []

        class Recorder:
            def begin(self, method, path, *_):
                seen.append(path)
                return None

        application = convoy.wsgi(Recorder())
        for environ in ({"SCRIPT_NAME": "/hooks", "PATH_INFO": "/ingest/a/b",
                         "REQUEST_URI": "/hooks/ingest/a%2Fb?x=1"},
                        {"SCRIPT_NAME": "", "PATH_INFO": "/ingest/caf\xc3\xa9 1%"},
                        {"SCRIPT_NAME": "/hooks", "PATH_INFO": "", "REQUEST_URI": "/hooks"},
                        # A middleware has put a path of its own in the place of the client's.
                        {"SCRIPT_NAME": "", "PATH_INFO": "/ingest/b", "REQUEST_URI": "/a%2Fb"},
                        {"SCRIPT_NAME": "/v1", "PATH_INFO": "/ingest/b", "RAW_URI": "/v1/a/b"}):
            application({"REQUEST_METHOD": "GET", **environ}, lambda *_: None)
        self.assertEqual(seen, ["/ingest/a%2Fb", "/ingest/caf%C3%A9%201%25", "/", "/ingest/b",
                                "/ingest/b"])

    def test_settings_that_cannot_be_are_refused(self):
        for prefix in ("ui", "/ui/", "/", "/a//b"):
            with self.subTest(prefix=prefix), self.assertRaises(convoy.ConvoyError) as refused:
                convoy.Gateway(convoy.Config({"ui.prefix": prefix}))
            self.assertIn("prefix", str(refused.exception))
        with self.assertRaises(convoy.ConvoyError) as refused:
            convoy.Gateway(convoy.Config({"ui.prefix": "/ui", "ui.frame_origins": "app.test"}))
        self.assertIn("https://app.example.com", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
