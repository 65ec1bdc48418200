"""A wrong secret, and what was refused because of it: kept, and accepted by one call afterwards."""
import collections
import hashlib
import hmac
import os
import threading
import time
import unittest

import host
from case import HostCase

RIGHT, WRONG = "whsec_the-right-secret", "whsec_a-wrong-secret"


def github(body):
    return {"X-Hub-Signature-256": host.github_signature(RIGHT, body)}


def advanced(body):
    return {"X-Signature": host.advanced_signature(RIGHT, body, int(time.time()))}


def stripe(body):
    now = int(time.time())
    value = hmac.new(RIGHT.encode(), b"%d.%s" % (now, body), hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={now},v1={value}"}


def hmac_verifier(secret):
    return {"type": "hmac", "hmac": {"header": "X-Signature", "hash": "SHA256", "encoding": "hex",
                                     "secret": secret}}


def stripe_verifier(secret):
    return {"type": "preset", "preset": {"name": "stripe", "secrets": [secret]}}


# How a source is configured with a secret, and how its provider signs.
KINDS = {
    "github": (lambda secret: {"provider": "github", "verifier": {"hmac": {"secret": secret}}},
               github),
    "hmac": (lambda secret: {"verifier": hmac_verifier(secret)}, advanced),
    "stripe": (lambda secret: {"verifier": stripe_verifier(secret)}, stripe),
}


class Quarantine:
    """A project whose sources, one of each kind, have a wrong secret and keep what they refuse."""

    def __init__(self, case, **fields):
        self.case = case
        self.project = case.project("incoming")
        self.path = "/" + self.project.id
        endpoint = self.project.endpoint("e", case.inbox.url + self.path)
        self.sources = {}
        for kind, (settings, _) in KINDS.items():
            fields = {"type": "http", "verify_mode": "quarantine", **fields}
            self.sources[kind] = self.project.ok(
                "POST", "/sources", {"name": kind, **fields, **settings(WRONG)})
            self.project.subscribe(kind, endpoint, self.sources[kind])

    def post(self, kind, body, **headers):
        return self.project.ingest(self.sources[kind], body, {
            "Content-Type": "application/octet-stream", **KINDS[kind][1](body), **headers})

    def correct(self):
        for kind, source in self.sources.items():
            self.project.ok("PUT", f"/sources/{source['uid']}",
                            {"name": kind, "type": "http", **KINDS[kind][0](RIGHT)})

    def release(self, **conditions):
        return self.project.ok("POST", "/held-inputs/release", conditions)

    def held(self, **query):
        return self.project.client.pages(self.project.path + "/held-inputs", **query)

    def accepted(self):
        return [event for event in self.project.events() if not event["is_duplicate_event"]]


class QuarantineTest(HostCase):
    def test_one_call_accepts_all_once_the_secrets_are_right(self):
        quarantine = Quarantine(self, idempotency_keys=["request.header.X-Id"])
        bodies = collections.defaultdict(list)
        retries = 0
        for kind in KINDS:
            for number in range(30):
                body = os.urandom(20 + 50 * number)
                bodies[kind].append(body)
                for _ in range(1 + (number % 5 == 0)):  # every fifth provider comes again
                    answer = quarantine.post(kind, body, **{"X-Id": str(number)})
                    self.assertEqual((answer.status, answer.message),
                                     (400, "Request verification failed"))
                retries += number % 5 == 0
        forged = quarantine.project.ingest(quarantine.sources["github"], b"forged", {
            "X-Hub-Signature-256": host.github_signature("guess", b"forged"), "X-Id": "x"})
        self.assertEqual(forged.status, 400)
        self.assertEqual(quarantine.project.events(), [])
        count = sum(map(len, bodies.values()))
        self.assertEqual(len(quarantine.held()), count + retries + 1)
        self.assertEqual(len(quarantine.held(sourceId=quarantine.sources["stripe"]["uid"])), 36)
        self.assertEqual(quarantine.release()["accepted"], 0)

        quarantine.correct()
        done = quarantine.release()
        self.assertEqual((done["accepted"], done["duplicates"]), (count, retries))
        self.assertEqual(done["still_refused"], {"signature_mismatch": 1})
        self.assertEqual((done["not_found"], done["remaining"]), (0, 0))

        quarantine.project.wait_for_deliveries(count)
        expected = sorted(body for of_kind in bodies.values() for body in of_kind)
        self.assertEqual(sorted(self.inbox.bodies(quarantine.path)), expected)
        self.assertEqual(len(quarantine.accepted()), count)

        again = quarantine.release()
        self.assertEqual((again["accepted"], again["duplicates"]), (0, 0))
        self.assertEqual([item["reason"] for item in quarantine.held()], ["signature_mismatch"])
        self.assertEqual(len(quarantine.project.deliveries()), count)
        # And the provider whose answer was late is told so.
        answer = quarantine.post("hmac", bodies["hmac"][3], **{"X-Id": "3"})
        self.assertEqual((answer.status, answer.message),
                         (200, "Duplicate event received, but will not be sent"))
        self.assertEqual(sorted(self.inbox.bodies(quarantine.path)), expected)

    def test_calls_at_once_accept_each_input_once(self):
        quarantine = Quarantine(self)
        bodies = [b"%d " % number + os.urandom(30) for number in range(120)]
        for number, body in enumerate(bodies):
            quarantine.post(list(KINDS)[number % 3], body)
        quarantine.correct()
        answers = []
        calls = [threading.Thread(target=lambda: answers.append(quarantine.release()))
                 for _ in range(4)]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
        self.assertEqual(len(answers), 4)
        self.assertEqual(sum(answer["accepted"] for answer in answers), len(bodies))
        self.assertEqual(quarantine.held(), [])
        quarantine.project.wait_for_deliveries(len(bodies))
        self.assertEqual(sorted(self.inbox.bodies(quarantine.path)), sorted(bodies))

    def test_what_is_held_can_be_looked_at_and_thrown_away(self):
        quarantine = Quarantine(self)
        quarantine.post("github", b"\x00\xff", Authorization="Bearer not-to-be-shown")
        (item,) = quarantine.held()
        one = quarantine.project.ok("GET", "/held-inputs/" + item["uid"])
        self.assertEqual((one["raw"], one["raw_encoding"]), ("AP8=", "base64"))
        self.assertIn("X-Hub-Signature-256", one["headers"])
        expected = host.github_signature(WRONG, b"\x00\xff")
        for text in (repr(one), repr(item), self.convoyd.log()):
            self.assertNotIn("not-to-be-shown", text)
            self.assertNotIn(expected[7:], text)
            self.assertNotIn(WRONG, text)
        made = quarantine.project.ok("POST", "/api-keys", {"name": "v", "role": "project_viewer"})
        viewer = quarantine.project.client.with_key(made["key"])
        path = quarantine.project.path + "/held-inputs"
        self.assertEqual(viewer.send("GET", path).status, 200)
        self.assertEqual(viewer.send("POST", path + "/release", {}).status, 403)
        self.assertEqual(viewer.send("DELETE", f"{path}/{item['uid']}").status, 403)
        viewer.close()
        quarantine.project.ok("DELETE", "/held-inputs/" + item["uid"])
        quarantine.correct()
        self.assertEqual(quarantine.release()["accepted"], 0)
        self.assertEqual(quarantine.project.events(), [])


class CrashTest(unittest.TestCase):
    """SIGKILL while a release is under way, after so many of its events are there."""

    INPUTS = 400
    KILLS_AFTER = (1, 40, 120, 250)

    project = HostCase.project  # Quarantine asks its case for one

    def start(self):
        # The claims of a killed process are free again after the lease.
        self.convoyd = host.Convoyd(self.database, "--lease-ms", "3000")
        self.admin = self.convoyd.client(self.key)

    def restart(self, quarantine):
        self.convoyd.kill()
        self.admin.close()
        quarantine.project.client.close()
        self.start()
        quarantine.project.client = self.admin.with_key(quarantine.project.key)

    def kill_release(self, quarantine, enough):
        """Returns how many events there were when the process was gone."""
        def call():
            client = quarantine.project.client.with_key(quarantine.project.key)
            try:
                client.send("POST", quarantine.project.path + "/held-inputs/release", {})
            except Exception:  # the process died
                pass
            finally:
                client.close()
        thread = threading.Thread(target=call)
        thread.start()
        while thread.is_alive() and len(quarantine.project.events(perPage=1000)) < enough:
            time.sleep(0.005)
        self.restart(quarantine)
        thread.join()
        return len(quarantine.project.events(perPage=1000))

    def test_a_kill_in_the_middle_neither_loses_nor_doubles(self):
        with host.Folder() as folder:
            self.database = folder + "/convoy.db"
            self.key = host.bootstrap(self.database)
            self.inbox = host.Inbox()
            self.addCleanup(self.inbox.close)
            self.start()
            self.addCleanup(lambda: self.convoyd.is_alive() and self.convoyd.kill())
            quarantine = Quarantine(self)
            bodies = [b"%d " % number + os.urandom(100) for number in range(self.INPUTS)]
            for number, body in enumerate(bodies):
                self.assertEqual(quarantine.post(list(KINDS)[number % 3], body).status, 400)
            self.restart(quarantine)  # what was refused was kept before it was said
            self.assertEqual(len(quarantine.held()), self.INPUTS)
            quarantine.correct()
            for enough in self.KILLS_AFTER:
                count = self.kill_release(quarantine, enough)
                self.assertEqual(len(quarantine.held()), self.INPUTS - count)
                print(f"killed with {count} of {self.INPUTS} released", flush=True)
            done = quarantine.release()
            self.assertEqual(len(quarantine.project.events()), self.INPUTS)
            self.assertEqual(done["duplicates"], 0)
            self.assertEqual(quarantine.held(), [])
            self.assertEqual(quarantine.release()["accepted"], 0)
            quarantine.project.wait_for_deliveries(self.INPUTS, timeout=120)
            # A delivery that was under way at a kill may come twice; every body comes.
            self.assertEqual(set(self.inbox.bodies(quarantine.path)), set(bodies))
            self.assertEqual(self.convoyd.stop(), 0)
            self.admin.close()


if __name__ == "__main__":
    unittest.main()
