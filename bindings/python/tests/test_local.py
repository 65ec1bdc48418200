"""Local delivery in Python: threads, asyncio, what a handler raises, closing; and the examples."""
import asyncio
import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = ROOT.parents[1] / "examples" / "local"
sys.path.insert(0, str(ROOT))

import convoy  # noqa: E402


def make_project(gateway, *names, **endpoint):
    """An outgoing project with a local endpoint of each name that wants the event type NAME.*."""
    made = gateway.call("POST", "/api/v1/projects", {
        "name": "p", "type": "outgoing",
        "config": {"strategy": {"type": "linear", "duration": 1, "retry_count": 5}}})
    path = f"/api/v1/projects/{made['project']['uid']}"
    for name in names:
        uid = gateway.call("POST", path + "/endpoints",
                           {"name": name, "url": f"local:{name}", **endpoint})["uid"]
        gateway.call("POST", path + "/subscriptions",
                     {"name": name, "endpoint_id": uid,
                      "filter_config": {"event_types": [f"{name}.*"]}})
    return made["project"]["uid"]


class Local(unittest.TestCase):
    def setUp(self):
        self.gateway = convoy.Gateway(convoy.Config({"local.names": "orders,mails"}))
        self.project = make_project(self.gateway, "orders", "mails")
        self.gateway.start()
        self.addCleanup(self.gateway.close)

    def send(self, number, kind="orders.new", **options):
        return self.gateway.ingest(self.project, kind, json.dumps(number).encode(), **options)

    def deliveries(self):
        return self.gateway.call(
            "GET", f"/api/v1/projects/{self.project}/eventdeliveries?perPage=100")["content"]

    def wait_for_status(self, status, count=1):
        deadline = time.monotonic() + 30
        while sum(each["status"] == status for each in self.deliveries()) < count:
            self.assertLess(time.monotonic(), deadline, self.deliveries())
            time.sleep(0.01)

    def take_one(self):
        return self.gateway.take("orders", 1, wait_s=30)[0]

    def test_a_delivery_says_what_the_event_is(self):
        receipt = self.send({"a": 1}, custom_headers=[("X-Tenant", "t")], idempotency_key="k")
        delivery = self.take_one()
        self.assertEqual(delivery.event_id, receipt.event_id)
        self.assertEqual((delivery.event_type, delivery.body), ("orders.new", b'{"a": 1}'))
        self.assertEqual((delivery.idempotency_key, delivery.attempt_number), ("k", 1))
        self.assertIn(("X-Tenant", "t"), delivery.headers)
        self.assertGreater(delivery.deadline, time.time() + 30)
        self.assertTrue(delivery.done("shipped"))
        self.assertFalse(delivery.done())
        self.wait_for_status("Success")
        attempt, = self.gateway.call(
            "GET", f"/api/v1/projects/{self.project}/eventdeliveries/{delivery.delivery_id}"
                   "/deliveryattempts")
        self.assertEqual((attempt["url"], attempt["method"]), ("local:orders", "LOCAL"))
        self.assertEqual((attempt["status"], attempt["response_data"]), (True, "shipped"))

    def test_what_a_handler_raises_decides(self):
        seen = []

        @self.gateway.on("orders", workers=2)
        def handle(delivery):
            number = json.loads(delivery.body)
            seen.append((number, delivery.attempt_number))
            if number == 1:
                raise convoy.Refuse("no such order")
            if number == 2 and delivery.attempt_number == 1:
                raise ValueError("not now")

        for number in range(3):
            self.send(number)
        self.wait_for_status("Success", 2)
        self.wait_for_status("Failure")
        self.assertEqual(sorted(seen), [(0, 1), (1, 1), (2, 1), (2, 2)])
        failure, = (each for each in self.deliveries() if each["status"] == "Failure")
        self.assertEqual(failure["description"], "no such order")

    def test_a_dropped_delivery_and_a_late_one_come_again(self):
        self.send(1)
        delivery = self.take_one()
        del delivery
        gc.collect()
        again = self.take_one()
        self.assertEqual(again.attempt_number, 2)
        again.retry("later", after_s=1)
        self.assertEqual(self.take_one().attempt_number, 3)

    def test_deliveries_wait_for_their_host(self):
        self.send(1)
        time.sleep(0.5)
        only, = self.deliveries()
        self.assertEqual((only["status"], only["metadata"]["num_trials"]), ("Scheduled", 0))
        self.assertTrue(self.take_one().done())

    def test_asyncio_takes_two_names_at_once(self):
        got = []

        async def consume(name):
            async for delivery in self.gateway.deliveries(name):
                got.append((name, json.loads(delivery.body)))
                delivery.done()

        async def main():
            tasks = [asyncio.create_task(consume(name)) for name in ("orders", "mails")]
            for number in range(20):
                await asyncio.wrap_future(self.gateway.ingest_async(
                    self.project, ("orders.a", "mails.a")[number % 2], str(number).encode()))
            while len(got) < 20:
                await asyncio.sleep(0.01)
            closing = asyncio.get_running_loop().run_in_executor(None, self.gateway.close)
            await asyncio.wait_for(asyncio.gather(*tasks, closing), 30)

        asyncio.run(main())
        self.assertEqual(sorted(number for _, number in got), list(range(20)))
        self.assertTrue(all(number % 2 == (name == "mails") for name, number in got))

    def test_asyncio_leaves_the_descriptor_to_the_host(self):
        async def main():
            loop, told = asyncio.get_running_loop(), []
            loop.add_reader(self.gateway.fileno(), told.append, 1)
            deliveries = self.gateway.deliveries("orders")
            self.send(1)
            delivery = await asyncio.wait_for(anext(deliveries), 30)
            delivery.done()
            await deliveries.aclose()
            self.assertTrue(loop.remove_reader(self.gateway.fileno()))

        asyncio.run(main())

    def test_what_is_finished_may_say_anything(self):
        self.send(1)
        for number, after_s in enumerate((float("nan"), -1.0, 0.0)):
            delivery = self.take_one()
            self.assertEqual(delivery.attempt_number, number + 1)
            self.assertTrue(delivery.retry("\udc80", after_s=after_s))
        self.assertTrue(self.take_one().retry(after_s=float("inf")))
        self.wait_for_status("Retry")

    def test_a_worker_outlives_an_error_that_cannot_be_told(self):
        class Untold(Exception):
            def __str__(self):
                raise ValueError("none")

        @self.gateway.on("orders")
        def handle(delivery):
            if delivery.attempt_number == 1:
                raise Untold

        with self.assertLogs("convoy", "ERROR"):
            self.send(1)
            self.wait_for_status("Success")

    def test_a_handler_does_not_get_what_is_late(self):
        seen = []
        self.gateway.close()
        self.gateway = convoy.Gateway(convoy.Config({"local.names": "orders"}))
        self.addCleanup(self.gateway.close)
        self.project = make_project(self.gateway, "orders", http_timeout=1)
        for number in range(2):
            self.send(number)
        self.gateway.start()

        @self.gateway.on("orders", batch=2)
        def handle(delivery):
            seen.append((delivery.is_late, delivery.attempt_number))
            if len(seen) == 1:
                time.sleep(1.5)

        self.wait_for_status("Success", 2)
        self.assertFalse(any(is_late for is_late, _ in seen), seen)

    def test_names_and_endpoints_are_checked(self):
        with self.assertRaisesRegex(convoy.ConvoyError, "serves no local endpoint called 'order'"):
            self.gateway.take("order")
        with self.assertRaisesRegex(convoy.ConvoyError, "orders, mails"):
            self.gateway.on("order")(print)
        path = f"/api/v1/projects/{self.project}/endpoints"
        for url, why in (("local:order", "serves no local endpoint"), ("LOCAL:orders", "local:"),
                         ("local:Orders", "a-z"), ("local://orders", "a-z"), ("local:", "a-z")):
            with self.assertRaisesRegex(convoy.ApiError, why):
                self.gateway.call("POST", path, {"name": "e", "url": url})
        with self.assertRaisesRegex(convoy.ApiError, "authentication"):
            self.gateway.call("POST", path, {
                "name": "e", "url": "local:orders", "authentication": {
                    "type": "api_key", "api_key": {"header_name": "a", "header_value": "b"}}})
        with convoy.Gateway() as other:
            with self.assertRaisesRegex(convoy.ConvoyError, "serves none"):
                other.take("orders")
            with self.assertRaisesRegex(convoy.ApiError, "serves none"):
                make_project(other, "orders")
        with self.assertRaisesRegex(convoy.ConvoyError, "local_names"):
            convoy.Gateway(convoy.Config({"local.names": "orders,Mails"}))

    def test_closing_lets_go_of_threads_that_wait(self):
        threads = threading.active_count()
        for name in ("orders", "mails"):
            self.gateway.on(name)(print)
        begun = time.monotonic()
        self.gateway.close()
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(threading.active_count(), threads)
        self.assertEqual(self.gateway.take("orders"), [])

    def test_a_delivery_may_outlive_its_gateway(self):
        gateway = convoy.Gateway(convoy.Config({"local.names": "*"}))
        project = make_project(gateway, "orders")
        gateway.start()
        gateway.ingest(project, "orders.new", b"1")
        delivery = gateway.take("orders", wait_s=30)[0]
        gateway.close(0)
        del gateway
        gc.collect()
        self.assertEqual(delivery.body, b"1")
        with self.assertRaisesRegex(convoy.ConvoyError, "freed"):
            delivery.done()


class Rate(unittest.TestCase):
    def test_it_is_quick(self):
        count = 10_000
        with tempfile.TemporaryDirectory() as folder:
            config = convoy.Config({"storage.path": folder + "/events.db", "local.names": "orders"})
            with convoy.Gateway(config) as gateway:
                project = make_project(gateway, "orders")
                gateway.start()
                for future in [gateway.ingest_async(project, "orders.new", b"{}")
                               for _ in range(count)]:
                    future.result()
                begun, taken = time.monotonic(), 0
                while taken < count:
                    for delivery in gateway.take("orders", 256, wait_s=30):
                        delivery.done()
                        taken += 1
                seconds = time.monotonic() - begun
        print(f"\nlocal delivery in Python: {count / seconds:.0f} events/s", file=sys.stderr)
        self.assertGreater(count / seconds, 1000)


class Examples(unittest.TestCase):
    """As a user would run them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.database = folder.name + "/events.db"

    def run_example(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_each_is_short(self):
        for path in EXAMPLES.glob("orders.*"):
            self.assertLessEqual(len(path.read_text().splitlines()), 60)

    def test_python(self):
        script = str(EXAMPLES / "orders.py")
        self.assertEqual(self.run_example(sys.executable, script, self.database, "3"),
                         [f"order {number}, attempt 1" for number in range(3)])
        self.assertEqual(self.run_example(sys.executable, script, self.database, "4"),
                         ["order 3, attempt 1"])

    def test_c(self):
        with convoy.Gateway(convoy.Config({"storage.path": self.database,
                                           "local.names": "orders"})) as gateway:
            project = make_project(gateway, "orders")
            gateway.ingest(project, "orders.new", b'{"n":1}')
        program = os.path.join(os.environ["CONVOY_BIN_DIR"], "local_orders")
        if not os.path.exists(program):
            self.skipTest("examples are not built")
        self.assertEqual(self.run_example(program, self.database),
                         ['{"n":1}, attempt 1', '{"n":1}, attempt 2'])


if __name__ == "__main__":
    unittest.main()
