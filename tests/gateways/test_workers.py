"""Workers of nginx that come and go under load: a reload costs no request, a kill -9 loses nothing that
was acknowledged, a store that is held up holds no other location up.

CONVOY_NGINX_KILLS sets the number of kills (default 10), CONVOY_NGINX_RELOADS that of reloads
(default 3).
"""
import http.client
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import unittest

import nginx
from nginx import host

KILLS = int(os.environ.get("CONVOY_NGINX_KILLS", "10"))
RELOADS = int(os.environ.get("CONVOY_NGINX_RELOADS", "3"))
SENDERS = 8
SERVER = """
location / { return 200 plain; }
location /ingest/ { convoy_mount {folder}/events.db deliver.allowed_networks=127.0.0.0/8; }
location /api/ { convoy_mount {folder}/events.db; }
"""


class Load:
    """Senders that post numbered events, each on a connection of its own."""

    def __init__(self, server, path):
        self.server = server
        self.path = path
        self.acknowledged = set()
        self.failures = []
        self._numbers = iter(range(1 << 60))
        self._should_end = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send_all) for _ in range(SENDERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._should_end = True
        for thread in self._threads:
            thread.join()

    def _send_all(self):
        while not self._should_end:
            with self._lock:
                number = next(self._numbers)
            try:
                response = self.server.send("POST", self.path, json.dumps({"n": number}),
                                            {"X-Id": str(number)})
                outcome = None if response.status == 200 else response
            except (OSError, http.client.HTTPException) as error:
                outcome = error
            with self._lock:
                if outcome is None:
                    self.acknowledged.add(number)
                else:
                    self.failures.append(outcome)

    def wait_for_more(self, count=50):
        """Until so many more were acknowledged."""
        goal = len(self.acknowledged) + count
        host.wait_until(lambda: len(self.acknowledged) >= goal, "acknowledgements", 60)


class WorkersTest(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__, None, None, None)
        key = host.bootstrap(self.folder + "/events.db")
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)
        self.nginx = nginx.Nginx(self.folder, SERVER)
        self.nginx.__enter__()
        self.addCleanup(self.nginx.__exit__)
        admin = self.nginx.client(key)
        self.addCleanup(admin.close)
        self.project = host.Project(admin, "p", "incoming", strategy={
            "type": "linear", "duration": 1, "retry_count": 50})
        self.addCleanup(self.project.client.close)
        self.source = self.project.source("s", idempotency_keys=["request.header.X-Id"])
        endpoint = self.project.endpoint("e", self.inbox.url + "/e")
        self.project.subscribe("s", endpoint, self.source)
        self.path = f"/ingest/{self.source['mask_id']}"

    def check_nothing_is_lost(self, load):
        def missing():
            arrived = {json.loads(body)["n"] for body in self.inbox.bodies("/e")}
            return load.acknowledged - arrived
        # Deliveries that a killed worker had claimed come when another one notices.
        host.wait_until(lambda: not missing(), "all that was acknowledged", 120, 0.2)
        stored = [event["data"]["n"] for event in self.project.events()]
        self.assertEqual(len(stored), len(set(stored)))
        self.assertLessEqual(load.acknowledged, set(stored))

    def test_reload_under_load_costs_no_request(self):
        first = set(self.nginx.workers())
        with Load(self.nginx, self.path) as load:
            for _ in range(RELOADS):
                load.wait_for_more()
                before = set(self.nginx.workers())
                self.nginx.reload()
                host.wait_until(lambda: not before & set(self.nginx.workers()), "new workers", 60)
            load.wait_for_more()
        self.assertEqual(load.failures, [])
        self.assertFalse(first & set(self.nginx.workers()))
        self.check_nothing_is_lost(load)
        self.assertEqual(self.nginx.serious(), [])

    def test_reload_takes_up_other_settings(self):
        self.nginx.write(SERVER.replace("deliver.allowed", "gateway.body_bytes_max=1000 deliver.allowed"))
        self.nginx.reload()
        host.wait_until(lambda: self.nginx.send("POST", self.path, b"x" * 1001).status == 413,
                        "the new limit")
        self.nginx.write(SERVER.replace("deliver.allowed", "no.such=1 deliver.allowed"))
        self.nginx.reload()
        host.wait_until(lambda: "no.such" in self.nginx.log(), "the mistake")
        self.assertEqual(self.nginx.send("POST", self.path, b"{}").status, 200)

    def test_killed_workers_lose_nothing_that_was_acknowledged(self):
        with Load(self.nginx, self.path) as load:
            for _ in range(KILLS):
                load.wait_for_more(random.randrange(20, 60))
                workers = self.nginx.workers()
                os.kill(random.choice(workers), signal.SIGKILL)
                host.wait_until(lambda: len(self.nginx.workers()) == len(workers), "a new worker")
            load.wait_for_more()
        self.assertGreater(len(load.acknowledged), 20 * KILLS)
        self.check_nothing_is_lost(load)
        print(f"\n{KILLS} kills: {len(load.acknowledged)} acknowledged, {len(load.failures)} broken, "
              f"none lost", file=sys.stderr)

    def test_all_workers_killed_at_once(self):
        with Load(self.nginx, self.path) as load:
            load.wait_for_more()
            for pid in self.nginx.workers():
                os.kill(pid, signal.SIGKILL)
            load.wait_for_more()
        self.check_nothing_is_lost(load)

    def test_a_store_that_is_held_up_holds_no_other_location_up(self):
        other = sqlite3.connect(self.folder + "/events.db", isolation_level=None)
        self.addCleanup(other.close)
        self.assertEqual(self.nginx.send("POST", self.path, b"{}").status, 200)
        other.execute("BEGIN IMMEDIATE")
        with Load(self.nginx, self.path) as load:
            end = time.monotonic() + 2
            slowest = 0
            while time.monotonic() < end:
                begin = time.monotonic()
                self.assertEqual(self.nginx.send("GET", "/").body, b"plain")
                slowest = max(slowest, time.monotonic() - begin)
            self.assertEqual((len(load.acknowledged), load.failures), (0, []))
            other.execute("COMMIT")
            load.wait_for_more(SENDERS)
        self.assertLess(slowest, 1)
        self.assertEqual(load.failures, [])

    def test_ending_gracefully_answers_what_is_under_way(self):
        other = sqlite3.connect(self.folder + "/events.db", isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        before = set(self.nginx.workers())
        with Load(self.nginx, self.path) as load:
            time.sleep(0.5)
            self.nginx.reload()
            host.wait_until(lambda: len(self.nginx.workers()) > len(before), "new workers")
            time.sleep(0.5)
            # At least one of them has requests that wait; one without may have ended.
            self.assertTrue(before & set(self.nginx.workers()))
            other.execute("COMMIT")
            load.wait_for_more(SENDERS)
            host.wait_until(lambda: not before & set(self.nginx.workers()), "the end of the old")
        self.assertEqual(load.failures, [])
        self.check_nothing_is_lost(load)


if __name__ == "__main__":
    unittest.main()
