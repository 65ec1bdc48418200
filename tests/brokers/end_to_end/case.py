"""Common base of the cases: a queue, a gateway that reads it, a receiver, and the audit."""
import collections
import itertools
import json
import time
import unittest

import gateway
from gateway import PATIENCE_S, envelope, host


class BrokerCase(unittest.TestCase):
    bench = None  # benches.Bench, set before the tests run
    table = None
    flags = ()
    #: how long a message may be held by a reader that is gone
    held_s_max = 1

    def setUp(self):
        folder = host.Folder()
        self.addCleanup(folder.__exit__, None, None, None)
        self.folder = folder.__enter__()
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)
        self.bench.proxy.heal()
        self.started = time.monotonic()
        self.gateway = self.first_gateway()
        self.queue = self.bench.new_queue()
        self.numbers = itertools.count(1)

    def first_gateway(self):
        return self.new_gateway("convoy.db")

    def new_gateway(self, name, *flags, env=None):
        made = gateway.Gateway(f"{self.folder}/{name}", self.inbox, *self.flags, *flags, env=env)
        self.addCleanup(self._close, made)
        return made

    def _close(self, one):
        self.assertIsNone(one.close())

    @property
    def seconds(self):
        return time.monotonic() - self.started

    # ---- Messages that carry a number ----------------------------------------------------------

    def message(self, endpoint, number=None, **fields):
        """For one endpoint; its idempotency key is its number."""
        number = number or next(self.numbers)
        body = envelope('{ "number" :%d}' % number, endpoint_id=endpoint, event_type="numbered",
                        **fields)
        return {"body": body, "id": f"m-{number}", "number": number}

    @staticmethod
    def number_of(event):
        return event["data"]["number"]

    def is_stored(self, number):
        return any(self.number_of(event) == number for event in self.gateway.latest_events())

    def wait_until(self, condition, what, timeout=PATIENCE_S):
        return host.wait_until(condition, what, timeout, 0.05)

    def wait_for_acknowledgements(self):
        self.wait_until(lambda: self.bench.left(self.queue, self.held_s_max) == 0,
                        "the acknowledgements")

    # ---- The audit -----------------------------------------------------------------------------

    def accepted(self, *gateways):
        """How many events each number has, in all of these together; duplicates aside."""
        return collections.Counter(
            self.number_of(event) for one in gateways or (self.gateway,) for event in one.events()
            if not event["is_duplicate_event"])

    def audit(self, case, numbers, *gateways, may_repeat=False, unconfirmed=(), ids=None):
        """Waits until each of these is one event and was delivered, and the queue is empty.
        `may_repeat`: messages may have been produced twice, with the same idempotency key.
        `unconfirmed`: numbers that the broker may have kept, once. `ids`: what the broker calls the
        messages, by number."""
        gateways = gateways or (self.gateway,)
        self.wait_for_events(set(numbers), gateways)
        self.wait_until(lambda: not any(one.undelivered() for one in gateways), "the deliveries")
        self.wait_for_acknowledgements()
        accepted = self.accepted(*gateways)
        expected = collections.Counter({number: 1 for number in numbers})
        expected.update(number for number in unconfirmed if number in accepted)
        if accepted != expected:  # none lost, none twice
            self.fail(self.differences(accepted, expected, gateways, ids or {}))
        received = [json.loads(body)["number"] for body in self.inbox.bodies()]
        self.assertEqual(set(received), set(expected))
        duplicates = sum(event["is_duplicate_event"] for one in gateways for event in one.events())
        if not may_repeat:
            self.assertEqual(duplicates, 0)
        self.assertEqual([held for one in gateways for held in one.held()], [])
        self.table.add(case, messages=len(expected), events=accepted.total(),
                       delivered=len(received), duplicates=duplicates, seconds=self.seconds)
        if unconfirmed:
            kept = sum(number in accepted for number in unconfirmed)
            print(f"{len(unconfirmed)} messages were not confirmed, and {kept} of them kept",
                  flush=True)

    def wait_for_events(self, numbers, gateways):
        """A message that is gone from the broker and is no event is lost, and not late."""
        try:
            self.wait_until(lambda: numbers <= set(self.accepted(*gateways)), "the events")
        except host.TimedOut:
            if self.bench.left(self.queue, self.held_s_max) > 0:
                raise
            missing = sorted(numbers - set(self.accepted(*gateways)))
            self.assertEqual(missing, [], "acknowledged, and no events")

    def differences(self, accepted, expected, gateways, ids):
        """A line for each message that is not one event, with what the broker and the events say."""
        lines = ["messages that are not one event each:"]
        for number in sorted(accepted | expected):
            if accepted[number] == expected[number]:
                continue
            lines.append(f"message {number}: {expected[number]} in, {accepted[number]} events; "
                         f"the broker confirmed {ids.get(number)}")
            lines += [f"  event {event['uid']} of {event['created_at']}: headers {event['headers']}"
                      for one in gateways for event in one.events()
                      if self.number_of(event) == number]
        return "\n".join(lines)
