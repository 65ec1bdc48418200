"""A transactional outbox in the host's own SQLite file: orders and their events, delivered to the host."""
import contextlib
import json
import pathlib
import sqlite3
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import convoy  # noqa: E402


class Outbox(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.shop = self.folder + "/shop.db"
        self.connection = self.enterContext(
            contextlib.closing(sqlite3.connect(self.shop, timeout=30)))
        self.connection.executescript("PRAGMA journal_mode = WAL;"
                                      "CREATE TABLE orders (number INTEGER PRIMARY KEY)")
        self.numbers, self.lock = [], threading.Lock()

    def open(self, **settings):
        gateway = convoy.Gateway(convoy.Config({
            "storage.path": self.folder + "/events.db", "outbox.shop": self.shop,
            "outboxes.create": "on", "local.names": "orders", **settings}))
        self.addCleanup(gateway.close)

        @gateway.on("orders")
        def handle(delivery):
            with self.lock:
                self.numbers.append(json.loads(delivery.body)["number"])
        return gateway

    def make_source(self, gateway):
        made = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "outgoing"})
        path = f"/api/v1/projects/{made['project']['uid']}"
        uid = gateway.call("POST", path + "/endpoints", {"name": "e", "url": "local:orders",
                                                         "fifo": True})["uid"]
        gateway.call("POST", path + "/subscriptions", {"name": "s", "endpoint_id": uid})
        gateway.call("POST", path + "/sources", {
            "name": "shop", "type": "pub_sub",
            "pub_sub": {"type": "outbox", "outbox": {"name": "shop"}}})
        return path

    def place(self, number, is_refused=False):
        with contextlib.suppress(ValueError), self.connection:
            self.connection.execute("INSERT INTO orders VALUES (?)", (number,))
            self.connection.execute(
                "INSERT INTO convoy_outbox (event_type, data) VALUES ('order.placed', ?)",
                (json.dumps({"number": number}),))
            if is_refused:
                raise ValueError

    def wait_for(self, expected):
        deadline = time.monotonic() + 30
        while set(self.numbers) != set(expected) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.numbers, list(expected))

    def test_committed_orders_are_delivered_in_order_and_no_others(self):
        gateway = self.open()
        gateway.start()
        self.make_source(gateway)
        for number in range(300):
            self.place(number, is_refused=number % 3 == 1)
        self.wait_for([number for number in range(300) if number % 3 != 1])
        self.assertEqual(self.connection.execute("SELECT count(*) FROM convoy_outbox").fetchone(),
                         (0,))

    def test_rows_wait_for_a_gateway_that_is_down(self):
        gateway = self.open()
        gateway.start()
        self.make_source(gateway)
        self.place(0)
        self.wait_for([0])
        gateway.close()
        self.place(1)
        again = self.open()
        again.start()
        self.place(2)
        self.wait_for([0, 1, 2])

    def test_a_row_that_is_no_event_is_a_dead_letter(self):
        gateway = self.open()
        gateway.start()
        path = self.make_source(gateway)
        with self.connection:
            self.connection.execute(
                "INSERT INTO convoy_outbox (event_type, data) VALUES ('order.placed', '{')")
        self.place(1)
        self.wait_for([1])
        held, = gateway.call("GET", path + "/held-inputs")["content"]
        self.assertEqual((held["kind"], held["reason"]), ("dead_letter", "malformed_json"))

    def test_names_and_files_are_checked(self):
        for key, value in (("outbox.", "a.db"), ("outbox.a b", "a.db"), ("outbox.a", "mysql://h/d"),
                           ("outbox.a", ":memory:"), ("outbox.a", "file:a.db"),
                           ("outboxes.create", "yes")):
            with self.subTest(key=key, value=value), self.assertRaises(convoy.ConvoyError) as raised:
                convoy.Config({key: value})
            self.assertIn(key, str(raised.exception))
        with self.assertRaises(convoy.ConvoyError) as raised:  # rows would go, and their events not stay
            convoy.Gateway(convoy.Config({"outbox.shop": self.shop}))
        self.assertIn("outbox.shop: set storage.path", str(raised.exception))
        gateway = self.open()
        gateway.start()
        path = self.make_source(gateway)
        with self.assertRaises(convoy.ApiError) as raised:
            gateway.call("POST", path + "/sources", {
                "name": "x", "type": "pub_sub",
                "pub_sub": {"type": "outbox", "outbox": {"name": "/etc/passwd"}}})
        self.assertIn("pub_sub.outbox.name", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
