"""Notifications: a chat and an address of e-mail are told of an endpoint in trouble; no local network is
reached by a URL that a project has given."""
import base64
import json
import subprocess
import sys
import unittest

import host
from case import HostCase

SMTP = host.ROOT / "tests" / "unit" / "transport" / "smtp_receiver.py"


class NotificationsTest(HostCase):
    @classmethod
    def setUpClass(cls):
        cls.smtp = subprocess.Popen([sys.executable, SMTP, "none"], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
        port = cls.smtp.stdout.readline().strip()
        cls.flags = ("--mail-server", f"smtp://127.0.0.1:{port}", "--mail-from", "hooks@example.com")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.smtp.stdin.close()
        cls.smtp.wait(30)
        cls.smtp.stdout.close()

    def failing_endpoint(self, project, **fields):
        path = "/" + project.id
        self.inbox.fail_next(path, *[500] * 20)
        return project.endpoint("orders", self.inbox.url + path,
                                slack_webhook_url=self.inbox.url + path + "/chat", **fields)

    def send(self, project, endpoint):
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {}})

    def test_a_disabled_endpoint_is_told_to_chat_and_mail(self):
        project = self.project("outgoing", disable_endpoint=True,
                               strategy={"type": "linear", "duration": 1, "retry_count": 1})
        endpoint = self.failing_endpoint(project, support_email="ops@example.com")
        self.send(project, endpoint)
        self.inbox.wait_for(f"/{project.id}/chat", 1)
        text = json.loads(self.inbox.bodies(f"/{project.id}/chat")[0])["text"]
        self.assertTrue(text.startswith('The endpoint "orders" of the project '), text)
        mail = json.loads(self.smtp.stdout.readline())
        self.assertEqual(mail["from"], "<hooks@example.com>")
        self.assertEqual(mail["to"], ["<ops@example.com>"])
        head, _, body = mail["text"].partition("\r\n\r\n")
        self.assertIn("Subject: =?UTF-8?B?", head)
        self.assertIn(endpoint["uid"], base64.b64decode(body).decode())
        host.wait_until(lambda: project.ok("GET", f"/endpoints/{endpoint['uid']}")["status"] == "inactive",
                        "the endpoint to be inactive")

    def test_an_alert_is_told_once(self):
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1, "retry_count": 1})
        endpoint = self.failing_endpoint(project)
        project.subscribe("all orders", endpoint, alert_config={"count": 3, "threshold": "10m"})
        for _ in range(6):
            self.send(project, endpoint)
        project.wait_for_deliveries(6, "Failure")
        self.inbox.wait_for(f"/{project.id}/chat", 1)
        text = json.loads(self.inbox.bodies(f"/{project.id}/chat")[0])["text"]
        self.assertIn('3 attempts of the subscription "all orders" have failed', text)
        self.assertEqual(len(self.inbox.received(f"/{project.id}/chat")), 1)


class GuardTest(HostCase):
    allow_local = False

    def test_a_chat_in_a_private_network_is_not_reached(self):
        project = self.project("outgoing", disable_endpoint=True,
                               strategy={"type": "linear", "duration": 1, "retry_count": 1})
        endpoint = project.endpoint("e", self.inbox.url + "/e", slack_webhook_url=self.inbox.url + "/chat")
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {}})
        host.wait_until(lambda: "a notification was not delivered" in self.convoyd.log(), "the log")
        self.assertIn("the address is not allowed", self.convoyd.log())
        self.assertEqual(self.inbox.received(), [])
        self.assertNotIn("/chat", self.convoyd.log())


class SettingsTest(unittest.TestCase):
    def test_half_a_mail_server_is_refused_by_name(self):
        with host.Folder() as folder:
            for flags, named in (
                    (("--mail-server", "http://x"), "mail_server"),
                    (("--mail-server", "smtp://x:25"), "mail_from"),
                    (("--mail-server", "smtp://me:pw@x", "--mail-from", "a@b.c"), "mail_server"),
                    (("--mail-from", "a@b.c"), "mail_server"),
                    (("--mail-server", "smtp://x:25", "--mail-from", "a@b.c", "--mail-user", "u"),
                     "mail_password_file")):
                with self.subTest(flags=flags):
                    done = subprocess.run(
                        [host.binary(), "serve", "--listen", "127.0.0.1:0", "--database",
                         folder + "/x.db", *flags], capture_output=True, text=True, timeout=60)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(named, done.stderr)


if __name__ == "__main__":
    unittest.main()
