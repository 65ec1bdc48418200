"""A host in Python beside handling requests: outcomes, and completions on its own event loop."""
import asyncio
import json
import logging
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import convoy  # noqa: E402
from convoy import OutcomeKind  # noqa: E402


def make_project(gateway, **fields):
    made = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "outgoing", **fields})
    return made["project"]["uid"]


class Outcomes(unittest.TestCase):
    def open(self, outcomes_max):
        gateway = convoy.Gateway(convoy.Config({
            "local.names": "orders", "gateway.outcomes_max": str(outcomes_max)}))
        self.addCleanup(gateway.close)
        project = make_project(gateway, config={"strategy": {
            "type": "linear", "duration": 1, "retry_count": 3}})
        path = f"/api/v1/projects/{project}"
        endpoint = gateway.call("POST", path + "/endpoints", {"name": "e", "url": "local:orders"})
        gateway.call("POST", path + "/subscriptions", {"name": "s", "endpoint_id": endpoint["uid"]})
        gateway.start()
        return gateway, project, endpoint["uid"]

    def wait(self, gateway, count):
        seen, deadline = [], time.monotonic() + 30
        while len(seen) < count:
            self.assertLess(time.monotonic(), deadline, seen)
            seen += gateway.outcomes()
            time.sleep(0.01)
        return seen

    def test_what_became_of_deliveries_and_of_their_endpoint(self):
        gateway, project, endpoint = self.open(100)

        @gateway.on("orders")
        def handle(delivery):
            if delivery.attempt_number == 1:
                raise ValueError("not now")

        event_id = gateway.ingest(project, "order.new", b"{}").event_id
        seen = self.wait(gateway, 4)
        self.assertEqual([outcome.kind for outcome in seen], [
            OutcomeKind.ENDPOINT_FAILING, OutcomeKind.DELIVERY, OutcomeKind.ENDPOINT_RECOVERED,
            OutcomeKind.DELIVERY])
        failed, delivered = seen[1], seen[3]
        self.assertEqual((failed.outcome, failed.detail), ("handler_failed", "ValueError: not now"))
        self.assertTrue(failed.will_retry and not failed.is_success)
        self.assertAlmostEqual(failed.retry_at, failed.at + 1, delta=0.5)
        self.assertTrue(delivered.is_success and not delivered.will_retry)
        self.assertIsNone(delivered.retry_at)
        self.assertEqual((delivered.attempt_number, delivered.event_id), (2, event_id))
        self.assertEqual({outcome.endpoint_id for outcome in seen}, {endpoint})
        self.assertEqual({outcome.project_id for outcome in seen}, {project})

    def test_a_disabled_endpoint_and_a_discarded_delivery(self):
        gateway = convoy.Gateway(convoy.Config({
            "local.names": "orders", "gateway.outcomes_max": "100"}))
        self.addCleanup(gateway.close)
        project = make_project(gateway, config={"disable_endpoint": True, "strategy": {
            "type": "linear", "duration": 1, "retry_count": 1}})
        path = f"/api/v1/projects/{project}"
        endpoint = gateway.call("POST", path + "/endpoints", {"name": "e", "url": "local:orders"})
        gateway.call("POST", path + "/subscriptions", {"name": "s", "endpoint_id": endpoint["uid"]})
        gateway.start()
        gateway.ingest(project, "t", b"{}")
        gateway.take("orders", 1, wait_s=30)[0].retry("broken")
        kinds = {outcome.kind for outcome in self.wait(gateway, 3)}
        self.assertEqual(kinds, {OutcomeKind.ENDPOINT_FAILING, OutcomeKind.DELIVERY,
                                 OutcomeKind.ENDPOINT_DISABLED})

    def test_beyond_the_bound_they_are_dropped_and_counted(self):
        gateway, project, _ = self.open(3)
        gateway.on("orders")(lambda delivery: None)
        for _ in range(10):
            gateway.ingest(project, "order.new", b"{}")
        deadline = time.monotonic() + 30
        while gateway.dropped_outcomes_count < 7 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(gateway.dropped_outcomes_count, 7)
        self.assertEqual(len(list(gateway.outcomes())), 3)

    def test_by_default_there_are_none(self):
        gateway, project, _ = self.open(0)
        gateway.on("orders")(lambda delivery: None)
        gateway.ingest(project, "order.new", b"{}")
        time.sleep(0.3)
        self.assertEqual(list(gateway.outcomes()), [])

    def test_a_source_that_refuses(self):
        with convoy.Gateway(convoy.Config({"gateway.outcomes_max": "10"})) as gateway:
            project = make_project(gateway, type="incoming")
            source = gateway.call("POST", f"/api/v1/projects/{project}/sources", {
                "name": "s", "type": "http", "provider": "github",
                "verifier": {"type": "hmac", "hmac": {"secret": "secret"}}})
            for _ in range(3):
                gateway.handle("POST", f"/ingest/{source['mask_id']}",
                               [("X-Hub-Signature-256", "sha256=" + "0" * 64)], b"{}")
            outcome, = gateway.outcomes()
            self.assertEqual((outcome.kind, outcome.source_id, outcome.outcome),
                             (OutcomeKind.SOURCE_REFUSES, source["uid"], "signature_mismatch"))


class Completions(unittest.TestCase):
    """20 requests in flight while the same thread calls and waits: nothing hangs."""

    def play(self, settings, watch):
        gateway = convoy.Gateway(convoy.Config(settings))
        project = make_project(gateway)
        gateway.start()
        threads = set()

        async def main():
            loop = asyncio.get_running_loop()
            if watch:
                loop.add_reader(gateway.fileno(), gateway.poll)
            futures = []
            for number in range(20):
                future = gateway.ingest_async(project, "t", str(number).encode())
                future.add_done_callback(lambda _: threads.add(threading.get_ident()))
                futures.append(asyncio.wrap_future(future))
                reply = gateway.handle("GET", "/readyz")
                self.assertEqual(reply.status, 200)
                gateway.call("GET", "/api/v1/projects")
            receipts = await asyncio.wait_for(asyncio.gather(*futures), 30)
            self.assertEqual(len({receipt.event_id for receipt in receipts}), 20)
            if watch:
                loop.remove_reader(gateway.fileno())

        asyncio.run(main())
        gateway.close()
        return threads

    def test_on_the_event_loop(self):
        threads = self.play({"gateway.completions": "poll"}, watch=True)
        self.assertEqual(threads, {threading.get_ident()})

    def test_on_threads_of_the_library(self):
        threads = self.play({}, watch=False)
        self.assertNotEqual(threads, set())

    def test_the_value_is_checked(self):
        with self.assertRaisesRegex(convoy.ConvoyError, "gateway.completions"):
            convoy.Config({"gateway.completions": "here"})


class Calls(unittest.TestCase):
    """The REST API without waiting."""

    def test_calls_in_flight_end_on_the_event_loop(self):
        gateway = convoy.Gateway(convoy.Config({"gateway.completions": "poll"}))
        self.addCleanup(gateway.close)
        gateway.start()
        threads = set()

        async def main():
            loop = asyncio.get_running_loop()
            loop.add_reader(gateway.fileno(), gateway.poll)
            made = [gateway.call_async("POST", "/api/v1/projects",
                                       {"name": f"p{number}", "type": "outgoing"})
                    for number in range(20)]
            for future in made:
                future.add_done_callback(lambda _: threads.add(threading.get_ident()))
            made = await asyncio.wait_for(
                asyncio.gather(*map(asyncio.wrap_future, made)), 30)
            listed = await asyncio.wrap_future(gateway.call_async("GET", "/api/v1/projects"))
            loop.remove_reader(gateway.fileno())
            return {one["project"]["uid"] for one in made}, {one["uid"] for one in listed}

        made, listed = asyncio.run(main())
        self.assertEqual((len(made), made), (20, listed))
        self.assertEqual(threads, {threading.get_ident()})

    def test_refusals_come_with_the_future(self):
        with convoy.Gateway() as gateway:
            for method, target, status in (("GET", "/api/v1/projects/nowhere", 404),
                                           ("POST", "/api/v1/projects", 400),
                                           ("GET", "/somewhere/else", 404)):
                future = gateway.call_async(method, target, {} if method == "POST" else None)
                deadline = time.monotonic() + 30
                while not future.done() and time.monotonic() < deadline:
                    gateway.step()
                self.assertEqual(future.exception(0).status, status, target)

    def test_without_memory_for_it_it_is_busy(self):
        with convoy.Gateway(convoy.Config({"gateway.buffered_bytes_max": "100"})) as gateway:
            with self.assertRaises(convoy.ConvoyError) as caught:
                gateway.call_async("POST", "/api/v1/projects", {"name": "x" * 1000})
            self.assertTrue(caught.exception.is_retriable)


class Logs(unittest.TestCase):
    """Log lines on the thread that asks for them."""

    def test_lines_wait_with_their_level(self):
        with convoy.Gateway(convoy.Config({"gateway.log_lines_max": "100",
                                           "gateway.log_level": "debug"})) as gateway:
            event = "larger request bodies are refused as too large"
            line, = [line for line in gateway.log_lines() if line.event == event]
            self.assertEqual(line.level, logging.DEBUG)
            self.assertIn('setting="body_bytes_max"', line.message)
            self.assertEqual(list(gateway.log_lines()), [])

    def test_beyond_the_bound_they_are_dropped_and_counted(self):
        with convoy.Gateway(convoy.Config({"gateway.log_lines_max": "1",
                                           "gateway.log_level": "debug"})) as gateway:
            for _ in range(3):
                gateway.handle("POST", "/ingest/0123456789abcdef", [], b"{}")
            first, = gateway.log_lines()
            self.assertGreater(first.dropped_count, 0)

    def test_by_default_there_are_none_and_levels_are_checked(self):
        with convoy.Gateway() as gateway:
            self.assertEqual(list(gateway.log_lines()), [])
        with self.assertRaisesRegex(convoy.ConvoyError, "gateway.log_level"):
            convoy.Config({"gateway.log_level": "loud"})


class WithoutDelivering(unittest.TestCase):
    """A gateway that only takes events in; another one delivers them."""

    def test_what_one_takes_in_another_delivers(self):
        with tempfile.TemporaryDirectory() as folder:
            settings = {"storage.path": f"{folder}/events.db", "local.names": "orders"}
            silent = {**settings, "deliver.in_flight_max": "0"}
            with convoy.Gateway(convoy.Config(silent)) as gateway:
                gateway.start()
                project = make_project(gateway)
                path = f"/api/v1/projects/{project}"
                endpoint = gateway.call("POST", path + "/endpoints",
                                        {"name": "e", "url": "local:orders"})
                event_id = gateway.ingest(project, "t", b"1",
                                          endpoint_id=endpoint["uid"]).event_id
                self.assertEqual(gateway.take("orders", wait_s=1), [])
                delivery, = gateway.call("GET", path + "/eventdeliveries")["content"]
                self.assertEqual((delivery["status"], delivery["event_id"]),
                                 ("Scheduled", event_id))
            with convoy.Gateway(convoy.Config(settings)) as gateway:
                gateway.start()
                taken, = gateway.take("orders", wait_s=30)
                self.assertEqual((taken.event_id, taken.attempt_number), (event_id, 1))
                taken.done()


class Adapters(unittest.TestCase):
    """Plug-ins that cannot be loaded: the error says what to do."""

    def open(self, **settings):
        with self.assertRaises(convoy.ConvoyError) as caught:
            convoy.Gateway(convoy.Config({key.replace("_", ".", 1): value
                                          for key, value in settings.items()}))
        return str(caught.exception)

    def test_one_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            message = self.open(broker_adapters="kafka", broker_adapters_dir=folder)
            self.assertIn(f"{folder}/libconvoy-kafka.so is not there: install", message)

    def test_something_else_under_its_name(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "libconvoy-kafka.so").write_bytes(b"no library")
            message = self.open(broker_adapters="kafka", broker_adapters_dir=folder)
            self.assertIn("cannot load the adapter kafka", message)
            shutil.copy(convoy._library.library._name, f"{folder}/libconvoy-amqp.so")
            message = self.open(broker_adapters="amqp", broker_adapters_dir=folder)
            self.assertIn("does not define convoy_plugin_1", message)

    def test_names_and_folders_are_checked(self):
        for settings in ({"broker.adapters": "../kafka"}, {"broker.adapters": "Kafka"},
                         {"broker.adapters_dir": "lib"}):
            with self.assertRaisesRegex(convoy.ConvoyError, "broker.adapters"):
                convoy.Config(settings)


if __name__ == "__main__":
    unittest.main()
