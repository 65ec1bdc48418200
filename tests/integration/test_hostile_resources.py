"""A machine without descriptors: no receiver is blamed for it, and health goes on answering."""
import os
import resource
import socket
import subprocess
import json
import threading
import time
import unittest

import host
from case import unsanitized

DESCRIPTORS = 256


class FewDescriptors(host.Convoyd):
    """convoyd that may have 256 descriptors and no more."""

    def __init__(self, database, *flags):
        self.database = database
        self.log_path = database + ".log"
        self._log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [host.binary(), "serve", "--listen", "127.0.0.1:0", "--database", database,
             "--allow-network", self.LOCAL, *flags],
            stdout=subprocess.PIPE, stderr=self._log,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                  (DESCRIPTORS, DESCRIPTORS)))
        self.address = json.loads(self.process.stdout.readline())["listening"]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class SlowReceiver:
    """A server that answers each request with 200 after a while, on a connection of its own."""

    def __init__(self, delay):
        self.count = 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = "http://127.0.0.1:%d" % self._socket.getsockname()[1]

        def serve(connection):
            with connection:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536) or b"\r\n\r\n"
                time.sleep(delay)
                with self._lock:
                    self.count += 1
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close"
                                   b"\r\n\r\n")

        def accept():
            while True:
                try:
                    connection, _ = self._socket.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()

    def close(self):
        self._socket.close()


class DescriptorsTest(unittest.TestCase):
    def test_deliveries_end_right_beside_idle_connections(self):
        with host.Folder() as folder:
            database = folder + "/convoy.db"
            key = host.bootstrap(database)
            convoyd = FewDescriptors(database)
            receiver = SlowReceiver(0.2)
            held = []
            try:
                admin = convoyd.client(key)
                project = host.Project(admin, "p", "outgoing", disable_endpoint=True,
                                       strategy={"type": "linear", "duration": 1, "retry_count": 1})
                endpoints = [project.endpoint(f"e{number}", f"{receiver.url}/{number}")
                             for number in range(20)]
                for _ in range(400):
                    name, port = convoyd.address.rsplit(":", 1)
                    held.append(socket.create_connection((name, int(port)), timeout=5))
                for number in range(300):
                    project.ok("POST", "/events", {
                        "endpoint_id": endpoints[number % 20]["uid"], "event_type": "t",
                        "data": {"n": number}})
                slowest = 0.0
                most = 0
                end = time.monotonic() + 60
                while time.monotonic() < end:
                    started = time.monotonic()
                    self.assertEqual(host.Client(convoyd.address).send("GET", "/healthz").status,
                                     200)
                    slowest = max(slowest, time.monotonic() - started)
                    most = max(most, convoyd.descriptors())
                    if receiver.count >= 300:
                        break
                    time.sleep(0.05)
                done = project.wait_for_deliveries(300, timeout=30)
                tries = {delivery["metadata"]["num_trials"] for delivery in done}
                statuses = {endpoint["status"]
                            for endpoint in project.client.pages(project.path + "/endpoints")}
                print(f"\n300 deliveries with {DESCRIPTORS} descriptors and 400 idle connections: "
                      f"all arrived, tries {tries}, at most {most} descriptors, /healthz at worst "
                      f"{slowest * 1000:.0f} ms")
                self.assertEqual(tries, {1})
                self.assertEqual(statuses, {"active"})
                self.assertEqual(receiver.count, 300)
            finally:
                for connection in held:
                    connection.close()
                receiver.close()
                self.assertEqual(convoyd.stop(), 0, convoyd.log()[-3000:])

    @unsanitized
    def test_too_few_descriptors_use_up_no_attempt(self):
        with host.Folder() as folder:
            database = folder + "/convoy.db"
            key = host.bootstrap(database)
            convoyd = FewDescriptors(database, "--descriptors-reserved", "16")
            receiver = SlowReceiver(0)
            try:
                admin = convoyd.client(key)
                project = host.Project(admin, "p", "outgoing", disable_endpoint=True,
                                       strategy={"type": "linear", "duration": 1, "retry_count": 1})
                endpoint = project.endpoint("e", receiver.url)
                # From outside: what the process has now is all that it may have.
                resource.prlimit(convoyd.process.pid, resource.RLIMIT_NOFILE,
                                 (convoyd.descriptors(), DESCRIPTORS))
                for number in range(5):
                    project.ok("POST", "/events", {"endpoint_id": endpoint["uid"],
                                                   "event_type": "t", "data": {"n": number}})
                time.sleep(4)
                self.assertEqual(admin.send("GET", "/healthz").status, 200)
                ready = admin.send("GET", "/readyz").status
                waiting = project.deliveries()
                self.assertEqual({d["metadata"]["num_trials"] for d in waiting}, {0}, waiting[:1])
                self.assertEqual(ready, 503)
                self.assertEqual(convoyd.log().count("lacks resources"), 1)
                resource.prlimit(convoyd.process.pid, resource.RLIMIT_NOFILE,
                                 (DESCRIPTORS, DESCRIPTORS))
                done = project.wait_for_deliveries(5)
                self.assertEqual({d["metadata"]["num_trials"] for d in done}, {1})
                shown = project.ok("GET", f"/endpoints/{endpoint['uid']}")
                self.assertEqual(shown["status"], "active")
                host.wait_until(lambda: admin.send("GET", "/readyz").status == 200,
                                "the process to be ready again", 30)
            finally:
                receiver.close()
                convoyd.stop()


if __name__ == "__main__":
    unittest.main()
