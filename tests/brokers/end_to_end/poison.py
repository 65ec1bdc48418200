"""Messages that no event can be made of, between good ones."""
import base64
import json

from case import BrokerCase
from gateway import PATIENCE_S, envelope

PAYLOAD_BYTES_MAX = 10_000
KEY_HEADER = "X-Shop-Request"
GOOD_COUNT = 5  # in front of each bad one, and behind the last


def bodies_of(endpoint):
    """(what is wrong, the reason to expect, body, attributes)"""
    good = {"endpoint_id": endpoint, "event_type": "t", "idempotency_key": "k"}
    without = {name: {key: value for key, value in good.items() if key != name} for name in good}
    return [
        ("cut off", "malformed_json", envelope("1", **good)[:-1], {}),
        ("no JSON", "malformed_json", b"hello", {}),
        ("empty object", "missing_field", b"{}", {}),
        ("an array", "not_an_object", b"[" + envelope("1", **good) + b"]", {}),
        ("a text", "not_an_object", b'"text"', {}),
        ("no endpoint", "missing_field", envelope("1", **without["endpoint_id"]), {}),
        ("no event type", "missing_field", envelope("1", **without["event_type"]), {}),
        ("no data", "missing_field", json.dumps(good).encode(), {}),
        ("unknown field", "unknown_field", envelope("1", **good, evnt_type="t"), {}),
        ("wrong type", "wrong_type", envelope("1", **{**good, "event_type": 7}), {}),
        ("headers no object", "wrong_type", envelope("1", **good, custom_headers=[]), {}),
        ("bad header", "invalid_header", envelope("1", **good, custom_headers={"a b": "c"}), {}),
        ("control character", "invalid_text", envelope("1", **{**good, "event_type": "a\nb"}), {}),
        ("unknown endpoint", "unknown_endpoint",
         envelope("1", **{**good, "endpoint_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), {}),
        ("unknown kind", "bad_message_type", envelope("1", **good),
         {"x-convoy-message-type": "unicast"}),
        ("no owner", "missing_field", envelope("2", **good), {"x-convoy-message-type": "fanout"}),
        ("too deep", "too_deep", envelope("[" * 5000 + "]" * 5000, **good), {}),
    ]


BINARY = [
    ("bytes", "malformed_json", bytes(range(256)), {}),
    ("no UTF-8", "invalid_text", envelope('"?"').replace(b"?", b"\xff"), {}),
]
EMPTY = [("nothing", "malformed_json", b"", {})]


class PoisonTest(BrokerCase):
    """The project has rules of its own; those that break them become events when the rules change."""

    def setUp(self):
        super().setUp()
        self.configure(PAYLOAD_BYTES_MAX, KEY_HEADER)
        self.endpoint = self.gateway.endpoint("e")
        self.gateway.source(self.bench.pub_sub(self.queue))

    def configure(self, payload_bytes_max, key_header):
        config = self.gateway.project.ok("GET", "")["config"]
        self.gateway.project.ok("PUT", "", {"name": "p", "config": {
            **config, "max_payload_read_size": payload_bytes_max, "request_id_header": key_header}})

    def good(self):
        number = next(self.numbers)
        return self.message(self.endpoint, number, idempotency_key=f"good-{number}")

    def fixable(self):
        """Breaks the project's own rules, and no others."""
        for size in (PAYLOAD_BYTES_MAX + 1, 100_000):
            yield ("too large", "too_large", envelope(
                '{ "number" :%d, "x":"%s"}' % (next(self.numbers), "x" * size),
                endpoint_id=self.endpoint, event_type="t", idempotency_key=f"large-{size}"), {})
        for _ in range(3):
            yield ("no key", "missing_field", self.message(self.endpoint)["body"], {})

    def poisons(self):
        bad = bodies_of(self.endpoint)
        if self.bench.carries_bytes:
            bad += BINARY
        if self.bench.carries_nothing:
            bad += EMPTY
        return bad

    def test_poison(self):
        bad, fixable = self.poisons(), list(self.fixable())
        messages = []
        for number, (_, _, body, attributes) in enumerate(bad + fixable):
            messages += [self.good() for _ in range(GOOD_COUNT)]
            messages.append({"body": body, "id": f"bad-{number}",
                             "attributes": {"tenant": "acme", **attributes}})
        messages += [self.good() for _ in range(GOOD_COUNT)]
        self.queue.produce(messages)
        good_count = len(messages) - len(bad) - len(fixable)

        self.inbox.wait_for("/e", good_count, PATIENCE_S)
        self.wait_for_acknowledgements()
        self.assertEqual(len(self.gateway.events()), good_count)
        self.check_held(bad + fixable)

        self.assertEqual(self.gateway.release()["accepted"], 0)
        self.configure(1_000_000, "X-Convoy-Idempotency-Key")
        released = self.gateway.release()
        self.assertEqual((released["accepted"], released["remaining"]), (len(fixable), 0))
        self.assertEqual(sum(released["still_refused"].values()), len(bad))
        self.check_held(bad)
        delivered = self.inbox.wait_for("/e", good_count + len(fixable), PATIENCE_S)
        self.wait_until(lambda: not self.gateway.undelivered(), "the deliveries")
        self.assertEqual(sorted(json.loads(request.body)["number"] for request in delivered),
                         list(range(1, good_count + len(fixable) + 1)))
        self.table.add("poison, one call after a fix", messages=len(messages),
                       events=len(self.gateway.events()), delivered=len(delivered),
                       dead_letters=len(self.gateway.held()), seconds=self.seconds)

    def check_held(self, expected):
        """Each is a dead letter, with its reason and all its bytes."""
        held = [self.gateway.held_input(item["uid"]) for item in self.gateway.held()]
        found = {self.bytes_of(item): item for item in held}
        self.assertEqual(len(held), len(expected))
        for name, reason, body, attributes in expected:
            with self.subTest(name):
                item = found.pop(body)
                self.assertEqual((item["kind"], item["reason"]), ("dead_letter", reason),
                                 item["detail"])
                self.assertTrue(item["detail"])
                headers = {name.lower(): value for name, value in item["headers"].items()}
                for attribute, value in {"tenant": "acme", **attributes}.items():
                    self.assertIn(headers[attribute], (value, [value]))
        self.assertEqual(found, {})

    @staticmethod
    def bytes_of(item):
        if item.get("raw_encoding") == "base64":
            return base64.b64decode(item["raw"])
        return item["raw"].encode()
