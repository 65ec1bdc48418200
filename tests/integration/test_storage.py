"""The database under convoyd: a full disk, a lock of another program, and the modes of the files."""
import http.server
import os
import sqlite3
import stat
import subprocess
import threading
import time
import unittest

import host


class SmallDisk:
    """A file system of a few MiB as a context; skips the test where it cannot be mounted."""

    def __init__(self, mebibytes):
        self.size = f"{mebibytes}m"
        self.folder = host.Folder()

    def __enter__(self):
        self.path = self.folder.__enter__()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", self.path],
                              capture_output=True)
        if done.returncode != 0:
            self.folder.__exit__(None, None, None)
            raise unittest.SkipTest("mounting needs root")
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self.folder.__exit__(None, None, None)

    def fill(self):
        """Takes all that is left."""
        with open(self.path + "/filler", "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass

    def free(self):
        os.remove(self.path + "/filler")


class Gate:
    """A receiver that answers nothing until it is opened, and 200 from then on."""

    def __init__(self):
        self._opened = threading.Event()
        self._count = 0
        self._lock = threading.Lock()
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                with gate._lock:
                    gate._count += 1
                gate._opened.wait(60)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def count(self):
        with self._lock:
            return self._count

    def open(self):
        self._opened.set()

    def close(self):
        self.open()
        self._server.shutdown()
        self._server.server_close()


class FullDiskTest(unittest.TestCase):
    def test_writes_are_refused_while_the_disk_is_full_and_taken_again_without_a_restart(self):
        with SmallDisk(8) as disk:
            database = disk.path + "/convoy.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database)
            self.addCleanup(lambda: convoyd.is_alive() and convoyd.kill())
            admin = convoyd.client(key)
            project = host.Project(admin, "p", "outgoing")
            endpoint = project.endpoint("e", "http://127.0.0.1:9/")
            project.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")

            def post(number, size):
                body = {"endpoint_id": endpoint["uid"], "event_type": "t",
                        "data": {"number": number, "fill": "x" * size}}
                return project.send("POST", "/events", body).status

            self.assertEqual(post(0, 10_000), 201)
            accepted = {0}
            for _ in range(2):  # it can happen again
                disk.fill()
                statuses = []
                for number in range(len(accepted), len(accepted) + 200):
                    statuses.append(post(number, 20_000))
                    if statuses[-1] != 201:
                        break
                    accepted.add(number)
                self.assertEqual(statuses[-1], 503)
                self.assertEqual(admin.send("GET", "/readyz").status, 503)
                self.assertEqual(admin.send("GET", "/healthz").status, 200)
                disk.free()
                self.assertEqual(admin.send("GET", "/readyz").status, 200)
                number = len(accepted)
                self.assertEqual(post(number, 20_000), 201)
                accepted.add(number)
            stored = {event["data"]["number"] for event in project.events()}
            self.assertEqual(stored, accepted)
            self.assertEqual(convoyd.stop(), 0)


    def test_an_outcome_that_is_known_while_the_disk_is_full_is_recorded_and_not_sent_again(self):
        with SmallDisk(8) as disk:
            database = disk.path + "/convoy.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database)
            self.addCleanup(lambda: convoyd.is_alive() and convoyd.kill())
            receiver = Gate()
            self.addCleanup(receiver.close)
            admin = convoyd.client(key)
            project = host.Project(admin, "p", "outgoing")
            # An endpoint that has not answered yet gets one delivery at a time.
            endpoints = [project.endpoint(f"e{number}", receiver.url) for number in range(5)]

            def post(size, number=0):
                body = {"endpoint_id": endpoints[number]["uid"], "event_type": "t",
                        "data": {"fill": "x" * size}}
                return project.send("POST", "/events", body)

            for number in range(5):
                self.assertEqual(post(10, number).status, 201)
            host.wait_until(lambda: receiver.count() == 5, "the deliveries")
            disk.fill()
            for size in (100_000, 10_000, 1_000, 10):
                while post(size).status == 201:
                    pass
            accepted = len(project.events())
            receiver.open()
            time.sleep(3)
            disk.free()
            project.wait_for_deliveries(accepted)
            host.wait_until(lambda: admin.send("GET", "/readyz").status == 200, "readiness")
            for delivery in project.deliveries():
                self.assertEqual(len(project.attempts(delivery["uid"])), 1)
            self.assertEqual(receiver.count(), accepted)
            self.assertEqual(convoyd.stop(), 0)


class KilledTest(unittest.TestCase):
    kills = int(os.environ.get("CONVOY_KILLS", "5"))

    def test_what_a_killed_process_had_in_flight_is_sent_again_at_once(self):
        slowest = {"after a restart": 0.0, "by another process": 0.0}
        with host.Folder() as folder:
            database = folder + "/convoy.db"
            key = host.bootstrap(database)
            sender = host.Convoyd(database)
            self.addCleanup(lambda: sender.is_alive() and sender.kill())
            project = host.Project(sender.client(key), "p", "outgoing")
            other = None
            for number in range(self.kills):
                with_other = number % 2 == 1
                receiver = Gate()
                endpoint = project.endpoint(f"e{number}", receiver.url)
                body = {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {}}
                project.ok("POST", "/events", body)
                host.wait_until(lambda: receiver.count() == 1, "the delivery")
                if with_other:
                    other = host.Convoyd(database)
                    time.sleep(0.2)
                sender.kill()
                killed_at = time.monotonic()
                if not with_other:
                    other = host.Convoyd(database)
                    killed_at = time.monotonic()
                project.client = other.client(project.key)
                host.wait_until(lambda: receiver.count() == 2, "the delivery again", timeout=10,
                                interval=0.005)
                kind = "by another process" if with_other else "after a restart"
                slowest[kind] = max(slowest[kind], time.monotonic() - killed_at)
                receiver.open()
                [delivery] = project.wait_for_deliveries(1, endpointId=endpoint["uid"])
                self.assertEqual(len(project.attempts(delivery["uid"])), 1)
                receiver.close()
                sender = other
            self.assertEqual(sender.stop(), 0)
        print(f"{self.kills} kills; sent again after at most "
              + ", ".join(f"{seconds:.2f} s {kind}" for kind, seconds in slowest.items()))
        self.assertLess(slowest["after a restart"], 1)
        self.assertLess(slowest["by another process"], 3)


class LockedTest(unittest.TestCase):
    def test_outcomes_wait_for_a_lock_that_another_program_holds(self):
        for mode in ("at_least_once", "at_most_once"):
            with self.subTest(mode=mode), host.Folder() as folder:
                database = folder + "/convoy.db"
                key = host.bootstrap(database)
                convoyd = host.Convoyd(database)
                self.addCleanup(lambda c=convoyd: c.is_alive() and c.kill())
                receiver = Gate()
                self.addCleanup(receiver.close)
                project = host.Project(convoyd.client(key), "p", "outgoing")
                endpoint = project.endpoint("e", receiver.url)
                project.subscribe("s", endpoint, delivery_mode=mode)
                body = {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {}}
                project.ok("POST", "/events", body)
                host.wait_until(lambda: receiver.count() == 1, "the delivery")
                other = sqlite3.connect(database, isolation_level=None)
                other.execute("BEGIN IMMEDIATE")
                receiver.open()
                time.sleep(12)  # longer than a write waits for a lock
                self.assertEqual(project.client.send("GET", "/readyz").status, 503)
                other.execute("ROLLBACK")
                other.close()
                [delivery] = project.wait_for_deliveries(1)
                self.assertEqual(len(project.attempts(delivery["uid"])), 1)
                self.assertEqual(receiver.count(), 1)
                self.assertEqual(convoyd.stop(), 0)


class FilesTest(unittest.TestCase):
    def test_the_files_are_for_their_owner_alone(self):
        with host.Folder() as folder:
            database = folder + "/convoy.db"
            before = os.umask(0)
            try:
                key = host.bootstrap(database)
                convoyd = host.Convoyd(database)
            finally:
                os.umask(before)
            self.addCleanup(lambda: convoyd.is_alive() and convoyd.kill())
            host.Project(convoyd.client(key), "p", "outgoing")
            modes = {name: stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode)
                     for name in os.listdir(folder) if not name.endswith(".log")}
            self.assertEqual(set(modes.values()), {0o600}, modes)
            self.assertIn("convoy.db-wal", modes)
            self.assertEqual(convoyd.stop(), 0)


if __name__ == "__main__":
    unittest.main()
