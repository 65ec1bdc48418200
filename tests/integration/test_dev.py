"""`convoyd serve --dev`: a trial on one machine. What it prints is run as it is printed, and both
directions work; it says what it allows; a second start finds what the first one made; it listens
on this machine only."""
import json
import os
import pathlib
import re
import subprocess
import unittest

import host


class Trial:
    """A running `convoyd serve --dev`, and the commands that it printed."""

    def __init__(self, folder, *flags, listen="127.0.0.1:0"):
        self.log_path = pathlib.Path(folder) / "log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [host.binary(), "serve", "--dev", "--listen", listen, *flags], cwd=folder,
                env={**os.environ, "TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=log, text=True)
        first = self.process.stdout.readline()
        if not first:
            self.process.wait()
            raise AssertionError(self.log_path.read_text())
        self.address = json.loads(first)["listening"]
        lines = []
        while not lines or not lines[-1].startswith("curl -sS") or "/eventdeliveries" not in lines[-1] \
                or len([line for line in lines if "/eventdeliveries" in line]) < 2:
            lines.append(self.process.stdout.readline())
            if not lines[-1]:
                raise AssertionError("the commands ended early: " + "".join(lines))
        self.commands = "".join(lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.code = self.process.wait(30)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def run(self, commands=None):
        done = subprocess.run(["bash", "-euc", commands or self.commands], capture_output=True,
                              text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError((done.stdout, done.stderr))
        return done.stdout

    def received(self):
        lines = host.Client(self.address).send("GET", "/dev/receiver").body.splitlines()
        return [json.loads(line) for line in lines]

    @property
    def key(self):
        return re.search(r"^KEY=(\S+)$", self.commands, re.M)[1]


class DevTest(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.folder = pathlib.Path(folder.__enter__())
        self.addCleanup(folder.__exit__, None, None, None)

    def check_both_directions(self, trial, before=0):
        lines = trial.run().splitlines()
        self.assertEqual(json.loads(lines[0])["message"], "Event received")
        self.assertEqual(json.loads(lines[1])["message"], "Event queued successfully")
        received = host.wait_until(
            lambda: trial.received() if len(trial.received()) >= before + 2 else None, "deliveries")
        bodies = [each["body"] for each in received[before:]]
        self.assertCountEqual(bodies, ['{"action":"opened","number":42}', '{"invoice":7}'])
        for each in received:
            self.assertIn("X-Convoy-Signature", each["headers"])
        # The printed lists of deliveries, once more, now that they have ended.
        lists = [line for line in trial.commands.splitlines() if "/eventdeliveries" in line]
        for line in lists:
            page = json.loads(trial.run(f"KEY={trial.key}; {line}"))["data"]["content"]
            self.assertEqual({each["status"] for each in page}, {"Success"})

    def test_the_printed_commands_work_as_printed_and_nothing_is_left_behind(self):
        with Trial(self.folder) as trial:
            self.check_both_directions(trial)
            self.assertEqual(len(list(self.folder.glob("convoyd-dev-*"))), 1)
        self.assertEqual(trial.code, 0)
        self.assertEqual(list(self.folder.glob("convoyd-dev-*")), [])

    def test_a_forged_webhook_is_refused(self):
        with Trial(self.folder) as trial:
            forged = re.sub(r"^SIGNATURE=.*$", "SIGNATURE=" + "0" * 64, trial.commands, flags=re.M)
            answer = json.loads(trial.run(forged).splitlines()[0])
            self.assertEqual(answer, {"status": False, "message": "Request verification failed"})

    def test_a_second_start_finds_what_the_first_one_made(self):
        with Trial(self.folder, "--database", "trial.db") as first:
            self.check_both_directions(first)
        with Trial(self.folder, "--database", "trial.db") as second:
            self.assertEqual(first.commands.replace(first.address, second.address), second.commands)
            # The endpoints followed the server to its new port.
            self.check_both_directions(second)
            admin = host.Client(second.address, second.key)
            self.assertEqual(len(admin.ok("GET", "/api/v1/projects")), 2)
        self.assertEqual(oct((self.folder / "trial.db-dev-key").stat().st_mode & 0o777), "0o600")

    def test_the_key_takes_the_place_of_a_file_and_follows_no_link(self):
        aside = self.folder / "aside"
        aside.write_text("not the key\n")
        (self.folder / "trial.db-dev-key").symlink_to(aside)
        with Trial(self.folder, "--database", "trial.db") as trial:
            key = trial.key
        path = self.folder / "trial.db-dev-key"
        self.assertFalse(path.is_symlink())
        self.assertEqual(path.read_text(), key + "\n")
        self.assertEqual(oct(path.stat().st_mode & 0o777), "0o600")
        self.assertEqual(aside.read_text(), "not the key\n")
        self.assertEqual(list(self.folder.glob("trial.db-dev-key-*")), [])

    def test_a_key_that_cannot_take_its_place_is_not_lost(self):
        (self.folder / "trial.db-dev-key").mkdir()
        said = self.fails("--listen", "127.0.0.1:0", "--database", "trial.db")
        self.assertIn("cannot write trial.db-dev-key", said)
        (kept,) = self.folder.glob("trial.db-dev-key-*")
        (self.folder / "trial.db-dev-key").rmdir()
        kept.rename(self.folder / "trial.db-dev-key")
        with Trial(self.folder, "--database", "trial.db") as trial:
            self.check_both_directions(trial)

    def test_it_says_what_it_allows(self):
        with Trial(self.folder) as trial:
            self.assertTrue(trial.commands.strip().startswith("# Not for production"))
        warnings = [json.loads(line) for line in trial.log_path.read_text().splitlines()
                    if '"warning"' in line]
        self.assertEqual(warnings[0]["event"], "--dev is not for production")
        self.assertIn("127.0.0.0/8", warnings[0]["allowed"])

    def fails(self, *flags):
        done = subprocess.run([host.binary(), "serve", "--dev", *flags], cwd=self.folder,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_it_listens_on_this_machine_only(self):
        self.assertIn("this machine only", self.fails("--listen", "0.0.0.0:0"))
        self.assertIn("this machine only", self.fails("--listen", "[::]:0"))

    def test_an_instance_that_has_its_key_is_left_alone(self):
        database = str(self.folder / "convoy.db")
        key = host.bootstrap(database)
        said = self.fails("--listen", "127.0.0.1:0", "--database", database)
        self.assertIn("has its key already", said)
        (self.folder / "convoy.db-dev-key").write_text(key + "\n")
        with Trial(self.folder, "--database", database) as trial:
            self.assertEqual(trial.key, key)


if __name__ == "__main__":
    unittest.main()
