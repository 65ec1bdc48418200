"""Endpoints that hang, up to half of a thousand, do not slow the others down. Prints the latency of the
healthy ones beside that of a run in which all are."""
import http.server
import socket
import threading
import time
import unittest

import host
from case import HostCase

ENDPOINTS = 1000
HANGING_MAX = 500
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
    def setUp(self):
        self.one = self.project("outgoing", strategy={"type": "linear", "duration": 1,
                                                      "retry_count": 2})
        self.inbox_of_healthy, hanging = TimedInbox(), HangingInbox()
        self.addCleanup(self.inbox_of_healthy.close)
        self.addCleanup(hanging.close)
        self.hanging = [self.one.endpoint(f"h{i}", hanging.url) for i in range(HANGING_MAX)]
        self.healthy = [self.one.endpoint(f"e{i}", self.inbox_of_healthy.url)
                        for i in range(ENDPOINTS - HANGING_MAX)]
        self.number = 0

    def send(self, endpoint):
        """Sends a new event; returns its body as it is delivered."""
        self.number += 1
        self.one.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                        "data": {"number": self.number}})
        return b'{"number": %d}' % self.number

    def measure(self, hanging_count):
        """Latencies in seconds of events for healthy endpoints while others hang."""
        for endpoint in self.hanging[:hanging_count] * BACKLOG:
            self.send(endpoint)
        sent = {}
        for i in range(MEASURED):
            begin = time.monotonic()
            sent[self.send(self.healthy[i * 7 % len(self.healthy)])] = begin
        arrived = self.inbox_of_healthy.arrived
        host.wait_until(lambda: sent.keys() <= arrived.keys(), "healthy endpoints", timeout=60)
        return [arrived[body] - begin for body, begin in sent.items()]

    def test_healthy_endpoints_are_not_slowed_down(self):
        self.measure(0)  # makes the subscriptions
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
