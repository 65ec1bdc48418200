"""Raw messages: whatever a body is, it is the event's, byte for byte, and attributes say the rest."""
import collections

from case import BrokerCase
from gateway import PATIENCE_S, envelope

EVENT_TYPE = "shop.changed"
PAYLOAD_BYTES_MAX = 10_000
# Numbers and spaces that would not survive being read and written again.
JSON = b'{ "total" :7,\n\t"a":1e400, "a":0.1000 }\n'
TEXT = "total: 7, café\r\n".encode()
BYTES = bytes(range(256))
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def message(name, body, **attributes):
    """A producer of RabbitMQ's would say that everything is JSON."""
    named = {key.replace("_", "-"): value for key, value in attributes.items()}
    return {"body": body, "id": name, "attributes": {"x-name": name, **named},
            "properties": {"content_type": None}}


class RawTest(BrokerCase):
    def setUp(self):
        super().setUp()
        self.endpoints = {"first": self.endpoint("first", owner_id="shop"),
                          "second": self.endpoint("second", {"body": {"total": 7}}, owner_id="shop")}
        self.source = self.gateway.source(self.raw())

    def endpoint(self, name, conditions=None, **fields):
        uid = self.gateway.endpoint(name, **fields)
        self.gateway.project.subscribe(name, {"uid": uid}, filter_config={
            "event_types": [EVENT_TYPE], "filter": conditions or {}})
        return uid

    def raw(self):
        return {**self.bench.pub_sub(self.queue), "message_format": "raw", "event_type": EVENT_TYPE}

    def configure(self, payload_bytes_max):
        config = self.gateway.project.ok("GET", "")["config"]
        self.gateway.project.ok("PUT", "", {"name": "p", "config": {
            **config, "max_payload_read_size": payload_bytes_max}})

    def change(self, pub_sub):
        """Returns when the source is read as it is now."""
        self.wait_until(lambda: self.gateway.consumer(self.source)["received"], "the messages")
        self.gateway.update_source(self.source, pub_sub)
        self.wait_until(lambda: not self.gateway.consumer(self.source)["received"], "a new consumer")
        self.gateway.wait_for_state(self.source, "running")

    def check_delivered(self, expected):
        """`expected`: [(endpoint, name, body, content type)], and nothing else."""
        self.inbox.wait_for("", len(expected), PATIENCE_S)
        self.wait_until(lambda: not self.gateway.undelivered(), "the deliveries")
        self.wait_for_acknowledgements()
        delivered = [(request.path[1:], request.headers["x-name"], request.body,
                      request.headers["Content-Type"]) for request in self.inbox.received()]
        self.assertEqual(collections.Counter(delivered), collections.Counter(expected))
        for request in self.inbox.received():
            for name in ("x-convoy-message-type", "x-convoy-endpoint-id", "x-convoy-owner-id"):
                self.assertIsNone(request.headers[name])

    def reasons(self):
        return sorted(item["reason"] for item in self.gateway.held())

    def test_bodies(self):
        bodies = {"json": (JSON, "application/json"), "text": (TEXT, "application/octet-stream")}
        if self.bench.carries_bytes:
            bodies["bytes"] = (BYTES, "application/octet-stream")
        if self.bench.carries_nothing:
            bodies["nothing"] = (b"", "application/octet-stream")
        messages = [message(name, body) for name, (body, _) in bodies.items()]
        expected = [("first", name, *body) for name, body in bodies.items()]
        expected += [("second", "json", *bodies["json"])]  # of these only JSON can pass a filter

        messages += [
            message("csv", b"a;b", content_type="text/csv; charset=utf-8"),
            message("single", JSON, x_convoy_message_type="single",
                    x_convoy_endpoint_id=self.endpoints["first"]),
            message("fanout", JSON, x_convoy_message_type="fanout", x_convoy_owner_id="shop"),
            message("everybody", TEXT, x_convoy_message_type="broadcast"),
            message("key", TEXT, x_convoy_idempotency_key="k"),
            {**message("key", TEXT, x_convoy_idempotency_key="k"), "id": "key-again"}]
        expected += [("first", "csv", b"a;b", "text/csv; charset=utf-8"),
                     ("first", "single", JSON, "application/json"),
                     ("first", "fanout", JSON, "application/json"),
                     ("second", "fanout", JSON, "application/json"),
                     ("first", "everybody", TEXT, "application/octet-stream"),
                     ("first", "key", TEXT, "application/octet-stream")]
        self.queue.produce(messages)
        self.check_delivered(expected)

        events = self.gateway.events()
        self.assertEqual([event["event_type"] for event in events], [EVENT_TYPE] * len(messages))
        duplicates = [event for event in events if event["is_duplicate_event"]]
        self.assertEqual([event["idempotency_key"] for event in duplicates], ["k"])
        self.assertEqual({request.headers["X-Convoy-Idempotency-Key"]
                          for request in self.inbox.received()}, {None, "k"})
        self.assertEqual(self.gateway.held(), [])
        self.table.add("raw: JSON, text, bytes", messages=len(messages),
                       events=len(events) - 1, delivered=len(expected), duplicates=1,
                       seconds=self.seconds)

    def test_poison(self):
        self.configure(PAYLOAD_BYTES_MAX)
        single = {"x_convoy_message_type": "single"}
        bad = [message("nobody", JSON, **single, x_convoy_endpoint_id=UNKNOWN),
               message("no id", JSON, **single),
               message("no type", JSON, x_convoy_endpoint_id=self.endpoints["first"]),
               message("bad type", JSON, x_convoy_message_type="multicast")]
        large = message("large", b"x" * (PAYLOAD_BYTES_MAX + 1))
        good = [message(f"good-{number}", TEXT) for number in range(6)]
        self.queue.produce([*good[:3], *bad, large, *good[3:]])
        expected = [("first", one["id"], TEXT, "application/octet-stream") for one in good]
        self.check_delivered(expected)
        reasons = ["bad_message_type", "bad_message_type", "missing_field", "unknown_endpoint"]
        self.assertEqual(self.reasons(), sorted([*reasons, "too_large"]))

        self.assertEqual(self.gateway.release()["accepted"], 0)
        self.configure(100_000)
        self.assertEqual(self.gateway.release()["accepted"], 1)
        self.check_delivered([*expected,
                              ("first", "large", large["body"], "application/octet-stream")])
        self.assertEqual(self.reasons(), reasons)
        self.table.add("raw: poison, one call after a fix", messages=len(bad) + len(good) + 1,
                       events=len(self.gateway.events()), delivered=len(self.inbox.received()),
                       dead_letters=len(reasons), seconds=self.seconds)

    def test_change_of_format(self):
        enveloped = message("envelope", envelope(
            JSON.decode(), endpoint_id=self.endpoints["first"], event_type=EVENT_TYPE))
        of_envelope = ("first", "envelope", JSON.strip(), "application/json")
        self.queue.produce([message("1", TEXT)])
        self.check_delivered([("first", "1", TEXT, "application/octet-stream")])

        self.change({**self.bench.pub_sub(self.queue), "message_format": "envelope"})
        self.queue.produce([enveloped, message("2", TEXT)])
        expected = [("first", "1", TEXT, "application/octet-stream"), of_envelope]
        self.check_delivered(expected)
        self.assertEqual(self.reasons(), ["malformed_json"])

        self.change(self.raw())  # and what was no envelope is an event like others
        self.assertEqual(self.gateway.release()["accepted"], 1)
        self.queue.produce([message("3", TEXT)])
        self.check_delivered(expected + [("first", name, TEXT, "application/octet-stream")
                                         for name in ("2", "3")])
        self.assertEqual(self.gateway.held(), [])
        self.table.add("raw: the format changes twice", messages=4,
                       events=len(self.gateway.events()), delivered=len(self.inbox.received()),
                       dead_letters=0, seconds=self.seconds)
