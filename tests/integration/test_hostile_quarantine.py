"""Forged requests with large bodies: a quarantine is bounded in bytes, not only in number."""
import unittest

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


if __name__ == "__main__":
    unittest.main()
