"""The base of the tests of the pages: one convoyd with real traffic, one browser, and the judges: axe,
and what the browser itself complains about."""
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import expect, sync_playwright

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import host  # noqa: E402

SECRET = "a-shared-secret-of-github-0123456789"
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
expect.set_options(timeout=10_000)


class Receiver:
    """Answers in JSON; paths below /broken with 500, /flood with 10,000 headers."""

    def __init__(self):
        self.bodies = bodies = {}  # the latest by path

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                bodies[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                is_broken = self.path.startswith("/broken")
                body = (b'{"error":"database is locked","retry":true}' if is_broken
                        else b'{"received":true,"order":{"id":1042,"state":"queued"}}')
                self.send_response(500 if is_broken else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Receiver", "test")
                if self.path.startswith("/flood"):
                    for number in range(10_000):
                        self.send_header(f"X-Flood-{number}", "<b>v</b>")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Site:
    """A web server with pages of another site: {path: HTML}."""

    def __init__(self, pages):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = pages.get(self.path, "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another site than 127.0.0.1.
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Nginx:
    """A proxy that shows a server under a path of its own: `with Nginx(origin, "/tools/") as outside`."""

    def __init__(self, origin, path):
        self._folder = tempfile.TemporaryDirectory(prefix="convoy-nginx-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{path.rstrip('/')}"
        self._port = port
        folder = self._folder.name
        self._config = pathlib.Path(folder, "nginx.conf")
        self._config.write_text(f"""
            daemon off; error_log {folder}/error.log; pid {folder}/pid;
            events {{}}
            http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
              fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
              server {{ listen 127.0.0.1:{port};
                location {path} {{ proxy_pass {origin}/; }} }} }}""")

    def __enter__(self):
        self._process = subprocess.Popen(["nginx", "-c", self._config], stderr=subprocess.DEVNULL)
        host.wait_until(self._listens, "nginx")
        return self.url

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
            return True
        except OSError:
            return False


class Shop:
    """A project as people have it, with traffic of every kind."""

    def __init__(self, admin, receiver):
        self.project = project = host.Project(
            admin, "Northwind Shop", "incoming",
            strategy={"type": "linear", "duration": 20, "retry_count": 5},
            circuit_breaker={"minimum_request_count": 2, "failure_threshold": 50, "sample_rate": 1,
                             "observability_window": 5, "error_timeout": 30, "success_threshold": 5,
                             "consecutive_failure_threshold": 10})
        self.github = project.source(
            "GitHub", {"type": "preset", "preset": {"name": "github", "secrets": [SECRET]}},
            verify_mode="quarantine", event_type_location="request.header.X-GitHub-Event",
            idempotency_keys=["request.header.X-GitHub-Delivery"])
        self.open = project.source("Forms", event_type_location="request.header.X-Event")
        self.orders = project.endpoint("Order service", receiver.url + "/orders", owner_id="acme")
        self.mirror = project.endpoint("Mirror", receiver.url + "/mirror", owner_id="globex",
                                       description="Keeps a copy of everything")
        self.broken = project.endpoint("Legacy CRM", receiver.url + "/broken/crm", owner_id="acme")
        project.subscribe("Pushes to orders", self.orders, self.github, ["push", "issues"])
        project.subscribe("All of GitHub to the mirror", self.mirror, self.github)
        project.subscribe("Forms to the mirror", self.mirror, self.open)
        project.subscribe("Releases to the CRM", self.broken, self.github, ["release"])
        viewer = project.ok("POST", "/api-keys", {"name": "On call", "role": "project_viewer"})
        self.viewer_key = viewer["key"]

    def push(self, number, kind="push", secret=SECRET):
        body = json.dumps({"action": kind, "number": number, "ref": "refs/heads/main",
                           "repository": {"full_name": "northwind/shop", "private": True},
                           "amount": 10.50, "sender": {"login": "mona", "id": 583231}}).encode()
        body = body.replace(b"10.5,", b"10.50,")
        return self.project.ingest(self.github, body, {
            "Content-Type": "application/json", "X-GitHub-Event": kind,
            "X-GitHub-Delivery": f"{kind}-{number}", "User-Agent": "GitHub-Hookshot/4f9b2c1",
            "X-Hub-Signature-256": host.github_signature(secret, body)})

    def post(self, kind, body, content_type, **headers):
        return self.project.ingest(self.open, body, {"Content-Type": content_type, "X-Event": kind,
                                                     **headers})

    def fill(self):
        for number in range(24):
            self.push(number)
        for number in range(4):
            self.push(number, "release")
            self.push(number, "issues")
        for number in range(5):
            self.push(number, "push", "the-secret-of-another-webhook-01234")
        self.push(3)  # a duplicate
        self.post("form.sent", b"name=Ada+Lovelace&email=ada%40example.com&note=caf%C3%A9",
                  "application/x-www-form-urlencoded")
        self.post("note.text", "Plain text, two lines:\nsecond".encode(), "text/plain")
        self.post("image.bytes", bytes(range(256)) * 4, "application/octet-stream")
        host.wait_until(lambda: len(self.project.deliveries(status="Success")) >= 50, "deliveries")


class Trickle:
    """Traffic that goes on until it is stopped."""

    def __init__(self, shop):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(shop,), daemon=True)
        self._thread.start()

    def _run(self, shop):
        number = 1000
        while not self._stop.wait(random.uniform(0.05, 0.4)):
            number += 1
            shop.push(number, random.choice(["push", "push", "push", "issues"]))

    def stop(self):
        self._stop.set()
        self._thread.join()


class UiCase(unittest.TestCase):
    flags = ()
    url_path = "/ui/"

    @classmethod
    def setUpClass(cls):
        folder = host.Folder()
        database = folder.__enter__() + "/convoy.db"
        cls.addClassCleanup(folder.__exit__, None, None, None)
        cls.receiver = Receiver()
        cls.addClassCleanup(cls.receiver.close)
        cls.convoyd = cls.start_gateway(database)
        cls.addClassCleanup(cls.stop)
        cls.origin = f"http://{cls.convoyd.address}"
        cls.url = cls.origin + cls.url_path
        cls.admin = cls.convoyd.client(cls.key)
        cls.shop = Shop(cls.admin, cls.receiver)
        cls.shop.fill()
        trickle = Trickle(cls.shop)
        cls.addClassCleanup(trickle.stop)
        playwright = sync_playwright().start()
        cls.addClassCleanup(playwright.stop)
        cls.browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"])
        cls.addClassCleanup(cls.browser.close)
        cls.axe = pathlib.Path(os.environ["AXE"]).read_text()

    @classmethod
    def start_gateway(cls, database):
        """Starts the server of the pages, and sets the instance's key."""
        cls.key = host.bootstrap(database)
        return host.Convoyd(database, "--ui", "--idle-timeout-ms", "600000", *cls.flags)

    @classmethod
    def stop(cls):
        cls.admin.close()
        code = cls.convoyd.stop()
        log = cls.convoyd.log()
        if code != 0:
            raise AssertionError(f"convoyd ended with {code}:\n{log[-4000:]}")

    def setUp(self):
        self.complaints = []
        self.expected = []  # parts of complaints that the test provokes
        self._contexts = []

    def tearDown(self):
        for context in self._contexts:
            context.close()
        left = [text for text in self.complaints if not any(part in text for part in self.expected)]
        self.assertEqual(left, [], "the browser complained")

    def page(self, viewport=WIDE, scheme="light", **options):
        context = self.browser.new_context(viewport=viewport, color_scheme=scheme, locale="en-GB",
                                           reduced_motion="reduce", **options)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("a dialog: " + dialog.message),
                                          dialog.dismiss()))
        return page

    def logged_in(self, key=None, **options):
        page = self.page(**options)
        self.expected.append("401")  # before there is a session
        page.goto(self.url)
        page.get_by_label("API key").fill(key or self.key)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Log in")
        return page

    def visit(self, page, place, title):
        """A page of the project, once it is there."""
        page.goto(f"{self.url}#/p/{self.shop.project.id}/{place}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        expect(page.get_by_text("Loading…")).to_have_count(0)

    def shot(self, page, name, whole=False):
        page.mouse.move(0, 0)
        if whole:
            page.evaluate("() => scrollTo(0, 0)")
        page.screenshot(path=f"{os.environ['SHOTS']}/{name}.png", full_page=whole,
                        animations="disabled")

    def check_axe(self, page):
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(self.axe)
        found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
        told = [(each["id"], each["help"], [node["html"][:160] + " | " + node["failureSummary"][:300]
                                            for node in each["nodes"][:3]]) for each in found]
        self.assertEqual(told, [], page.url)
        self.check_fits(page)

    def check_fits(self, page):
        overflow = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        self.assertLessEqual(overflow, 0, f"{page.url} is wider than the window")
