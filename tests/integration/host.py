"""Running convoyd and talking to it: what the integration tests, the crash test, the benchmarks and
the demo have in common. Standard library only."""
import base64
import collections
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary(name="convoyd"):
    """The path of a built program: in $CONVOY_BIN_DIR, else in the dev build."""
    folder = os.environ.get("CONVOY_BIN_DIR") or ROOT / "build" / "dev" / "bin"
    path = pathlib.Path(folder) / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built; set CONVOY_BIN_DIR")
    return str(path)


class TimedOut(AssertionError):
    """A condition does not hold yet."""


def wait_until(condition, what, timeout=30.0, interval=0.02):
    """Returns the first true value of condition()."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimedOut(f"timed out after {timeout} s waiting for {what}")
        time.sleep(interval)


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def message(self):
        return self.json.get("message", "")

    @property
    def data(self):
        return self.json["data"]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Client:
    """HTTP with one kept connection for each thread."""

    def __init__(self, address, key=None):
        self.address = address
        self.key = key
        self._local = threading.local()
        self._connections = []  # of all threads

    def __del__(self):
        self.close()

    def with_key(self, key):
        return Client(self.address, key)

    def send(self, method, path, body=None, headers=None, timeout=60):
        """Sends bytes (or a JSON value) and returns the Response."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, bytearray)):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        if self.key and "Authorization" not in sent:
            sent["Authorization"] = "Bearer " + self.key
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            is_fresh = connection is None
            if is_fresh:
                host, port = self.address.rsplit(":", 1)
                connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
                self._local.connection = connection
                self._connections.append(connection)
            try:
                connection.request(method, path, body, sent)
                answer = connection.getresponse()
                return Response(answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, OSError):
                connection.close()
                self._connections.remove(connection)
                self._local.connection = None
                # A kept connection may have been closed in between: once more on a fresh one, but
                # only where sending twice does no harm.
                if is_fresh or attempt == 2 or method not in ("GET", "HEAD"):
                    raise
        raise AssertionError("unreachable")

    def close(self):
        """Closes the connections; no thread may be sending."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local.connection = None

    def ok(self, method, path, body=None, headers=None):
        """The data of a response that must be a success."""
        response = self.send(method, path, body, headers)
        if not 200 <= response.status < 300:
            raise AssertionError(f"{method} {path} answered {response}")
        return response.json.get("data")

    def pages(self, path, **query):
        """All items of a list, following the cursors."""
        items = []
        query.setdefault("perPage", 100)
        while True:
            page = self.ok("GET", path + "?" + urllib.parse.urlencode(query, doseq=True))
            items += page["content"]
            if not page["pagination"]["has_next_page"]:
                return items
            query["next_page_cursor"] = page["pagination"]["next_page_cursor"]
            query["direction"] = "next"


class Project:
    """One project and the calls that go to it."""

    def __init__(self, admin, name, kind, **config):
        body = {"name": name, "type": kind}
        if config:
            body["config"] = config
        made = admin.ok("POST", "/api/v1/projects", body)
        self.id = made["project"]["uid"]
        self.key = made["api_key"]["key"]
        self.path = f"/api/v1/projects/{self.id}"
        self.client = admin.with_key(self.key)

    def ok(self, method, path, body=None):
        return self.client.ok(method, self.path + path, body)

    def send(self, method, path, body=None, headers=None):
        return self.client.send(method, self.path + path, body, headers)

    def source(self, name, verifier=None, **fields):
        body = {"name": name, "type": "http", "verifier": verifier or {"type": "noop"}, **fields}
        return self.ok("POST", "/sources", body)

    def queue_source(self, name, queue, event_type):
        """A source that reads a queue of tests/brokers/servers, whose messages are events of a type."""
        return self.ok("POST", "/sources", {
            "name": name, "type": "pub_sub",
            "pub_sub": {**queue.pub_sub, "message_format": "raw", "event_type": event_type}})

    def endpoint(self, name, url, **fields):
        return self.ok("POST", "/endpoints", {"name": name, "url": url, **fields})

    def subscribe(self, name, endpoint, source=None, event_types=("*",), **fields):
        body = {"name": name, "endpoint_id": endpoint["uid"],
                "filter_config": {"event_types": list(event_types)}, **fields}
        if source is not None:
            body["source_id"] = source["uid"]
        return self.ok("POST", "/subscriptions", body)

    def ingest(self, source, body, headers=None, query="", method="POST"):
        client = self.client.with_key(None)
        try:
            return client.send(method, f"/ingest/{source['mask_id']}{query}", body, headers)
        finally:
            client.close()

    def events(self, **query):
        return self.client.pages(self.path + "/events", **query)

    def deliveries(self, **query):
        return self.client.pages(self.path + "/eventdeliveries", **query)

    def delivery(self, uid):
        return self.ok("GET", f"/eventdeliveries/{uid}")

    def attempts(self, delivery_uid):
        return self.ok("GET", f"/eventdeliveries/{delivery_uid}/deliveryattempts")

    def wait_for_deliveries(self, count, status="Success", timeout=30.0, **query):
        """Waits until exactly `count` deliveries match and all of them have `status`."""
        def finished():
            found = self.deliveries(**query)
            states = [delivery["status"] for delivery in found]
            return found if len(states) == count and set(states) <= {status} else None
        try:
            return wait_until(finished, "deliveries", timeout, 0.05)
        except AssertionError as error:
            states = [d["status"] for d in self.deliveries(**query)]
            raise AssertionError(f"{error}: wanted {count} x {status}, got {states}") from None


def bootstrap(database):
    """Creates the instance and returns its key."""
    out = subprocess.run([binary(), "bootstrap", "--database", database], check=True,
                         capture_output=True, timeout=60).stdout
    return json.loads(out)["api_key"]


class Convoyd:
    """A running `convoyd serve`. Its log goes to a file beside the database, or to `log_path`."""

    LOCAL = "127.0.0.0/8"

    _is_told_to_end = False

    def __init__(self, database, *flags, allow_local=True, env=None, log_path=None):
        self.database = database
        command = [binary(), "serve", "--listen", "127.0.0.1:0", "--database", database, *flags]
        if allow_local:
            command += ["--allow-network", self.LOCAL]
        self.log_path = log_path or database + ".log"
        self._log = open(self.log_path, "ab")
        self._is_told_to_end = False
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log,
                                        env={**os.environ, **(env or {})})
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise AssertionError(f"convoyd did not start: {self.log()[-2000:]}")
        self.address = json.loads(line)["listening"]

    def client(self, key=None):
        return Client(self.address, key)

    def log(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def death(self):
        """Tells how it ended and the end of its log, if it was not told to end; or None."""
        if self._is_told_to_end or self.is_alive():
            return None
        code = self.process.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"convoyd died with {how}; the end of its log:\n{self.log()[-4000:]}"

    def stop(self, timeout=30):
        """SIGTERM; returns the exit code."""
        self._is_told_to_end = self._is_told_to_end or self.is_alive()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            self._end()

    def kill(self):
        self._end()

    def _end(self):
        if self.is_alive():
            self._is_told_to_end = True
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._log.close()


class Folder:
    """A temporary folder as a context."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="convoy-")

    def __enter__(self):
        return self._folder.name

    def __exit__(self, *_):
        self._folder.cleanup()


Received = collections.namedtuple("Received", "path headers body")


class Inbox:
    """A receiver of deliveries that behaves well, unless told to fail: `fail_next(path, 503, 503)`
    makes the next two requests to a path fail. Keeps what it answered with success."""

    def __init__(self):
        self._lock = threading.Lock()
        self._received = []
        self._failures = collections.defaultdict(collections.deque)
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = inbox._take(Received(self.path, self.headers, body))
                self.wfile.write(b"HTTP/1.1 %d Answer\r\nContent-Length: 0\r\n\r\n" % status)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # a killed convoyd breaks its connections

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _take(self, request):
        with self._lock:
            failures = self._failures[request.path.split("?")[0]]
            if failures:
                return failures.popleft()
            self._received.append(request)
            return 200

    def fail_next(self, path, *statuses):
        with self._lock:
            self._failures[path].extend(statuses)

    def received(self, path=""):
        """Requests answered with success at paths that begin with `path`, in order."""
        with self._lock:
            return [request for request in self._received if request.path.startswith(path)]

    def bodies(self, path=""):
        return [request.body for request in self.received(path)]

    def wait_for(self, path, count, timeout=30):
        def enough():
            found = self.received(path)
            return found if len(found) >= count else None
        return wait_until(enough, f"{count} deliveries to {path}", timeout)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


# ---- Signatures, computed independently of the library -------------------------------------------

def github_signature(secret, body):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def advanced_signature(secret, body, timestamp, digest=hashlib.sha256):
    value = hmac.new(secret.encode(), b"%d,%s" % (timestamp, body), digest).hexdigest()
    return f"t={timestamp},v1={value}"


def basic_authorization(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def is_signed(header, secret, body, digest=hashlib.sha256):
    """Checks a delivered signature of either form, in hex."""
    if not header.startswith("t="):
        expected = hmac.new(secret.encode(), body, digest).hexdigest()
        return hmac.compare_digest(header, expected)
    parts = [part.split("=", 1) for part in header.split(",")]
    timestamp = parts[0][1].encode()
    expected = hmac.new(secret.encode(), timestamp + b"," + body, digest).hexdigest()
    return any(name.startswith("v") and hmac.compare_digest(value, expected)
               for name, value in parts[1:])
