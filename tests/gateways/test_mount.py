"""convoy_mount: requests are answered by the library, events are durable and delivered; several workers
share one store; limits and mistakes are answered as by any other host of the gateway."""
import json
import os
import pathlib
import socket
import threading
import time
import unittest

import nginx
from nginx import host

SERVER = """
location / { return 200 plain; }
location /ingest/ { client_max_body_size 0; convoy_mount {folder}/events.db %s; }
location /api/ { convoy_mount {folder}/events.db; }
location /declined/ { convoy_mount {folder}/events.db; root {folder}; }
location /ingest/if/ { if ($http_x_a) { set $a 1; } limit_except POST { deny all; }
  convoy_mount {folder}/events.db; }
location /ingest/verified { convoy_verify github {folder}/secret; convoy_mount {folder}/events.db; }
""" % "deliver.allowed_networks=127.0.0.0/8"


class MountTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = host.Folder()
        cls.folder = folder.__enter__()
        cls.addClassCleanup(folder.__exit__, None, None, None)
        pathlib.Path(cls.folder, "secret").write_text("s")
        pathlib.Path(cls.folder, "declined").mkdir()
        pathlib.Path(cls.folder, "declined", "file").write_text("static")
        key = host.bootstrap(cls.folder + "/events.db")
        cls.inbox = host.Inbox()
        cls.addClassCleanup(cls.inbox.close)
        cls.nginx = nginx.Nginx(cls.folder, SERVER)
        cls.nginx.__enter__()
        cls.addClassCleanup(cls.check_end)
        cls.admin = cls.nginx.client(key)
        cls.addClassCleanup(cls.admin.close)

    @classmethod
    def check_end(cls):
        cls.nginx.__exit__()
        if cls.nginx.serious():
            raise AssertionError("\n".join(cls.nginx.serious()))

    def project(self, **fields):
        """A project with a source, of which all goes to the inbox."""
        project = host.Project(self.admin, self.id(), "incoming")
        self.addCleanup(project.client.close)
        source = project.source("s", **fields)
        endpoint = project.endpoint("e", self.inbox.url + "/" + project.id)
        project.subscribe("s", endpoint, source)
        return project, source

    def ingest(self, source, body, headers=None):
        return self.nginx.send("POST", f"/ingest/{source['mask_id']}", body, headers)

    def test_events_are_stored_and_delivered(self):
        project, source = self.project()
        for number in range(20):  # by both workers, as each has a connection of its own
            response = self.ingest(source, b'{"n":%d}' % number)
            self.assertEqual(response.status, 200, response)
        self.inbox.wait_for("/" + project.id, 20)
        bodies = {body for body in self.inbox.bodies("/" + project.id)}
        self.assertEqual(bodies, {b'{"n":%d}' % number for number in range(20)})
        project.wait_for_deliveries(20)

    def test_bodies_of_all_sizes(self):
        project, source = self.project()
        for size in (10, 900, 8 * 1024, 16 * 1024, 100_000, 4_000_000):
            body = json.dumps("x" * size).encode()
            with self.subTest(size=size):
                response = self.ingest(source, body)
                self.assertEqual(response.status, 200, response)
                chunks = (body[i:i + 7000] for i in range(0, len(body), 7000))
                self.assertEqual(self.ingest(source, chunks).status, 200)
                host.wait_until(lambda: self.inbox.bodies("/" + project.id).count(body) == 2,
                                "both deliveries")
        over_files = [line for line in self.nginx.log().splitlines()
                      if "temporary file" in line and source["mask_id"] in line]
        self.assertEqual(over_files, [])

    def test_slow_bodies_do_not_hold_others_up(self):
        project, source = self.project()
        slow = [socket.create_connection(("127.0.0.1", self.nginx.port)) for _ in range(20)]
        for connection in slow:
            connection.sendall(f"POST /ingest/{source['mask_id']} HTTP/1.1\r\nHost: h\r\n"
                               "Content-Length: 12\r\n\r\n".encode())
        for byte in b'{"slow":"x"}':
            for connection in slow:
                connection.sendall(bytes([byte]))
            self.assertEqual(self.ingest(source, b"{}").status, 200)
        for connection in slow:
            self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200 "))
            connection.close()
        self.assertEqual(len(project.events()), 32)

    def test_clients_that_go_away(self):
        """Before, within and behind the body."""
        project, source = self.project()
        head = f"POST /ingest/{source['mask_id']} HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"
        for part in ("", "{", "null") * 30:
            with socket.create_connection(("127.0.0.1", self.nginx.port)) as gone:
                gone.sendall((head + part).encode())
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        host.wait_until(lambda: self.ingest(source, b"{}").status == 200, "an answer")
        self.assertLessEqual(len(project.events()), 31)

    def test_limits_are_those_of_the_library(self):
        project, source = self.project()
        project.ok("PUT", "", {"name": "p", "config": {"max_payload_read_size": 1000}})
        for body in (b"x" * 1001, (b"x" * 100 for _ in range(11)), b"x" * 1_000_000):
            response = self.ingest(source, body)
            self.assertEqual(response.status, 413, response)
            self.assertIn("max_payload_read_size", response.message)
        self.assertEqual(project.events(), [])

    def test_refusals(self):
        self.assertEqual(self.nginx.send("POST", "/ingest/unknown", b"{}").status, 404)
        self.assertEqual(self.nginx.send("GET", "/api/v1/projects").status, 401)
        client = self.nginx.client()
        for _ in range(3):  # on one connection: what was refused did not leave its body there
            self.assertEqual(client.send("POST", "/ingest/unknown", b'{"a":1}').status, 404)
        client.close()

    def test_a_path_that_is_not_the_librarys_goes_on(self):
        self.assertEqual(self.nginx.send("GET", "/declined/file").body, b"static")
        self.assertEqual(self.nginx.send("GET", "/declined/none").status, 404)

    def test_blocks_within_a_location(self):
        """`if` and `limit_except` have settings of their own."""
        for method, headers, status in (("POST", {}, 404), ("POST", {"X-A": "1"}, 404),
                                        ("GET", {}, 403), ("GET", {"X-A": "1"}, 403)):
            response = self.nginx.send(method, "/ingest/if/x", None, headers)
            self.assertEqual(response.status, status, (method, headers, response))
            if status == 404:
                self.assertEqual(response.message, "Resource not found")

    def test_signatures_and_handshakes_of_sources(self):
        _, source = self.project(verifier={"type": "hmac", "hmac": {
            "header": "X-Sig", "secret": "s", "hash": "SHA256", "encoding": "hex"}})
        self.assertEqual(self.ingest(source, b"{}", {"X-Sig": "00"}).status, 400)
        signature = host.github_signature("s", b"{}")[7:]
        self.assertEqual(self.ingest(source, b"{}", {"X-Sig": signature}).status, 200)

    def test_behind_convoy_verify(self):
        """The body was read before, and lies in a file."""
        body = os.urandom(300_000)
        response = self.nginx.send("POST", "/ingest/verified", body, nginx.github("s", body))
        self.assertEqual(response.status, 404, response)  # no such link, said by the library
        self.assertEqual(response.message, "Resource not found")
        response = self.nginx.send("POST", "/ingest/verified", body, nginx.github("wrong", body))
        self.assertEqual(response.json["reason"], "signature_mismatch")

    def test_duplicates_across_workers(self):
        project, source = self.project(idempotency_keys=["request.header.X-Id"])
        answers = []

        def send():
            for number in range(25):
                answers.append(self.ingest(source, b"{}", {"X-Id": f"k{number}"}))
        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({answer.status for answer in answers}, {200})
        fresh = [answer for answer in answers if answer.message == "Event received"]
        self.assertEqual((len(answers), len(fresh)), (100, 25))
        self.inbox.wait_for("/" + project.id, 25)
        time.sleep(0.5)
        self.assertEqual(len(self.inbox.received("/" + project.id)), 25)

    def test_the_management_api(self):
        """Answers that take long, on threads of the library."""
        project, source = self.project()
        for number in range(30):
            self.ingest(source, b'{"n":%d}' % number)
        self.assertEqual(len(project.events(perPage=7)), 30)


class StoreInTroubleTest(unittest.TestCase):
    def test_a_store_that_cannot_be_opened_is_tried_again(self):
        with host.Folder() as folder:
            database = pathlib.Path(folder, "events.db")
            database.write_text("this is no database" * 100)
            server = ("location / { return 200 plain; } location /api/ { convoy_mount "
                      "{folder}/events.db; }")
            with nginx.Nginx(folder, server) as running:
                response = running.send("GET", "/api/v1/projects")
                self.assertEqual((response.status, response.json["reason"]), (503, "unavailable"))
                self.assertEqual(running.send("POST", "/api/v1/projects", b"x" * 100_000).status, 503)
                self.assertEqual(running.send("GET", "/").body, b"plain")
                self.assertIn("trying again", running.log())
                database.unlink()
                host.bootstrap(str(database))
                host.wait_until(lambda: {running.send("GET", "/api/v1/projects").status
                                         for _ in range(10)} == {401}, "both workers")


if __name__ == "__main__":
    unittest.main()
