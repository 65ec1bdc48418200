"""Traces in a collector: one crosses HTTP or a broker, the gateway and the receiver; and what becomes
of spans when the collector is busy or away."""
import os
import pathlib
import secrets
import unittest

import collector
import host
from case import HostCase
from collector import CLIENT, CONSUMER, PRODUCER, SERVER, Collector

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

    def check_chain(self, trace, sender, path, kind=SERVER, header="traceparent"):
        """Sender, the event's reception, its delivery and the receiver in the collector: one trace,
        each the parent of the next. Returns the gateway's two."""
        received, attempt, receiver = self.receive(path, header)
        self.assertEqual(received, trace)
        host.wait_until(lambda: len(self.collector.spans(traceId=trace)) == 4, "four spans")
        spans = {span["spanId"]: span for span in self.collector.spans(traceId=trace)}
        self.assertEqual(len(spans), 4)
        reception = spans[attempt]["parentSpanId"]
        chain = [spans[each] for each in (sender, reception, attempt, receiver)]
        self.assertEqual([span.get("parentSpanId") or "" for span in chain],
                         ["", sender, reception, attempt])
        self.assertEqual([span["service"] for span in chain],
                         ["sender", "convoy", "convoy", "receiver"])
        self.assertEqual([(span["name"], span["kind"]) for span in chain[1:3]],
                         [("receive", kind), ("deliver", CLIENT)])
        received, delivered = chain[1]["attributes"], chain[2]["attributes"]
        for key in ("convoy.event.id", "convoy.event.type", "convoy.project.id"):
            self.assertEqual(received[key], delivered[key])
        self.assertEqual(received["convoy.outcome"], "accepted")
        self.assertLessEqual(int(chain[1]["startTimeUnixNano"]), int(chain[1]["endTimeUnixNano"]))
        self.assertLessEqual(int(chain[1]["startTimeUnixNano"]), int(chain[2]["startTimeUnixNano"]))
        return chain[1:3]


class TracesTest(CollectorCase):
    def test_a_trace_crosses_http_the_gateway_and_the_receiver(self):
        project, source = self.incoming("/http", add_event_id_trace_headers=True)
        trace = secrets.token_hex(16)
        sender = self.collector.send("sender", "order.paid", CLIENT, trace)
        project.ingest(source, b"{}", {"Content-Type": "application/json",
                                       "traceparent": f"00-{trace}-{sender}-01",
                                       "tracestate": "vendor=7"})
        reception, span = self.check_chain(trace, sender, "/http")
        self.assertEqual(reception["traceState"], "vendor=7")
        self.assertEqual(reception["attributes"]["convoy.source.id"], source["uid"])
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
            reception, _ = self.check_chain(trace, sender, "/broker", CONSUMER)
            self.assertEqual(reception["attributes"]["convoy.event.type"], "order.paid")
            self.assertEqual(reception["attributes"]["convoy.source.id"], source["uid"])
            host.wait_until(lambda: queue.left() == 0, "the acknowledgement")

    def test_a_trace_crosses_the_rest_api_the_gateway_and_the_receiver(self):
        project = self.project("outgoing", add_event_id_trace_headers=True)
        endpoint = project.endpoint("e", self.inbox.url + "/rest", owner_id="owner")
        project.subscribe("s", endpoint)
        ways = {"/events": {"endpoint_id": endpoint["uid"]}, "/events/fanout": {"owner_id": "owner"},
                "/events/broadcast": {}}
        for count, (path, address) in enumerate(ways.items(), 1):
            trace = secrets.token_hex(16)
            sender = self.collector.send("sender", "POST " + path, CLIENT, trace)
            body = {**address, "event_type": "order.paid", "data": {}}
            answer = project.client.send("POST", project.path + path, body,
                                         {"traceparent": f"00-{trace}-{sender}-01"})
            self.assertEqual(answer.status, 201)
            got = self.inbox.wait_for("/rest", count)[count - 1].headers["traceparent"].split("-")
            self.assertEqual(got[1], trace)
            reception, attempt = self.two_of(trace)
            self.assertEqual((reception["parentSpanId"], reception["kind"]), (sender, SERVER))
            self.assertEqual((attempt["parentSpanId"], attempt["spanId"]),
                             (reception["spanId"], got[2]))
        # The event's own headers go before those of its request.
        trace, other = secrets.token_hex(16), secrets.token_hex(16)
        project.client.send("POST", project.path + "/events/broadcast", {
            "event_type": "order.paid", "data": {},
            "custom_headers": {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}},
            {"traceparent": f"00-{other}-00f067aa0ba902b7-01"})
        self.assertEqual(self.two_of(trace)[0]["parentSpanId"], "00f067aa0ba902b7")
        self.assertEqual(self.collector.spans(traceId=other), [])

    def two_of(self, trace):
        """The gateway's spans of a trace with one delivery: its reception and its attempt."""
        spans = sorted(self.span_of(2, traceId=trace), key=lambda span: span["name"], reverse=True)
        self.assertEqual([span["name"] for span in spans], ["receive", "deliver"])
        return spans

    def test_a_duplicate_is_received_in_its_own_trace_and_goes_no_further(self):
        project = host.Project(self.admin, self.id(), "incoming", add_event_id_trace_headers=True)
        source = project.source("s", idempotency_keys=["request.header.X-Id"])
        project.subscribe("s", project.endpoint("e", self.inbox.url + "/twice"), source)
        traces = [secrets.token_hex(16) for _ in range(2)]
        for trace in traces:
            project.ingest(source, b"{}", {"Content-Type": "application/json", "X-Id": "1",
                                           "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        self.two_of(traces[0])
        duplicate, = self.span_of(1, traceId=traces[1])
        self.assertEqual((duplicate["name"], duplicate["parentSpanId"]), ("receive", "00f067aa0ba902b7"))
        self.assertEqual(duplicate["attributes"]["convoy.outcome"], "duplicate")

    def test_each_project_chooses_its_header(self):
        for path, config in (("/host", {}), ("/own", {"trace_header": "X-Trace"})):
            project, source = self.incoming(path, add_event_id_trace_headers=True, **config)
            self.assertEqual(project.ok("GET", "")["config"].get("trace_header"),
                             config.get("trace_header"))
            sender = {name: secrets.token_hex(16) for name in ("traceparent", "X-Trace")}
            project.ingest(source, b"{}", {"Content-Type": "application/json", **{
                name: f"00-{trace}-00f067aa0ba902b7-01" for name, trace in sender.items()}})
            header = config.get("trace_header", "traceparent")
            received = self.inbox.wait_for(path, 1)[0].headers
            reception, attempt = self.two_of(sender[header])
            self.assertEqual(reception["parentSpanId"], "00f067aa0ba902b7")
            self.assertEqual(received[header],
                             f"00-{sender[header]}-{attempt['spanId']}-01")
            other, = set(sender) - {header}
            self.assertEqual(received[other], f"00-{sender[other]}-00f067aa0ba902b7-01")
            self.assertEqual(self.collector.spans(traceId=sender[other]), [])

    def test_each_attempt_is_a_span_and_failures_say_why(self):
        project, source = self.incoming("/again", add_event_id_trace_headers=True,
                                        strategy={"type": "linear", "duration": 1, "retry_count": 3})
        self.inbox.fail_next("/again", 503)
        project.ingest(source, b"{}", {"Content-Type": "application/json"})
        trace, parent, _ = self.receive("/again")
        reception, first, second = sorted(self.span_of(3, traceId=trace),
                                          key=lambda span: int(span["startTimeUnixNano"]))
        self.assertEqual(second["spanId"], parent)
        self.assertEqual([span.get("parentSpanId") or "" for span in (reception, first, second)],
                         ["", reception["spanId"], reception["spanId"]])
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
    def whole(self, traces):
        return all(len(self.collector.spans(traceId=trace)) == 2 for trace in traces)

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
        host.wait_until(lambda: self.whole(traces), "the spans")
        host.wait_until(lambda: '"spans are exported again"' in self.convoyd.log(), "the log line")
        self.collector.stop()
        more = deliver(3)  # deliveries do not wait for it
        host.wait_until(lambda: self.convoyd.log().count('"spans are not exported"') == 2, "the log line")
        self.collector.start()
        host.wait_until(lambda: self.whole(more), "the spans")
        counts = self.counts()
        self.assertEqual(counts["convoy_span_exported_total"], 12)
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
        self.assertEqual(len(self.span_of(2, traceId=trace)), 2)
        self.assertNotIn("spans were dropped", self.convoyd.log())


class OtherHeaderTest(CollectorCase):
    more_flags = ("--trace-header", "X-Trace")

    def test_a_trace_in_a_header_of_another_name(self):
        project, source = self.incoming("/other", add_event_id_trace_headers=True)
        trace = secrets.token_hex(16)
        sender = self.collector.send("sender", "order.paid", CLIENT, trace)
        project.ingest(source, b"{}", {"Content-Type": "application/json", "traceparent": "not ours",
                                       "x-trace": f"00-{trace}-{sender}-01"})
        self.check_chain(trace, sender, "/other", header="X-Trace")
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
