"""Adapters that libconvoy.so loads on request, from Python: messages of a real broker become events,
and nothing of a client library is in the process before.

usage: test_plugins.py BROKER [arguments of unittest], BROKER one of kafka, rabbitmq, sqs
"""
import json
import pathlib
import signal
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "brokers"))
sys.path.insert(0, str(ROOT / "bindings" / "python"))
# pylint: disable=wrong-import-position
import convoy
from servers import base, kafka, rabbitmq, sqs

#: broker -> (its server, the adapter, a part of the name of its client library, or None)
BROKERS = {"kafka": (kafka.Server, "kafka", "libconvoy-kafka"),
           "rabbitmq": (rabbitmq.Server, "amqp", "librabbitmq"),
           "sqs": (sqs.Server, "sqs", "libconvoy-sqs")}
PATIENCE_S = 120
COUNT = 200


def is_loaded(name):
    return name in pathlib.Path("/proc/self/maps").read_text(encoding="utf-8")


class Plugins(unittest.TestCase):
    server = adapter = library = None

    def open(self, folder, **settings):
        gateway = convoy.Gateway(convoy.Config({
            "storage.path": f"{folder}/events.db", "local.names": "orders",
            "gateway.log_lines_max": "1000", **settings}))
        self.addCleanup(gateway.close)
        return gateway

    def make_source(self, gateway, queue):
        project = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "outgoing"})
        path = f"/api/v1/projects/{project['project']['uid']}"
        endpoint = gateway.call("POST", path + "/endpoints", {"name": "e", "url": "local:orders"})
        return endpoint["uid"], path, lambda: gateway.call("POST", path + "/sources", {
            "name": "s", "type": "pub_sub", "pub_sub": queue.pub_sub})

    def produce(self, queue, endpoint, numbers):
        queue.produce([{"body": json.dumps({"endpoint_id": endpoint, "event_type": "order.new",
                                            "data": {"n": number}}).encode()}
                       for number in numbers])

    def take(self, gateway, count):
        numbers, deadline = [], time.monotonic() + PATIENCE_S
        while len(numbers) < count:
            if time.monotonic() > deadline:
                raise base.TimedOut(f"{len(numbers)} of {count}; log: "
                                    f"{[line.message for line in gateway.log_lines()]}")
            for delivery in gateway.take("orders", 64, wait_s=1):
                numbers.append(json.loads(delivery.body)["n"])
                delivery.done()
        return numbers

    def await_empty(self, queue):
        deadline = time.monotonic() + PATIENCE_S
        while queue.left() > 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)

    def test_1_without_the_setting_nothing_is_loaded_and_sources_are_told_so(self):
        queue = self.server.new_queue()
        with tempfile.TemporaryDirectory() as folder:
            gateway = self.open(folder)
            gateway.start()
            _, path, make = self.make_source(gateway, queue)
            try:
                source = make()
            except convoy.ApiError as error:
                self.assertIn("adapter", str(error))
            else:
                consumers = gateway.call("GET", f"{path}/sources/{source['uid']}/consumers")
                self.assertNotIn("running", json.dumps(consumers))
            self.assertFalse(is_loaded(self.library))

    def test_2_messages_become_events_each_once(self):
        queue = self.server.new_queue()
        with tempfile.TemporaryDirectory() as folder:
            allowed = {"deliver.allowed_networks": "127.0.0.0/8", "broker.adapters": self.adapter}
            gateway = self.open(folder, **allowed)
            self.assertTrue(is_loaded(self.library))
            gateway.start()
            endpoint, _, make = self.make_source(gateway, queue)
            make()
            self.produce(queue, endpoint, range(COUNT))
            numbers = self.take(gateway, COUNT)
            self.assertEqual(sorted(numbers), list(range(COUNT)))
            self.await_empty(queue)
            gateway.close(30)
            # Another gateway goes on where that one was.
            self.produce(queue, endpoint, range(COUNT, COUNT + 20))
            gateway = self.open(folder, **allowed)
            gateway.start()
            self.assertEqual(sorted(self.take(gateway, 20)), list(range(COUNT, COUNT + 20)))
            self.assertEqual(gateway.take("orders", 64, wait_s=1), [])

    def test_3_an_address_that_is_not_allowed_is_refused(self):
        queue = self.server.new_queue()
        with tempfile.TemporaryDirectory() as folder:
            gateway = self.open(folder, **{"broker.adapters": self.adapter})
            gateway.start()
            _, _, make = self.make_source(gateway, queue)
            with self.assertRaises(convoy.ApiError) as caught:
                make()
            self.assertEqual(caught.exception.status, 400)
            self.assertIn(f"pub_sub.{self.adapter}",
                          str(caught.exception))


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in BROKERS:
        sys.exit(__doc__)
    make, Plugins.adapter, Plugins.library = BROKERS[sys.argv.pop(1)]
    # So that the servers are stopped with us; unittest would take an exit for a failure and go on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with base.started(make) as Plugins.server:
        unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
