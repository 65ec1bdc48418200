"""convoyd on PostgreSQL: one and two processes on one database, a process that is killed, a server
that restarts and one that dies. Every event that was accepted is stored and delivered, and nothing
else is."""
import collections
import http.server
import json
import threading
import time
import unittest

import host
import postgres


class Sender:
    """Sends numbered events to convoyds in turn until it is stopped; keeps what was accepted. An
    event whose answer did not come may have been stored: it is sent again under its key."""

    def __init__(self, project, source, addresses):
        self._path = f"/ingest/{source['mask_id']}"
        self._addresses = addresses
        self._stop = threading.Event()
        self.accepted = set()
        self.refused_count = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(8)]
        for thread in self._threads:
            thread.start()

    def _send(self, thread):
        number = 0
        while not self._stop.is_set():
            number += 1
            key = f"{thread}-{number}"
            body = json.dumps({"key": key}).encode()
            for attempt in range(400):
                address = self._addresses[(number + attempt) % len(self._addresses)]
                client = host.Client(address)
                try:
                    status = client.send("POST", self._path, body, {"X-Key": key},
                                         timeout=20).status
                except OSError:
                    status = 0
                finally:
                    client.close()
                if status // 100 == 2:
                    with self._lock:
                        self.accepted.add(key)
                    break
                with self._lock:
                    self.refused_count += 1
                time.sleep(0.05)
            else:
                raise AssertionError(f"event {key} was never accepted")

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Holder:
    """A receiver that keeps requests waiting until it is let go, and answers 200 from then on."""

    def __init__(self):
        self.bodies = []
        self._opened = threading.Event()
        holder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                holder.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                holder._opened.wait(60)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a killed convoyd breaks its connections

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def let_go(self):
        self._opened.set()


class PostgresTest(unittest.TestCase):
    def setUp(self):
        self.server = postgres.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.folder = host.Folder()
        self.logs = self.folder.__enter__()
        self.addCleanup(self.folder.__exit__, None, None, None)
        self.key = host.bootstrap(self.server.url)
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)
        self.running = []
        self.addCleanup(lambda: [convoyd.kill() for convoyd in self.running])

    def convoyd(self, url=None):
        started = host.Convoyd(url or self.server.url,
                               log_path=f"{self.logs}/convoyd-{len(self.running)}.log")
        self.running.append(started)
        return started

    def make_way(self, convoyd):
        """A project whose source leads to the inbox, with idempotency keys from a header."""
        project = host.Project(convoyd.client(self.key), self.id(), "incoming")
        source = project.source("in", idempotency_keys=["request.header.X-Key"])
        endpoint = project.endpoint("out", self.inbox.url + "/way")
        project.subscribe("all", endpoint, source)
        return project, source

    def check_all(self, sender, source, what):
        """in = stored = delivered, but for what was stored without an answer; of the sender's source
        alone."""
        accepted = sender.accepted

        def delivered():
            keys = {json.loads(body)["key"] for body in self.inbox.bodies("/way")}
            return keys if keys >= accepted else None
        keys = host.wait_until(delivered, "all deliveries", timeout=120, interval=0.2)
        rows, stored = map(int, self.server.query(
            "SELECT concat(count(*), ' ', count(DISTINCT idempotency_key)) FROM convoy.event AS e "
            "JOIN convoy.name AS n ON n.number = e.source WHERE e.is_duplicate = 0 "
            f"AND n.id = '{source['uid']}'").split())
        host.wait_until(lambda: self.server.query(
            "SELECT count(*) FROM convoy.delivery WHERE status <> 3") == "0",
            "all deliveries to be recorded", timeout=120, interval=0.2)
        counts = collections.Counter(json.loads(b)["key"] for b in self.inbox.bodies("/way"))
        keys = set(counts)
        again = sum(count - 1 for count in counts.values())
        print(f"\n{what}: in {len(accepted)}, stored {stored} in {rows} rows, delivered {len(keys)}, "
              f"delivered again {again}, requests without success {sender.refused_count}",
              flush=True)
        self.assertEqual(rows, stored)  # no key was accepted twice
        # An event whose answer was lost is stored, too, if its sender has not asked again.
        self.assertLessEqual(accepted, keys)
        self.assertEqual(len(keys), stored)
        self.assertLessEqual(stored - len(accepted), sender.refused_count)
        return again

    def test_an_event_goes_the_whole_way_and_survives_the_process(self):
        first = self.convoyd()
        project, source = self.make_way(first)
        self.assertEqual(project.ingest(source, b'{"key": "a"}', {"X-Key": "a"}).status, 200)
        self.inbox.wait_for("/way", 1)
        project.wait_for_deliveries(1)
        self.assertEqual(project.ingest(source, b'{"key": "a"}', {"X-Key": "a"}).status, 200)
        self.assertEqual([e["is_duplicate_event"] for e in project.events()], [True, False])
        self.assertEqual(first.stop(), 0, first.log()[-2000:])
        second = self.convoyd()
        client = second.client(project.key)
        self.addCleanup(client.close)
        events = client.pages(project.path + "/events")
        self.assertEqual(len(events), 2)
        self.assertEqual(len(self.inbox.bodies("/way")), 1)
        self.assertNotIn("sesame", second.log())

    def test_changes_of_one_process_hold_in_the_other_within_a_second(self):
        first, second = self.convoyd(), self.convoyd()
        project, source = self.make_way(first)
        there = second.client()
        self.addCleanup(there.close)
        slowest = 0.0
        for is_disabled in (True, False, True, False):
            project.ok("PUT", f"/sources/{source['uid']}",
                       {"name": "in", "type": "http", "is_disabled": is_disabled,
                        "verifier": {"type": "noop"}})
            began = time.monotonic()
            wanted = 200 if not is_disabled else 400
            host.wait_until(lambda: there.send("POST", f"/ingest/{source['mask_id']}",
                                               b"{}").status // 100 == wanted // 100,
                            f"is_disabled {is_disabled}", timeout=5, interval=0.005)
            slowest = max(slowest, time.monotonic() - began)
        print(f"\na change is seen in the other process after {slowest * 1000:.0f} ms at most")
        self.assertLess(slowest, 1.0)

    def test_one_of_two_processes_is_killed(self):
        first, second = self.convoyd(), self.convoyd()
        project, source = self.make_way(first)
        sender = Sender(project, source, [first.address, second.address])
        time.sleep(4)
        second.kill()
        time.sleep(4)
        sender.stop()
        self.check_all(sender, source, "two processes, one killed")
        self.assertEqual(first.stop(), 0, first.log()[-2000:])

    def test_a_delivery_in_flight_of_a_process_that_dies_is_made_by_the_other(self):
        first = self.convoyd()
        holder = Holder()
        project = host.Project(first.client(self.key), self.id(), "incoming")
        source = project.source("in")
        project.subscribe("all", project.endpoint("out", holder.url), source)
        # A server that has just started takes no process for dead.
        host.wait_until(lambda: self.server.query(
            "SELECT clock_timestamp() - pg_postmaster_start_time() > interval '11 seconds'") == "t",
            "the server to be up for a while")
        self.assertEqual(project.ingest(source, b"in flight").status, 200)
        host.wait_until(lambda: len(holder.bodies) == 1, "a delivery in flight")
        second = self.convoyd()
        time.sleep(3)
        self.assertEqual(len(holder.bodies), 1)  # the first process is alive
        first.kill()
        began = time.monotonic()
        holder.let_go()
        host.wait_until(lambda: len(holder.bodies) == 2, "the delivery of the other process")
        print(f"\na delivery in flight goes out again after {time.monotonic() - began:.1f} s")
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(set(holder.bodies), {b"in flight"})
        client = second.client(self.key)
        self.addCleanup(client.close)
        host.wait_until(lambda: {d["status"] for d in client.pages(
            project.path + "/eventdeliveries")} == {"Success"}, "all to succeed")

    def test_behind_a_pooler_in_transaction_mode(self):
        pooler = self.enterContext(postgres.Pooler(self.server))
        first, second = self.convoyd(pooler.url), self.convoyd(pooler.url)
        project, source = self.make_way(first)
        sender = Sender(project, source, [first.address, second.address])
        there = second.client()
        self.addCleanup(there.close)
        time.sleep(2)
        began = time.monotonic()
        other = project.source("made meanwhile")
        host.wait_until(lambda: there.send("POST", f"/ingest/{other['mask_id']}",
                                           b"{}").status == 200, "the change", timeout=5)
        seen = time.monotonic() - began
        time.sleep(2)
        second.kill()
        time.sleep(3)
        sender.stop()
        killed = time.monotonic()
        self.check_all(sender, source, "behind PgBouncer, one of two killed")
        print(f"a change is seen after {seen * 1000:.0f} ms, all is delivered "
              f"{time.monotonic() - killed:.1f} s after the end")
        self.assertLess(seen, 1.0)
        # Sessions of the server are clean: neither locks nor settings of the store stay behind.
        self.assertEqual(self.server.query(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0")
        self.assertEqual(first.stop(), 0, first.log()[-2000:])
        # That of the killed process may have had no claims.
        self.assertLessEqual(int(self.server.query("SELECT count(*) FROM convoy.opener_beat")), 1)

    def test_the_server_restarts(self):
        first, second = self.convoyd(), self.convoyd()
        project, source = self.make_way(first)
        sender = Sender(project, source, [first.address, second.address])
        for mode in ("fast", "immediate"):
            time.sleep(2)
            self.server.stop(mode)
            time.sleep(1)
            self.server.start()
        time.sleep(2)
        sender.stop()
        self.check_all(sender, source, "PostgreSQL restarted, then died")
        for convoyd in (first, second):
            self.assertEqual(convoyd.client().send("GET", "/healthz").status, 200)
            self.assertEqual(convoyd.stop(), 0, convoyd.log()[-2000:])


if __name__ == "__main__":
    unittest.main()
