"""Messages of producers that know nothing of convoyd: the source says where they hold the type, the
idempotency key and the recipient. One form for all brokers."""
import collections

from case import BrokerCase
from gateway import PATIENCE_S

COUNT = 10
REPEATED = 3  # of them come again with the same id
TYPES = ("order.created", "order.paid")


class PlacesTest(BrokerCase):
    def setUp(self):
        super().setUp()
        for name in ("first", "second"):
            uid = self.gateway.endpoint(name, owner_id=name)
            self.gateway.project.subscribe(name, {"uid": uid}, event_types=["*"])

    def raw(self, **locations):
        return {**self.bench.pub_sub(self.queue), "message_format": "raw", **locations}

    @staticmethod
    def message(number, **attributes):
        """As a producer of CloudEvents might write it: what matters stands in headers and in the body."""
        owner = ("first", "second")[number % 2]
        return {"body": b'{ "tenant" :{"id":"%s"}, "n":%d.0 }' % (owner.encode(), number),
                "id": f"m-{number}",
                "attributes": {"ce_type": TYPES[number % 2], "ce_id": f"e-{number}", **attributes}}

    def test_places(self):
        self.gateway.source(self.raw(event_type_location="message.header.ce_type",
                                     idempotency_key_location="message.header.ce_id",
                                     owner_id_location="message.body.tenant.id"))
        good = [self.message(number) for number in range(COUNT)]
        repeated = [{**self.message(number), "id": f"again-{number}"} for number in range(REPEATED)]
        bad = [{**self.message(COUNT), "body": b'{"n":1}', "id": "ownerless"},
               {**self.message(COUNT + 1), "attributes": {"ce_id": "e"}, "id": "typeless"},
               {**self.message(COUNT + 2), "attributes": {"ce_type": "t"}, "id": "nameless"}]
        self.queue.produce([*good, *bad, *repeated])

        self.inbox.wait_for("", COUNT, PATIENCE_S)
        self.wait_until(lambda: not self.gateway.undelivered(), "the deliveries")
        self.wait_for_acknowledgements()
        delivered = [(request.path[1:], request.body, request.headers["ce_type"])
                     for request in self.inbox.received()]
        self.assertEqual(collections.Counter(delivered), collections.Counter(
            (("first", "second")[number % 2], message["body"], TYPES[number % 2])
            for number, message in enumerate(good)))
        events = self.gateway.events()
        self.assertEqual(collections.Counter(event["event_type"] for event in events),
                         collections.Counter(message["attributes"]["ce_type"]
                                             for message in good + repeated))
        duplicates = [event for event in events if event["is_duplicate_event"]]
        self.assertEqual(sorted(event["idempotency_key"] for event in duplicates),
                         [f"e-{number}" for number in range(REPEATED)])
        held = self.gateway.held()
        self.assertEqual([item["reason"] for item in held], ["missing_field"] * len(bad))
        self.assertEqual(
            {self.gateway.held_input(item["uid"])["detail"].split(":")[0] for item in held},
            {"owner_id", "event_type", "idempotency_key"})
        self.table.add("places in headers and body", messages=len(good + repeated + bad),
                       events=len(events) - len(duplicates), delivered=len(delivered),
                       duplicates=len(duplicates), dead_letters=len(held), seconds=self.seconds)

    def test_key(self):
        """Messages with a key and an id that the broker or the producer gave."""
        queue = self.queue = self.bench.new_queue_with_keys()
        fields = {"event_type_location": "message.key"}
        if self.bench.has_ids:
            fields["idempotency_key_location"] = "message.id"
        self.gateway.source(self.raw(**fields))
        key = self.bench.KEY
        queue.produce([{"body": b"%d" % number, "key": key, "id": f"m-{number}"}
                       for number in range(COUNT)])
        self.inbox.wait_for("", 2 * COUNT, PATIENCE_S)
        self.wait_for_acknowledgements()
        events = self.gateway.events()
        self.assertEqual({event["event_type"] for event in events}, {key})
        if self.bench.has_ids:
            self.assertEqual(len({event["idempotency_key"] for event in events} - {""}), COUNT)
        self.assertEqual(self.gateway.held(), [])
        self.table.add("key and id as places", messages=COUNT, events=len(events),
                       delivered=len(self.inbox.received()), seconds=self.seconds)

    def test_refused(self):
        """A place that is none is named, with what may be given."""
        for fields, field, said in (
                ({"event_type_location": "request.header.X"}, "event_type_location",
                 "message.header.NAME"),
                ({"event_type": "t", "owner_id_location": "message.key",
                  "endpoint_id_location": "message.key"}, "owner_id_location", "one of the two")):
            response = self.gateway.try_source(self.raw(**fields))
            self.assertEqual(response.status, 400, response)
            self.assertIn(f"pub_sub.{field}:", response.message)
            self.assertIn(said, response.message)
