"""Local delivery through a handler that fails at random, in a process that is killed again and again:

- each event is handled to success at least once, and its delivery ends as a success;
- an endpoint with fifo hands its events out in order: after a kill only the last one comes again;
- no kill uses up an attempt.

CONVOY_LOCAL_EVENTS sets the number of events (default 1000), CONVOY_LOCAL_KILLS that of kills
(default 10); 10000 and 50 take some minutes.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINDING = str(ROOT / "bindings" / "python")
sys.path.insert(0, BINDING)
import convoy  # noqa: E402

EVENTS = int(os.environ.get("CONVOY_LOCAL_EVENTS", "1000"))
KILLS = int(os.environ.get("CONVOY_LOCAL_KILLS", "10"))
ORDERED = EVENTS // 5
SECONDS_MAX = 60 + EVENTS / 10


class Handler:
    """The process that is killed."""

    def __init__(self, database, journal):
        self.process = subprocess.Popen(
            [sys.executable, str(pathlib.Path(__file__).with_name("local_handler.py")), database,
             journal], stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": BINDING})

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        self.process.communicate(timeout=60)
        return self.process.returncode


class LocalCrashTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.database = os.path.join(folder.name, "events.db")
        self.journal = os.path.join(folder.name, "journal")

    def gateway(self):
        return convoy.Gateway(convoy.Config({"storage.path": self.database,
                                             "local.names": "any,ordered"}))

    def prepare(self):
        """A project with an endpoint of each name, and their events."""
        with self.gateway() as gateway:
            made = gateway.call("POST", "/api/v1/projects", {
                "name": "p", "type": "outgoing",
                "config": {"strategy": {"type": "linear", "duration": 1, "retry_count": 50}}})
            project = made["project"]["uid"]
            self.path = f"/api/v1/projects/{project}"
            endpoints = {name: gateway.call("POST", self.path + "/endpoints", {
                "name": name, "url": f"local:{name}", "fifo": name == "ordered"})["uid"]
                for name in ("any", "ordered")}
            for endpoint in endpoints.values():
                gateway.call("POST", self.path + "/subscriptions",
                             {"name": "s", "endpoint_id": endpoint})
            futures = [gateway.ingest_async(
                project, "t", json.dumps({"n": number}).encode(),
                endpoint_id=endpoints["ordered" if number < ORDERED else "any"])
                for number in range(EVENTS)]
            while not all(future.done() for future in futures):
                gateway.step()
            for future in futures:
                future.result()

    def handled(self):
        """Names and numbers of those handled to success, in order."""
        try:
            with open(self.journal) as file:
                return [(name, int(number)) for name, number in map(str.split, file)]
        except FileNotFoundError:
            return []

    def wait_for(self, what, condition):
        deadline = time.monotonic() + SECONDS_MAX
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def test_nothing_is_lost_and_order_is_kept(self):
        self.prepare()
        kills_left = KILLS
        while kills_left > 0:
            handler = Handler(self.database, self.journal)
            before = len(self.handled())
            # In the middle of its work; the more is left, the longer.
            share = max(1, (EVENTS - len(set(self.handled()))) // (kills_left + 1))
            goal = before + random.randint(1, 2 * share - 1)
            self.wait_for(f"{goal} handled", lambda: len(self.handled()) >= goal or
                          len(set(self.handled())) == EVENTS)
            handler.kill()
            kills_left -= 1
        handler = Handler(self.database, self.journal)
        self.wait_for("all handled", lambda: len(set(self.handled())) == EVENTS)
        self.wait_for("all delivered", lambda: not self.unfinished())
        self.assertEqual(handler.stop(), 0)
        self.audit()

    def unfinished(self):
        with self.gateway() as gateway:
            return any(gateway.call("GET", f"{self.path}/eventdeliveries?perPage=1&status={status}")
                       ["content"] for status in ("Scheduled", "Processing", "Retry", "Failure"))

    def audit(self):
        handled = self.handled()
        ordered = [number for name, number in handled if name == "ordered"]
        for former, number in zip(ordered, ordered[1:]):
            self.assertIn(number - former, (0, 1), "out of order")
        self.assertEqual(sorted(set(ordered)), list(range(ORDERED)))
        count, attempts, cursor = 0, 0, ""
        with self.gateway() as gateway:
            while True:
                page = gateway.call("GET", f"{self.path}/eventdeliveries?perPage=1000"
                                           f"&direction=next&next_page_cursor={cursor}")
                for delivery in page["content"]:
                    self.assertEqual(delivery["status"], "Success")
                    count += 1
                    attempts += delivery["metadata"]["num_trials"]
                if not page["pagination"]["has_next_page"]:
                    break
                cursor = page["pagination"]["next_page_cursor"]
        self.assertEqual(count, EVENTS)
        print(f"\n{EVENTS} events, {KILLS} kills: {len(handled)} handled to success, "
              f"{attempts} attempts recorded", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
