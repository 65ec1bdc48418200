"""OpenTelemetry's OTLP receiver, built from the Go proxy (otlp_collector), and the spans
that it was sent."""
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

import host

sys.path.insert(0, str(host.ROOT / "tests" / "brokers"))
from servers import base, install  # noqa: E402

SOURCE = host.ROOT / "tests" / "integration" / "otlp_collector"
CLIENT, CONSUMER, PRODUCER, SERVER = 3, 5, 4, 2  # kinds of spans


def can_be_built():
    return shutil.which("go") is not None


class Collector:
    """Serves at `endpoint` from its beginning on; after stop() and start() at the same one."""

    def __init__(self, folder):
        self._program = install.go_program("collector", SOURCE)
        self._busy = pathlib.Path(folder) / "collector.busy"
        self._log = pathlib.Path(folder) / "collector.log"
        self._port, = base.free_ports(1)
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._lock = threading.Lock()
        self._requests = []
        self._process = None
        self.start()

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [self._program, f"127.0.0.1:{self._port}", self._busy], stdout=subprocess.PIPE,
                stderr=log, env={**os.environ, "GODEBUG": "madvdontneed=1"})
        if not self._process.stdout.readline():
            raise AssertionError("the collector did not start: " + self._log.read_text())
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def _read(self, lines):
        for line in lines:
            with self._lock:
                self._requests.append(json.loads(line))

    def set_busy(self, is_busy):
        """Whether it answers 503."""
        if is_busy:
            self._busy.write_text("")
        else:
            self._busy.unlink(missing_ok=True)

    def authorizations(self):
        with self._lock:
            return {value for request in self._requests for value in request["authorization"] or [None]}

    def spans(self, **wanted):
        """Spans with these members, each with its service and its attributes as a dict."""
        found = []
        with self._lock:
            requests = list(self._requests)
        for request in requests:
            for resource in request["traces"].get("resourceSpans", []):
                service = attributes_of(resource["resource"])["service.name"]
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        span = {**span, "service": service, "attributes": attributes_of(span)}
                        if all(span.get(key) == value for key, value in wanted.items()):
                            found.append(span)
        return found

    def send(self, service, name, kind, trace, parent=""):
        """Sends a span as another program would; returns its id."""
        span = secrets.token_hex(8)
        now = time.time_ns()
        body = {"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"spans": [{
                "traceId": trace, "spanId": span, "parentSpanId": parent, "name": name, "kind": kind,
                "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000)}]}]}]}
        request = urllib.request.Request(self.endpoint + "/v1/traces", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200
        return span


def attributes_of(thing):
    return {each["key"]: next(iter(each["value"].values()))
            for each in thing.get("attributes", [])}
