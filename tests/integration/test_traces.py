"""Traces in a collector: one crosses HTTP or a broker, the gateway and the receiver; and what becomes
of spans when the collector is busy or away."""
import os
import pathlib
import secrets
import unittest

import collector
import host
from case import HostCase
from collector import CLIENT, PRODUCER, SERVER, Collector

TOKEN = "Bearer of-the-collector-0123456789"


@unittest.skipUnless(collector.can_be_built(), "there is no Go (Debian: golang-go)")
class CollectorCase(HostCase):
    more_flags = ()

    @classmethod
    def setUpClass(cls):
        folder = host.Folder()
        path = folder.__enter__()
        cls.addClassCleanup(folder.__exit__, None, None, None)
        cls.collector = Collector(path)
        cls.addClassCleanup(cls.collector.stop)
        headers = pathlib.Path(path) / "headers"
        headers.write_text(f"# of the collector\n\nAuthorization: {TOKEN}\n")
        os.chmod(headers, 0o600)
        cls.flags = ("--otlp-endpoint", cls.collector.endpoint, "--otlp-headers-file", str(headers),
                     "--metrics-access", "anyone", *cls.more_flags)
        super().setUpClass()

    def span_of(self, number, **wanted):
        return host.wait_until(
            lambda: (found := self.collector.spans(service="convoy", **wanted)) and
            len(found) >= number and found, "the gateway's spans")

    def counts(self):
        """Of spans, from the gateway's metrics."""
        text = host.Client(self.convoyd.address).send("GET", "/metrics").body.decode()
        return {line.split(" ")[0]: int(line.split(" ")[1]) for line in text.splitlines()
                if line.startswith("convoy_span_")}

    def incoming(self, path, **config):
        project = host.Project(self.admin, f"{self.id()} {path}", "incoming", **config)
        source = project.source("s")
        project.subscribe("s", project.endpoint("e", self.inbox.url + path), source)
        return project, source

    def receive(self, path, header="traceparent"):
        """Sends a span of the receiver's own, as traced ones do: trace, parent, its id."""
        _, trace, parent, flags = self.inbox.wait_for(path, 1)[0].headers[header].split("-")
        self.assertEqual(flags, "01")
        return trace, parent, self.collector.send("receiver", "POST " + path, SERVER, trace, parent)

    def check_chain(self, trace, sender, path, header="traceparent"):
        """Sender, gateway and receiver in the collector: one trace, each the parent of the next."""
        received, parent, receiver = self.receive(path, header)
        self.assertEqual(received, trace)
        host.wait_until(lambda: len(self.collector.spans(traceId=trace)) == 3, "three spans")
        spans = {span["spanId"]: span for span in self.collector.spans(traceId=trace)}
        self.assertEqual(set(spans), {sender, parent, receiver})
        self.assertEqual(spans[receiver]["parentSpanId"], parent)
        self.assertEqual(spans[parent]["parentSpanId"], sender)
        self.assertFalse(spans[sender].get("parentSpanId"))
        self.assertEqual([spans[each]["service"] for each in (sender, parent, receiver)],
                         ["sender", "convoy", "receiver"])
        return spans[parent]


class TracesTest(CollectorCase):
    def test_a_trace_crosses_http_the_gateway_and_the_receiver(self):
        project, source = self.incoming("/http", add_event_id_trace_headers=True)
        trace = secrets.token_hex(16)
        sender = self.collector.send("sender", "order.paid", CLIENT, trace)
        project.ingest(source, b"{}", {"Content-Type": "application/json",
                                       "traceparent": f"00-{trace}-{sender}-01",
                                       "tracestate": "vendor=7"})
        span = self.check_chain(trace, sender, "/http")
        delivery = project.wait_for_deliveries(1)[0]
        self.assertEqual((span["name"], span["kind"], span["traceState"]),
                         ("deliver", CLIENT, "vendor=7"))
        self.assertLess(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
        attributes = span["attributes"]
        self.assertEqual(attributes["http.response.status_code"], "200")
        self.assertEqual((attributes["server.address"], attributes["server.port"]),
                         ("127.0.0.1", self.inbox.url.rsplit(":", 1)[1]))
        self.assertEqual(attributes["convoy.delivery.id"], delivery["uid"])
        self.assertEqual(attributes["convoy.project.id"], project.id)
        self.assertEqual(attributes["convoy.outcome"], "delivered")
        self.assertEqual(span["status"].get("code", 0), 0)
        self.assertIn(TOKEN, self.collector.authorizations())

    @unittest.skipUnless(pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists(),
                         "there is no RabbitMQ (Debian: rabbitmq-server)")
    def test_a_trace_crosses_a_broker_the_gateway_and_the_receiver(self):
        from servers import rabbitmq
        with rabbitmq.Server() as server:
            queue = server.new_queue()
            project = self.project("outgoing", add_event_id_trace_headers=True)
            source = project.queue_source("orders", queue, "order.paid")
            project.subscribe("s", project.endpoint("e", self.inbox.url + "/broker"), source)
            trace = secrets.token_hex(16)
            sender = self.collector.send("sender", "orders publish", PRODUCER, trace)
            queue.produce([{"body": b"{}", "id": "1",
                            "attributes": {"traceparent": f"00-{trace}-{sender}-01"}}])
            span = self.check_chain(trace, sender, "/broker")
            self.assertEqual(span["attributes"]["convoy.event.type"], "order.paid")
            host.wait_until(lambda: queue.left() == 0, "the acknowledgement")

    def test_each_attempt_is_a_span_and_failures_say_why(self):
        project, source = self.incoming("/again", add_event_id_trace_headers=True,
                                        strategy={"type": "linear", "duration": 1, "retry_count": 3})
        self.inbox.fail_next("/again", 503)
        project.ingest(source, b"{}", {"Content-Type": "application/json"})
        trace, parent, _ = self.receive("/again")
        first, second = sorted(self.span_of(2, traceId=trace),
                               key=lambda span: int(span["startTimeUnixNano"]))
        self.assertEqual(second["spanId"], parent)
        self.assertEqual([bool(span.get("parentSpanId")) for span in (first, second)], [False, False])
        self.assertEqual(first["status"]["code"], 2)
        self.assertEqual(first["attributes"]["error.type"], "503")
        self.assertEqual(second["attributes"]["http.request.resend_count"], "1")

    def test_what_is_not_sampled_or_not_asked_for_is_not_exported(self):
        project, source = self.incoming("/unsampled", add_event_id_trace_headers=True)
        trace, other = secrets.token_hex(16), secrets.token_hex(16)
        project.ingest(source, b"{}", {"Content-Type": "application/json",
                                       "traceparent": f"00-{trace}-00f067aa0ba902b7-00"})
        got = self.inbox.wait_for("/unsampled", 1)[0].headers["traceparent"].split("-")
        self.assertEqual((got[1], got[3]), (trace, "00"))
        plain, plain_source = self.incoming("/plain")
        plain.ingest(plain_source, b"{}", {"Content-Type": "application/json",
                                           "traceparent": f"00-{other}-00f067aa0ba902b7-01"})
        self.inbox.wait_for("/plain", 1)
        # A later span has come, so these would have.
        project.ingest(source, b"{}", {"Content-Type": "application/json"})
        last = self.inbox.wait_for("/unsampled", 2)[1].headers["traceparent"].split("-")[1]
        self.span_of(1, traceId=last)
        self.assertEqual(self.collector.spans(traceId=trace) + self.collector.spans(traceId=other), [])


class CollectorAwayTest(CollectorCase):
    def test_spans_wait_for_a_collector_that_is_busy_or_away(self):
        project, source = self.incoming("/late", add_event_id_trace_headers=True)

        def deliver(count):
            before = len(self.inbox.received("/late"))
            for _ in range(count):
                project.ingest(source, b"{}", {"Content-Type": "application/json"})
            return {request.headers["traceparent"].split("-")[1]
                    for request in self.inbox.wait_for("/late", before + count)[before:]}

        self.collector.set_busy(True)
        traces = deliver(3)
        host.wait_until(lambda: '"spans are not exported"' in self.convoyd.log(), "the refusal")
        self.assertIn("the collector answered 503", self.convoyd.log())
        self.collector.set_busy(False)
        host.wait_until(lambda: traces <= {s["traceId"] for s in self.collector.spans()}, "the spans")
        host.wait_until(lambda: '"spans are exported again"' in self.convoyd.log(), "the log line")
        self.collector.stop()
        more = deliver(3)  # deliveries do not wait for it
        host.wait_until(lambda: self.convoyd.log().count('"spans are not exported"') == 2, "the log line")
        self.collector.start()
        host.wait_until(lambda: more <= {s["traceId"] for s in self.collector.spans()}, "the spans")
        counts = self.counts()
        self.assertEqual(counts["convoy_span_exported_total"], 6)
        self.assertEqual({name: count for name, count in counts.items() if "dropped" in name and count},
                         {})
        ids = [span["spanId"] for span in self.collector.spans(service="convoy")]
        self.assertEqual(len(ids), len(set(ids)), "a span came twice")


class LastSpansTest(CollectorCase):
    def test_the_end_of_convoyd_exports_what_waits(self):
        project, source = self.incoming("/last", add_event_id_trace_headers=True)
        project.ingest(source, b"{}", {"Content-Type": "application/json"})
        trace = self.inbox.wait_for("/last", 1)[0].headers["traceparent"].split("-")[1]
        self.assertEqual(self.convoyd.stop(), 0)
        self.assertEqual(len(self.span_of(1, traceId=trace)), 1)
        self.assertNotIn("spans were dropped", self.convoyd.log())


class OtherHeaderTest(CollectorCase):
    more_flags = ("--trace-header", "X-Trace")

    def test_a_trace_in_a_header_of_another_name(self):
        project, source = self.incoming("/other", add_event_id_trace_headers=True)
        trace = secrets.token_hex(16)
        sender = self.collector.send("sender", "order.paid", CLIENT, trace)
        project.ingest(source, b"{}", {"Content-Type": "application/json", "traceparent": "not ours",
                                       "x-trace": f"00-{trace}-{sender}-01"})
        self.check_chain(trace, sender, "/other", "X-Trace")
        self.assertEqual(self.inbox.wait_for("/other", 1)[0].headers["traceparent"], "not ours")


class SettingsTest(unittest.TestCase):
    def refusal(self, *flags):
        with host.Folder() as folder:
            with self.assertRaises(AssertionError) as refused:
                host.Convoyd(folder + "/convoy.db", *flags)
        return str(refused.exception)

    def test_settings_that_cannot_be_are_refused_by_name(self):
        with host.Folder() as folder:
            headers = pathlib.Path(folder) / "headers"
            headers.write_text("Authorization Bearer secret-word\n")
            said = self.refusal("--otlp-endpoint", "http://127.0.0.1:1", "--otlp-headers-file",
                                str(headers))
            self.assertIn("line 1", said)
            self.assertNotIn("secret-word", said)
            self.assertIn("otlp_endpoint", self.refusal("--otlp-headers-file", str(headers)))
        self.assertIn("endpoint must be http", self.refusal("--otlp-endpoint", "127.0.0.1:4318"))
        self.assertIn("trace_header", self.refusal("--trace-header", "Content-Type"))


if __name__ == "__main__":
    unittest.main()
