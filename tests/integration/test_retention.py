"""Removal of old events that have ended: by a server with a retention, and by `convoyd prune`."""
import json
import subprocess
import unittest

import host
from case import HostCase


def prune(database, *flags):
    return subprocess.run([host.binary(), "prune", "--database", database, *flags],
                          capture_output=True, text=True, timeout=300)


class Sender:
    """A project with an endpoint that takes its events and one that does not, for a long time."""

    def __init__(self, case):
        self.project = case.project("outgoing", strategy={"type": "linear", "duration": 3600,
                                                          "retry_count": 3})
        path = "/" + self.project.id
        self.good = self.project.endpoint("good", case.inbox.url + path)
        self.bad = self.project.endpoint("bad", case.inbox.url + path + "/bad")
        case.inbox.fail_next(path + "/bad", 500)

    def send(self, endpoint, **fields):
        self.project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                            "data": {"n": 1}, **fields})

    def statuses(self):
        return sorted(each["status"] for each in self.project.deliveries())

    def wait_for(self, *statuses):
        host.wait_until(lambda: self.statuses() == list(statuses), statuses, timeout=60)


class ServerTest(HostCase):
    flags = ("--retention-ms", "3000", "--metrics-access", "anyone")

    def pruned(self, kind):
        text = host.Client(self.convoyd.address).send("GET", "/metrics").body.decode()
        name = f'convoy_storage_pruned_total{{kind="{kind}"}} '
        return next(int(line[len(name):]) for line in text.splitlines() if line.startswith(name))

    def test_what_has_ended_goes_and_what_has_not_stays(self):
        sender = Sender(self)
        sender.send(sender.bad)
        sender.wait_for("Retry")
        for number in range(20):
            sender.send(sender.good, idempotency_key=f"key {number}")
        self.inbox.wait_for("/" + sender.project.id, 20, timeout=60)
        host.wait_until(lambda: self.pruned("attempt") == 20, "old events to go", timeout=120)
        self.assertEqual([self.pruned("event"), self.pruned("delivery")], [20, 20])
        self.assertEqual(len(sender.project.events()), 1)
        self.assertEqual(sender.statuses(), ["Retry"])

        # Their keys outlive them.
        sender.send(sender.good, idempotency_key="key 7")
        host.wait_until(lambda: self.pruned("event") == 21, "the duplicate to go", timeout=120)
        self.assertEqual(self.pruned("delivery"), 20)


class ProjectTest(HostCase):
    flags = ("--retention-ms", "10000")  # that is how often it is looked at

    def test_a_project_keeps_its_events_for_its_own_time(self):
        short = Sender(self)
        short.send(short.good)
        short.wait_for("Success")
        short.project.ok("PUT", "", {"name": short.project.id, "config": {
            "retention_policy": {"policy": "1s"}, "retention_policy_enabled": True}})
        host.wait_until(lambda: not short.project.events(), "the event to go", timeout=60)
        self.assertEqual(short.project.deliveries(), [])
        shown = short.project.ok("GET", "")["config"]
        self.assertEqual(shown["retention_policy"], {"policy": "1s"})


class CommandTest(HostCase):
    def test_beside_a_running_server(self):
        sender = Sender(self)
        sender.send(sender.bad)
        for _ in range(10):
            sender.send(sender.good)
        sender.wait_for("Retry", *["Success"] * 10)

        young = prune(self.database, "--older-than", "1h")
        self.assertEqual((young.returncode, young.stderr), (0, ""))
        self.assertEqual(json.loads(young.stdout)["events"], 0)
        self.assertEqual(len(sender.project.events()), 11)

        old = prune(self.database, "--older-than=0s")
        self.assertEqual((old.returncode, old.stderr), (0, ""))
        self.assertEqual(json.loads(old.stdout),
                         {"events": 10, "deliveries": 10, "attempts": 10, "dedupe_keys": 0})
        self.assertEqual(len(sender.project.events()), 1)
        # The server goes on as before.
        sender.send(sender.good)
        sender.wait_for("Retry", "Success")

    def test_bad_use_changes_nothing(self):
        for flags, words in [
                ((), "--older-than 30d"),
                (("--older-than", "30"), "30d"),
                (("--older-than", "xd"), "whole number"),
                (("--older-than", "9999999999d"), "at most"),
                (("--older-than", "1d", "--listen", "x:1"), "--listen"),
        ]:
            answer = prune(self.database, *flags)
            self.assertEqual(answer.returncode, 2, answer)
            self.assertIn(words, answer.stderr)
        answer = prune(self.database + ".missing", "--older-than", "1d")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("there is no database", answer.stderr)


if __name__ == "__main__":
    unittest.main()
