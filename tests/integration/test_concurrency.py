"""64 clients at the same instant with one idempotency key: one acceptance, 63 duplicates."""
import collections
import threading
import unittest

import host
from case import HostCase

CLIENTS = 64


def at_once(count, prepare, call):
    """Runs call(prepare()) on `count` threads; all calls start together. Returns the results."""
    barrier = threading.Barrier(count)
    results = [None] * count

    def run(number):
        prepared = prepare()
        barrier.wait()
        results[number] = call(prepared)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class ConcurrencyTest(HostCase):
    def post_together(self, key, path, body, headers=None):
        def connect():
            client = host.Client(self.convoyd.address, key)
            client.send("GET", "/healthz")  # so that the requests meet, not the handshakes
            return client

        def post(client):
            answer = client.send("POST", path, body, headers)
            client.close()
            return answer

        return at_once(CLIENTS, connect, post)

    def assert_one_accepted(self, project):
        events = project.events()
        self.assertEqual(len(events), CLIENTS)
        duplicates = collections.Counter(event["is_duplicate_event"] for event in events)
        self.assertEqual(duplicates, {False: 1, True: CLIENTS - 1})

    def test_rest_accepts_one(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", "http://127.0.0.1:9/")
        answers = self.post_together(project.key, project.path + "/events", {
            "endpoint_id": endpoint["uid"], "event_type": "t", "data": {"a": 1},
            "idempotency_key": "the one"})
        self.assertEqual({answer.status for answer in answers}, {201})
        self.assert_one_accepted(project)
        self.assertEqual(len(project.deliveries()), 1)

    def test_fanout_accepts_one_and_says_so(self):
        project = self.project("outgoing")
        project.endpoint("e", "http://127.0.0.1:9/", owner_id="o")
        answers = self.post_together(project.key, project.path + "/events/fanout", {
            "owner_id": "o", "event_type": "t", "data": {}, "idempotency_key": "the one"})
        messages = collections.Counter(answer.message for answer in answers)
        self.assertEqual(messages, {
            "Endpoint fanout event queued successfully": 1,
            "Duplicate event received, but will not be sent": CLIENTS - 1})
        self.assert_one_accepted(project)

    def test_ingest_accepts_one_and_says_so(self):
        project = self.project("incoming")
        source = project.source("s", idempotency_keys=["request.header.X-Id"])
        answers = self.post_together(None, f"/ingest/{source['mask_id']}", b"{}", {"X-Id": "1"})
        self.assertEqual({answer.status for answer in answers}, {200})
        messages = collections.Counter(answer.message for answer in answers)
        self.assertEqual(messages, {
            "Event received": 1, "Duplicate event received, but will not be sent": CLIENTS - 1})
        self.assert_one_accepted(project)

    def test_equal_keys_of_two_projects_do_not_meet(self):
        for number in range(2):
            project = host.Project(self.admin, f"{self.id()} {number}", "incoming")
            source = project.source("s", idempotency_keys=["request.header.X-Id"])
            answer = project.ingest(source, b"{}", {"X-Id": "1"})
            self.assertEqual(answer.message, "Event received")


if __name__ == "__main__":
    unittest.main()
