"""Networks that are allowed for one port: deliveries reach that port and no other."""
import unittest

import host


class AllowedPortTest(unittest.TestCase):
    def test_only_the_allowed_port_is_reached(self):
        allowed, other = host.Inbox(), host.Inbox()
        try:
            with host.Folder() as folder:
                key = host.bootstrap(folder + "/convoy.db")
                port = allowed.url.rsplit(":", 1)[1]
                convoyd = host.Convoyd(folder + "/convoy.db", "--allow-network",
                                       f"127.0.0.0/8:{port}", allow_local=False)
                try:
                    self.deliver(convoyd.client(key), allowed, other)
                finally:
                    self.assertEqual(convoyd.stop(), 0)
        finally:
            allowed.close()
            other.close()

    def deliver(self, admin, allowed, other):
        project = host.Project(admin, "p", "outgoing",
                               strategy={"type": "linear", "duration": 1, "retry_count": 1})
        endpoints = [project.endpoint("allowed", allowed.url), project.endpoint("other", other.url)]
        for endpoint in endpoints:
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})
        project.wait_for_deliveries(1, endpointId=endpoints[0]["uid"])
        failed = project.wait_for_deliveries(1, "Failure", endpointId=endpoints[1]["uid"])
        self.assertIn("not allowed", project.attempts(failed[0]["uid"])[0]["error"])
        self.assertEqual(len(allowed.received()), 1)
        self.assertEqual(other.received(), [])

    def test_a_wrong_port_is_refused_at_the_start(self):
        with host.Folder() as folder:
            with self.assertRaisesRegex(AssertionError, "127.0.0.0/8:0"):
                host.Convoyd(folder + "/convoy.db", "--allow-network", "127.0.0.0/8:0")


if __name__ == "__main__":
    unittest.main()
