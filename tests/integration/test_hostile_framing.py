"""Senders without a key that try to take memory, connections or time: what they can take is bounded,
each is told so, and others are served meanwhile."""
import json
import pathlib
import re
import socket
import threading
import time
import unittest

import host
from case import HostCase, unsanitized

MIB = 1024 * 1024


def connect(address, timeout=20):
    name, port = address.rsplit(":", 1)
    return socket.create_connection((name, int(port)), timeout=timeout)


def read_all(connection):
    """All bytes until the peer closes; a reset ends it, too."""
    answer = b""
    try:
        while chunk := connection.recv(65536):
            answer += chunk
    except OSError:
        pass
    return answer


def send_until_refused(connection, pieces, stop_after):
    """Sends until the peer has had enough; returns how many bytes that was."""
    sent = 0
    connection.settimeout(5)
    try:
        for piece in pieces:
            connection.sendall(piece)
            sent += len(piece)
            if sent >= stop_after:
                break
    except OSError:
        pass
    return sent


def resident_mib(convoyd):
    status = pathlib.Path(f"/proc/{convoyd.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def metric(convoyd, name):
    text = convoyd.client().send("GET", "/metrics").body.decode()
    return sum(float(value) for value in
               re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M))


class FramingTest(HostCase):
    flags = ("--metrics-access", "anyone")

    def setUp(self):
        self.project_in = self.project("incoming")
        self.source = self.project_in.source("s")
        self.link = f"/ingest/{self.source['mask_id']}"

    def exchange(self, data):
        with connect(self.convoyd.address) as connection:
            try:
                connection.sendall(data)
            except OSError:
                pass
            return read_all(connection)

    def chunked_head(self, path):
        return (f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").encode()

    def test_ambiguous_framing_is_refused(self):
        head = f"POST {self.link} HTTP/1.1\r\nHost: x\r\n".encode()
        body = b"\r\n5\r\nhello\r\n0\r\n\r\n"
        for coding in (b"gzip", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"identity",
                       b"xchunked", b"chunked;q=1", b"\x0bchunked", b"chunked\r\n chunked"):
            for length in (b"", b"Content-Length: 5\r\n"):
                with self.subTest(coding=coding, length=length):
                    answer = self.exchange(head + b"Transfer-Encoding: " + coding + b"\r\n" + length
                                           + body)
                    self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer[:200])
                    self.assertEqual(answer.count(b"HTTP/1.1 "), 1, "it read on as a new request")
        others = {
            "both": head + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + body,
            "folded": head + b"A: b\r\n c\r\n\r\n",
            "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
            "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "bare LF": b"GET /healthz HTTP/1.1\nHost: a\n\n",
        }
        for name, data in others.items():
            with self.subTest(name):
                self.assertTrue(self.exchange(data).startswith(b"HTTP/1.1 400 "))
        self.assertEqual(self.project_in.events(), [])
        self.assertGreater(metric(self.convoyd, "convoy_server_request_refused_total"), 0)
        lines = [json.loads(line) for line in self.convoyd.log().splitlines()
                 if "request refused by the server" in line]
        told = [line["detail"] for line in lines if line["status"] == "400"]
        self.assertIn(len(told), (1, 2), told)  # one in a minute

    def test_what_is_around_a_body_takes_no_memory(self):
        before = resident_mib(self.convoyd)
        much = 100 * MIB
        block = b"x" * 65536
        attacks = {
            "an endless chunk extension": (self.link, [b"5;", *[block] * 2000]),
            "extensions of many chunks": (self.link, [b"1;" + b"e" * 1000 + b"\r\na\r\n"] * 100_000),
            "an endless trailer": (self.link, [b"0\r\nX-A: ", *[block] * 2000]),
            "many trailers": (self.link, [b"0\r\n", *[b"X-A: b\r\n" * 1000] * 10_000]),
            "a body for a path that is not served": ("/nowhere", [b"10000\r\n" + block + b"\r\n"] * 2000),
        }
        for name, (path, pieces) in attacks.items():
            with self.subTest(name):
                with connect(self.convoyd.address) as connection:
                    connection.sendall(self.chunked_head(path))
                    send_until_refused(connection, pieces, much)
        grown = resident_mib(self.convoyd) - before
        print(f"\n500 MB around bodies: resident memory grew by {grown:.1f} MiB")
        self.assertLess(grown, 32)
        answer = self.exchange(self.chunked_head(self.link) + b"5;" + block)
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer[:100])
        answer = self.exchange(self.chunked_head(self.link) + b"0\r\nX-A: " + block)
        self.assertTrue(answer.startswith(b"HTTP/1.1 431 "), answer[:100])

    def test_a_path_that_is_not_served_reads_no_body(self):
        with connect(self.convoyd.address) as connection:
            connection.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n")
            started = time.monotonic()
            answer = read_all(connection)
        self.assertTrue(answer.startswith(b"HTTP/1.1 404 "), answer[:200])
        self.assertIn(b"Connection: close", answer)
        self.assertLess(time.monotonic() - started, 5)

    def test_heads_are_bounded(self):
        many = b"".join(b"X-%d: y\r\n" % number for number in range(200))
        cases = {b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": b"414",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n": b"431",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000: b"431"}
        for data, status in cases.items():
            with self.subTest(status=status):
                self.assertTrue(self.exchange(data).startswith(b"HTTP/1.1 " + status))

    def test_requests_behind_one_another_are_each_answered(self):
        post = f"POST {self.link} HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n".encode()
        chunked = self.chunked_head(self.link) + b"3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nX: y\r\n\r\n"
        last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = self.exchange(post + b'{"a":1}' + chunked + post + b'{"b":1}' + last)
        self.assertEqual(answer.count(b"HTTP/1.1 200 "), 4, answer)
        self.assertEqual(len(self.project_in.events()), 3)


class MemoryTest(HostCase):
    flags = ("--body-memory-bytes-max", str(24 * MIB), "--body-memory-per-address-bytes-max",
             str(24 * MIB), "--metrics-access", "anyone", "--body-bytes-max", str(16 * MIB))

    @unsanitized
    def test_bodies_share_a_bound(self):
        project = self.project("incoming", max_payload_read_size=16 * MIB)
        source = project.source("s")
        before = resident_mib(self.convoyd)
        held = []
        head = (f"POST /ingest/{source['mask_id']} HTTP/1.1\r\nHost: x\r\n"
                f"Content-Length: {15 * MIB}\r\n\r\n").encode()
        answers = []
        try:
            for _ in range(20):
                connection = connect(self.convoyd.address)
                held.append(connection)
                send_until_refused(connection, [head, *[b"x" * 65536] * 112], 8 * MIB)
            # A small request is still taken: part of the memory is kept for such.
            self.assertEqual(project.ingest(source, b'{"a":1}').status, 200)
            most = resident_mib(self.convoyd)
            for connection in held:
                connection.settimeout(0.2)
                answers.append(read_all(connection))
        finally:
            for connection in held:
                connection.close()
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        print(f"\n20 bodies of 15 MiB within 24 MiB: {len(refused)} told to try again, resident "
              f"memory from {before:.0f} to {most:.0f} MiB")
        self.assertGreater(len(refused), 10)
        self.assertTrue(all(b"Retry-After: " in answer for answer in refused))
        self.assertLess(most - before, 48)
        self.assertGreater(metric(self.convoyd, "convoy_server_body_memory_refused_total"), 10)
        host.wait_until(lambda: metric(self.convoyd, "convoy_server_body_memory_bytes") == 0,
                        "memory to be given back")
        self.assertEqual(project.ingest(source, b"[" + b"1," * (5 * MIB) + b"1]").status, 200)


class ConnectionTest(HostCase):
    flags = ("--connections-max", "40", "--connections-per-address-max", "30",
             "--metrics-access", "anyone", "--head-timeout-ms", "2000")

    def test_idle_connections_make_room(self):
        held = [connect(self.convoyd.address) for _ in range(300)]
        try:
            started = time.monotonic()
            answer = self.convoyd.client().send("GET", "/healthz")
            took = (time.monotonic() - started) * 1000
            print(f"\n/healthz behind 300 idle connections of 40: {took:.1f} ms")
            self.assertEqual(answer.status, 200)
            self.assertLess(took, 2000)
            self.assertLessEqual(metric(self.convoyd, "convoy_server_connections"), 30)
            self.assertGreater(metric(self.convoyd, "convoy_server_connection_evicted_total"), 250)
        finally:
            for connection in held:
                connection.close()

    def test_slow_heads_make_room(self):
        held = [connect(self.convoyd.address) for _ in range(60)]
        try:
            for connection in held:
                try:
                    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ")
                except OSError:
                    pass
            self.assertEqual(self.convoyd.client().send("GET", "/healthz").status, 200)
            # Which of them made room depends on what the server had read of each by then.
            answers = [read_all(connection) for connection in held]
            late = sum(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
            print(f"\n60 slow heads of 30: {late} were told so, the others made room")
            self.assertGreater(late, 0, answers)
            self.assertEqual(late + answers.count(b""), len(held), answers)
            self.assertGreaterEqual(
                metric(self.convoyd, "convoy_server_connection_evicted_total"), 30)
        finally:
            for connection in held:
                connection.close()


class SlowBodyTest(HostCase):
    flags = ("--read-timeout-ms", "60000", "--rate-bytes-per-s-min", "1000")

    def test_a_body_that_trickles_is_cut_off(self):
        project = self.project("incoming", max_payload_read_size=MIB)
        source = project.source("s")
        head = (f"POST /ingest/{source['mask_id']} HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 100000\r\n\r\n").encode()
        answers = []

        def trickle(piece, pause):
            with connect(self.convoyd.address) as connection:
                started = time.monotonic()
                connection.sendall(head)
                connection.settimeout(pause)
                answer = b""
                while not answer and time.monotonic() - started < 20:
                    try:
                        connection.sendall(piece)
                        answer = connection.recv(65536)
                    except socket.timeout:
                        continue
                    except OSError:
                        break
                answers.append((answer, time.monotonic() - started))

        threads = [threading.Thread(target=trickle, args=(b"x", 0.2)),
                   threading.Thread(target=trickle, args=(b"x" * 1000, 0.2))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        slow = [took for answer, took in answers if answer.startswith(b"HTTP/1.1 408 ")]
        print(f"\na body of 5 bytes/s is cut off after {slow[0] if slow else -1:.1f} s")
        self.assertEqual(len(slow), 1, answers)
        self.assertLess(slow[0], 15)


if __name__ == "__main__":
    unittest.main()
