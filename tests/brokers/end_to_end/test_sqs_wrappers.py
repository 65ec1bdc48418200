"""Queues that Amazon SNS and EventBridge write to become sources by a setting, without a change to
their topics and rules; against moto, which has all three services and wraps as Amazon does.
"""
import json
import signal
import sys

import benches
import verdict
from benches import changed
from case import BrokerCase
from gateway import PATIENCE_S
from table import Table

from servers import base, sqs_moto  # found by benches

COUNT = 10


class WrappersTest(BrokerCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = cls.enterClassContext(base.started(lambda: benches.Sqs(sqs_moto.Server())))

    def setUp(self):
        super().setUp()
        uid = self.gateway.endpoint("shop", owner_id="shop")
        self.gateway.project.subscribe("shop", {"uid": uid}, event_types=["*"])

    def source(self, wrapper, **fields):
        return {**changed(self.bench.pub_sub(self.queue), "sqs", wrapper=wrapper), **fields}

    def bodies(self):
        self.inbox.wait_for("/shop", COUNT, PATIENCE_S)
        self.wait_until(lambda: not self.gateway.undelivered(), "the deliveries")
        self.wait_for_acknowledgements()
        return sorted(request.body for request in self.inbox.received())

    def add_row(self, case, dead_letters=0):
        self.table.add(case, messages=COUNT + dead_letters, events=len(self.gateway.events()),
                       delivered=len(self.inbox.received()), dead_letters=dead_letters,
                       seconds=self.seconds)

    def test_sns_raw(self):
        self.gateway.source(self.source(
            "sns", message_format="raw", event_type_location="message.header.kind",
            idempotency_key_location="message.header.x-sns-message-id",
            owner_id_location="message.body.tenant"))
        publish = self.bench.server.new_topic(self.queue)
        texts = ['{ "tenant" :"shop", "n":%d.0 }' % number for number in range(COUNT)]
        ids = [publish(text, kind="order") for text in texts]
        self.queue.produce([{"body": texts[0].encode()}])  # one that did not take that way
        self.assertEqual(self.bodies(), sorted(text.encode() for text in texts))
        events = self.gateway.events()
        self.assertEqual({event["event_type"] for event in events}, {"order"})
        self.assertEqual(sorted(event["idempotency_key"] for event in events), sorted(ids))
        for request in self.inbox.received():
            self.assertEqual(request.headers["kind"], "order")
            self.assertIsNone(request.headers["x-sns-topic-arn"])
        held = self.wait_until(self.gateway.held, "the dead letter")
        self.assertEqual([item["reason"] for item in held], ["missing_field"])
        self.assertEqual(self.gateway.held_input(held[0]["uid"])["raw"], texts[0])
        self.add_row("SNS: raw", dead_letters=1)

    def test_sns_envelopes(self):
        self.gateway.source(self.source("sns"))
        publish = self.bench.server.new_topic(self.queue)
        texts = ["[%d.0]" % number for number in range(COUNT)]
        for text in texts:
            publish('{"owner_id": "shop", "event_type": "order", "data": %s}' % text,
                    **{"x-convoy-message-type": "fanout"})
        self.assertEqual(self.bodies(), sorted(text.encode() for text in texts))
        self.add_row("SNS: envelopes")

    def test_event_bridge(self):
        self.gateway.source(self.source(
            "eventbridge", message_format="raw",
            event_type_location="message.header.x-eventbridge-detail-type",
            idempotency_key_location="message.header.x-eventbridge-id",
            owner_id_location="message.body.tenant"))
        put = self.bench.server.new_rule(self.queue)
        details = [{"tenant": "shop", "n": number} for number in range(COUNT)]
        ids = [put("Order Placed", json.dumps(detail)) for detail in details]
        # moto writes the detail anew, so its spelling is moto's.
        self.assertEqual(sorted(json.loads(body)["n"] for body in self.bodies()),
                         list(range(COUNT)))
        events = self.gateway.events()
        self.assertEqual({event["event_type"] for event in events}, {"Order Placed"})
        self.assertEqual(sorted(event["idempotency_key"] for event in events), sorted(ids))
        self.add_row("EventBridge: raw")

    def test_refused(self):
        response = self.gateway.try_source(self.source("kinesis"))
        self.assertEqual(response.status, 400, response)
        self.assertIn("pub_sub.sqs.wrapper:must be none, sns or eventbridge", response.message)


def main():
    BrokerCase.table = Table("sqs")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = verdict.run_tests()
    BrokerCase.table.print()
    sys.exit(code)


if __name__ == "__main__":
    main()
