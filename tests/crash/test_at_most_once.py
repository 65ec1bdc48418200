"""Deliveries of mode at_most_once while answers arrive and something is wrong with the process or its
database: locked by another program, on a full disk, frozen beyond its lease, killed. Each is posted once
at most, and has an outcome in the end.

CONVOY_AT_MOST_ONCE_RUNS sets the number of runs (default 8), CONVOY_AT_MOST_ONCE_JOBS how many at a time
(default 4), CONVOY_AT_MOST_ONCE_SEED the seed of the instants.
"""
import collections
import concurrent.futures
import contextlib
import http.server
import os
import pathlib
import random
import signal
import sqlite3
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import host  # noqa: E402
from test_storage import SmallDisk  # noqa: E402

RUNS = int(os.environ.get("CONVOY_AT_MOST_ONCE_RUNS", "8"))
JOBS = int(os.environ.get("CONVOY_AT_MOST_ONCE_JOBS", "4"))
SEED = int(os.environ.get("CONVOY_AT_MOST_ONCE_SEED", str(time.time_ns() % 10**9)))
ENDPOINTS = 10
LEASE_S = 3
TROUBLES = ("locked", "locked for long", "full", "frozen", "frozen beside another", "killed")


class Answers:
    """A receiver whose answers take up to two seconds; counts the requests of each delivery."""

    def __init__(self, seed):
        self.counts = collections.Counter()
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        answers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                with answers._lock:
                    answers.counts[self.headers["X-Convoy-EventDelivery-ID"]] += 1
                    seconds = answers._random.uniform(0, 2)
                    status = answers._random.choice((200, 200, 204, 404, 500, 503))
                time.sleep(seconds)
                with contextlib.suppress(OSError):
                    self.wfile.write(b"HTTP/1.1 %d Answer\r\nContent-Length: 0\r\n\r\n" % status)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def total(self):
        with self._lock:
            return sum(self.counts.values())

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Run:
    def __init__(self, number):
        self.random = random.Random(SEED * 1000 + number)
        self.trouble = TROUBLES[number % len(TROUBLES)]
        self.stack = contextlib.ExitStack()
        self.convoyds = []

    def start(self):
        convoyd = host.Convoyd(self.database, "--lease-ms", str(LEASE_S * 1000))
        self.convoyds.append(convoyd)
        self.stack.callback(lambda: convoyd.is_alive() and convoyd.kill())
        return convoyd

    def play(self):
        """Returns the statuses of the deliveries; raises AssertionError."""
        with self.stack:
            self.disk = self.stack.enter_context(SmallDisk(8)) if self.trouble == "full" else None
            folder = self.disk.path if self.disk else self.stack.enter_context(host.Folder())
            self.database = folder + "/convoy.db"
            key = host.bootstrap(self.database)
            first = self.start()
            if self.trouble == "frozen beside another":
                self.start()
            answers = Answers(self.random.random())
            self.stack.callback(answers.close)
            project = host.Project(first.client(key), "p", "outgoing",
                                   add_event_id_trace_headers=True,
                                   strategy={"type": "linear", "duration": 1, "retry_count": 4})
            for number in range(ENDPOINTS):
                endpoint = project.endpoint(f"e{number}", answers.url, http_timeout=10)
                project.subscribe("s", endpoint, delivery_mode="at_most_once")
            project.ok("POST", "/events/broadcast", {"event_type": "t", "data": {}})
            time.sleep(self.random.uniform(0, 0.3))
            if self.random.random() < 0.7:
                host.wait_until(lambda: answers.total() >= ENDPOINTS, "the requests")
            getattr(self, "_" + self.trouble.split()[0])(first, project)
            project.client.close()
            project.client = self.convoyds[-1].client(project.key)
            return self._judge(project, answers)

    def _locked(self, *_):
        other = sqlite3.connect(self.database, isolation_level=None, timeout=10)
        other.execute("BEGIN IMMEDIATE")
        time.sleep(14 if self.trouble == "locked for long" else self.random.uniform(0.2, 4))
        other.execute("ROLLBACK")
        other.close()

    def _full(self, _, project):
        self.disk.fill()
        body = {"event_type": "other", "data": {"fill": "x" * 50_000}}
        while project.send("POST", "/events/broadcast", body).status == 201:
            pass
        time.sleep(self.random.uniform(0.2, 4))
        self.disk.free()

    def _frozen(self, first, _):
        first.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(LEASE_S, LEASE_S + 2))
        first.process.send_signal(signal.SIGCONT)

    def _killed(self, first, _):
        first.kill()
        self.start()

    def _judge(self, project, answers):
        def ended():
            found = [each for each in project.deliveries()
                     if each["event_metadata"]["event_type"] == "t"]
            return found if {each["status"] for each in found} <= {"Success", "Failure"} else None
        deliveries = host.wait_until(ended, f"{self.trouble}: the outcomes", timeout=60,
                                     interval=0.2)
        assert len(deliveries) == ENDPOINTS, deliveries
        time.sleep(1.5)  # a repeat would come now
        for delivery in deliveries:
            posts = answers.counts[delivery["uid"]]
            attempts = len(project.attempts(delivery["uid"]))
            assert posts <= 1, f"{self.trouble}: {posts} requests, {attempts} attempts: {delivery}"
            if delivery["status"] == "Success":
                assert (posts, attempts) == (1, 1), f"{self.trouble}: {posts}, {attempts}"
        return [("unknown" if "not known" in each.get("description", "") or
                 "unknown" in each.get("description", "") else each["status"])
                for each in deliveries]


class AtMostOnceTest(unittest.TestCase):
    def test_no_delivery_is_posted_twice(self):
        print(f"seed {SEED}")
        outcomes = collections.defaultdict(collections.Counter)
        runs = collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            futures = {pool.submit(Run(number).play): number for number in range(RUNS)}
            for future in concurrent.futures.as_completed(futures):
                trouble = TROUBLES[futures[future] % len(TROUBLES)]
                with self.subTest(run=futures[future], trouble=trouble):
                    try:
                        outcomes[trouble].update(future.result())
                        runs[trouble] += 1
                    except unittest.SkipTest as skipped:
                        print(f"{trouble}: {skipped}")
        for trouble, count in sorted(runs.items()):
            found = ", ".join(f"{count} {name}" for name, count in sorted(outcomes[trouble].items()))
            print(f"{trouble:22} {count:4} runs of {ENDPOINTS}: {found}")
        print(f"{sum(runs.values())} runs, none posted twice")


if __name__ == "__main__":
    unittest.main()
