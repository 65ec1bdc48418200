"""The broker restarts, and the network breaks, while messages flow."""
import threading
import time

from case import BrokerCase

BATCH = 10
#: before the break, and again after it
ENOUGH = 100
#: longer than any adapter waits for an answer that should come at once
STALL_S = 13


class Flow:
    """A producer that goes on until it is told to stop. What the broker does not confirm it may have
    kept all the same: it is sent again only if `repeats`, and then may be there twice."""

    def __init__(self, case, make_message, repeats=True):
        self._case = case
        self._make_message = make_message
        self._repeats = repeats
        self._may_run = threading.Lock()  # held by who wants it to pause
        self._is_over = threading.Event()
        self._is_given_up = False
        self.confirmed = []
        self.unconfirmed = []  # and not sent again
        self.failures_count = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._is_over.is_set():
            numbers = [next(self._case.numbers) for _ in range(BATCH)]
            batch = [self._make_message(number) for number in numbers]
            is_confirmed = self._try_to_produce(batch)
            while not is_confirmed and self._repeats and not self._is_given_up:
                time.sleep(0.5)
                is_confirmed = self._try_to_produce(batch)
            if is_confirmed:
                self.confirmed += numbers
            else:
                self.unconfirmed += numbers
            time.sleep(0.02)

    def _try_to_produce(self, batch):
        try:
            with self._may_run:
                self._case.queue.produce(batch)
            return True
        except Exception:  # pylint: disable=broad-except
            self.failures_count += 1  # of whatever kind the client's are: a broker that is down
            return False

    def paused(self):
        """A context in which nothing is produced."""
        return self._may_run

    def stop(self):
        """When what was sent last has been confirmed or, without `repeats`, has failed."""
        self._is_over.set()
        self._thread.join()

    def give_up(self):
        self._is_given_up = True
        self.stop()


class BreaksTest(BrokerCase):
    held_s_max = 31  # longer than where one was killed: it may have been extended

    def setUp(self):
        super().setUp()
        self.source = self.gateway.source(self.bench.pub_sub(self.queue))
        endpoint = self.gateway.endpoint("e")
        self.flow = Flow(self, lambda number: self.message(endpoint, number,
                                                           idempotency_key=str(number)))
        self.addCleanup(self.flow.give_up)

    def delivered(self):
        return len(self.inbox.received())

    def wait_for_more(self):
        wanted = self.delivered() + ENOUGH
        self.wait_until(lambda: self.delivered() >= wanted, f"{ENOUGH} more deliveries")

    def finish(self, case):
        self.flow.stop()
        self.audit(case, self.flow.confirmed, may_repeat=self.flow.failures_count > 0)

    def test_broker_restart(self):
        if not self.bench.keeps_messages:
            self.skipTest("this server forgets its messages when it restarts: test_cut is for it")
        for _ in range(2):
            self.wait_for_more()
            self.bench.restart(self.flow)
        self.wait_for_more()
        self.finish("broker restarted twice")

    def test_cut(self):
        for bytes_count in (1, 3000, 40_000):
            self.wait_for_more()
            self.bench.proxy.cut_after(bytes_count)  # in the middle of what the broker sends
            self.wait_until(lambda: self.bench.proxy.state == "cut", "the cut")
            self.gateway.wait_for_state(self.source, "backing_off")
            self.bench.proxy.heal()
        self.wait_for_more()
        self.finish("network cut three times")

    def test_stall(self):
        self.wait_for_more()
        self.bench.proxy.stall()
        time.sleep(STALL_S)
        self.bench.proxy.heal()
        self.wait_for_more()
        self.finish(f"network stalled for {STALL_S} s")
