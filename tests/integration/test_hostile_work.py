"""Callers who ask for much work: others are served as if they were not there."""
import concurrent.futures
import json
import os
import pathlib
import re
import statistics
import threading
import time
import unittest

import host
from case import HostCase, unsanitized


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def resident_mib(convoyd):
    status = pathlib.Path(f"/proc/{convoyd.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


class Probe:
    """Calls again and again on a connection of its own, and remembers how long each took (ms)."""

    def __init__(self, address, method, path, body=None, pause=0.01):
        self.took = []
        self.statuses = set()
        self._stop = threading.Event()
        client = host.Client(address)

        def run():
            while not self._stop.is_set():
                started = time.monotonic()
                self.statuses.add(client.send(method, path, body).status)
                self.took.append((time.monotonic() - started) * 1000)
                time.sleep(pause)
        self._thread = threading.Thread(target=run)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self.took


class ViewersTest(HostCase):
    flags = ("--metrics-access", "anyone")
    VIEWERS = 32
    # A build for coverage is not optimised, and takes many times as long.
    KEYS = 45_000 if os.environ.get("CONVOY_COVERAGE") == "ON" else 450_000
    EVENTS = 1500

    def setUp(self):
        self.crowded = self.project("outgoing")
        endpoint = self.crowded.endpoint("e", self.inbox.url + "/x")
        self.crowded.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        body = {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {"text": "x" * 4000}}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: self.crowded.ok("POST", "/events", body), range(self.EVENTS)))
        self.quiet = self.project("incoming")
        self.source = self.quiet.source("s")
        self.link = f"/ingest/{self.source['mask_id']}"

    def measure(self, seconds):
        probes = [Probe(self.convoyd.address, "POST", self.link, b'{"a":1}'),
                  Probe(self.convoyd.address, "GET", "/healthz")]
        time.sleep(seconds)
        took = [probe.stop() for probe in probes]
        for probe in probes:
            self.assertEqual(probe.statuses, {200})
        return took

    def test_intake_and_health_do_not_wait_for_viewers(self):
        alone = self.measure(3)
        stop = threading.Event()
        listed = []

        def list_events():
            client = self.admin.with_key(self.crowded.key)
            while not stop.is_set():
                answer = client.send("GET", f"{self.crowded.path}/events?perPage=1000")
                listed.append(answer.status)
            client.close()
        viewers = [threading.Thread(target=list_events) for _ in range(self.VIEWERS)]
        for viewer in viewers:
            viewer.start()
        try:
            time.sleep(1)
            crowded = self.measure(5)
            small = self.quiet.send("GET", "/events?perPage=1")
        finally:
            stop.set()
            for viewer in viewers:
                viewer.join()
        self.assertEqual(small.status, 200, "another project's list waits its turn, not for all")
        for name, before, after in zip(("intake", "/healthz"), alone, crowded):
            print(f"\n{name}: p50 {statistics.median(before):.1f} → {statistics.median(after):.1f} ms,"
                  f" p99 {percentile(before, .99):.1f} → {percentile(after, .99):.1f} ms "
                  f"({len(after)} calls beside {self.VIEWERS} viewers)", end="")
        print(f"\nviewers: {listed.count(200)} pages of 1,000 events, {listed.count(503)} told to wait")
        self.assertLessEqual(set(listed), {200, 503})
        self.assertGreater(listed.count(200), 0)
        # The machine of a test is shared: an order of magnitude below what it was, 3,700 and 7,800.
        self.assertLess(percentile(crowded[0], .99), 400)
        self.assertLess(percentile(crowded[1], .99), 200)

    def test_large_bodies_and_filters_are_off_the_loop(self):
        keys = json.dumps({f"k{number}": number for number in range(self.KEYS)}).encode()
        event = b'{"endpoint_id":"x","event_type":"t","data":' + keys + b"}"
        stop = threading.Event()

        def work():
            client = self.admin.with_key(self.crowded.key)
            while not stop.is_set():
                client.send("POST", f"{self.crowded.path}/events", event,
                            {"Content-Type": "application/json"})
                client.send("POST", f"{self.crowded.path}/subscriptions/test_filter",
                            b'{"request":{"body":' + keys + b'},"schema":{"body":{"k1":1}}}',
                            {"Content-Type": "application/json"})
            client.close()
        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        try:
            time.sleep(0.5)
            took = self.measure(4)
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        print(f"\nbeside 8 senders of {self.KEYS:,} keys: intake p99 {percentile(took[0], .99):.0f} ms, "
              f"/healthz p99 {percentile(took[1], .99):.0f} ms")
        self.assertLess(percentile(took[1], .99), 300)


class DeadlineTest(HostCase):
    flags = ("--answer-timeout-ms", "1", "--metrics-access", "anyone")

    def test_an_answer_that_takes_too_long_is_503(self):
        # Of one millisecond, most answers; but never anything else than a whole one or a 503.
        answers = [self.admin.send("GET", "/api/v1/projects") for _ in range(200)]
        statuses = {answer.status for answer in answers}
        self.assertLessEqual(statuses, {200, 503})
        for answer in answers:
            self.assertIsInstance(answer.json["status"], bool)
            if answer.status == 503:
                self.assertIn("Retry-After", answer.headers)


class CutOffTest(HostCase):
    def test_a_read_whose_time_is_over_is_cut_off_and_others_go_on(self):
        project = self.project("incoming")
        link = f"/ingest/{project.source('s')['mask_id']}"
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: self.admin.send("POST", link, b'{"a":1}'), range(9000)))
        self.assertEqual(self.convoyd.stop(), 0)
        type(self).convoyd = host.Convoyd(self.database, "--answer-timeout-ms", "1",
                                          "--metrics-access", "anyone")
        client = self.convoyd.client(self.key)
        # Some milliseconds of reading, which finds nothing.
        listing = project.path + "/events?perPage=1000&idempotencyKey=none&sort=ASC"
        probe = Probe(self.convoyd.address, "POST", link, b"{}")
        answers = [client.send("GET", listing) for _ in range(50)]
        took = probe.stop()
        late = [answer for answer in answers if answer.status == 503]
        print(f"\n{len(late)} of {len(answers)} lists were cut off; intake p99 "
              f"{percentile(took, .99):.1f} ms")
        self.assertGreater(len(late), 10)  # more or fewer, as the machine is slow or quick
        for answer in late:
            self.assertIn("Retry-After", answer.headers)
            self.assertIs(answer.json["status"], False)
        self.assertEqual(probe.statuses, {200})
        # They may be cut off as well.
        found = host.wait_until(
            lambda: re.search(r"convoy_answer_timed_out_total (\d+)",
                              client.send("GET", "/metrics").body.decode()), "the metrics")
        timed_out = int(found[1])
        self.assertGreaterEqual(timed_out, len(late))


class StatementsTest(HostCase):
    @unsanitized
    def test_filters_of_every_length_leave_no_memory_behind(self):
        project = self.project("outgoing")
        values = [f"endpointId={number % 10}" for number in range(600)]

        def ask(count):
            answer = project.client.send("GET", f"{project.path}/events?" + "&".join(values[:count]))
            self.assertEqual(answer.status, 200, (count, answer))
        for count in range(1, 60):
            ask(count)
        before = resident_mib(self.convoyd)
        for count in range(1, 600):
            ask(count)
            project.client.send("GET", f"{project.path}/eventdeliveries?" + "&".join(values[:count]))
        grown = resident_mib(self.convoyd) - before
        print(f"\nlists with 1 to 600 values in a filter: resident memory grew by {grown:.1f} MiB")
        self.assertLess(grown, 16)


class LoopTest(HostCase):
    def test_a_gateway_that_feeds_itself_stops(self):
        project = self.project("incoming")
        source = project.source("s")
        link = f"http://{self.convoyd.address}/ingest/{source['mask_id']}"
        for name in "ab":
            project.subscribe(name, project.endpoint(name, link), source)
        self.assertEqual(project.ingest(source, b'{"a":1}').status, 200)
        time.sleep(4)
        count = len(project.events())
        print(f"\ntwo endpoints on the own link: one event became {count}")
        self.assertLessEqual(count, 31)
        time.sleep(2)
        self.assertEqual(len(project.events()), count)
        answer = project.ingest(source, b"{}", {"Convoy-Hops": "4"})
        self.assertEqual(answer.status, 508)
        self.assertEqual(project.ingest(source, b"{}", {"Convoy-Hops": "x"}).status, 200)


if __name__ == "__main__":
    unittest.main()
