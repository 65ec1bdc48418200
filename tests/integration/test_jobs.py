"""Fan-outs to many endpoints: acknowledged at once, and each endpoint gets one delivery, however often
the process is killed meanwhile. CONVOY_TEST_ENDPOINTS=100000 makes the audience larger. And batches: retries
of what failed, replays of what was accepted."""
import json
import os
import re
import sqlite3
import statistics
import time
import unittest

import host
from case import HostCase

ENDPOINTS = int(os.environ.get("CONVOY_TEST_ENDPOINTS", 6000))
KILLS = 5
JOB_KIND = 6


def packed(fields):
    return "".join(f"{len(field.encode())}:{field}" for field in fields).encode()


def multiply(database, project_id, count):
    """Makes `count` of the one endpoint of a project, and of its subscription, in a closed store."""
    with sqlite3.connect(database) as store:
        def row(kind):
            return store.execute("SELECT id, fields, document FROM config "
                                 "WHERE kind = ? AND project_id = ?", (kind, project_id)).fetchone()
        endpoint, subscription = row(2), row(3)
        for number in range(count - 1):
            endpoint_id = endpoint[0][:-6] + f"{number:06d}"
            subscription_id = subscription[0][:-6] + f"{number:06d}"
            document = json.loads(endpoint[2])
            document["id"] = endpoint_id
            store.execute("INSERT INTO config VALUES (NULL, 2, ?, ?, ?, ?)",
                          (endpoint_id, project_id, endpoint[1], json.dumps(document)))
            document = json.loads(subscription[2])
            document["id"], document["endpoint_id"] = subscription_id, endpoint_id
            fields = packed([document["name"], endpoint_id, ""])
            store.execute("INSERT INTO config VALUES (NULL, 3, ?, ?, ?, ?)",
                          (subscription_id, project_id, fields, json.dumps(document)))
            store.execute("INSERT INTO config_field VALUES (3, 1, ?, ?, ?)",
                          (endpoint_id, project_id, subscription_id))
    store.close()


class Store:
    """Looks into the file of a running convoyd."""

    def __init__(self, database):
        self._store = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)

    def count(self):
        return self._store.execute("SELECT count(*) FROM delivery").fetchone()[0]

    def per_endpoint(self):
        return [count for _, count in
                self._store.execute("SELECT endpoint, count(*) FROM delivery GROUP BY endpoint")]

    def jobs(self):
        return [json.loads(text) for text, in
                self._store.execute("SELECT document FROM config WHERE kind = ?", (JOB_KIND,))]

    def close(self):
        self._store.close()


class FanoutTest(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.database = folder.__enter__() + "/convoy.db"
        self.addCleanup(folder.__exit__, None, None, None)
        self.key = host.bootstrap(self.database)
        self.convoyd = host.Convoyd(self.database)
        self.addCleanup(lambda: self.convoyd.is_alive() and self.convoyd.kill())

    def restart(self, is_killed):
        self.convoyd.kill() if is_killed else self.convoyd.stop()
        self.convoyd = host.Convoyd(self.database)

    def admin(self):
        return self.convoyd.client(self.key)

    def make_projects(self):
        """A crowded one, whose endpoints are paused so that only what a job does is seen; a small one."""
        crowded = host.Project(self.admin(), "crowded", "outgoing")
        endpoint = crowded.endpoint("e", "https://x.example.com/", owner_id="ann")
        crowded.subscribe("s", endpoint)
        crowded.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        small = host.Project(self.admin(), "small", "outgoing")
        endpoint = small.endpoint("e", "https://x.example.com/", owner_id="ann")
        small.subscribe("s", endpoint)
        small.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        self.convoyd.stop()
        multiply(self.database, crowded.id, ENDPOINTS)
        self.convoyd = host.Convoyd(self.database)
        return crowded.path, small.path

    def timed(self, path, body):
        started = time.monotonic()
        data = self.admin().ok("POST", path, body)
        return data, (time.monotonic() - started) * 1000

    def accept(self, kind, body):
        crowded, small = self.make_projects()
        body = {"event_type": "t", "data": {"a": 1}, **body}
        self.timed(f"{small}/events/{kind}", body)
        times = [self.timed(f"{small}/events/{kind}", body)[1] for _ in range(9)]
        # The first request reads the project's configuration, which is no part of a fan-out.
        self.admin().ok("GET", f"{crowded}/endpoints?perPage=1")
        before = Store(self.database)
        self.base = before.count()
        before.close()
        answer, took = self.timed(f"{crowded}/events/{kind}", body)
        self.assertEqual(answer["endpoint_count"], ENDPOINTS)
        self.assertTrue(re.fullmatch("[0-9A-Z]{26}", answer["job_id"]))
        print(f"\n{kind} to {ENDPOINTS:,} endpoints: acknowledged in {took:.1f} ms, to one endpoint in "
              f"{statistics.median(times):.1f} ms", end="")
        return crowded, small

    def check_each_once(self):
        store = Store(self.database)
        counts = [count for count in store.per_endpoint() if count != self.base]
        jobs = store.jobs()
        store.close()
        self.assertEqual(len(counts), ENDPOINTS)
        self.assertEqual(set(counts), {1})
        self.assertEqual([job["state"] for job in jobs], ["done"])
        self.assertEqual(jobs[0]["done"], ENDPOINTS)

    def wait_until_made(self, count):
        store = Store(self.database)
        host.wait_until(lambda: store.count() - self.base >= count, f"{count} deliveries", 300, 0.002)
        made = store.count() - self.base
        store.close()
        return made

    def test_each_endpoint_once_though_the_process_is_killed(self):
        started = time.monotonic()
        self.accept("broadcast", {})
        seen = []
        for number in range(1, KILLS + 1):
            seen.append(self.wait_until_made(ENDPOINTS * number // (KILLS + 2)))
            self.restart(is_killed=True)
        self.wait_until_made(ENDPOINTS)
        host.wait_until(lambda: self.convoyd.log().count("job ended"), "the end", 30)
        print(f"; killed at {seen} deliveries, all made after {time.monotonic() - started:.1f} s")
        self.check_each_once()

    def test_another_project_does_not_wait_for_a_fan_out(self):
        _, small = self.accept("fanout", {"owner_id": "ann"})
        body = {"event_type": "t", "data": {"a": 1}}
        times = []
        client = self.admin()
        for _ in range(60):
            started = time.monotonic()
            client.ok("POST", f"{small}/events/broadcast", body)
            times.append((time.monotonic() - started) * 1000)
        print(f"; meanwhile another project's events took p50 {statistics.median(times):.1f} ms, at "
              f"most {max(times):.1f} ms")
        self.base += 60
        self.assertLess(statistics.median(times), 400)
        self.wait_until_made(ENDPOINTS)
        host.wait_until(lambda: self.convoyd.log().count("job ended"), "the end", 30)
        self.check_each_once()


class BatchTest(HostCase):
    EVENTS = 12

    def finished(self, project, job_id):
        def ended():
            job = project.ok("GET", f"/jobs/{job_id}")
            return job if job["state"] != "open" else None
        return host.wait_until(ended, "the end of a job")

    def test_what_failed_is_retried_and_what_was_accepted_is_replayed(self):
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1, "retry_count": 1})
        endpoint = project.endpoint("e", self.inbox.url + "/batch")
        self.inbox.fail_next("/batch", *[500] * self.EVENTS)
        for number in range(self.EVENTS):
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {"number": number}})
        project.wait_for_deliveries(self.EVENTS, "Failure")
        counted = project.ok("GET", "/eventdeliveries/countbatchretryevents?status=Failure")
        self.assertEqual(counted, {"num": self.EVENTS})
        made = project.ok("POST", "/eventdeliveries/batchretry?status=Failure")
        job = self.finished(project, made["uid"])
        self.assertEqual((job["state"], job["progress"]["done"]), ("done", self.EVENTS))
        project.wait_for_deliveries(self.EVENTS)
        self.assertEqual(len(self.inbox.received("/batch")), self.EVENTS)

        self.assertEqual(project.ok("GET", "/events/countbatchreplayevents"), {"num": self.EVENTS})
        job = self.finished(project, project.ok("POST", "/events/batchreplay"))
        self.assertEqual((job["state"], job["progress"]["done"]), ("done", self.EVENTS))
        project.wait_for_deliveries(2 * self.EVENTS)
        numbers = [json.loads(body)["number"] for body in self.inbox.bodies("/batch")]
        self.assertEqual(sorted(numbers), sorted([*range(self.EVENTS)] * 2))
        self.assertEqual([each["kind"] for each in project.ok("GET", "/jobs")["content"]],
                         ["batch_replay", "batch_retry"])


if __name__ == "__main__":
    unittest.main()
