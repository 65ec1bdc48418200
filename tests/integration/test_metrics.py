"""GET /metrics of a real convoyd, read by Prometheus' own parsers."""
import os
import pathlib
import subprocess
import sys
import unittest

import case
import host

# Where a build keeps what its tests need from PyPI.
PACKAGES = pathlib.Path(host.binary()).parent.parent / "python-packages"
PARSER = "prometheus-client==0.22.1"
TOKEN = "only-for-the-metrics"


def import_parsers():
    """The parsers of both formats; installed once."""
    folder = PACKAGES / PARSER
    if not (folder / "prometheus_client").is_dir():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--root-user-action", "ignore", "--target",
                        folder, PARSER], check=True)
    sys.path.insert(0, str(folder))
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
    from prometheus_client.parser import text_string_to_metric_families as text
    return text, open_metrics


parse_text, parse_open_metrics = import_parsers()


def samples(families):
    """{(name, labels): value}; every sample has a family, and none comes twice."""
    found = {}
    for family in families:
        assert family.documentation and family.type != "unknown", family
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def value(found, name, **labels):
    return found[name, frozenset(labels.items())]


class Reading:
    """One answer, in both formats, which have to say the same."""

    def __init__(self, client, headers=None):
        text = client.send("GET", "/metrics", headers=headers)
        assert text.headers["Content-Type"].startswith("text/plain; version=0.0.4"), text.headers
        self.text = samples(parse_text(text.body.decode()))
        accepted = {"Accept": "application/openmetrics-text;version=1.0.0", **(headers or {})}
        opened = client.send("GET", "/metrics", headers=accepted)
        assert opened.headers["Content-Type"].startswith(
            "application/openmetrics-text; version=1.0.0"), opened.headers
        self.open = samples(parse_open_metrics(opened.body.decode()))

    def value(self, name, **labels):
        return value(self.open, name, **labels)


class CountingTest(case.HostCase):
    flags = ("--metrics-access", "anyone")

    def read(self):
        return Reading(host.Client(self.convoyd.address))

    def test_the_formats_have_the_same_series(self):
        reading = self.read()
        self.assertEqual(reading.text.keys(), reading.open.keys())
        self.assertEqual(reading.value("convoy_build_info", version="0.2.0"), 1)
        self.assertGreater(len(reading.text), 20)

    def test_events_and_attempts_are_counted(self):
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1,
                                                     "retry_count": 3})
        endpoint = project.endpoint("e", self.inbox.url + "/counted")
        event = {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {}}
        before = self.read()
        self.inbox.fail_next("/counted", 500)
        for key in ("a", "b", "b"):
            project.ok("POST", "/events", {**event, "idempotency_key": key})
        project.wait_for_deliveries(2, timeout=60)

        def grown_by(name, **labels):
            return after.value(name, **labels) - before.value(name, **labels)
        # An attempt is counted once it has ended, its outcome is stored a moment later.
        after = self.read()
        self.assertEqual(grown_by("convoy_event_ingested_total", outcome="accepted"), 2)
        self.assertEqual(grown_by("convoy_event_ingested_total", outcome="duplicate"), 1)
        self.assertEqual(grown_by("convoy_delivery_attempt_total", outcome="delivered"), 2)
        self.assertEqual(grown_by("convoy_delivery_attempt_total", outcome="rejected"), 1)
        self.assertGreater(grown_by("convoy_storage_commit_total", outcome="committed"), 2)
        self.assertEqual(after.value("convoy_storage_commit_total", outcome="failed"), 0)
        self.assertEqual(after.value("convoy_storage_commit_failing"), 0)
        self.assertEqual(after.value("convoy_delivery_in_flight"), 0)
        self.assertEqual(grown_by("convoy_delivery_latency_seconds_count", outcome="success"), 2)

    def test_the_backlog_of_a_project_and_its_age(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("paused", self.inbox.url + "/paused")
        project.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        for _ in range(3):
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})

        def read(name):
            return self.read().value(name, project_id=project.id)
        self.assertEqual(read("convoy_delivery_backlog"), 3)
        host.wait_until(lambda: read("convoy_delivery_oldest_due_age_seconds") >= 1,
                        "a delivery that grows older")
        project.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")
        project.wait_for_deliveries(3)
        with self.assertRaises(KeyError):
            read("convoy_delivery_backlog")

    def test_a_consumer_whose_broker_is_away(self):
        project = self.project("outgoing")
        source = project.ok("POST", "/sources", {
            "name": "s", "type": "pub_sub", "pub_sub": {"type": "sqs", "workers": 2, "sqs": {
                "queue_name": "orders", "default_region": "eu-west-1", "access_key_id": "a",
                "secret_key": "b", "endpoint": "http://127.0.0.1:1"}}})
        labels = {"project_id": project.id, "source_id": source["uid"]}
        consumers = [f"{source['uid']}-{index}" for index in (0, 1)]

        def states(consumer):
            reading = self.read()
            return [state for state in
                    ("connecting", "running", "backing_off", "misconfigured", "stopped")
                    if reading.value("convoy_consumer_state", **labels, consumer_id=consumer,
                                     state=state)]
        for consumer in consumers:
            host.wait_until(lambda: states(consumer) == ["backing_off"], "a consumer in trouble",
                            timeout=60)
        reading = self.read()
        for consumer in consumers:
            self.assertEqual(reading.value("convoy_broker_message_received_total", **labels,
                                           consumer_id=consumer), 0)
            at = reading.value("convoy_consumer_last_error_timestamp_seconds", **labels,
                               consumer_id=consumer)
            self.assertGreater(at, os.stat(self.database).st_ctime - 3600)
            with self.assertRaises(KeyError):  # there never was one
                reading.value("convoy_consumer_last_message_timestamp_seconds", **labels,
                              consumer_id=consumer)
        self.assertNotIn("127.0.0.1:1", str(reading.open))  # errors are for those with a key
        project.ok("DELETE", f"/sources/{source['uid']}")
        self.assertFalse([key for key in self.read().open if dict(key[1]).get("source_id")])


class AccessTest(unittest.TestCase):
    def serve(self, folder, *flags, env=None):
        convoyd = host.Convoyd(folder + "/c.db", *flags, env=env)
        self.addCleanup(convoyd.kill)
        return convoyd

    def test_nobody_may_read_them_unless_told_otherwise(self):
        with host.Folder() as folder:
            convoyd = self.serve(folder)
            self.assertEqual(convoyd.client().send("GET", "/metrics").status, 404)
            self.assertEqual(convoyd.stop(), 0)

    def test_a_token_from_a_file(self):
        with host.Folder() as folder:
            pathlib.Path(folder, "token").write_text(TOKEN + "\n")
            key = host.bootstrap(folder + "/c.db")
            convoyd = self.serve(folder, env={"CONVOYD_METRICS_ACCESS": "token",
                                              "CONVOYD_METRICS_TOKEN_FILE": folder + "/token"})
            for wrong in (None, key, TOKEN + "x"):
                answer = convoyd.client(wrong).send("GET", "/metrics")
                self.assertEqual(answer.status, 401)
                self.assertNotIn(b"convoy_", answer.body)
            Reading(convoyd.client(TOKEN))
            self.assertEqual(convoyd.client(TOKEN).send("GET", "/api/v1/projects").status, 401)
            self.assertEqual(convoyd.stop(), 0)
            self.assertNotIn(TOKEN, convoyd.log())

    def test_settings_that_do_not_go_together_are_refused(self):
        def refusal(*flags):
            done = subprocess.run([host.binary(), "serve", "--listen", "127.0.0.1:0", "--database",
                                   folder + "/c.db", *flags], capture_output=True, timeout=120)
            self.assertNotEqual(done.returncode, 0)
            return done.stderr.decode()
        with host.Folder() as folder:
            pathlib.Path(folder, "short").write_text("too short")
            self.assertIn("nobody, token or anyone", refusal("--metrics-access", "on"))
            self.assertIn("metrics_token_file", refusal("--metrics-access", "token"))
            self.assertIn("metrics_access", refusal("--metrics-token-file", folder + "/short"))
            self.assertIn("no-such", refusal("--metrics-access", "token", "--metrics-token-file",
                                             folder + "/no-such"))
            short = refusal("--metrics-access", "token", "--metrics-token-file", folder + "/short")
            self.assertIn("16 to 256", short)
            self.assertNotIn("too short", short)


if __name__ == "__main__":
    unittest.main()
