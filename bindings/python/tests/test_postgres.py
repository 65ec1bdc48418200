"""The store in PostgreSQL from Python: libconvoy-postgres.so, chosen by storage.path and outbox.NAME,
on a real server."""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT.parents[1] / "tests" / "integration"))

import convoy  # noqa: E402
import postgres  # noqa: E402

PATIENCE_S = 60

# A process that takes events in, prints each one that was accepted, and dies by a signal.
WRITER = """
import sys
import convoy
url, project, endpoint = sys.argv[1:]
gateway = convoy.Gateway(convoy.Config({"storage.path": url, "deliver.in_flight_max": "0"}))
gateway.start()
for number in range(1_000_000):
    gateway.ingest(project, "order.new", b'{"n": %d}' % number, endpoint_id=endpoint)
    print(number, flush=True)
"""


def is_loaded(name):
    return name in pathlib.Path("/proc/self/maps").read_text(encoding="utf-8")


HAD_LIBPQ = is_loaded("libpq")


class Store(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(postgres.Server())

    def setUp(self):
        self.server.query("DROP SCHEMA IF EXISTS convoy CASCADE")

    def open(self, **settings):
        gateway = convoy.Gateway(convoy.Config({
            "storage.path": self.server.url, "local.names": "orders",
            **{key.replace("_", ".", 1): value for key, value in settings.items()}}))
        self.addCleanup(gateway.close)
        gateway.start()
        return gateway

    def make_endpoint(self, gateway):
        project = gateway.call("POST", "/api/v1/projects",
                               {"name": self.id(), "type": "outgoing"})["project"]["uid"]
        endpoint = gateway.call("POST", f"/api/v1/projects/{project}/endpoints",
                                {"name": "e", "url": "local:orders", "fifo": True})["uid"]
        return project, endpoint

    def take(self, gateway, count):
        numbers, deadline = [], time.monotonic() + PATIENCE_S
        while len(numbers) < count and time.monotonic() < deadline:
            for delivery in gateway.take("orders", 64, wait_s=1):
                numbers.append(json.loads(delivery.body)["n"])
                delivery.done()
        return numbers

    def test_events_outlive_the_gateway_and_are_delivered_in_order(self):
        self.assertFalse(HAD_LIBPQ)  # before a gateway asked for it
        gateway = self.open()
        self.assertTrue(is_loaded("libpq"))
        self.assertTrue(is_loaded("libconvoy-postgres.so"))
        project, endpoint = self.make_endpoint(gateway)
        gateway.close()
        gateway = self.open(deliver_in_flight_max="0")
        for n in range(50):
            gateway.ingest(project, "order.new", json.dumps({"n": n}).encode(),
                           endpoint_id=endpoint, idempotency_key=f"key {n}")
        again = gateway.ingest(project, "order.new", b"{}", endpoint_id=endpoint,
                               idempotency_key="key 7")
        self.assertTrue(again.is_duplicate)
        gateway.close()
        gateway = self.open()
        self.assertEqual(self.take(gateway, 50), list(range(50)))
        self.assertEqual(self.server.query("SELECT count(*) FROM convoy.event"), "51")

    def test_lists_are_counted_by_the_store(self):
        gateway = self.open(deliver_in_flight_max="0")
        project, endpoint = self.make_endpoint(gateway)
        for n in range(30):
            gateway.ingest(project, "order.new", b"{}", endpoint_id=endpoint)
        path = f"/api/v1/projects/{project}"
        counted = gateway.call("GET", f"{path}/events/countbatchreplayevents")
        self.assertEqual(counted["num"], 30)

    def test_work_that_another_process_leaves_is_noticed_at_once(self):
        deliverer = self.open()
        project, endpoint = self.make_endpoint(deliverer)
        taker = self.open(deliver_in_flight_max="0")
        waits = []
        for n in range(20):
            began = time.monotonic()
            taker.ingest(project, "order.new", json.dumps({"n": n}).encode(), endpoint_id=endpoint)
            self.assertEqual(self.take(deliverer, 1), [n])
            waits.append(time.monotonic() - began)
        print(f"\nfrom one gateway to the other: {statistics.median(waits) * 1000:.1f} ms", flush=True)
        # A gateway that is not told looks for the work of others twice a second. To be told it has to
        # find the plug-in's second interface, through the border of two libraries.
        self.assertLess(statistics.median(waits), 0.1)

    def test_what_a_killed_process_acknowledged_is_delivered(self):
        gateway = self.open(deliver_in_flight_max="0")
        project, endpoint = self.make_endpoint(gateway)
        gateway.close()
        accepted = []
        for _ in range(3):
            writer = subprocess.Popen([sys.executable, "-c", WRITER, self.server.url, project, endpoint],
                                      stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, "PYTHONPATH": str(ROOT)})
            timer = threading.Timer(2, writer.send_signal, (signal.SIGKILL,))
            timer.start()
            with writer:
                accepted += [int(line) for line in writer.stdout]
            timer.cancel()
            self.assertEqual(writer.returncode, -signal.SIGKILL)
        self.assertGreater(len(accepted), 30)
        stored = int(self.server.query("SELECT count(*) FROM convoy.event"))
        self.assertGreaterEqual(stored, len(accepted))
        self.assertLessEqual(stored, len(accepted) + 3)  # one may have lost its answer, each time
        numbers = self.take(self.open(), stored)
        self.assertEqual(len(numbers), stored)
        print(f"\n3 processes killed: accepted {len(accepted)}, stored and delivered {stored}", flush=True)

    def test_a_server_that_restarts(self):
        gateway = self.open()
        project, endpoint = self.make_endpoint(gateway)
        self.server.stop("immediate")
        with self.assertRaises(convoy.ConvoyError) as raised:
            gateway.ingest(project, "order.new", b'{"n": 0}', endpoint_id=endpoint)
        self.assertTrue(raised.exception.is_retriable, raised.exception)
        self.server.start()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                gateway.ingest(project, "order.new", b'{"n": 1}', endpoint_id=endpoint)
                break
            except convoy.ConvoyError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
        self.assertEqual(self.take(gateway, 1), [1])

    def test_an_outbox_in_the_same_database(self):
        gateway = self.open(outbox_shop=self.server.url, outboxes_create="on")
        project, endpoint = self.make_endpoint(gateway)
        path = f"/api/v1/projects/{project}"
        gateway.call("POST", path + "/subscriptions", {"name": "s", "endpoint_id": endpoint})
        gateway.call("POST", path + "/sources", {
            "name": "shop", "type": "pub_sub",
            "pub_sub": {"type": "outbox", "outbox": {"name": "shop"}}})
        deadline = time.monotonic() + PATIENCE_S
        while self.server.query("SELECT to_regclass('convoy.outbox') IS NULL") == "t":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        for n in range(20):
            end = "ROLLBACK" if n % 4 == 3 else "COMMIT"
            self.server.query(f"BEGIN; SELECT convoy.enqueue('order.placed', '{{\"n\": {n}}}'::text); {end}")
        self.assertEqual(self.take(gateway, 15), [n for n in range(20) if n % 4 != 3])
        self.assertEqual(self.take_none(gateway), [])

    def take_none(self, gateway):
        return gateway.take("orders", 64, wait_s=0.5)


class Mistakes(unittest.TestCase):
    """The error says what is wrong, and never the password."""

    def refuse(self, url="postgres://user:sesame@127.0.0.1:1/app", **settings):
        with self.assertRaises(convoy.ConvoyError) as raised:
            convoy.Gateway(convoy.Config({"storage.path": url, **{
                key.replace("_", ".", 1): value for key, value in settings.items()}}))
        self.assertNotIn("sesame", str(raised.exception))
        return raised.exception

    def test_a_server_that_is_not_there(self):
        error = self.refuse()
        self.assertTrue(error.is_retriable)
        self.assertEqual(self.refuse("postgresql://user:sesame@127.0.0.1:1/app").code, error.code)

    def test_a_plug_in_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            error = self.refuse(broker_adapters_dir=folder)
            self.assertIn(f"storage.path: {folder}/libconvoy-postgres.so is not there: install",
                          str(error))
            with self.assertRaisesRegex(convoy.ConvoyError, "outbox.shop: .* is not there"):
                convoy.Gateway(convoy.Config({
                    "storage.path": f"{folder}/events.db", "broker.adapters_dir": folder,
                    "outbox.shop": "postgres://user:sesame@127.0.0.1:1/app"}))

    def test_another_scheme_does_not_show_its_password(self):
        with self.assertRaises(convoy.ConvoyError) as raised:
            convoy.Config({"outbox.shop": "mysql://user:sesame@host/shop"})
        self.assertNotIn("sesame", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
