"""convoy_verify: genuine requests reach the upstream byte for byte, forged ones do not; handshakes are
answered; limits; bodies that are large, chunked and slow."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import time
import unittest

import nginx
from nginx import host

SECRET = "It's a Secret to Everybody"

TLS_PORT = nginx.free_port()
SERVER = """
listen 127.0.0.1:%d ssl;
ssl_certificate {folder}/certificate.pem;
ssl_certificate_key {folder}/key.pem;
location / { return 200 plain; }
location /github {
  convoy_verify github {folder}/secret;
  client_max_body_size 4m;
  proxy_set_header X-Event-Id $convoy_event_id;
  proxy_pass UPSTREAM;
}
location /rotated { convoy_verify github {folder}/other {folder}/secret; proxy_pass UPSTREAM; }
location /unbuffered {
  convoy_verify github {folder}/secret;
  proxy_request_buffering off;
  proxy_pass UPSTREAM;
}
location /x { convoy_verify x {folder}/secret; proxy_pass UPSTREAM; }
location /slack { convoy_verify slack {folder}/secret; proxy_pass UPSTREAM; }
location /asana { convoy_verify asana {folder}/secret; proxy_pass UPSTREAM; }
location /discord { convoy_verify discord {folder}/discord.key; proxy_pass UPSTREAM; }
location /twilio {
  convoy_verify twilio {folder}/secret;
  convoy_public_url https://hooks.example.com;
  proxy_pass UPSTREAM;
}
location /twilio_here { convoy_verify twilio {folder}/secret; proxy_pass UPSTREAM; }
location /any { satisfy any; allow 127.0.0.1; deny all; convoy_verify github {folder}/secret;
  proxy_pass UPSTREAM; }
location /any_refused { satisfy any; deny all; convoy_verify github {folder}/secret;
  proxy_pass UPSTREAM; }
location /outer {
  convoy_verify github {folder}/secret;
  location /outer/off { convoy_verify off; proxy_pass UPSTREAM; }
  location /outer/inner { proxy_pass UPSTREAM; }
}
location /huge { client_max_body_size 0; convoy_verify github {folder}/secret; proxy_pass UPSTREAM; }
location /logged { access_log {folder}/access.log reasons; convoy_verify github {folder}/secret;
  proxy_pass UPSTREAM; }
""" % TLS_PORT
HTTP = "log_format reasons '$status $convoy_reason $convoy_event_id';"


def slack(body, path="/slack"):
    stamp = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + digest,
            "Content-Type": "application/json"}


def twilio(url, text):
    digest = hmac.new(SECRET.encode(), (url + text).encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode(),
            "Content-Type": "application/x-www-form-urlencoded"}


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
                    "-keyout", folder + "/key.pem", "-out", folder + "/certificate.pem"],
                   check=True, capture_output=True)


class VerifyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = host.Folder()
        cls.folder = folder.__enter__()
        cls.addClassCleanup(folder.__exit__, None, None, None)
        pathlib.Path(cls.folder, "secret").write_text(SECRET + "\n")
        make_certificate(cls.folder)
        pathlib.Path(cls.folder, "discord.key").write_text(
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\n")
        pathlib.Path(cls.folder, "other").write_text("another secret")
        cls.upstream = host.Inbox()
        cls.addClassCleanup(cls.upstream.close)
        cls.nginx = nginx.Nginx(cls.folder, SERVER.replace("UPSTREAM", cls.upstream.url), HTTP)
        cls.nginx.__enter__()
        cls.addClassCleanup(cls.check_end)

    @classmethod
    def check_end(cls):
        cls.nginx.__exit__()
        if cls.nginx.serious():
            raise AssertionError("\n".join(cls.nginx.serious()))

    def refused(self, response, reason, status=403):
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        self.assertEqual(response.json["status"], False)
        self.assertEqual(response.json["reason"], reason)

    def arrived(self, path, body):
        received = self.upstream.received(path)[-1]
        self.assertEqual(received.body, body)
        return received.headers

    def test_genuine_goes_on_unchanged(self):
        body = json.dumps({"text": "ä\u2028", "n": 1.10}).encode()
        headers = {**nginx.github(SECRET, body), "X-Custom": "kept"}
        response = self.nginx.send("POST", "/github/a?b=%20c", body, headers)
        self.assertEqual(response.status, 200)
        got = self.arrived("/github/a?b=%20c", body)
        self.assertEqual(got["X-Custom"], "kept")
        self.assertEqual(got["X-Event-Id"], "d-1")

    def test_any_of_several_secrets_matches(self):
        for secret in (SECRET, "another secret"):
            self.assertEqual(
                self.nginx.send("POST", "/rotated", b"x", nginx.github(secret, b"x")).status, 200)
        self.refused(self.nginx.send("POST", "/rotated", b"x", nginx.github("third", b"x")),
                     "signature_mismatch")

    def test_forged_does_not_arrive(self):
        for headers, reason in (({}, "missing_header"),
                                (nginx.github("wrong", b"x"), "signature_mismatch"),
                                ({"X-Hub-Signature-256": "sha256=zz"}, "malformed")):
            with self.subTest(reason=reason):
                self.refused(self.nginx.send("POST", "/github/forged", b"x", headers), reason)
        self.refused(self.nginx.send("GET", "/github/forged"), "missing_header")
        self.assertEqual(self.nginx.send("HEAD", "/github/forged").status, 403)
        self.assertEqual(self.upstream.received("/github/forged"), [])

    def test_bodies_of_all_sizes(self):
        """In nginx's buffer of heads, in that of bodies, and in a temporary file."""
        for size in (0, 1, 900, 8 * 1024, 16 * 1024, 16 * 1024 + 1, 100_000, 3 * 1024 * 1024):
            body = os.urandom(size)
            with self.subTest(size=size):
                path = f"/github/size/{size}"
                response = self.nginx.send("POST", path, body, nginx.github(SECRET, body))
                self.assertEqual(response.status, 200, response)
                self.arrived(path, body)
                headers = nginx.github(SECRET, body + b"x")
                self.refused(self.nginx.send("POST", path, body, headers), "signature_mismatch")

    def test_chunked(self):
        pieces = [b"a" * 10, b"b" * 70_000, b"c"]
        body = b"".join(pieces)
        for secret, status in ((SECRET, 200), ("wrong", 403)):
            response = self.nginx.send("POST", "/github/chunked", iter(pieces),
                                       nginx.github(secret, body))
            self.assertEqual(response.status, status, response)
        self.arrived("/github/chunked", body)

    def test_proxying_without_buffers(self):
        body = os.urandom(200_000)
        self.assertEqual(
            self.nginx.send("POST", "/unbuffered", body, nginx.github(SECRET, body)).status, 200)
        self.arrived("/unbuffered", body)
        self.refused(self.nginx.send("POST", "/unbuffered", body, {}), "missing_header")

    def test_slow_body(self):
        """In single bytes; other requests are answered in between."""
        body = b'{"slow":true}'
        with socket.create_connection(("127.0.0.1", self.nginx.port)) as slow:
            head = "".join(f"{k}: {v}\r\n" for k, v in nginx.github(SECRET, body).items())
            slow.sendall(f"POST /github/slow HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
                         f"{head}\r\n".encode())
            for byte in body:
                self.assertEqual(self.nginx.send("GET", "/").body, b"plain")
                slow.sendall(bytes([byte]))
            self.assertTrue(slow.recv(4096).startswith(b"HTTP/1.1 200 "))
        self.arrived("/github/slow", body)

    def test_a_client_that_goes_away(self):
        for part in (b"", b"half"):
            with socket.create_connection(("127.0.0.1", self.nginx.port)) as gone:
                gone.sendall(b"POST /github/gone HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n" +
                             part)
        self.assertEqual(self.nginx.send("GET", "/").body, b"plain")
        self.assertEqual(self.upstream.received("/github/gone"), [])

    def test_kept_connections(self):
        """Genuine and forged requests, one after another and pipelined."""
        client = self.nginx.client()
        for number in range(20):
            body = b"%d" % number
            secret = SECRET if number % 2 else "wrong"
            response = client.send("POST", "/github/kept", body, nginx.github(secret, body))
            self.assertEqual(response.status, 200 if number % 2 else 403)
        client.close()
        requests = b""
        for secret in (SECRET, "wrong", SECRET):
            signature = host.github_signature(secret, b"abc")
            requests += (b"POST /github/piped HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                         b"X-Hub-Signature-256: %s\r\n\r\nabc" % signature.encode())
        with socket.create_connection(("127.0.0.1", self.nginx.port)) as piped:
            piped.sendall(requests)
            answers = b""
            while answers.count(b"HTTP/1.1 ") < 3 or not answers.endswith(b"\r\n\r\n"):
                answers += piped.recv(4096)
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answers), [b"200", b"403", b"200"])

    def test_limits(self):
        body = b"x" * (5 * 1024 * 1024)
        response = self.nginx.send("POST", "/github/limit", body, nginx.github(SECRET, body))
        self.assertEqual(response.status, 413)  # client_max_body_size, nginx's own
        with socket.create_connection(("127.0.0.1", self.nginx.port)) as huge:
            huge.sendall(b"POST /huge HTTP/1.1\r\nHost: h\r\nContent-Length: 40000000\r\n\r\n")
            answer = huge.makefile("rb").read()
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:100])
        self.assertIn(b'"reason":"too_large"', answer)

    def test_a_chunked_body_beyond_the_limit(self):
        pieces = (b"x" * 1_000_000 for _ in range(35))
        self.refused(self.nginx.send("POST", "/huge", pieces), "too_large", 413)

    def test_handshake_by_query(self):
        response = self.nginx.send("GET", "/x?crc_token=abc")
        digest = hmac.new(SECRET.encode(), b"abc", hashlib.sha256).digest()
        self.assertEqual(response.status, 200)
        self.assertEqual(response.json,
                         {"response_token": "sha256=" + base64.b64encode(digest).decode()})
        self.assertEqual(self.upstream.received("/x"), [])

    def test_handshake_in_a_body(self):
        body = b'{"type":"url_verification","challenge":"c-1"}'
        response = self.nginx.send("POST", "/slack", body, slack(body))
        self.assertEqual((response.status, response.body), (200, b"c-1"))
        self.assertEqual(self.upstream.received("/slack"), [])
        self.refused(self.nginx.send("POST", "/slack", body, {**slack(body), "X-Slack-Signature":
                                                              "v0=" + "0" * 64}),
                     "signature_mismatch")
        event = b'{"type":"event_callback"}'
        self.assertEqual(self.nginx.send("POST", "/slack", event, slack(event)).status, 200)
        self.arrived("/slack", event)

    def test_a_handshake_that_hands_over_a_secret_is_refused(self):
        response = self.nginx.send("POST", "/asana", b"", {"X-Hook-Secret": "s" * 32})
        self.refused(response, "handshake_with_secret")

    def test_the_status_that_a_provider_expects(self):
        headers = {"X-Signature-Ed25519": "00" * 64, "X-Signature-Timestamp": str(int(time.time()))}
        response = self.nginx.send("POST", "/discord", b'{"type":1}', headers)
        self.refused(response, "signature_mismatch", 401)

    def test_the_public_url_is_what_was_signed(self):
        headers = twilio("https://hooks.example.com/twilio?a=1", "Bodyhi")
        response = self.nginx.send("POST", "/twilio?a=1", b"Body=hi", headers)
        self.assertEqual(response.status, 200, response)
        self.refused(self.nginx.send("POST", "/twilio?a=2", b"Body=hi", headers),
                     "signature_mismatch")

    def test_the_url_of_the_request(self):
        """Scheme, host and port as they were asked for."""
        url = f"http://127.0.0.1:{self.nginx.port}/twilio_here?a=%2F"
        response = self.nginx.send("POST", "/twilio_here?a=%2F", b"Body=hi", twilio(url, "Bodyhi"))
        self.assertEqual(response.status, 200, response)
        connection = http.client.HTTPSConnection("127.0.0.1", TLS_PORT,
                                                 context=ssl._create_unverified_context())
        url = f"https://127.0.0.1:{TLS_PORT}/twilio_here"
        connection.request("POST", "/twilio_here", b"Body=hi", twilio(url, "Bodyhi"))
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_satisfy_any(self):
        self.assertEqual(self.nginx.send("POST", "/any", b"x", {}).status, 200)
        self.assertEqual(self.nginx.send("POST", "/any_refused", b"x", {}).status, 403)
        self.assertEqual(
            self.nginx.send("POST", "/any_refused", b"x", nginx.github(SECRET, b"x")).status, 200)

    def test_inheritance(self):
        self.assertEqual(self.nginx.send("POST", "/outer/off", b"x", {}).status, 200)
        self.refused(self.nginx.send("POST", "/outer/inner", b"x", {}), "missing_header")

    def test_variables_in_the_access_log(self):
        self.nginx.send("POST", "/logged", b"x", nginx.github(SECRET, b"x"))
        self.nginx.send("POST", "/logged", b"x", nginx.github("wrong", b"x"))
        log = pathlib.Path(self.folder, "access.log")
        lines = host.wait_until(lambda: (found := log.read_text().splitlines())[1:] and found, "log")
        self.assertEqual(sorted(lines), ["200 accepted d-1", "403 signature_mismatch -"])


if __name__ == "__main__":
    unittest.main()
