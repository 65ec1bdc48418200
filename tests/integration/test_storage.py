"""The database under convoyd: a full disk, and the modes of the files."""
import os
import stat
import subprocess
import unittest

import host


class SmallDisk:
    """A file system of a few MiB as a context; skips the test where it cannot be mounted."""

    def __init__(self, mebibytes):
        self.size = f"{mebibytes}m"
        self.folder = host.Folder()

    def __enter__(self):
        self.path = self.folder.__enter__()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", self.path],
                              capture_output=True)
        if done.returncode != 0:
            self.folder.__exit__(None, None, None)
            raise unittest.SkipTest("mounting needs root")
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.path], check=True)
        self.folder.__exit__(None, None, None)

    def fill(self):
        """Takes all that is left."""
        with open(self.path + "/filler", "ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass

    def free(self):
        os.remove(self.path + "/filler")


class FullDiskTest(unittest.TestCase):
    def test_writes_are_refused_while_the_disk_is_full_and_taken_again_without_a_restart(self):
        with SmallDisk(8) as disk:
            database = disk.path + "/convoy.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database)
            self.addCleanup(lambda: convoyd.is_alive() and convoyd.kill())
            admin = convoyd.client(key)
            project = host.Project(admin, "p", "outgoing")
            endpoint = project.endpoint("e", "http://127.0.0.1:9/")
            project.ok("PUT", f"/endpoints/{endpoint['uid']}/pause")

            def post(number, size):
                body = {"endpoint_id": endpoint["uid"], "event_type": "t",
                        "data": {"number": number, "fill": "x" * size}}
                return project.send("POST", "/events", body).status

            self.assertEqual(post(0, 10_000), 201)
            accepted = {0}
            for _ in range(2):  # it can happen again
                disk.fill()
                statuses = []
                for number in range(len(accepted), len(accepted) + 200):
                    statuses.append(post(number, 20_000))
                    if statuses[-1] != 201:
                        break
                    accepted.add(number)
                self.assertEqual(statuses[-1], 503)
                self.assertEqual(admin.send("GET", "/readyz").status, 503)
                self.assertEqual(admin.send("GET", "/healthz").status, 200)
                disk.free()
                self.assertEqual(admin.send("GET", "/readyz").status, 200)
                number = len(accepted)
                self.assertEqual(post(number, 20_000), 201)
                accepted.add(number)
            stored = {event["data"]["number"] for event in project.events()}
            self.assertEqual(stored, accepted)
            self.assertEqual(convoyd.stop(), 0)


class FilesTest(unittest.TestCase):
    def test_the_files_are_for_their_owner_alone(self):
        with host.Folder() as folder:
            database = folder + "/convoy.db"
            before = os.umask(0)
            try:
                key = host.bootstrap(database)
                convoyd = host.Convoyd(database)
            finally:
                os.umask(before)
            self.addCleanup(lambda: convoyd.is_alive() and convoyd.kill())
            host.Project(convoyd.client(key), "p", "outgoing")
            modes = {name: stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode)
                     for name in os.listdir(folder) if not name.endswith(".log")}
            self.assertEqual(set(modes.values()), {0o600}, modes)
            self.assertIn("convoy.db-wal", modes)
            self.assertEqual(convoyd.stop(), 0)


if __name__ == "__main__":
    unittest.main()
