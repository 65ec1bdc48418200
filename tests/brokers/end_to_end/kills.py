"""SIGKILL between the commit and the acknowledgement, again and again on one store.

The network keeps what convoyd sends from the broker, once convoyd has asked for messages; a message
that is then produced still comes and is committed, and the acknowledgement does not get out. When
the API shows the event, convoyd is killed. The broker has to hand the message out again, and the next
convoyd has to know it.
"""
import os

from case import BrokerCase
from gateway import host

#: a message that does not come within that has missed the moment: its poll was over before
MISSED_AFTER_S = 10


class KillsTest(BrokerCase):
    held_s_max = 11
    kills_count = int(os.environ.get("CONVOY_BROKER_KILLS", "50"))

    def setUp(self):
        super().setUp()
        self.endpoint = self.gateway.endpoint("e")
        self.source = self.gateway.source(self.bench.pub_sub(self.queue))
        self.ids = {}  # what the broker calls the messages that it has confirmed, by number
        self.unconfirmed = []
        self.redelivered = 0

    def produce(self):
        """The number of a message, or None if the broker has not confirmed that it keeps it: it may keep
        it all the same, so it is not sent again."""
        message = self.message(self.endpoint)
        try:
            self.ids[message["number"]], = self.queue.produce([message])
        except Exception as error:  # pylint: disable=broad-except
            print(f"message {message['number']} was not confirmed: {error!r}")  # of any client's kind
            self.unconfirmed.append(message["number"])
            return None
        return message["number"]

    def count_redelivered(self):
        """Of a process that cannot acknowledge any more: what it counts later comes again."""
        self.redelivered += self.gateway.consumer(self.source)["redelivered"]

    def kill_in_between(self):
        """False if the moment was missed."""
        self.gateway.wait_for_state(self.source, "running")
        self.assertTrue(self.bench.hold(), "convoyd has not asked for messages")
        number = self.produce()
        if number is None:
            self.bench.proxy.heal()
            return False
        try:
            host.wait_until(lambda: self.is_stored(number), "the event", MISSED_AFTER_S)
        except host.TimedOut:
            self.bench.proxy.heal()
            self.wait_until(lambda: self.is_stored(number), "the event, after a miss")
            return False
        self.count_redelivered()
        self.gateway.kill()
        self.bench.proxy.cut()  # what was kept is lost
        self.bench.proxy.heal()
        self.bench.forget_reader(self.queue)
        self.gateway.start()
        if self.bench.redelivers_at_once:
            # Otherwise that would be what the next poll brings.
            self.wait_until(self.is_redelivered, "the redelivery")
        return True

    def is_redelivered(self):
        return self.gateway.consumer(self.source)["redelivered"] > 0

    def test_kills(self):
        kills = misses = 0
        while kills < self.kills_count:
            if self.kill_in_between():
                kills += 1
            else:
                misses += 1
            self.assertLessEqual(misses, 5 + kills, "the moment is missed too often")
        self.produce()
        missed = f", {misses} moments missed" if misses else ""
        self.audit(f"{kills} kills before the acknowledgement{missed}", self.ids,
                   unconfirmed=self.unconfirmed, ids=self.ids)
        self.count_redelivered()
        self.assertGreaterEqual(self.redelivered, kills)
