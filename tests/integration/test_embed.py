"""examples/embed: a gateway mounted in a host's server works, and the host keeps its own pages."""
import subprocess
import unittest

import host


class EmbedTest(unittest.TestCase):
    def test_the_gateway_works_beside_the_hosts_pages(self):
        with host.Folder() as folder:
            process = subprocess.Popen([host.binary("embed"), folder + "/hooks.db", "0"],
                                       stdout=subprocess.PIPE, text=True)
            try:
                key = process.stdout.readline().removeprefix("key ").strip()
                port = process.stdout.readline().removeprefix("serving on port ").strip()
                admin = host.Client(f"127.0.0.1:{port}", key)
                self.assertIn(b"belongs to the host", admin.send("GET", "/about").body)
                project = host.Project(admin, "shop", "incoming")
                source = project.source("s", {"type": "api_key", "api_key": {
                    "header_name": "X-Key", "header_value": "right"}})
                body = b"\x00\xff\x01"
                refused = project.ingest(source, body, {"X-Key": "wrong"})
                self.assertEqual(refused.status, 400)
                taken = project.ingest(source, body, {"X-Key": "right"})
                self.assertEqual((taken.status, taken.message), (200, "Event received"))
                self.assertEqual(len(project.events()), 1)
            finally:
                process.kill()
                process.wait()
                process.stdout.close()


if __name__ == "__main__":
    unittest.main()
