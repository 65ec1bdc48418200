"""Places that change under a source: another queue with the same ids in it, a queue that was made anew
under its name, and corrected copies. No message is taken for one that was stored before."""
import time

from case import BrokerCase
from gateway import envelope

COUNT = 20
#: of all messages, as a producer may set it: positions must not rest on it. Brokers drop what is old
TIMESTAMP_MS = int(time.time() * 1000)


class MovesTest(BrokerCase):
    def setUp(self):
        super().setUp()
        self.endpoint = self.gateway.endpoint("e")

    def messages(self, count=COUNT, first=1):
        """The same each time: producers count from one in each place."""
        return [{**self.message(self.endpoint, number), "timestamp": TIMESTAMP_MS}
                for number in range(first, first + count)]

    def counted(self, source):
        """Whether nothing was acknowledged without an event."""
        consumer = self.gateway.consumer(source)
        return consumer["redelivered"] == 0 and not any(
            worker["redelivered_last"] for worker in consumer["workers"])

    def wait_for(self, count):
        """Until there are that many events and nothing is left."""
        self.wait_until(lambda: len(self.gateway.events()) >= count, f"{count} events")
        self.wait_until(lambda: not self.gateway.undelivered(), "the deliveries")
        self.wait_for_acknowledgements()
        self.assertEqual(len(self.gateway.events()), count)
        self.assertEqual(self.gateway.held(), [])

    def add_row(self, case, count):
        self.table.add(case, messages=count, events=len(self.gateway.events()),
                       delivered=len(self.inbox.received()), seconds=self.seconds)

    def test_another_place(self):
        source = self.gateway.source(self.bench.pub_sub(self.queue))
        self.queue.produce(self.messages())
        self.wait_for(COUNT)
        for turn, queue in enumerate(self.bench.other_places(self.queue), 2):
            self.queue = queue
            self.gateway.update_source(source, self.bench.pub_sub(queue))
            queue.produce(self.messages())
            self.wait_for(turn * COUNT)
            self.assertTrue(self.counted(source))
        self.add_row("other places, same ids", len(self.gateway.events()))

    def test_made_anew_while_disabled(self):
        pub_sub = self.bench.pub_sub(self.queue)
        source = self.gateway.source(pub_sub)
        self.queue.produce(self.messages())
        self.wait_for(COUNT)
        self.set_disabled(source, pub_sub, True)
        self.gateway.wait_for_state(source, "stopped")
        self.queue.remake()
        self.queue.produce(self.messages())
        self.set_disabled(source, pub_sub, False)
        self.wait_for(2 * COUNT)
        self.assertTrue(self.counted(source))
        self.add_row("made anew while disabled", 2 * COUNT)

    def test_made_anew_while_read(self):
        self.queue = self.bench.new_queue_for_many()
        source = self.gateway.source(self.bench.pub_sub(self.queue))
        self.queue.produce(self.messages(3 * COUNT))
        self.wait_for(3 * COUNT)
        self.queue.remake()
        self.queue.produce(self.messages(COUNT, 1 + 3 * COUNT))
        self.wait_for(4 * COUNT)
        self.assertTrue(self.counted(source))
        self.add_row("made anew while read", 4 * COUNT)

    def set_disabled(self, source, pub_sub, is_disabled):
        self.gateway.project.ok("PUT", f"/sources/{source}", {
            "name": "s", "type": "pub_sub", "is_disabled": is_disabled, "pub_sub": pub_sub})

    def test_corrected_copy(self):
        """Of a dead letter, with the id of the first one, as an operator would send it."""
        source = self.gateway.source(self.bench.pub_sub(self.queue))
        bad = {**self.message(self.endpoint, 1), "body": b"{"}
        self.queue.produce([bad])
        self.wait_until(self.gateway.held, "the dead letter")
        self.queue.produce([{**bad, "body": envelope(
            '{"number": 1}', endpoint_id=self.endpoint, event_type="numbered")}])
        self.wait_until(self.gateway.events, "the event")
        self.wait_for_acknowledgements()
        self.assertEqual(len(self.gateway.events()), 1)
        self.assertEqual(len(self.gateway.held()), 1)
        self.assertTrue(self.counted(source))
        self.table.add("a corrected copy with its id", messages=2, events=1,
                       delivered=len(self.inbox.received()), dead_letters=1, seconds=self.seconds)
