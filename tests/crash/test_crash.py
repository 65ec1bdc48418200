"""SIGKILL in the middle of load, again and again on one database; after each restart an audit:

- every event that was acknowledged is stored, once as accepted, and is delivered with its bytes;
- no idempotency key was ever accepted twice, although clients send again what was not answered;
- every accepted event has its deliveries.

Once on an SQLite file, and once on a PostgreSQL server that is killed, too, every third time.

CONVOY_CRASH_RUNS sets the number of kills (default 20), CONVOY_CRASH_SEED the seed of the instants.
"""
import collections
import hashlib
import os
import pathlib
import random
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import host  # noqa: E402
import postgres  # noqa: E402

RUNS = int(os.environ.get("CONVOY_CRASH_RUNS", "20"))
SEED = int(os.environ.get("CONVOY_CRASH_SEED", str(time.time_ns() % 10**9)))
CLIENTS = 8
AUDIT_SECONDS = 120
ACCEPTED_INGEST = "Event received"


def raw_body(key):
    """Bytes that belong to `key` and are neither text nor JSON."""
    seed = hashlib.sha256(key.encode()).digest()
    return b"\x00\xff" + key.encode() + b"\n" + seed * (1 + seed[0] % 40)


def json_text(key):
    """JSON whose spelling must survive, too."""
    return '{ "key" :"%s", "b":1, "a":1e400, "b":0.10000000000000000000001}' % key


class Load:
    """Clients that post until the connection breaks. Every key is sent by two of them at about the
    same time, and what was not answered is sent again in the next run."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answers = collections.defaultdict(list)  # key → messages of successes
        self.unanswered = collections.deque()
        self.refusals = []

    def run(self, address, send, keys, is_over):
        def work(number):
            client = host.Client(address)
            for key in keys(number):
                if is_over.is_set():
                    break
                try:
                    answer = send(client, key)
                except Exception:  # the process died: the answer, if any, is lost
                    with self.lock:
                        self.unanswered.append(key)
                    break
                with self.lock:
                    if answer.status in (200, 201):
                        self.answers[key].append(answer.message)
                    else:
                        self.refusals.append((key, answer))
            client.close()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads


class CrashTest(unittest.TestCase):
    def setUp(self):
        self.folder = host.Folder()
        self.addCleanup(self.folder.__exit__, None, None, None)
        path = self.folder.__enter__()
        self.log_path = path + "/convoyd.log"
        self.database = self.open_database(path)
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)
        self.admin_key = host.bootstrap(self.database)
        self.random = random.Random(SEED)
        self.load = Load()

    def open_database(self, folder):
        """Returns the name of an empty database, for convoyd."""
        return folder + "/convoy.db"

    def kill(self, run):
        self.convoyd.kill()

    def start(self):
        # Deliveries in flight at the kill are due again when their lease ends.
        self.convoyd = host.Convoyd(self.database, "--lease-ms", "3000", log_path=self.log_path)
        self.addCleanup(self.convoyd.kill)
        for project in getattr(self, "projects", ()):
            project.client = self.convoyd.client(project.key)

    def configure(self):
        admin = self.convoyd.client(self.admin_key)
        strategy = {"type": "linear", "duration": 1, "retry_count": 100}
        limit = {"count": 0, "duration": 0}
        self.incoming = host.Project(admin, "in", "incoming", strategy=strategy, ratelimit=limit)
        self.source = self.incoming.source(
            "s", idempotency_keys=["request.query.key"], event_type_location="request.query.key")
        endpoint = self.incoming.endpoint("e", self.inbox.url + "/")
        self.incoming.subscribe("s", endpoint, self.source)
        self.outgoing = host.Project(admin, "out", "outgoing", strategy=strategy, ratelimit=limit)
        self.endpoint = self.outgoing.endpoint("e", self.inbox.url + "/")
        self.outgoing.subscribe("s", self.endpoint)
        self.projects = (self.incoming, self.outgoing)

    def send(self, client, key):
        if key.startswith("in-"):
            return client.send("POST", f"/ingest/{self.source['mask_id']}?key={key}", raw_body(key))
        body = '{"endpoint_id":"%s","event_type":"%s","idempotency_key":"%s","data":%s}' % (
            self.endpoint["uid"], key, key, json_text(key))
        return client.send("POST", self.outgoing.path + "/events", body.encode(), {
            "Content-Type": "application/json", "Authorization": "Bearer " + self.outgoing.key})

    def keys(self, run):
        """Two neighbouring clients send the same keys; the first ones send what is left over."""
        def generate(number):
            kind = "in" if number % 4 < 2 else "out"
            while self.load.unanswered:
                try:
                    yield self.load.unanswered.popleft()
                except IndexError:
                    break
            for count in range(10**6):
                yield f"{kind}-{run}-{number // 2}-{count}"
        return generate

    def wait_for_answers(self, count):
        """On a slow machine the kill would come first, and a single run would show nothing."""
        deadline = time.monotonic() + 30
        while len(self.load.answers) < count and time.monotonic() < deadline:
            time.sleep(0.005)

    def test_acknowledged_events_survive(self):
        print(f"crash: {RUNS} runs, seed {SEED}", file=sys.stderr, flush=True)
        self.start()
        self.configure()
        for run in range(1, RUNS + 1):
            before = len(self.load.answers)
            is_over = threading.Event()
            threads = self.load.run(self.convoyd.address, self.send, self.keys(run), is_over)
            if run == 1:
                self.wait_for_answers(2)
            time.sleep(self.random.uniform(0.02, 0.6))
            self.kill(run)
            is_over.set()
            for thread in threads:
                thread.join()
            self.start()
            self.audit()
            print(f"crash: run {run}: {len(self.load.answers) - before} keys acknowledged, "
                  f"{len(self.load.unanswered)} unanswered, all accounted for",
                  file=sys.stderr, flush=True)
        self.assertGreater(len(self.load.answers), RUNS)
        self.assertEqual(self.convoyd.stop(), 0)
        bodies = self.inbox.bodies()
        print(f"crash: {len(self.load.answers)} events acknowledged over {RUNS} kills, 0 lost, "
              f"0 accepted twice; {len(bodies)} deliveries of {len(set(bodies))} events",
              file=sys.stderr, flush=True)

    def describe_unfinished(self):
        """The deliveries that are not at their end, with what is known of them."""
        return [(delivery["status"], delivery["event_type"], delivery["metadata"]["next_send_time"],
                 [attempt.get("http_status") or attempt.get("error")
                  for attempt in project.attempts(delivery["uid"])])
                for project in self.projects for delivery in project.deliveries()
                if delivery["status"] != "Success"][:20]

    def audit(self):
        self.assertEqual(self.load.refusals, [])
        accepted = collections.Counter()
        for project in self.projects:
            for event in project.events():
                if not event["is_duplicate_event"]:
                    accepted[event["event_type"]] += 1
        twice = {key for key, count in accepted.items() if count > 1}
        self.assertEqual(twice, set(), "accepted twice")
        lost = set(self.load.answers) - set(accepted)
        self.assertEqual(lost, set(), "acknowledged and lost")
        for key, messages in self.load.answers.items():
            self.assertLessEqual(messages.count(ACCEPTED_INGEST), 1, key)

        # Accepted events are delivered, byte for byte, acknowledged or not: they are in the store.
        expected = {raw_body(key) if key.startswith("in-") else json_text(key).encode()
                    for key in accepted}
        try:
            host.wait_until(lambda: expected <= set(self.inbox.bodies()), "the deliveries",
                            timeout=AUDIT_SECONDS, interval=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.describe_unfinished()}") from None
        self.assertEqual(set(self.inbox.bodies()), expected, "delivered something never sent")
        for project in self.projects:
            host.wait_until(
                lambda project=project: {d["status"] for d in project.deliveries()} <= {"Success"},
                "the results of the deliveries", timeout=180, interval=0.2)


class PostgresCrashTest(CrashTest):
    def open_database(self, _):
        self.server = postgres.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        return self.server.url

    def kill(self, run):
        self.convoyd.kill()  # first: none of its answers is that the server has gone
        if run % 3 == 0:
            self.server.stop("immediate")
            self.server.start()


if __name__ == "__main__":
    unittest.main()
