"""convoyd copy: a database with traffic goes from an SQLite file to PostgreSQL and back, by commands
that are killed again and again; nothing is missing, and everything goes on."""
import base64
import json
import random
import subprocess
import threading
import time
import unittest

import host
import postgres

EVENTS = 1500
THREADS = 6


def copy(source, target, kill_after=None):
    """The finished process, or None if it was killed."""
    process = subprocess.Popen([host.binary(), "copy", "--from", source, "--to", target],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=kill_after or 120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class CopyTest(unittest.TestCase):
    def setUp(self):
        self.server = postgres.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        folder = host.Folder()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__, None, None, None)
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)

    def serve(self, database):
        convoyd = host.Convoyd(database, log_path=f"{self.folder}/log")
        self.addCleanup(convoyd.kill)
        return convoyd

    def fill(self, database):
        """Events that are delivered, and some that wait for a receiver that is not there."""
        key = host.bootstrap(database)
        convoyd = self.serve(database)
        project = host.Project(convoyd.client(key), "copied", "incoming")
        source = project.source("in", idempotency_keys=["request.header.X-Key"])
        project.subscribe("all", project.endpoint("out", self.inbox.url + "/way"), source)
        later = project.source("later", idempotency_keys=["request.header.X-Key"])
        project.subscribe("later", project.endpoint("gone", "http://127.0.0.1:9/"), later)

        def send(thread):
            for number in range(thread, EVENTS, THREADS):
                to = later if number % 10 == 0 else source
                answer = project.ingest(to, b"%d" % number + b"x" * (number % 3000),
                                        {"X-Key": str(number)})
                assert answer.status == 200, answer
        threads = [threading.Thread(target=send, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.inbox.wait_for("/way", EVENTS - EVENTS // 10, timeout=60)
        self.assertEqual(convoyd.stop(), 0)
        return key, project, source

    def copy_with_kills(self, source, target):
        kills = 0
        chance = random.Random(7)
        while True:
            # Later and later, so that it comes to its end.
            done = copy(source, target, kill_after=chance.uniform(0.01, 0.05 + 0.02 * kills))
            if done is not None:
                break
            kills += 1
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), kills

    def events_of(self, convoyd, project, key):
        client = convoyd.client(key)
        self.addCleanup(client.close)
        return sorted(e["uid"] for e in client.pages(project.path + "/events", perPage=1000))

    def test_there_and_back_with_kills(self):
        first, back = f"{self.folder}/events.db", f"{self.folder}/back.db"
        key, project, source = self.fill(first)
        convoyd = self.serve(first)
        events = self.events_of(convoyd, project, key)
        self.assertEqual(convoyd.stop(), 0)
        self.assertEqual(len(events), EVENTS)

        counts, kills = self.copy_with_kills(first, self.server.url)
        self.assertEqual(counts["events"], EVENTS)
        convoyd = self.serve(self.server.url)
        self.assertEqual(self.events_of(convoyd, project, key), events)
        # Keys are known, and what is new goes its way.
        client = host.Client(convoyd.address)
        path = f"/ingest/{source['mask_id']}"
        self.assertEqual(client.send("POST", path, b"again", {"X-Key": "5"}).status, 200)
        self.assertEqual(client.send("POST", path, b"new", {"X-Key": "new"}).status, 200)
        client.close()
        host.wait_until(lambda: b"new" in self.inbox.bodies("/way"), "the new event")
        self.assertNotIn(b"again", self.inbox.bodies("/way"))
        refused = copy(self.server.url, back)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"stop it first", refused.stderr)
        self.assertEqual(convoyd.stop(), 0)

        counts, kills_back = self.copy_with_kills(self.server.url, back)
        self.assertEqual(counts["events"], EVENTS + 2)
        convoyd = self.serve(back)
        self.assertEqual(len(self.events_of(convoyd, project, key)), EVENTS + 2)
        refused = copy(back, f"{self.folder}/third.db")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"stop it first", refused.stderr)
        self.assertEqual(convoyd.stop(), 0)
        print(f"\n{counts['rows']} rows there and back, killed {kills} and {kills_back} times")
        self.assertGreater(kills + kills_back, 1)

    def test_wrong_words(self):
        for words, what in (([], b"--from is missing"),
                            (["--from", "a.db"], b"--to is missing"),
                            (["--from", "mysql://x", "--to", "b.db"], b"--from: database must be"),
                            (["--from", f"{self.folder}/none.db", "--to", "b.db"],
                             b"there is no SQLite file")):
            done = subprocess.run([host.binary(), "copy", *words], capture_output=True,
                                  cwd=self.folder, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(what, done.stderr)

    def test_a_sealed_store_keeps_its_seal(self):
        first = f"{self.folder}/sealed.db"
        with open(f"{self.folder}/key", "w") as file:
            file.write(base64.b64encode(bytes(range(32))).decode())
        flags = ("--secrets-key-file", f"{self.folder}/key")
        out = subprocess.run([host.binary(), "bootstrap", "--database", first, *flags], check=True,
                             capture_output=True, timeout=60).stdout
        key = json.loads(out)["api_key"]
        convoyd = host.Convoyd(first, *flags, log_path=f"{self.folder}/log")
        self.addCleanup(convoyd.kill)
        project = host.Project(convoyd.client(key), "sealed", "incoming")
        project.endpoint("out", self.inbox.url, secret="a secret of an endpoint")
        self.assertEqual(convoyd.stop(), 0)
        done = copy(first, self.server.url)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = self.server.query("SELECT string_agg(encode(document, 'escape'), '') FROM "
                                 "convoy.config")
        self.assertNotIn("a secret of an endpoint", text)
        convoyd = host.Convoyd(self.server.url, *flags, log_path=f"{self.folder}/log")
        self.addCleanup(convoyd.kill)
        client = convoyd.client(key)
        self.addCleanup(client.close)
        self.assertEqual(len(client.pages(project.path + "/endpoints")), 1)
        self.assertEqual(convoyd.stop(), 0)


if __name__ == "__main__":
    unittest.main()
