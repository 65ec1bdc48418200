"""Endpoints that hang, up to half of a thousand, do not slow the others down. Prints the latency of the
healthy ones beside that of a run in which all are."""
import concurrent.futures
import http.server
import socket
import threading
import time
import unittest

import host
from case import HostCase

ENDPOINTS = 1000
BACKLOG = 3     # events for each endpoint that hangs
MEASURED = 200  # events for healthy endpoints, one after the other


class TimedInbox:
    """Answers at once; keeps when each body arrived."""

    def __init__(self):
        self.arrived = {}
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.arrived.setdefault(body, time.monotonic())
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class HangingInbox:
    """Accepts connections and never answers."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.url = "http://127.0.0.1:%d/" % self.listener.getsockname()[1]
        self.held = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.held.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self):
        self.listener.close()
        for connection in self.held:
            connection.close()


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class HangingEndpointsTest(HostCase):
    def measure(self, hanging_count):
        """Latencies in seconds of events for healthy endpoints while others hang."""
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1,
                                                     "retry_count": 2})
        inbox, hanging = TimedInbox(), HangingInbox()
        self.addCleanup(inbox.close)
        self.addCleanup(hanging.close)

        def send(endpoint, number):
            body = b'{"number":%d}' % number
            begin = time.monotonic()
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {"number": number}})
            return body, begin

        def make(number):
            url = hanging.url if number < hanging_count else inbox.url
            return project.endpoint(f"e{number}", url)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            endpoints = list(pool.map(make, range(ENDPOINTS)))
            list(pool.map(lambda number: send(endpoints[number % hanging_count], number),
                          range(hanging_count * BACKLOG)))
        sent = {}
        healthy = endpoints[hanging_count:]
        for number in range(MEASURED):
            body, begin = send(healthy[number * 7 % len(healthy)], 1_000_000 + number)
            sent[body.replace(b":", b": ")] = sent[body] = begin
        host.wait_until(lambda: len(inbox.arrived) >= MEASURED, "healthy endpoints", timeout=60)
        return [when - sent[body] for body, when in inbox.arrived.items()]

    def test_healthy_endpoints_are_not_slowed_down(self):
        worst = {}
        for hanging_count in (0, 1, 20, 500):
            latencies = self.measure(hanging_count)
            worst[hanging_count] = percentile(latencies, 0.99)
            print(f"{hanging_count:3} of {ENDPOINTS} hang: p50 "
                  f"{1000 * percentile(latencies, 0.5):.0f} ms, p99 {1000 * worst[hanging_count]:.0f} "
                  f"ms, longest {1000 * max(latencies):.0f} ms")
            self.assertEqual(len(latencies), MEASURED)
        # A hanging attempt takes ten seconds; machines that run tests are slow, too.
        for hanging_count, seconds in worst.items():
            self.assertLess(seconds, worst[0] + 2, f"{hanging_count} hang")


if __name__ == "__main__":
    unittest.main()
