"""The pages inside of a Flask application, under a path of its choice, and behind nginx under
another one. The gateway is libconvoy.so in Flask's process; the application is examples/flask."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import browser
import host
from browser import UiCase, expect

EXAMPLE = host.ROOT / "examples" / "flask" / "app.py"
MOUNT = "/hooks"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MountedClient(host.Client):
    """A client of a gateway that is not at the root of its server."""

    def with_key(self, key):
        return MountedClient(self.address, key)

    def send(self, method, path, body=None, headers=None, timeout=60):
        return super().send(method, MOUNT + path, body, headers, timeout)


class FlaskApplication:
    """In the place of convoyd."""

    def __init__(self, folder, public_url=None):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._log = pathlib.Path(folder, "flask.log")
        environment = {**os.environ, "PYTHONPATH": str(host.ROOT / "bindings" / "python")}
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, EXAMPLE, f"{folder}/convoy.db", str(self.port),
                 *([public_url] if public_url else [])], stdout=log, stderr=log, env=environment)
        self.key = host.wait_until(self._find_key, "the key of the instance")
        client = MountedClient(self.address)
        host.wait_until(lambda: self._answers(client), "Flask")
        client.close()

    def _find_key(self):
        if self.process.poll() is not None:
            raise AssertionError("the application ended:\n" + self.log())
        found = re.search(r"log in with (\S+)", self.log())
        return found and found[1]

    @staticmethod
    def _answers(client):
        try:
            return client.send("GET", "/healthz").status == 200
        except OSError:
            return False

    def client(self, key):
        return MountedClient(self.address, key)

    def log(self):
        return self._log.read_text(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


class FlaskTest(UiCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="convoy-flask-")
        cls.addClassCleanup(cls.folder.cleanup)
        super().setUpClass()

    @classmethod
    def start_gateway(cls, database):
        application = FlaskApplication(cls.folder.name)
        cls.key = application.key
        cls.url_path = MOUNT + "/ui/"
        return application

    def links_stay_inside(self, seen, outside):
        self.assertTrue(seen)
        self.assertTrue(all(u.startswith(outside + "/") for u in seen if "data:" not in u), seen)

    def walk(self, outside):
        """From the application's page into the dashboard, a page that shows traffic, and a test event;
        then an owner's portal."""
        self.expected += ["401", "favicon"]
        page = self.page()
        seen = []
        page.on("request", lambda request: seen.append(request.url))
        page.goto(outside + "/")
        page.get_by_role("link", name="Webhooks").click()
        self.assertEqual(page.url.split("#")[0], outside + MOUNT + "/ui/")
        page.get_by_label("API key").fill(self.key)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Northwind Shop").click()
        page.get_by_role("link", name="Events", exact=True).click()
        expect(page.locator("tbody tr").first).to_be_visible()
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", name="Received")).to_be_visible()
        page.get_by_role("link", name="Endpoints").click()
        page.get_by_role("link", name="Order service").click()
        expect(page.get_by_role("heading", name="Order service")).to_be_visible()
        expect(page.get_by_text("Loading…")).to_have_count(0)
        self.check_axe(page)
        page.reload()
        expect(page.get_by_role("heading", name="Order service")).to_be_visible()
        made = self.shop.project.ok("POST", "/portal-links", {"name": "Acme Inc.", "owner_id": "acme"})
        page.goto(outside + MOUNT + "/portal?" + made["url"].split("?")[1])
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        self.assertEqual(page.url.split("#")[0], outside + MOUNT + "/ui/portal/")
        self.links_stay_inside(seen, outside)
        cookies = page.context.cookies()
        page.close()  # before the server goes that it asks for news
        return {(cookie["path"], cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies}

    def test_the_pages_in_flask(self):
        self.assertEqual(self.walk(self.origin), {(MOUNT + "/ui", True, "Strict"),
                                                  (MOUNT + "/ui/portal", True, "Strict")})

    def test_the_same_behind_nginx_under_a_path(self):
        if not shutil.which("nginx"):
            self.skipTest("there is no nginx (Debian: nginx-light)")
        with browser.Nginx(self.origin, "/tools/shop/") as outside:
            self.assertEqual(self.walk(outside), {("/tools/shop/hooks/ui", True, "Strict"),
                                                  ("/tools/shop/hooks/ui/portal", True, "Strict")})

    def test_paths_that_are_not_the_gateways_are_the_applications(self):
        client = host.Client(self.convoyd.address)
        self.addCleanup(client.close)
        self.assertIn("Shop", client.send("GET", "/").body.decode())
        self.assertEqual(client.send("GET", "/ui/").status, 404)
        self.assertEqual(client.send("GET", MOUNT + "/nothing").status, 404)
        # A page of another site cannot use a session, here as elsewhere.
        self.assertEqual(client.send("GET", MOUNT + "/ui/api/v1/projects").status, 403)

    def test_bodies_arrive_byte_for_byte(self):
        whole = bytes(range(256)) * 300  # more than one piece
        endpoint = self.shop.project.endpoint("Bytes", self.receiver.url + "/bytes")
        self.shop.project.subscribe("Bytes", endpoint, self.shop.open, ["bytes"])
        answer = self.shop.post("bytes", whole, "application/octet-stream")
        self.assertEqual(answer.status, 200)
        host.wait_until(lambda: self.receiver.bodies.get("/bytes") == whole, "the delivery")


if __name__ == "__main__":
    unittest.main()
