"""Configurations of docs/nginx.md, run as they are printed but for paths and ports: the module's, that of
LuaJIT where the Lua module of nginx and the binding are there, and HAProxy's before two convoyd."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import unittest

import nginx
from nginx import host

PAGE = (host.ROOT / "docs" / "nginx.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


class DocsCase(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__, None, None, None)
        pathlib.Path(self.folder, "github.secret").write_text("s3cret\n")
        self.inbox = host.Inbox()
        self.addCleanup(self.inbox.close)
        self.port = nginx.free_port()

    def placed(self, text, load=""):
        """A configuration in the folder of the test."""
        paths = "".join(f"{name}_temp_path {self.folder}/{name};" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        for old, new in (("/etc/convoy", self.folder), ("/var/lib/convoy", self.folder),
                         ("modules/ngx_http_convoy_module.so", nginx.module()),
                         ("8080", str(self.port)), ("http://127.0.0.1:3000", self.inbox.url)):
            text = text.replace(old, new)
        user = "user root;" if os.geteuid() == 0 else ""
        head = f"{load} {user} pid {self.folder}/nginx.pid; error_log {self.folder}/error.log info;\n"
        return head + re.sub(r"^http \{$", "http { access_log off; " + paths, text, flags=re.M)

    def run_nginx(self, text, environment=None):
        server = nginx.Nginx(self.folder, "", port=self.port, environment=environment)
        server.use(text)
        self.assertEqual(server.check()[0], 0, server.check()[1])
        server.__enter__()
        self.addCleanup(server.__exit__)
        return server

    def check_verification(self, server):
        body = b'{"zen":"Keep it logically awesome."}'
        path = "/webhooks/github"
        response = server.send("POST", path, body, nginx.github("s3cret", body))
        self.assertEqual(response.status, 200, (response, server.log()))
        response = server.send("POST", path, body, nginx.github("wrong", body))
        self.assertEqual((response.status, response.json["reason"]), (403, "signature_mismatch"))
        self.assertEqual(self.inbox.bodies(path), [body])


class NginxTest(DocsCase):
    def test_the_configuration(self):
        key = host.bootstrap(self.folder + "/events.db")
        server = self.run_nginx(self.placed(blocks("nginx")[0]))
        self.check_verification(server)
        admin = server.client(key)
        self.addCleanup(admin.close)
        project = host.Project(admin, "p", "incoming")
        self.addCleanup(project.client.close)
        source = project.source("s")
        self.assertTrue(source["url"].startswith("https://hooks.example.com/ingest/"), source)
        self.assertEqual(project.ingest(source, b'{"a":1}').status, 200)
        self.assertEqual([event["data"] for event in project.events()], [{"a": 1}])
        self.assertEqual(server.serious(), [])

    @unittest.skipUnless(nginx.has_lua(), "bindings/lua or nginx's Lua module is not there")
    def test_luajit(self):
        text = blocks("nginx")[1].replace("/usr/share/lua/5.1/?.lua", nginx.LUA_PATH)
        server = self.run_nginx(self.placed("events {}\nhttp {\n%s}\n" % text, nginx.lua_head()),
                                nginx.lua_environment())
        self.check_verification(server)


@unittest.skipUnless(shutil.which("haproxy"), "HAProxy is not installed")
class HaproxyTest(DocsCase):
    def test_two_hosts_of_one_store(self):
        database = self.folder + "/events.db"
        key = host.bootstrap(database)
        hosts = [host.Convoyd(database, log_path=f"{self.folder}/{name}.log") for name in "ab"]
        for each in hosts:
            self.addCleanup(each.kill)
        project = host.Project(hosts[0].client(key), "p", "incoming")
        self.addCleanup(project.client.close)
        source = project.source("s", idempotency_keys=["request.header.X-Id"])
        text = blocks("haproxy")[0].replace("8080", str(self.port))
        for port, each in zip(("5005", "5006"), hosts):
            text = text.replace(f"127.0.0.1:{port}", each.address)
        config = pathlib.Path(self.folder, "haproxy.cfg")
        config.write_text(text)
        process = subprocess.Popen(["haproxy", "-f", str(config)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        path = f"/ingest/{source['mask_id']}"
        client = host.Client(f"127.0.0.1:{self.port}")
        self.addCleanup(client.close)

        def answers():
            try:
                return client.send("GET", "/healthz").status == 200
            except OSError:
                return False
        host.wait_until(answers, "HAProxy")
        outcomes = []

        def send():
            sender = host.Client(client.address)
            for number in range(300):
                outcomes.append(sender.send("POST", path, {"n": number},
                                            {"X-Id": str(number)}).status)
            sender.close()
        thread = threading.Thread(target=send)
        thread.start()
        host.wait_until(lambda: len(outcomes) > 100, "requests")
        self.assertEqual(hosts[1].stop(), 0)
        thread.join()
        self.assertEqual((len(outcomes), set(outcomes)), (300, {200}))
        stored = sorted(event["data"]["n"] for event in project.events())
        self.assertEqual(stored, list(range(300)))


if __name__ == "__main__":
    unittest.main()
