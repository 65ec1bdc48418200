"""From acceptance to the receiver: bytes, signatures, retries, pausing, resending, routing."""
import hashlib
import http.client
import os
import unittest

import host
from case import HostCase

MIB = 1024 * 1024
SECRET = "endpoint-secret"


class FidelityTest(HostCase):
    """Bodies are delivered byte for byte as they came in."""

    BODIES = {
        "json with numbers no double can hold":
            b'{"huge":1e400,"exact":0.10000000000000000000001,"int":123456789012345678901234567890}',
        "key order and duplicates": b'{"z":1,"a":2,"m":{"y":1,"b":2},"a":3}',
        "white space": b'  { "a" :\t[1 ,2]\r\n}  ',
        "escapes": b'{"a":"\\u00e9\\/\\ud83d\\ude00","\\u0061":1}',
        "not utf-8": b"\xff\xfe\x80abc\xc3\x28",
        "all bytes": bytes(range(256)) * 8,
        "zeros": b"\x00" * 1000,
        "not json": b"plain text\n",
        "one byte": b"0",
    }

    def incoming(self, **config):
        project = self.project("incoming", **config)
        source = project.source("s")
        project.subscribe("s", project.endpoint("e", self.inbox.url + "/" + project.id,
                                                secret=SECRET), source)
        return project, source

    def assert_delivered(self, project, body):
        found = self.inbox.wait_for("/" + project.id, 1)
        self.assertEqual(len(found), 1)
        self.assertEqual(hashlib.sha256(found[0].body).digest(), hashlib.sha256(body).digest())
        self.assertTrue(host.is_signed(found[0].headers["X-Convoy-Signature"], SECRET, body))

    def test_ingested_bytes_arrive(self):
        project, source = self.incoming()
        for name, body in self.BODIES.items():
            answer = project.ingest(source, body, {"Content-Type": "application/octet-stream"})
            self.assertEqual((answer.status, answer.data), (200, len(body)), name)
        found = self.inbox.wait_for("/" + project.id, len(self.BODIES))
        self.assertEqual(sorted(request.body for request in found), sorted(self.BODIES.values()))
        for request in found:
            self.assertTrue(host.is_signed(request.headers["X-Convoy-Signature"], SECRET,
                                           request.body))

    def test_five_mebibytes_arrive(self):
        project, source = self.incoming(max_payload_read_size=6 * MIB)
        body = os.urandom(5 * MIB)
        answer = project.ingest(source, body, {"Content-Type": "application/octet-stream"})
        self.assertEqual((answer.status, answer.data), (200, len(body)))
        self.assert_delivered(project, body)

    def test_a_chunked_body_arrives(self):
        project, source = self.incoming()
        body = os.urandom(40_000)
        name, port = self.convoyd.address.rsplit(":", 1)
        connection = http.client.HTTPConnection(name, int(port), timeout=30)
        pieces = (body[start:start + 777] for start in range(0, len(body), 777))
        connection.request("POST", f"/ingest/{source['mask_id']}", pieces, encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assert_delivered(project, body)

    def test_the_data_of_a_rest_event_keeps_its_spelling(self):
        data = b'{ "b":1e400 , "a":0.10000000000000000000001,"b":[ 1,\t2], "c":"\\u00e9" }'
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/" + project.id, secret=SECRET)
        body = b'{"data": %s ,"event_type":"t","endpoint_id":"%s"}' % (
            data, endpoint["uid"].encode())
        answer = project.send("POST", "/events", body, {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 201, answer)
        self.assert_delivered(project, data)


class RoutingTest(HostCase):
    def outgoing(self, *names, owners=None, **config):
        project = self.project("outgoing", **config)
        endpoints = {name: project.endpoint(name, f"{self.inbox.url}/{project.id}/{name}",
                                            owner_id=(owners or {}).get(name, ""))
                     for name in names}
        return project, endpoints

    def arrived(self, project):
        prefix = f"/{project.id}/"
        return sorted(request.path.removeprefix(prefix) for request in self.inbox.received(prefix))

    def test_fanout_reaches_all_endpoints_of_the_owner(self):
        project, endpoints = self.outgoing("a", "b", "c", owners={"a": "o", "b": "o", "c": "p"})
        for name, endpoint in endpoints.items():
            project.subscribe(name, endpoint)
        answer = project.send("POST", "/events/fanout",
                              {"owner_id": "o", "event_type": "t", "data": {}})
        self.assertEqual(answer.status, 201)
        project.wait_for_deliveries(2)
        self.assertEqual(self.arrived(project), ["a", "b"])

    def test_broadcast_reaches_all_matching_subscriptions(self):
        project, endpoints = self.outgoing("all", "exact", "other")
        for name, types in (("all", ["*"]), ("exact", ["order.paid"]), ("other", ["x"])):
            project.subscribe(name, endpoints[name], event_types=types)
        answer = project.send("POST", "/events/broadcast", {"event_type": "order.paid", "data": {}})
        self.assertEqual(answer.status, 201)
        project.wait_for_deliveries(2)
        self.assertEqual(self.arrived(project), ["all", "exact"])

    def test_a_content_filter_decides(self):
        project = self.project("incoming")
        source = project.source("s")
        endpoint = project.endpoint("e", f"{self.inbox.url}/{project.id}/e")
        project.ok("POST", "/subscriptions", {
            "name": "s", "endpoint_id": endpoint["uid"], "source_id": source["uid"],
            "filter_config": {"event_types": ["*"],
                              "filter": {"body": {"total": {"$gte": 100}}, "headers": {}}}})
        for total in (99, 100, 101):
            project.ingest(source, b'{"total":%d}' % total)
        project.wait_for_deliveries(2)
        self.assertEqual(sorted(self.inbox.bodies("/" + project.id)),
                         [b'{"total":100}', b'{"total":101}'])

    def test_custom_headers_are_sent(self):
        project, endpoints = self.outgoing("a")
        project.ok("POST", "/events", {
            "endpoint_id": endpoints["a"]["uid"], "event_type": "t", "data": {},
            "idempotency_key": "key-1",
            "custom_headers": {"X-Tenant": "acme", "X-Other": "b"}})
        request = self.inbox.wait_for("/" + project.id, 1)[0]
        self.assertEqual(request.headers["X-Tenant"], "acme")
        self.assertEqual(request.headers["X-Other"], "b")
        self.assertEqual(request.headers["X-Convoy-Idempotency-Key"], "key-1")

    def test_request_headers_are_forwarded_but_credentials_only_if_named(self):
        project = self.project("incoming")
        source = project.source("s", {"type": "api_key", "api_key": {
            "header_name": "X-Key", "header_value": "right"}})
        path = "/" + project.id
        project.subscribe("s", project.endpoint("e", self.inbox.url + path), source)
        headers = {"X-Key": "right", "X-Tenant": "acme", "Authorization": "Bearer secret",
                   "Cookie": "session=1"}
        self.assertEqual(project.ingest(source, b"{}", headers).status, 200)
        request = self.inbox.wait_for(path, 1)[0]
        self.assertEqual(request.headers["X-Tenant"], "acme")
        self.assertEqual(request.headers["X-Convoy-Source-Id"], source["mask_id"])
        for name in ("X-Key", "Authorization", "Cookie"):
            self.assertNotIn(name, request.headers)

        project.ok("PUT", f"/sources/{source['uid']}", {
            "name": "s", "type": "http", "forward_headers": ["cookie"],
            "verifier": {"type": "api_key", "api_key": {"header_name": "X-Key",
                                                        "header_value": "right"}}})
        self.assertEqual(project.ingest(source, b"{}", headers).status, 200)
        request = self.inbox.wait_for(path, 2)[1]
        self.assertEqual(request.headers["Cookie"], "session=1")
        self.assertNotIn("X-Key", request.headers)


class LocalTest(HostCase):
    """A server hands nothing out in its own process."""

    def test_a_local_endpoint_is_refused_with_the_reason(self):
        answer = self.project("outgoing").send("POST", "/endpoints",
                                               {"name": "e", "url": "local:orders"})
        self.assertEqual(answer.status, 400)
        self.assertIn("this one serves none", answer.message)


class RetryTest(HostCase):
    FAST = {"type": "linear", "duration": 1, "retry_count": 4}

    def start(self, *failures, **config):
        project = self.project("outgoing", strategy=self.FAST, **config)
        path = "/" + project.id
        self.inbox.fail_next(path, *failures)
        endpoint = project.endpoint("e", self.inbox.url + path, secret=SECRET)
        return project, endpoint, path

    def send(self, project, endpoint, **fields):
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                       "data": {"a": 1}, **fields})

    def statuses(self, project, delivery):
        return [attempt.get("http_status", "")[:3] for attempt in project.attempts(delivery["uid"])]

    def test_a_delivery_that_fails_twice_succeeds_at_the_third_attempt(self):
        project, endpoint, path = self.start(503, 500)
        self.send(project, endpoint)
        delivery = project.wait_for_deliveries(1)[0]
        self.assertEqual(self.statuses(project, delivery), ["503", "500", "200"])
        self.assertEqual(len(self.inbox.received(path)), 1)
        attempts = project.attempts(delivery["uid"])
        self.assertEqual(len({attempt["uid"] for attempt in attempts}), 3)
        self.assertEqual({attempt["msg_id"] for attempt in attempts}, {delivery["uid"]})

    def test_a_redirect_is_a_failure_and_is_not_followed(self):
        project, endpoint, path = self.start(302)
        self.send(project, endpoint)
        delivery = project.wait_for_deliveries(1)[0]
        self.assertEqual(self.statuses(project, delivery), ["302", "200"])

    def test_tries_are_exhausted_and_a_resend_succeeds(self):
        project, endpoint, path = self.start(500, 500, 500, 500)
        self.send(project, endpoint)
        delivery = project.wait_for_deliveries(1, "Failure")[0]
        self.assertEqual(self.statuses(project, delivery), ["500"] * 4)
        project.ok("PUT", f"/eventdeliveries/{delivery['uid']}/resend")
        project.wait_for_deliveries(1)
        self.assertEqual(self.statuses(project, delivery)[4:], ["200"])
        again = project.send("PUT", f"/eventdeliveries/{delivery['uid']}/resend")
        self.assertEqual(again.status, 400, again)

    def test_a_paused_endpoint_keeps_its_deliveries(self):
        project, endpoint, path = self.start()
        paused = project.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        self.assertEqual(paused["status"], "paused")
        for _ in range(5):
            self.send(project, endpoint)
        other = project.endpoint("other", self.inbox.url + path + "-other")
        self.send(project, other)
        self.inbox.wait_for(path + "-other", 1)  # so the dispatcher has had its chance
        self.assertEqual(len(self.inbox.received(path)), 1)
        resumed = project.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        self.assertEqual(resumed["status"], "active")
        project.wait_for_deliveries(6)
        self.assertEqual(len(self.inbox.received(path)), 6)

    def test_a_replay_delivers_again(self):
        project, endpoint, path = self.start()
        self.send(project, endpoint)
        project.wait_for_deliveries(1)
        event = project.events()[0]
        replayed = project.ok("PUT", f"/events/{event['uid']}/replay")
        self.assertEqual(replayed["uid"], event["uid"])
        project.wait_for_deliveries(2)
        self.assertEqual(len(self.inbox.received(path)), 2)
        self.assertEqual(len(project.events()), 1)

    def test_a_duplicate_is_recorded_and_not_delivered(self):
        project, endpoint, path = self.start()
        self.send(project, endpoint, idempotency_key="k")
        self.send(project, endpoint, idempotency_key="k")
        self.send(project, endpoint, idempotency_key="other")
        project.wait_for_deliveries(2)
        self.assertEqual(len(self.inbox.received(path)), 2)
        flags = [event["is_duplicate_event"] for event in project.events()]
        self.assertEqual(sorted(flags), [False, False, True])

    def test_both_secrets_sign_while_one_expires(self):
        project, endpoint, path = self.start()
        project.ok("PUT", f"/endpoints/{endpoint['uid']}/expire_secret",
                   {"secret": "the next", "expiration": 1})
        self.send(project, endpoint)
        request = self.inbox.wait_for(path, 1)[0]
        for secret in (SECRET, "the next"):
            self.assertTrue(host.is_signed(request.headers["X-Convoy-Signature"], secret,
                                           request.body), secret)

    def test_a_simple_signature_where_the_endpoint_wants_one(self):
        project, _, path = self.start()
        endpoint = project.endpoint("simple", self.inbox.url + path, secret=SECRET,
                                    advanced_signatures=False)
        self.send(project, endpoint)
        request = self.inbox.wait_for(path, 1)[0]
        self.assertNotIn(",", request.headers["X-Convoy-Signature"])
        self.assertTrue(host.is_signed(request.headers["X-Convoy-Signature"], SECRET, request.body))


class GuardTest(HostCase):
    allow_local = False

    def test_local_addresses_are_refused_and_the_refusal_is_recorded(self):
        project = self.project("outgoing",
                               strategy={"type": "linear", "duration": 1, "retry_count": 2})
        port = self.inbox.url.rsplit(":", 1)[1]
        spellings = ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::1]",
                     "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"]
        for number, name in enumerate(spellings):
            endpoint = project.endpoint(f"e{number}", f"http://{name}:{port}/guarded")
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})
        deliveries = project.wait_for_deliveries(len(spellings), "Failure")
        for delivery in deliveries:
            attempts = project.attempts(delivery["uid"])
            self.assertGreaterEqual(len(attempts), 1)
            for attempt in attempts:
                self.assertTrue(attempt["error"])
                self.assertFalse(attempt.get("http_status"))
        self.assertEqual(self.inbox.received(), [])


if __name__ == "__main__":
    unittest.main()
