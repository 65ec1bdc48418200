"""Misconfigured sources: refused when they are made, shown later by the state of their consumer, and
working again without a restart once they are corrected."""
import time

from case import BrokerCase
from gateway import PATIENCE_S
from servers import base

#: how long convoyd may take to say what is wrong, on a busy machine
SAID_WITHIN_S = 60


class StatesTest(BrokerCase):
    @classmethod
    def setUpClass(cls):
        cls.any_bench, cls.bench = cls.bench, cls.enterClassContext(base.started(cls.bench.strict))

    @classmethod
    def tearDownClass(cls):
        cls.bench = cls.any_bench

    def setUp(self):
        super().setUp()
        self.endpoint = self.gateway.endpoint("e")
        self.produced = []

    def start_reading(self):
        self.source = self.gateway.source(self.bench.pub_sub(self.queue))
        self.check_reading()

    def check_reading(self):
        """Messages get through."""
        self.gateway.wait_for_state(self.source, "running")
        message = self.message(self.endpoint)
        self.queue.produce([message])
        self.produced.append(message["number"])
        self.inbox.wait_for("/e", len(self.produced), PATIENCE_S)

    def check_said(self, state, began):
        consumer = self.gateway.wait_for_state(self.source, state)
        self.assertTrue(consumer["last_error"])
        self.assertTrue(consumer["last_error_at"])
        self.assertLess(time.monotonic() - began, SAID_WITHIN_S)
        for secret in self.bench.secrets():
            self.assertNotIn(secret, consumer["last_error"])

    def test_refused_when_made(self):
        for name, pub_sub, field in self.bench.wrong(self.queue):
            with self.subTest(name):
                began = time.monotonic()
                response = self.gateway.try_source(pub_sub)
                self.assertEqual(response.status, 400, response)
                self.assertIn(field, response.message)
                self.assertLess(time.monotonic() - began, SAID_WITHIN_S)
                for secret in self.bench.secrets():
                    self.assertNotIn(secret, response.message)
        self.assertEqual(self.gateway.project.ok("GET", "/sources")["content"], [])
        # Nor is a source that reads changed for the worse.
        self.start_reading()
        for name, pub_sub, field in self.bench.wrong(self.queue):
            with self.subTest(name + ", by an update"):
                response = self.gateway.project.send(
                    "PUT", f"/sources/{self.source}",
                    {"name": "s", "type": "pub_sub", "pub_sub": pub_sub})
                self.assertEqual(response.status, 400, response)
                self.assertIn(field, response.message)
        self.check_reading()
        self.audit("wrong sources are refused", self.produced)

    def test_security_of_another_port(self):
        """Such a port only closes connections; the state names the setting all the same."""
        cases = self.bench.of_other_ports(self.queue)
        if not cases:
            self.skipTest("the broker itself says what is wrong")
        for pub_sub, said in cases:
            self.source = self.gateway.source(pub_sub)
            began = time.monotonic()
            self.check_said("backing_off", began)
            self.assertIn(said, self.gateway.consumer(self.source)["last_error"])
        self.gateway.update_source(self.source, self.bench.pub_sub(self.queue))
        self.check_reading()
        self.audit("security settings corrected", self.produced)

    def test_queue_taken_away(self):
        self.start_reading()
        began = time.monotonic()
        self.bench.take_away(self.queue)
        self.check_said("misconfigured", began)
        self.bench.give_back(self.queue)
        self.check_reading()
        self.audit("queue taken away and given back", self.produced)

    def test_credentials_changed(self):
        self.start_reading()
        began = time.monotonic()
        pub_sub = self.bench.change_credentials(self.queue)
        self.check_said("misconfigured", began)
        self.gateway.update_source(self.source, pub_sub)
        self.check_reading()
        self.audit("credentials changed, source updated", self.produced)

    def test_tokens_expired(self):
        if not self.bench.has_tokens:
            self.skipTest("nothing expires there")
        self.start_reading()
        self.bench.expire_tokens()
        self.check_reading()
        self.audit("tokens expired", self.produced)

    def test_broker_away(self):
        self.bench.proxy.cut()
        self.source = self.gateway.source(self.bench.pub_sub(self.queue))
        began = time.monotonic()
        self.check_said("backing_off", began)
        self.bench.proxy.heal()
        self.check_reading()
        self.audit("made while the broker was away", self.produced)
