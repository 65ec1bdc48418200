"""Rate limits, order and pauses as a receiver sees them, with one to three processes on a store."""
import http.server
import json
import os
import threading
import time
import unittest

import host

SECONDS = float(os.environ.get("CONVOY_LANE_SECONDS", "4"))  # of each phase; longer by hand


class Arrivals:
    """A receiver that notes when each delivery arrives, and how many are with it at once."""

    def __init__(self, answer=lambda number, count: 200, seconds=0.0):
        self.lock = threading.Lock()
        self.times, self.numbers, self.here, self.most_here = [], [], 0, 0
        arrivals = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                now = time.monotonic()
                number = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["n"]
                with arrivals.lock:
                    arrivals.times.append(now)
                    arrivals.numbers.append(number)
                    count = arrivals.numbers.count(number)
                    arrivals.here += 1
                    arrivals.most_here = max(arrivals.most_here, arrivals.here)
                time.sleep(seconds)
                with arrivals.lock:
                    arrivals.here -= 1
                status = answer(number, count)
                self.wfile.write(b"HTTP/1.1 %d Answer\r\nContent-Length: 0\r\n\r\n" % status)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def count(self):
        with self.lock:
            return len(self.times)

    def most_in(self, window):
        """The most arrivals in any time of this length."""
        with self.lock:
            times = sorted(self.times)
        first = most = 0
        for last, at in enumerate(times):
            while at - times[first] >= window:
                first += 1
            most = max(most, last - first + 1)
        return most


class Fleet:
    """Several convoyd on one database, and one project in it."""

    def __init__(self, folder, count, **config):
        self.database = folder + "/convoy.db"
        self.key = host.bootstrap(self.database)
        self.hosts = [host.Convoyd(self.database) for _ in range(count)]
        self.project = host.Project(self.hosts[0].client(self.key), "fleet", "outgoing", **config)

    def endpoint(self, url, **fields):
        made = self.project.endpoint("limited", url, **fields)
        self.project.subscribe("all", made)
        return made

    def send(self, endpoint, number):
        client = self.hosts[number % len(self.hosts)].client(self.project.key)
        client.ok("POST", self.project.path + "/events",
                  {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {"n": number}})
        client.close()

    def written(self):
        """Bytes that the processes have passed to write calls."""
        total = 0
        for each in self.hosts:
            with open(f"/proc/{each.process.pid}/io") as lines:
                total += int(dict(line.split(": ") for line in lines)["wchar"])
        return total

    def close(self):
        self.project.client.close()
        for each in self.hosts:
            if each.is_alive():
                each.stop()


class LaneTest(unittest.TestCase):
    def fleet(self, count, **config):
        folder = host.Folder()
        self.addCleanup(folder.__exit__)
        fleet = Fleet(folder.__enter__(), count, **config)
        self.addCleanup(fleet.close)
        return fleet

    def arrivals(self, **how):
        arrivals = Arrivals(**how)
        self.addCleanup(arrivals.close)
        return arrivals

    def check_rate(self, processes, limit, window, restart=False):
        fleet = self.fleet(processes)
        arrivals = self.arrivals()
        endpoint = fleet.endpoint(arrivals.url, rate_limit=limit, rate_limit_duration=window)
        backlog = int(limit * SECONDS / window)
        for number in range(backlog):
            fleet.send(endpoint, number)
        began = time.monotonic()
        if restart:
            time.sleep(SECONDS / 2)
            fleet.hosts[0].kill()
            fleet.hosts[0] = host.Convoyd(fleet.database)
        number = backlog
        while time.monotonic() < began + 2 * SECONDS:  # the backlog stays
            fleet.send(endpoint, number)
            number += 1
            time.sleep(window / limit)
        with arrivals.lock:
            times, numbers = list(arrivals.times), list(arrivals.numbers)
        rate = (len(times) - 1) / (times[-1] - times[0]) * window
        most = arrivals.most_in(window)
        print(f"{processes} processes, {limit} in {window} s{', one killed' if restart else ''}: "
              f"most in a window {most}, on average {rate:.1f}, {len(times)} arrivals")
        self.assertLessEqual(most, limit)
        self.assertGreater(rate, 0.75 * limit)
        # The oldest go first: nothing arrives long before others that waited before it.
        late = max(max(numbers[:i + 1]) - number for i, number in enumerate(numbers))
        self.assertLessEqual(late, limit // 10 + processes)

    def test_a_limit_holds_in_every_window_with_one_process(self):
        self.check_rate(1, 5, 1)
        self.check_rate(1, 50, 1)

    def test_a_limit_holds_in_every_window_with_two_processes(self):
        self.check_rate(2, 10, 1)

    def test_a_limit_holds_in_every_window_with_three_processes(self):
        self.check_rate(3, 10, 1)

    def test_a_limit_holds_although_a_process_is_killed(self):
        self.check_rate(2, 5, 1, restart=True)

    def test_a_changed_limit_holds_at_once_for_the_backlog(self):
        fleet = self.fleet(2)
        arrivals = self.arrivals()
        endpoint = fleet.endpoint(arrivals.url, rate_limit=1, rate_limit_duration=3600)

        def limit(count, window):
            fleet.project.ok("PUT", f"/endpoints/{endpoint['uid']}",
                             {"name": "limited", "url": arrivals.url, "rate_limit": count,
                              "rate_limit_duration": window})
            return arrivals.count()
        for number in range(40):
            fleet.send(endpoint, number)
        time.sleep(1)
        self.assertEqual(arrivals.count(), 1)
        limit(10, 1)
        host.wait_until(lambda: arrivals.count() >= 8, "a faster pace", timeout=5)
        before = limit(1, 3600)
        time.sleep(1.5)  # what had been handed out may still arrive
        self.assertLessEqual(arrivals.count(), before + 2)
        limit(0, 0)
        host.wait_until(lambda: arrivals.count() == 40, "no limit", timeout=5)
        self.assertEqual(sorted(arrivals.numbers), list(range(40)))

    def test_deliveries_of_a_disabled_endpoint_wait_until_it_is_activated(self):
        fleet = self.fleet(2)
        arrivals = self.arrivals(answer=lambda number, count: 410 if number == 0 else 200)
        endpoint = fleet.endpoint(arrivals.url, fifo=True)
        path = f"/endpoints/{endpoint['uid']}"
        fleet.project.ok("PUT", path + "/pause")
        for number in range(5):
            fleet.send(endpoint, number)
        fleet.project.ok("PUT", path + "/pause")
        host.wait_until(lambda: fleet.project.ok("GET", path)["status"] == "inactive",
                        "the endpoint is disabled")
        for each in fleet.hosts:
            each.kill()
        fleet.hosts = [host.Convoyd(fleet.database) for _ in fleet.hosts]
        fleet.project.client.close()
        fleet.project.client = fleet.hosts[1].client(fleet.project.key)
        fleet.send(endpoint, 5)  # what comes while it is disabled is discarded, as Convoy does
        time.sleep(2)
        statuses = sorted(each["status"] for each in fleet.project.deliveries())
        self.assertEqual(statuses, ["Discarded", "Failure"] + ["Scheduled"] * 4)
        self.assertEqual(arrivals.numbers, [0])
        written = fleet.written()
        time.sleep(2)
        self.assertLess(fleet.written() - written, 4096)  # waiting costs nothing
        fleet.project.ok("POST", path + "/activate")
        host.wait_until(lambda: arrivals.count() == 5, "those that waited")
        self.assertEqual(arrivals.numbers, [0, 1, 2, 3, 4])

    def test_every_process_shows_until_when_an_endpoint_is_throttled(self):
        fleet = self.fleet(2)
        arrivals = self.arrivals()
        endpoint = fleet.endpoint(arrivals.url, rate_limit=1, rate_limit_duration=3600)

        def shown():
            answers = []
            for each in fleet.hosts:
                client = each.client(fleet.project.key)
                answers.append(client.ok("GET", f"{fleet.project.path}/endpoints/{endpoint['uid']}"))
                listed = client.ok("GET", f"{fleet.project.path}/endpoints")["content"]
                answers += [one for one in listed if one["uid"] == endpoint["uid"]]
                client.close()
            return [answer.get("throttled_until") for answer in answers]
        fleet.send(endpoint, 0)
        host.wait_until(lambda: arrivals.count() == 1, "the first arrival")
        self.assertEqual(shown(), [None] * 4)  # nothing is held back
        fleet.send(endpoint, 1)
        self.assertEqual(len(set(shown())), 1)
        self.assertIsNotNone(shown()[0])

    def test_a_throttled_delivery_costs_what_another_one_costs(self):
        costs = {}
        for limit in (0, 10):
            fleet = self.fleet(1)
            arrivals = self.arrivals()
            endpoint = fleet.endpoint(arrivals.url, rate_limit=limit, rate_limit_duration=1)
            count = 30
            before = fleet.written()
            for number in range(count):
                fleet.send(endpoint, number)
                if limit == 0:
                    time.sleep(0.1)
            host.wait_until(lambda: arrivals.count() == count, "arrivals")
            time.sleep(0.5)
            costs[limit] = (fleet.written() - before) // count
            fleet.close()
        print(f"bytes written for a delivery: {costs[0]}, for a throttled one: {costs[10]}")
        self.assertLess(costs[10], 2 * costs[0])

    def test_a_paused_endpoint_costs_nothing_and_is_resumed_at_once(self):
        fleet = self.fleet(2)
        arrivals = self.arrivals()
        endpoint = fleet.endpoint(arrivals.url)
        pause = f"/endpoints/{endpoint['uid']}/pause"
        self.assertEqual(fleet.project.ok("PUT", pause)["status"], "paused")
        for number in range(10):
            fleet.send(endpoint, number)
        time.sleep(1.5)
        before = fleet.written()
        time.sleep(3)
        written = fleet.written() - before
        print(f"bytes written in 3 s for a paused endpoint with a backlog: {written}")
        self.assertEqual(arrivals.count(), 0)
        self.assertLess(written, 200)  # wake-ups of threads
        self.assertEqual(fleet.project.ok("PUT", pause)["status"], "active")
        began = time.monotonic()
        host.wait_until(lambda: arrivals.count() == 10, "what was paused", timeout=5)
        self.assertLess(arrivals.times[0] - began, 1)

    def test_one_at_a_time_and_in_order(self):
        # Every fourth delivery fails twice; one fails for good.
        def answer(number, count):
            return 500 if number == 5 or (number % 4 == 1 and count <= 2) else 200

        fleet = self.fleet(3, strategy={"type": "linear", "duration": 1, "retry_count": 3})
        arrivals = self.arrivals(answer=answer, seconds=0.02)
        endpoint = fleet.endpoint(arrivals.url, fifo=True)
        self.assertTrue(endpoint["fifo"])
        for number in range(12):
            fleet.send(endpoint, number)
        host.wait_until(lambda: 11 in arrivals.numbers, "the last one", timeout=60)
        self.assertEqual(arrivals.numbers, sorted(arrivals.numbers))
        self.assertEqual([n for n in range(12) if arrivals.numbers.count(n) == 3], [1, 5, 9])
        self.assertEqual(arrivals.most_here, 1)


if __name__ == "__main__":
    unittest.main()
