"""Forged requests: quarantines are bounded in bytes and in number, each and all together."""
import unittest

import host
from case import HostCase

KIB = 1024


class QuarantineBytesTest(HostCase):
    flags = ("--quarantine-bytes-max", str(1024 * KIB))

    def test_large_forged_bodies_leave_few_inputs(self):
        project = self.project("incoming", max_payload_read_size=1024 * KIB)
        source = project.source("s", {"type": "api_key", "api_key": {
            "header_name": "X-Key", "header_value": "right"}}, verify_mode="quarantine")

        def held():
            return project.client.pages(project.path + "/held-inputs")
        for number in range(30):
            project.ingest(source, b"%03d" % number, {"X-Key": "wrong"})
        self.assertEqual(len(held()), 30)
        for _ in range(40):
            answer = project.ingest(source, b"x" * 200 * KIB, {"X-Key": "wrong"})
            self.assertEqual(answer.status, 400, answer)
        found = held()
        total = sum(item["size"] for item in found)
        print(f"\n8 MiB of forged bodies: {len(found)} inputs of {total // KIB} KiB are kept")
        self.assertLessEqual(total, 1024 * KIB)
        self.assertEqual(len(found), 5)
        self.assertEqual(project.ingest(source, b"{}", {"X-Key": "right"}).status, 200)


class TotalTest(HostCase):
    flags = ("--held-bytes-max", str(1024 * KIB), "--held-inputs-max", "40",
             "--metrics-access", "anyone")

    def test_a_flooded_source_makes_room_and_its_neighbour_keeps_what_it_has(self):
        verifier = {"type": "api_key", "api_key": {"header_name": "X-Key", "header_value": "right"}}
        projects = [host.Project(self.admin, name, "incoming", max_payload_read_size=1024 * KIB)
                    for name in ("quiet", "flooded")]
        sources = [project.source("s", verifier, verify_mode="quarantine") for project in projects]

        def held(project):
            return project.client.pages(project.path + "/held-inputs")
        for number in range(5):
            projects[0].ingest(sources[0], b"%d" % number, {"X-Key": "wrong"})
        for _ in range(20):
            answer = projects[1].ingest(sources[1], b"x" * 200 * KIB, {"X-Key": "wrong"})
            self.assertEqual(answer.status, 400, answer)
        self.assertEqual(len(held(projects[0])), 5)
        self.assertEqual(len(held(projects[1])), 5)
        for number in range(100):
            projects[1].ingest(sources[1], b"%d" % number, {"X-Key": "wrong"})
        self.assertEqual(len(held(projects[0])), 5)
        self.assertEqual(len(held(projects[1])), 35)
        text = self.convoyd.client("").send("GET", "/metrics").body.decode()
        print("\n" + "\n".join(line for line in text.splitlines()
                               if line.startswith("convoy_held")))
        self.assertIn("convoy_held_input 40\n", text)
        self.assertIn("convoy_held_dropped_total 85\n", text)


if __name__ == "__main__":
    unittest.main()
