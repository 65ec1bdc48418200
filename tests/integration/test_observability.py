"""Observability: trace context from a request to the receiver, spans in the log, and what lies in
docs/observability, judged by promtool and by a Prometheus that watches a running gateway."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import host
from case import HostCase

sys.path.insert(0, str(host.ROOT / "tests" / "brokers"))
RABBITMQ = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
DOCS = host.ROOT / "docs" / "observability"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


class TraceTest(HostCase):
    flags = ("--log-level", "debug")

    def spans(self):
        lines = (json.loads(line) for line in self.convoyd.log().splitlines())
        return [line for line in lines if line.get("event") == "span"]

    def deliver(self, path, headers, **config):
        """The headers that the receiver was sent for one request, and the project."""
        project = host.Project(self.admin, f"{self.id()} {path}", "incoming", **config)
        source = project.source("s")
        project.subscribe("s", project.endpoint("e", self.inbox.url + path), source)
        project.ingest(source, b"{}", {"Content-Type": "application/json", **headers})
        return self.inbox.wait_for(path, 1)[0].headers, project

    def test_a_trace_crosses_the_gateway(self):
        headers, project = self.deliver("/traced", {
            "traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=7"},
            add_event_id_trace_headers=True)
        version, trace, span, flags = headers["traceparent"].split("-")
        self.assertEqual((version, trace, flags), ("00", TRACE, "01"))
        self.assertNotEqual(span, SPAN)
        self.assertEqual(headers["tracestate"], "vendor=7")
        delivery = project.wait_for_deliveries(1)[0]
        told = host.wait_until(lambda: [s for s in self.spans() if s["span_id"] == span], "a span")
        self.assertEqual(len(told), 1)
        self.assertEqual(told[0]["trace_id"], TRACE)
        reception, = [s for s in self.spans() if s["span_id"] == told[0]["parent_span_id"]]
        self.assertEqual((reception["name"], reception["kind"], reception["trace_id"]),
                         ("receive", "server", TRACE))
        self.assertEqual(reception["parent_span_id"], SPAN)
        self.assertEqual((reception["event_id"], reception["outcome"]),
                         (told[0]["event_id"], "accepted"))
        self.assertEqual(told[0]["delivery_id"], delivery["uid"])
        self.assertEqual((told[0]["outcome"], told[0]["http_status"]), ("delivered", "200"))
        self.assertLess(int(told[0]["start_us"]), int(told[0]["end_us"]))

    def test_without_a_trace_one_begins(self):
        headers, project = self.deliver("/begun", {}, add_event_id_trace_headers=True)
        trace = headers["traceparent"].split("-")[1]
        project.ok("PUT", f"/events/{project.events()[0]['uid']}/replay", {})
        again = self.inbox.wait_for("/begun", 2)[1].headers["traceparent"].split("-")
        self.assertEqual(again[1], trace, "one event, one trace")
        self.assertNotEqual(again[2], headers["traceparent"].split("-")[2])

    def test_without_the_setting_headers_pass_as_they_are(self):
        headers, _ = self.deliver("/passed", {"traceparent": f"00-{TRACE}-{SPAN}-01"})
        self.assertEqual(headers["traceparent"], f"00-{TRACE}-{SPAN}-01")
        headers, _ = self.deliver("/none", {})
        self.assertIsNone(headers["traceparent"])


class Receiver:
    """Takes deliveries at a port of its own, and can be gone."""

    def __init__(self):
        self.port = 0
        self.start()

    def start(self):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@unittest.skipUnless(shutil.which("promtool"), "there is no promtool (Debian: prometheus)")
class PrometheusTest(HostCase):
    flags = ("--metrics-access", "anyone")

    def promtool(self, *arguments, **options):
        done = subprocess.run(["promtool", *arguments], cwd=DOCS, capture_output=True, text=True,
                              timeout=60, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def metrics(self):
        return host.Client(self.convoyd.address).send("GET", "/metrics").body.decode()

    def test_the_metrics_are_well_formed(self):
        self.promtool("check", "metrics", input=self.metrics())

    def test_the_rules_say_what_their_tests_say(self):
        self.promtool("check", "rules", "alerts.yaml")
        self.promtool("test", "rules", "alerts_test.yaml")

    def test_rules_and_dashboard_ask_for_what_there_is(self):
        there = set(re.findall(r"^# TYPE (\w+) ", self.metrics(), re.M))
        dashboard = json.loads((DOCS / "dashboard.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        asked += re.findall(r"expr: (?:\|\n(?:          .*\n)+|.*)", (DOCS / "alerts.yaml").read_text())
        names = set(re.findall(r"\bconvoy_\w+", " ".join(asked)))
        self.assertGreater(len(names), 12)
        self.assertEqual({re.sub("_bucket$", "", name) for name in names} - there, set())

    def prometheus(self, folder, *flags):
        """Watches the gateway each second, with rules that wait seconds where they say minutes."""
        rules = (DOCS / "alerts.yaml").read_text()
        rules = re.sub(r"for: \d+m", "for: 1s", re.sub(r"\[\d+m\]", "[5s]", rules))
        (folder / "alerts.yaml").write_text(rules)
        (folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yaml"],
            "scrape_configs": [{"job_name": "convoy",
                                "static_configs": [{"targets": [self.convoyd.address]}]}]}))
        with host_port() as port:
            pass
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/db",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", *flags],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return f"http://127.0.0.1:{port}"

    def firing(self, prometheus):
        try:
            with urllib.request.urlopen(prometheus + "/api/v1/alerts", timeout=5) as answer:
                alerts = json.load(answer)["data"]["alerts"]
        except OSError:
            return None
        return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}

    def test_an_alert_fires_while_a_receiver_is_gone(self):
        receiver = Receiver()
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1, "retry_count": 2})
        endpoint = project.endpoint("e", f"http://127.0.0.1:{receiver.port}/")
        is_over = threading.Event()

        def send():
            client = self.admin.with_key(project.key)
            while not is_over.wait(0.1):
                client.send("POST", project.path + "/events", {
                    "endpoint_id": endpoint["uid"], "event_type": "t", "data": {}})
            client.close()

        sender = threading.Thread(target=send)
        sender.start()
        self.addCleanup(receiver.stop)
        self.addCleanup(sender.join)
        self.addCleanup(is_over.set)
        with tempfile.TemporaryDirectory() as folder:
            prometheus = self.prometheus(pathlib.Path(folder))
            host.wait_until(lambda: self.firing(prometheus) is not None, "Prometheus")
            time.sleep(6)
            self.assertEqual(self.firing(prometheus), set())
            receiver.stop()
            host.wait_until(lambda: "ConvoyDeliveriesFail" in self.firing(prometheus), "the alert")
            receiver.start()
            host.wait_until(lambda: self.firing(prometheus) == set(), "its end", timeout=60)
            query = urllib.parse.urlencode({"query": "sum(rate(convoy_delivery_attempt_total[5s]))"})
            with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=5) as answer:
                self.assertGreater(float(json.load(answer)["data"]["result"][0]["value"][1]), 1)
            self.doCleanups()


    @unittest.skipUnless(RABBITMQ.exists(), "there is no RabbitMQ (Debian: rabbitmq-server)")
    def test_an_alert_fires_while_a_broker_is_gone(self):
        from servers import rabbitmq
        project = self.project("outgoing")
        with rabbitmq.Server() as server, tempfile.TemporaryDirectory() as folder:
            queue = server.new_queue()
            source = project.queue_source("orders", queue, "order.paid")
            project.subscribe("s", project.endpoint("e", self.inbox.url + "/orders"), source)
            queue.produce([{"body": b"{}", "id": "1"}])
            self.inbox.wait_for("/orders", 1)
            prometheus = self.prometheus(pathlib.Path(folder))
            host.wait_until(lambda: self.firing(prometheus) is not None, "Prometheus")
            time.sleep(4)
            self.assertEqual(self.firing(prometheus), set())
            server.stop()
            host.wait_until(lambda: "ConvoyBrokerNotRead" in self.firing(prometheus), "the alert",
                            timeout=60)
            server.start()
            host.wait_until(lambda: self.firing(prometheus) == set(), "its end", timeout=90)
            queue.produce([{"body": b"{}", "id": "2"}])
            self.inbox.wait_for("/orders", 2)
            project.ok("DELETE", f"/sources/{source['uid']}")
            self.doCleanups()

    def test_exemplars_lead_from_a_latency_to_its_trace(self):
        project = self.project("incoming", add_event_id_trace_headers=True)
        source = project.source("s")
        project.subscribe("s", project.endpoint("e", self.inbox.url + "/exemplar"), source)

        def traces():
            return {request.headers["traceparent"].split("-")[1]: request.headers["traceparent"].split("-")[2]
                    for request in self.inbox.received("/exemplar")}

        project.ingest(source, b"{}", {"Content-Type": "application/json",
                                       "traceparent": f"00-{TRACE}-{SPAN}-01"})
        host.wait_until(lambda: TRACE in traces(), "the delivery")
        project.wait_for_deliveries(1)
        # Only OpenMetrics has exemplars; the older format, which is the default, must not.
        self.assertNotIn("# {", self.metrics())
        answer = host.Client(self.convoyd.address).send(
            "GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        self.assertIn(f'# {{trace_id="{TRACE}",span_id="{traces()[TRACE]}"}} 0.', answer.body.decode())
        with tempfile.TemporaryDirectory() as folder:
            prometheus = self.prometheus(pathlib.Path(folder), "--enable-feature=exemplar-storage")

            def stored():
                query = urllib.parse.urlencode({
                    "query": "convoy_delivery_latency_seconds_bucket", "start": time.time() - 600,
                    "end": time.time() + 60})
                try:
                    with urllib.request.urlopen(f"{prometheus}/api/v1/query_exemplars?{query}",
                                                timeout=5) as got:
                        series = json.load(got)["data"]
                except OSError:
                    return None
                return [each for one in series for each in one["exemplars"]
                        if one["seriesLabels"]["outcome"] == "success"]

            found = host.wait_until(lambda: [each for each in stored() or ()
                                             if each["labels"]["trace_id"] == TRACE], "the exemplar")
            self.assertEqual(found[0]["labels"]["span_id"], traces()[TRACE])
            self.assertGreater(float(found[0]["value"]), 0)
            self.doCleanups()


class host_port:
    """A port that is free now."""

    def __enter__(self):
        with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
            return server.server_port

    def __exit__(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
