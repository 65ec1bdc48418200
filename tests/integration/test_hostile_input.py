"""Bad input: a clear error that names what is wrong, nothing changed, the process unharmed."""
import json
import socket
import unittest

import host
from case import HostCase

KIB = 1024


def raw_exchange(address, data, timeout=10):
    """Sends `data` on a fresh connection and reads until the peer closes or is silent."""
    name, port = address.rsplit(":", 1)
    with socket.create_connection((name, int(port)), timeout=timeout) as connection:
        connection.sendall(data)
        connection.settimeout(timeout)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except socket.timeout:
            pass
        return answer


class HostileInputTest(HostCase):
    flags = ("--body-bytes-max", str(1024 * KIB))

    def setUp(self):
        self.outgoing = self.project("outgoing")
        self.endpoint = self.outgoing.endpoint("e", "http://127.0.0.1:9/")
        self.other = self.project("incoming")
        self.source = self.other.source("s", {"type": "api_key", "api_key": {
            "header_name": "X-Key", "header_value": "right"}})
        self.before = self.snapshot()

    def tearDown(self):
        self.assertEqual(self.snapshot(), self.before, "a refused request changed something")
        self.assertTrue(self.convoyd.is_alive())
        self.assertEqual(self.admin.send("GET", "/healthz").status, 200)

    def snapshot(self):
        lists = {}
        for project in (self.outgoing, self.other):
            for what in ("endpoints", "sources", "subscriptions", "events", "eventdeliveries"):
                found = project.client.pages(f"{project.path}/{what}")
                lists[project.id, what] = sorted(item["uid"] for item in found)
        lists["projects"] = sorted(p["uid"] for p in self.admin.ok("GET", "/api/v1/projects"))
        return lists

    def event(self, **changes):
        body = {"endpoint_id": self.endpoint["uid"], "event_type": "t", "data": {"a": 1}}
        return {**body, **changes}

    def refused(self, method, path, body, status, *words, headers=None):
        with self.subTest(path=path, body=repr(body)[:80]):
            answer = self.outgoing.send(method, path, body, headers)
            statuses = status if isinstance(status, tuple) else (status,)
            self.assertIn(answer.status, statuses, answer)
            self.assertIs(answer.json["status"], False)
            for word in words:
                self.assertIn(word, answer.message)

    def test_wrong_types_name_the_field(self):
        self.refused("POST", "/events", self.event(event_type=7), 400, "event_type")
        self.refused("POST", "/events", self.event(endpoint_id=["x"]), 400, "endpoint_id")
        self.refused("POST", "/events", self.event(custom_headers={"X-A": 1}), 400,
                     "custom_headers")
        self.refused("POST", "/events", self.event(custom_headers="x"), 400, "custom_headers")
        self.refused("POST", "/events", self.event(idempotency_key=1), 400, "idempotency_key")
        self.refused("POST", "/events/fanout", {"owner_id": 5, "event_type": "t", "data": {}}, 400,
                     "owner_id")
        # The reference hides the details of these two; the shape of the answer is what counts.
        self.refused("POST", "/endpoints", {"name": 1, "url": "http://x.example/"}, 400)
        self.refused("POST", "/endpoints", {"name": "n", "url": {}}, 400)
        self.refused("POST", "/sources", {"name": [], "type": "http"}, 400, "name")
        self.refused("POST", "/subscriptions", {"name": "n", "endpoint_id": 3}, 400, "endpoint_id")

    def test_missing_fields_are_named(self):
        for field in ("event_type", "data"):
            body = self.event()
            del body[field]
            self.refused("POST", "/events", body, 400, field)
        self.refused("POST", "/events/fanout", {"event_type": "t", "data": {}}, 400, "owner")
        self.refused("POST", "/sources", {"type": "http"}, 400, "name")
        self.refused("POST", "/subscriptions", {"name": "n"}, 400, "endpoint")

    def test_bad_json_is_refused(self):
        as_json = {"Content-Type": "application/json"}
        for body in (b"", b"{", b'{"a":}', b"[1,2", b"nonsense", b'{"a":1}{"b":2}', b"\x00",
                     b'{"event_type":"\xff\xfe","data":{}}'):
            self.refused("POST", "/events", body, 400, "body", headers=as_json)
        self.refused("POST", "/events", b'{"event_type":"\\ud800","data":1}', 400, "event_type",
                     headers=as_json)

    def test_deep_nesting_is_refused(self):
        as_json = {"Content-Type": "application/json"}
        nested = b"[" * 10_000 + b"]" * 10_000
        whole = b'{"endpoint_id":"%s","event_type":"t","data":%s}' % (
            self.endpoint["uid"].encode(), nested)
        for path in ("/events", "/endpoints", "/sources", "/subscriptions"):
            self.refused("POST", path, nested, 400, headers=as_json)
        self.refused("POST", "/events", whole, 400, headers=as_json)
        self.refused("POST", "/events", b'{"a":' * 10_000, 400, headers=as_json)

    def test_invalid_utf8_in_text_fields_is_refused(self):
        as_json = {"Content-Type": "application/json"}
        for body in (b'{"name":"\xc3\x28","url":"http://x.example/"}',
                     b'{"name":"n","url":"http://x.example/\xed\xa0\x80"}'):
            self.refused("POST", "/endpoints", body, 400, headers=as_json)

    def test_unknown_ids_are_refused(self):
        unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
        for path in ("endpoints", "sources", "subscriptions", "events", "eventdeliveries"):
            for uid in (unknown, "x", "%00", "..%2f..", "'%20OR%201=1--", "a" * 3000):
                self.refused("GET", f"/{path}/{uid}", None, (400, 404))
        self.refused("POST", "/events", self.event(endpoint_id=unknown), 400, "endpoint")
        self.refused("PUT", f"/eventdeliveries/{unknown}/resend", None, (400, 404))
        self.refused("PUT", f"/events/{unknown}/replay", None, (400, 404))
        self.refused("DELETE", f"/endpoints/{unknown}", None, (400, 404))
        self.assertEqual(self.admin.send("POST", "/ingest/unknown", b"{}").status, 404)

    def test_wrong_keys_are_refused(self):
        path = self.outgoing.path + "/events"
        key = self.outgoing.key
        wrong = ["", "nonsense", "CO.aaaaaaaaaaaaaaaa." + "b" * 64, key[:-1], key + "x",
                 key[:-1] + ("a" if key[-1] != "a" else "b"), key.upper() + "\xe9"]
        for value in wrong:
            with self.subTest(key=value[:8]):
                headers = {"Authorization": ("Bearer " + value).encode("latin-1")}
                answer = self.convoyd.client().send("POST", path, self.event(), headers)
                self.assertEqual(answer.status, 401, answer)
        for header in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
            answer = self.convoyd.client().send("POST", path, self.event(), header)
            self.assertEqual(answer.status, 401, answer)

    def test_a_key_of_another_project_reaches_nothing(self):
        stranger = self.admin.with_key(self.other.key)
        uid = self.endpoint["uid"]
        calls = [("POST", "/events", self.event()), ("GET", "/events", None),
                 ("GET", "/endpoints", None), ("GET", f"/endpoints/{uid}", None),
                 ("DELETE", f"/endpoints/{uid}", None), ("GET", "/eventdeliveries", None),
                 ("PUT", f"/endpoints/{uid}", {"name": "n", "url": "http://x.example/"}),
                 ("POST", "/endpoints", {"name": "n", "url": "http://x.example/"}),
                 ("GET", "", None), ("DELETE", "", None)]
        for method, path, body in calls:
            with self.subTest(method=method, path=path):
                answer = stranger.send(method, self.outgoing.path + path, body)
                self.assertIn(answer.status, (401, 403), answer)
        answer = stranger.send("POST", "/api/v1/projects", {"name": "n", "type": "outgoing"})
        self.assertIn(answer.status, (401, 403))

    def test_oversize_is_answered_before_the_body_is_read(self):
        link = f"/ingest/{self.source['mask_id']}"
        requests = {
            "ingest": f"POST {link} HTTP/1.1\r\nHost: x\r\nX-Key: right\r\n",
            "api": f"POST {self.outgoing.path}/events HTTP/1.1\r\nHost: x\r\n"
                   f"Authorization: Bearer {self.outgoing.key}\r\n"
                   "Content-Type: application/json\r\n",
        }
        for name, head in requests.items():
            for length in (10**7, 10**12, 2**63):
                with self.subTest(name=name, length=length):
                    data = head + f"Content-Length: {length}\r\n\r\nabc"
                    answer = raw_exchange(self.convoyd.address, data.encode())
                    self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:200])
                    self.assertIs(json.loads(answer.split(b"\r\n\r\n", 1)[1])["status"], False)

    def test_an_oversize_chunked_body_is_cut_off(self):
        self.other.ok("PUT", "", {"name": self.id() + " bounded",
                                  "config": {"max_payload_read_size": 50_000}})
        link = f"/ingest/{self.source['mask_id']}"
        chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
        head = (f"POST {link} HTTP/1.1\r\nHost: x\r\nX-Key: right\r\n"
                "Transfer-Encoding: chunked\r\n\r\n").encode()
        answer = raw_exchange(self.convoyd.address, head + chunk * 4)
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:200])

    def test_unknown_links_and_wrong_keys_are_answered_before_the_body_is_read(self):
        cases = [(b"POST /ingest/unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n", b"404"),
                 (f"POST {self.outgoing.path}/events HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
                  "Authorization: Bearer CO.a.b\r\nContent-Type: application/json\r\n\r\n".encode(),
                  b"401")]
        for data, status in cases:
            answer = raw_exchange(self.convoyd.address, data)
            self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer[:200])

    def test_malformed_http_is_refused(self):
        cases = {
            b"nonsense\r\n\r\n": b"400",
            b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n": b"400",
            b"GET / HTTP/1.1\r\nHost x\r\n\r\n": b"400",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n": b"400",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n": b"400",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n": b"400",
            b"GET /healthz HTTP/1.1\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n": b"431",
        }
        for data, status in cases.items():
            with self.subTest(data=data[:60]):
                answer = raw_exchange(self.convoyd.address, data)
                self.assertTrue(answer.startswith(b"HTTP/1.1 " + status), answer[:200])

    def test_a_wrong_method_is_refused(self):
        answer = self.outgoing.send("PATCH", "/events", {})
        self.assertEqual(answer.status, 405)
        answer = self.admin.send("DELETE", f"/ingest/{self.source['mask_id']}")
        self.assertEqual(answer.status, 405)

    def test_an_ingest_with_a_wrong_key_stores_nothing(self):
        for headers in ({}, {"X-Key": "wrong"}, {"X-Key": ""}):
            answer = self.other.ingest(self.source, b"{}", headers)
            self.assertEqual(answer.status, 400, answer)


class SlowClientTest(HostCase):
    flags = ("--read-timeout-ms", "600", "--idle-timeout-ms", "600", "--connections-max", "8")

    def closes(self, data):
        return raw_exchange(self.convoyd.address, data, timeout=20)

    def test_slow_clients_are_disconnected(self):
        # Without a time limit each of these would wait for ever.
        self.assertEqual(self.closes(b""), b"")
        for data in (b"POST /ingest/x HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
            self.assertTrue(self.closes(data).startswith(b"HTTP/1.1 408 "))

    def test_held_connections_do_not_lock_others_out(self):
        name, port = self.convoyd.address.rsplit(":", 1)
        held = [socket.create_connection((name, int(port))) for _ in range(20)]
        try:
            client = host.Client(self.convoyd.address)
            self.assertEqual(client.send("GET", "/healthz", timeout=20).status, 200)
            client.close()
        finally:
            for connection in held:
                connection.close()


if __name__ == "__main__":
    unittest.main()
