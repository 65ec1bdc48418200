"""The ways that a message can take: to one endpoint, to those of an owner, to all that want it."""
import collections
import json

from case import BrokerCase
from gateway import PATIENCE_S, envelope

COUNT = 20  # messages of each way
REPEATED = 5  # of them come again with the same idempotency key


class WaysTest(BrokerCase):
    def setUp(self):
        super().setUp()
        make = self.gateway.endpoint
        self.endpoints = {"single": make("single"), "first": make("first", owner_id="shop"),
                          "second": make("second", owner_id="shop"), "other": make("other")}
        # Without a subscription of its own the first endpoint would get one to everything.
        for name, event_types in {"single": ("any",), "first": ("order", "news"),
                                  "second": ("order",), "other": ("news",)}.items():
            self.gateway.project.subscribe(name, {"uid": self.endpoints[name]},
                                           event_types=event_types)

    def of_way(self, way, number):
        """(attributes, fields of the envelope)"""
        kind = {"x-convoy-message-type": way}
        return {
            # Without the attribute it is for one endpoint, and with it as well.
            "single": (kind if number % 2 else {},
                       {"endpoint_id": self.endpoints["single"], "event_type": "any"}),
            "fanout": (kind, {"owner_id": "shop", "event_type": "order"}),
            "broadcast": (kind, {"event_type": "news"}),
        }[way]

    def messages(self):
        for way in ("single", "fanout", "broadcast"):
            for number in range(COUNT + REPEATED):
                attributes, fields = self.of_way(way, number % COUNT)
                name = f"{way}-{number % COUNT}"
                # Numbers that would not survive being read and written again.
                yield {"body": envelope('{ "name" :"%s", "a":1e400, "a":0.1000 }' % name, **fields,
                                        custom_headers={"X-Trace": name}, idempotency_key=name),
                       "attributes": {"tenant": "acme", **attributes},
                       "id": f"{way}-message-{number}"}

    def test_ways(self):
        self.gateway.source(self.bench.pub_sub(self.queue))
        messages = list(self.messages())
        self.queue.produce(messages)
        ways = {"single": ("single",), "fanout": ("first", "second"),
                "broadcast": ("first", "other")}
        expected = collections.Counter(
            (endpoint, f"{way}-{number}")
            for way, endpoints in ways.items() for endpoint in endpoints for number in range(COUNT))
        events = self.wait_until(lambda: self.events_if(len(messages)), "the events")
        self.inbox.wait_for("", sum(expected.values()), PATIENCE_S)
        self.wait_until(lambda: not self.gateway.undelivered(), "the deliveries")
        self.wait_for_acknowledgements()

        received = self.inbox.received()
        for request in received:
            name = json.loads(request.body)["name"]
            self.assertEqual(request.body, b'{ "name" :"%s", "a":1e400, "a":0.1000 }' % name.encode())
            self.assertEqual(request.headers["X-Trace"], name)
            self.assertEqual(request.headers["tenant"], "acme")
            self.assertIsNone(request.headers["x-convoy-message-type"])
        self.assertEqual(collections.Counter((request.path[1:], request.headers["X-Trace"])
                                             for request in received), expected)
        duplicates = [event for event in events if event["is_duplicate_event"]]
        self.assertEqual(len(duplicates), 3 * REPEATED)
        self.assertEqual(self.gateway.held(), [])
        self.table.add("ways: single, fan-out, broadcast", messages=len(messages),
                       events=len(events) - len(duplicates), delivered=len(received),
                       duplicates=len(duplicates), seconds=self.seconds)

    def events_if(self, count):
        events = self.gateway.events()
        return events if len(events) >= count else None
