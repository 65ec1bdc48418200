"""Receivers that misbehave in every way: what was learnt and how it ended decide the outcome, in both
delivery modes, and each attempt that is recorded is one request at the receiver. Prints the table."""
import contextlib
import json
import pathlib
import socket
import ssl
import struct
import threading
import time
import unittest

import host
from case import HostCase

CERTIFICATES = host.ROOT / "tests" / "unit" / "transport" / "certificates"
TIMEOUT_S = 2
MODES = ("at_least_once", "at_most_once")


class Peer:
    """One connection, with what was read of it and not used."""

    def __init__(self, connection, receiver):
        self.connection = connection
        self.receiver = receiver
        self.unread = b""

    def read_request(self):
        while b"\r\n\r\n" not in self.unread:
            self._read_more()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(headers[b"content-length"])
        while len(self.unread) < length:
            self._read_more()
        body, self.unread = self.unread[:length], self.unread[length:]
        self.receiver.count(body)

    def _read_more(self):
        data = self.connection.recv(65536)
        if not data:
            raise EOFError
        self.unread += data

    def write(self, data):
        self.connection.sendall(data)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def drip(self, data, seconds=6):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.write(data)
            time.sleep(0.1)

    def wait_for_close(self):
        with contextlib.suppress(OSError, EOFError):
            while self.connection.recv(65536):
                pass


class Receiver:
    """Hands each connection to `behaviour`, on a thread of its own, and counts whole requests."""

    def __init__(self, behaviour, certificate=None):
        self.bodies = []
        self.lock = threading.Lock()
        self.behaviour = behaviour
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(CERTIFICATES / f"{certificate}.crt",
                                         CERTIFICATES / f"{certificate}.key")
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def count(self, body):
        with self.lock:
            self.bodies.append(body)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, EOFError, ValueError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self.context is not None:
                connection = stack.enter_context(
                    self.context.wrap_socket(connection, server_side=True))
            self.behaviour(Peer(connection, self))

    def close(self):
        self.listener.close()


def answer(data, then=None):
    """Reads a request, answers with `data`, does `then`, and closes."""
    def behave(peer):
        peer.read_request()
        peer.write(data)
        if then is not None:
            then(peer)
    return behave


def head(status, *headers, body=b""):
    lines = [b"HTTP/1.1 %d X" % status, *headers, b"", b""]
    return b"\r\n".join(lines) + body


def with_length(status, *headers):
    return head(status, *headers, b"Content-Length: 0")


def before_reading(then):
    def behave(peer):
        then(peer)
    return behave


def partly_read(peer):
    peer._read_more()
    peer.reset()


def pour(data):
    def behave(peer):
        peer.read_request()
        peer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            peer.write(data)
    return behave


WAIT = Peer.wait_for_close
DELIVERED = ("Success", "200", "")
BROKE = ("Failure", "", "connection")
NOT_HTTP = ("Failure", "", "not HTTP")
NOT_VALID = ("Failure", "", "not valid HTTP")

# Name, behaviour, (status of the delivery, status of the answer, part of the error). Rows whose
# receiver does not read requests whole are in UNCOUNTED.
ROWS = [
    ("200", answer(with_length(200)), DELIVERED),
    ("204 with a body", answer(head(204, b"Content-Length: 2", body=b"ok")),
     ("Success", "204", "")),
    ("299", answer(with_length(299)), ("Success", "299", "")),
    ("HTTP/1.0 without length", answer(b"HTTP/1.0 200 OK\r\n\r\nok"), DELIVERED),
    ("interim answers first", answer(b"HTTP/1.1 103 X\r\nLink: x\r\n\r\nHTTP/1.1 102 X\r\n\r\n"
                                     + with_length(200)), DELIVERED),
    ("200, body cut", answer(head(200, b"Content-Length: 100", body=b"ok")), DELIVERED),
    ("200, body reset", answer(head(200, b"Content-Length: 100", body=b"ok"), Peer.reset),
     DELIVERED),
    ("200, body drips", answer(head(200, b"Content-Length: 999"), lambda peer: peer.drip(b"x")),
     DELIVERED),
    ("200, body hangs", answer(head(200, b"Content-Length: 999"), WAIT), DELIVERED),
    ("200, endless body", answer(head(200), lambda peer: peer.drip(b"x" * 99_999)), DELIVERED),
    ("200, chunks cut", answer(head(200, b"Transfer-Encoding: chunked", body=b"5\r\nab")),
     DELIVERED),
    ("200, bad chunk", answer(head(200, b"Transfer-Encoding: chunked", body=b"zz\r\nab\r\n")),
     DELIVERED),
    ("200, length is no number", answer(head(200, b"Content-Length: abc", body=b"ok")), DELIVERED),
    ("200, length is negative", answer(head(200, b"Content-Length: -5", body=b"ok")), DELIVERED),
    ("200, unknown coding", answer(head(200, b"Transfer-Encoding: magic", body=b"ok")), DELIVERED),
    ("500, body cut", answer(head(500, b"Content-Length: 100", body=b"no")),
     ("Failure", "500", "answered 500")),
    ("500, body hangs", answer(head(500, b"Content-Length: 100"), WAIT),
     ("Failure", "500", "answered 500")),
    ("404", answer(with_length(404)), ("Failure", "404", "answered 404")),
    ("600", answer(with_length(600)), ("Failure", "600", "answered 600")),
    ("302 to itself", answer(with_length(302, b"Location: /")),
     ("Failure", "302", "redirects are not followed")),
    ("308", answer(with_length(308, b"Location: http://127.0.0.1:1/")),
     ("Failure", "308", "redirects are not followed")),
    ("401 with a challenge", answer(with_length(401, b'WWW-Authenticate: Basic realm="x"')),
     ("Failure", "401", "answered 401")),
    ("407", answer(with_length(407, b'Proxy-Authenticate: Basic realm="x"')),
     ("Failure", "407", "answered 407")),
    ("417", answer(with_length(417)), ("Failure", "417", "answered 417")),
    ("421", answer(with_length(421)), ("Failure", "421", "answered 421")),
    ("429 without patience", answer(with_length(429, b"Retry-After: -1")),
     ("Failure", "429", "answered 429")),
    ("503, date that has passed",
     answer(with_length(503, b"Retry-After: Fri, 01 May 2020 10:01:00 GMT")),
     ("Failure", "503", "answered 503")),
    ("hangs before the answer", answer(b"", WAIT),
     ("Failure", "", "timed out waiting for the response")),
    ("drips the head", answer(b"HTTP/1.1 200 OK\r\n", lambda peer: peer.drip(b"X: 1\r\n")),
     ("Failure", "", "timed out reading the response head")),
    ("interim answer, then silence", answer(b"HTTP/1.1 100 Continue\r\n\r\n", WAIT),
     ("Failure", "", "timed out")),
    ("closes without an answer", answer(b""), BROKE),
    ("resets without an answer", answer(b"", Peer.reset), BROKE),
    ("closes within the status line", answer(b"HTTP/1.1 20"), BROKE),
    ("closes within the head", answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), BROKE),
    ("resets within the head", answer(b"HTTP/1.1 200 OK\r\nX: ", Peer.reset), BROKE),
    ("interim answer, then closes", answer(b"HTTP/1.1 100 Continue\r\n\r\n"), BROKE),
    ("endless head", pour(b"X-More: 1\r\n"), ("Failure", "", "head is too large")),
    ("endless header line", pour(b"x" * 4096), ("Failure", "", "head is too large")),
    ("endless interim answers",
     answer(b"", lambda peer: peer.drip(b"HTTP/1.1 102 X\r\nX: 1\r\n\r\n" * 999)),
     ("Failure", "", "head is too large")),
    ("SSH", answer(b"SSH-2.0-OpenSSH_9.2\r\n"), NOT_HTTP),
    ("SMTP", answer(b"220 mail.example ESMTP\r\n"), NOT_HTTP),
    ("HTML without a head", answer(b"<html>hello</html>"), NOT_HTTP),
    ("zeros", answer(bytes(5000)), NOT_HTTP),
    ("TLS alert", answer(b"\x15\x03\x01\x00\x02\x02\x28"), NOT_HTTP),
    ("version 9.9", answer(b"HTTP/9.9 200 OK\r\n\r\n"), ("Failure", "", "HTTP")),
    ("status is no number", answer(b"HTTP/1.1 abc OK\r\n\r\n"), ("Failure", "", "HTTP")),
    ("status of four digits", answer(b"HTTP/1.1 2000 X\r\n\r\n"), ("Failure", "", "HTTP")),
    ("status of two digits", answer(b"HTTP/1.1 20 X\r\n\r\n"), ("Failure", "", "HTTP")),
    ("ICY", answer(b"ICY 200 OK\r\n\r\n"), NOT_HTTP),
    ("empty lines", answer(b"\r\n\r\n\r\n"), ("Failure", "", "HTTP")),
    ("closes before reading", before_reading(lambda peer: None), BROKE),
    ("resets before reading", before_reading(Peer.reset), BROKE),
    ("resets within the request", before_reading(partly_read), BROKE),
]
UNCOUNTED = {"closes before reading", "resets before reading", "resets within the request"}
UNWRITTEN = {"closes before reading", "resets before reading"}  # perhaps: the quicker one decides

# Of https endpoints: name, certificate, part of the error (empty: delivered).
TLS_ROWS = [
    ("trusted", "numeric", ""),
    ("unknown authority", "selfsigned", "not signed by a trusted certificate authority"),
    ("expired", "expired", "expired"),
    ("another host", "right", "for another host name"),
]


def full_listener(stack):
    """The port of a listener whose backlog is full: the kernel answers no further connection."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(8):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


class HostileReceiverTest(HostCase):
    flags = ("--ca-file", str(CERTIFICATES / "authority.crt"))

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.one = self.project("outgoing", strategy={"type": "linear", "duration": 1,
                                                      "retry_count": 2})

    def receiver(self, behaviour, certificate=None):
        receiver = Receiver(behaviour, certificate)
        self.stack.callback(receiver.close)
        return receiver

    def start(self, name, url, mode, **fields):
        """Sends an event to a new endpoint; returns the endpoint."""
        endpoint = self.one.endpoint(name, url, http_timeout=TIMEOUT_S, **fields)
        self.one.subscribe(name, endpoint, delivery_mode=mode)
        self.send(endpoint)
        return endpoint

    def send(self, endpoint):
        self.one.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                        "data": {}})

    def outcome(self, endpoint, count=1):
        """The newest delivery of an endpoint, once `count` have ended, and its attempts."""
        def ended():
            found = self.one.deliveries(endpointId=endpoint["uid"])
            done = [d for d in found if d["status"] in ("Success", "Failure")]
            return done if len(done) == count else None
        delivery = host.wait_until(ended, f"the delivery to {endpoint['name']}", timeout=40)[0]
        return delivery, self.one.attempts(delivery["uid"])

    def print_row(self, name, mode, delivery, attempts, posts):
        last = attempts[0]
        print(f"{name:32} {mode:13} {delivery['status']:8} attempts {len(attempts)} posts {posts} "
              f"{last.get('http_status') or '-':4} {last.get('error') or ''}")

    def check(self, name, mode, endpoint, wanted, receiver):
        delivery, attempts = self.outcome(endpoint)
        status, http_status, error = wanted
        posts = len(receiver.bodies)
        self.print_row(name, mode, delivery, attempts, posts)
        self.assertEqual(delivery["status"], status)
        for attempt in attempts:
            self.assertEqual(attempt.get("http_status") or "", http_status)
            self.assertIn(error, attempt.get("error") or "")
            self.assertEqual(bool(attempt.get("error")), status != "Success")
        # The other receivers have been sent something.
        is_final = status == "Success" or mode == "at_most_once"
        if is_final and name in UNWRITTEN:
            # A request that is reset before a byte was written is tried again, in every mode.
            written = [a for a in attempts if "cannot connect" not in a.get("error", "")]
            self.assertLessEqual(len(written), 1)
        else:
            self.assertEqual(len(attempts), 1 if is_final else 2)
        self.assertEqual(delivery["metadata"]["num_trials"], len(attempts))
        if name not in UNCOUNTED:
            self.assertEqual(posts, len(attempts))

    def test_every_answer_has_its_outcome(self):
        running = []
        for mode in MODES:
            for name, behaviour, wanted in ROWS:
                receiver = self.receiver(behaviour)
                endpoint = self.start(name, f"http://127.0.0.1:{receiver.port}/", mode)
                running.append((name, mode, endpoint, wanted, receiver))
        for row in running:
            with self.subTest(row[0], mode=row[1]):
                self.check(*row)

    def test_certificates_are_told_apart(self):
        running = []
        for name, certificate, error in TLS_ROWS:
            receiver = self.receiver(answer(with_length(200)), certificate)
            endpoint = self.start(name, f"https://127.0.0.1:{receiver.port}/", "at_least_once")
            wanted = ("Failure", "", error) if error else DELIVERED
            running.append((name, endpoint, wanted, receiver))
        for name, endpoint, wanted, receiver in running:
            with self.subTest(name):
                delivery, attempts = self.outcome(endpoint)
                self.print_row(name, "at_least_once", delivery, attempts, len(receiver.bodies))
                self.assertEqual(delivery["status"], wanted[0])
                self.assertIn(wanted[2], attempts[0].get("error") or "")
                self.assertEqual(len(receiver.bodies), 1 if wanted is DELIVERED else 0)

    def test_phases_and_addresses_are_told_apart(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            closed_port = unused.getsockname()[1]
        silent = self.receiver(WAIT)
        rows = {
            "closed port": (f"http://127.0.0.1:{closed_port}/", "connection refused"),
            "hangs before accepting": (f"http://127.0.0.1:{full_listener(self.stack)}/",
                                       "timed out connecting"),
            "hangs in the handshake": (f"https://127.0.0.1:{silent.port}/",
                                       "timed out in the TLS handshake"),
            "private address": ("http://10.0.0.1/", "--allow-network"),
            "metadata address": ("http://169.254.169.254/", "--allow-network"),
            "unknown name": ("http://no-such-host.invalid/", "cannot be resolved"),
            "plain HTTP behind https": (
                f"https://127.0.0.1:{self.receiver(answer(with_length(200))).port}/", "TLS"),
        }
        endpoints = {name: self.start(name, url, "at_least_once") for name, (url, _) in rows.items()}
        for name, (_, error) in rows.items():
            with self.subTest(name):
                delivery, attempts = self.outcome(endpoints[name])
                self.print_row(name, "at_least_once", delivery, attempts, 0)
                self.assertEqual(delivery["status"], "Failure")
                self.assertEqual(len(attempts), 2)
                self.assertIn(error, attempts[0]["error"])

    def test_gone_ends_it_and_patience_is_given(self):
        gone = self.receiver(answer(with_length(410)))
        patient = self.receiver(answer(with_length(503, b"Retry-After: 1", b"retry-after: 3.2")))
        gone_endpoint = self.start("410", f"http://127.0.0.1:{gone.port}/", "at_least_once")
        patient_endpoint = self.start("503, two headers", f"http://127.0.0.1:{patient.port}/",
                                      "at_least_once")
        delivery, attempts = self.outcome(gone_endpoint)
        self.print_row("410", "at_least_once", delivery, attempts, len(gone.bodies))
        self.assertEqual((delivery["status"], len(attempts), len(gone.bodies)), ("Failure", 1, 1))
        self.assertEqual(self.one.ok("GET", f"/endpoints/{gone_endpoint['uid']}")["status"],
                         "inactive")
        begin = time.monotonic()
        delivery, attempts = self.outcome(patient_endpoint)
        self.print_row("503, two headers", "at_least_once", delivery, attempts, len(patient.bodies))
        self.assertGreater(time.monotonic() - begin, 2.5)
        self.assertEqual(len(patient.bodies), len(attempts))

    def test_a_kept_connection_that_dies_is_not_written_to_twice(self):
        def second(then):
            def behave(peer):
                peer.read_request()
                peer.write(with_length(200))
                peer.read_request()
                then(peer)
            return behave
        endings = {"closes": lambda peer: None, "resets": Peer.reset,
                   "half closes": lambda peer: (peer.connection.shutdown(socket.SHUT_WR),
                                                peer.wait_for_close()),
                   "works, then closes": lambda peer: time.sleep(0.5)}
        running = []
        for mode in MODES:
            for name, then in endings.items():
                receiver = self.receiver(second(then))
                endpoint = self.start(name, f"http://127.0.0.1:{receiver.port}/", mode)
                running.append((name, mode, endpoint, receiver))
        for _, _, endpoint, _ in running:
            self.outcome(endpoint)
            self.send(endpoint)
        for name, mode, endpoint, receiver in running:
            with self.subTest(name, mode=mode):
                delivery, attempts = self.outcome(endpoint, count=2)
                self.print_row("kept connection " + name, mode, delivery, attempts,
                               len(receiver.bodies))
                self.assertEqual(len(receiver.bodies), 1 + len(attempts))
                may_repeat = mode == "at_least_once"
                self.assertEqual(delivery["status"], "Success" if may_repeat else "Failure")
                self.assertEqual(len(attempts), 2 if may_repeat else 1)
                self.assertIn("lost after the request was written", json.dumps(attempts))


if __name__ == "__main__":
    unittest.main()
