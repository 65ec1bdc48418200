"""convoyd as a process: commands, settings, start, drain, restart."""
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

import host


def run(*words, stdin=b"", env=None):
    return subprocess.run([host.binary(), *words], input=stdin, capture_output=True, timeout=60,
                          env={**os.environ, **(env or {})})


class CommandTest(unittest.TestCase):
    def test_every_command_explains_itself(self):
        for command in ("serve", "bootstrap", "migrate", "prune", "verify", "presets", "version"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(("convoyd " + command).encode(), done.stdout)
        self.assertEqual(run("--help").returncode, 0)

    def test_wrong_use_exits_with_2(self):
        for words in ((), ("nonsense",), ("serve", "--nonsense", "1"), ("serve", "extra"),
                      ("serve", "--listen"), ("serve", "--listen", "nonsense"),
                      ("serve", "--listen", "127.0.0.1:99999"), ("serve", "--workers", "0"),
                      ("serve", "--workers", "-1"), ("serve", "--log-level", "loud"),
                      ("serve", "--tls-cert", "x"), ("serve", "--sqs-credentials", "mine"),
                      ("bootstrap", "--listen", "127.0.0.1:0"),
                      ("version", "--database", "x"), ("verify",),
                      ("verify", "--preset", "github"),
                      ("verify", "--preset", "no-such-provider", "--secret", "s"),
                      ("verify", "--preset", "github", "--secret", "s", "--now", "soon")):
            with self.subTest(words=words):
                done = run(*words)
                self.assertEqual(done.returncode, 2, done)
                self.assertNotEqual(done.stderr, b"")
                self.assertEqual(done.stdout, b"")

    def test_a_postgres_that_is_not_there_is_told_without_the_password(self):
        for command in ("serve", "bootstrap"):
            done = run(command, "--database", "postgres://user:sesame@127.0.0.1:1/convoy")
            is_built_in = b"built without" not in done.stderr
            self.assertEqual(done.returncode, 1 if is_built_in else 2)
            self.assertIn(b"PostgreSQL", done.stderr)
            self.assertNotIn(b"sesame", done.stderr)

    def test_unknown_settings_are_errors_everywhere(self):
        with host.Folder() as folder:
            path = folder + "/convoyd.json"
            for text, word in (('{"listen": "x"}', b"listen"), ("{", b"character"), ("[]", b"object"),
                               ('{"workers": "many"}', b"workers"), ('{"listen": 5}', b"listen"),
                               ('{"allow_network": [1]}', b"allow_network"),
                               ('{"workers": 1.5}', b"workers")):
                with self.subTest(text=text):
                    with open(path, "w") as file:
                        file.write(text)
                    done = run("serve", "--config", path)
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(word, done.stderr)
            done = run("serve", env={"CONVOYD_LISTEM": "x"})
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"CONVOYD_LISTEM", done.stderr)
            self.assertEqual(run("serve", "--config", folder + "/missing").returncode, 2)

    def test_credentials_that_are_not_whole_in_the_environment_are_refused(self):
        with host.Folder() as folder:
            token = folder + "/token"
            with open(token, "w") as file:
                file.write("a token")
            role = "arn:aws:iam::123456789012:role/reader"
            for missing, env in (
                    ("AWS_ACCESS_KEY_ID", {}),
                    ("AWS_WEB_IDENTITY_TOKEN_FILE", {}),
                    ("AWS_SECRET_ACCESS_KEY", {"AWS_ACCESS_KEY_ID": "AKIDHUSH"}),
                    ("AWS_SECRET_ACCESS_KEY", {
                        "AWS_ACCESS_KEY_ID": "AKIDHUSH", "AWS_SECRET_ACCESS_KEY": "",
                        "AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": token}),
                    ("AWS_ACCESS_KEY_ID", {"AWS_SECRET_ACCESS_KEY": "hush"}),
                    ("AWS_ACCESS_KEY_ID", {"AWS_SESSION_TOKEN": "hush"}),
                    ("AWS_WEB_IDENTITY_TOKEN_FILE", {"AWS_ROLE_ARN": role}),
                    ("AWS_ROLE_ARN", {"AWS_WEB_IDENTITY_TOKEN_FILE": token}),
                    ("AWS_WEB_IDENTITY_TOKEN_FILE", {
                        "AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": token + "-missing"}),
                    ("role_arn", {"AWS_ROLE_ARN": "reader", "AWS_WEB_IDENTITY_TOKEN_FILE": token}),
                    ("sts_endpoint", {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": token,
                                      "AWS_ENDPOINT_URL": "http://sts.example.com"})):
                with self.subTest(env=env):
                    done = run("serve", "--listen", "127.0.0.1:0", "--database", folder + "/c.db",
                               env={**env, "CONVOYD_SQS_CREDENTIALS": "environment"})
                    self.assertEqual(done.returncode, 1, done)
                    self.assertIn(b"sqs_credentials", done.stderr)
                    self.assertIn(missing.encode(), done.stderr)
                    self.assertNotIn(b"hush", done.stderr.lower())

    def test_a_wrong_network_is_refused(self):
        with host.Folder() as folder:
            done = run("serve", "--listen", "127.0.0.1:0", "--database", folder + "/c.db",
                       "--allow-network", "127.0.0.0/99")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"127.0.0.0/99", done.stderr)

    def test_what_is_no_proxy_or_no_choice_is_refused(self):
        with host.Folder() as folder:
            for flag, value, name in (("--delivery-proxy", "socks5://u:hush@h:1", b"delivery_proxy"),
                                      ("--delivery-proxy", "h:3128", b"delivery_proxy"),
                                      ("--delivery-http2", "yes", b"delivery_http2")):
                done = run("serve", "--listen", "127.0.0.1:0", "--database", folder + "/c.db",
                           flag, value)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(name, done.stderr)
                self.assertNotIn(b"hush", done.stderr)

    def test_a_database_of_an_older_version_is_migrated(self):
        released = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "storage"
        with host.Folder() as folder:
            database = folder + "/c.db"
            self.assertEqual(run("migrate", "--database", database).returncode, 1)
            shutil.copy(released / "version3.db", database)
            first = run("migrate", "--database", database)
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertEqual(json.loads(first.stdout), {"rows": 61})
            self.assertIn(b"61 of 61 rows", first.stderr)
            again = run("migrate", "--database", database)
            self.assertEqual(json.loads(again.stdout), {"rows": 0})
            shutil.copy(released / "version1.db", folder + "/d.db")
            convoyd = host.Convoyd(folder + "/d.db")
            try:
                self.assertEqual(convoyd.stop(), 0)
            finally:
                convoyd.kill()
            self.assertEqual(json.loads(run("migrate", "--database", folder + "/d.db").stdout),
                             {"rows": 0})

    def test_bootstrap_happens_once(self):
        with host.Folder() as folder:
            database = folder + "/c.db"
            first = run("bootstrap", "--database", database)
            self.assertEqual(first.returncode, 0, first)
            key = json.loads(first.stdout)["api_key"]
            self.assertRegex(key, r"^CO\.[A-Za-z0-9]{16}\.[A-Za-z0-9]{64}$")
            again = run("bootstrap", "--database", database)
            self.assertEqual(again.returncode, 0, again)
            self.assertIs(json.loads(again.stdout)["exists"], True)
            self.assertNotIn(b"CO.", again.stdout)
            with open(database, "rb") as file:
                self.assertNotIn(key[-64:].encode(), file.read())

    def test_a_file_that_is_no_database_is_refused_and_kept(self):
        with host.Folder() as folder:
            path = folder + "/c.db"
            with open(path, "wb") as file:
                file.write(b"this is not a database, but it is a user's file" * 100)
            before = pathlib.Path(path).read_bytes()
            self.assertEqual(run("bootstrap", "--database", path).returncode, 1)
            self.assertEqual(pathlib.Path(path).read_bytes(), before)


class VerifyCommandTest(unittest.TestCase):
    BODY = b'{"a":1,"a":2} \xff\x00'
    SECRET = "It's a Secret to Everybody"

    def verdict(self, *words, body=None):
        done = run("verify", *words, stdin=self.BODY if body is None else body)
        return done.returncode, json.loads(done.stdout)

    def test_genuine_and_forged(self):
        header = "X-Hub-Signature-256: " + host.github_signature(self.SECRET, self.BODY)
        words = ("--preset", "github", "--secret", "other", "--secret", self.SECRET)
        code, verdict = self.verdict(*words, "--header", header)
        self.assertEqual((code, verdict["accepted"], verdict["reason"]), (0, True, "accepted"))
        self.assertEqual((verdict["secret_index"], verdict["integrity"]), (1, "full"))
        code, verdict = self.verdict(*words, "--header", header, body=self.BODY + b" ")
        self.assertEqual((code, verdict["accepted"]), (1, False))
        self.assertEqual(verdict["reason"], "signature_mismatch")
        code, verdict = self.verdict(*words)
        self.assertEqual((code, verdict["reason"]), (1, "missing_header"))

    def test_a_secret_may_come_from_a_file(self):
        with host.Folder() as folder:
            path = folder + "/secret"
            with open(path, "w") as file:
                file.write(self.SECRET + "\n")
            header = "X-Hub-Signature-256: " + host.github_signature(self.SECRET, self.BODY)
            code, _ = self.verdict("--preset", "github", "--secret-file", path, "--header", header)
            self.assertEqual(code, 0)

    def test_presets_are_listed_with_their_evidence_and_sources(self):
        lines = run("presets").stdout.decode().splitlines()
        listed = {line.split()[0]: line for line in lines}
        self.assertLessEqual({"github", "shopify", "x"}, set(listed))
        self.assertGreaterEqual(len(lines), 150)
        self.assertEqual(len(listed), len(lines))
        for line in lines:
            self.assertRegex(line, r"^[a-z0-9_]+ +\S.*; (official_code|official_docs|client_library|"
                                   r"secondary): \S+")
        self.assertIn("--config public_key;", listed["braintree"])
        self.assertIn("--config topic_arn;", listed["aws_sns"])

    def test_settings_schemes_urls_methods_and_instants(self):
        secret, body = "key", b'{"n":1}'
        mac = hmac.new(b"key", b"PUT|https://h.example/in?a=1|t|1700000000|" + body,
                       hashlib.sha256).hexdigest()
        definition = {"type": "hmac", "signature": {"name": "X-S"},
                      "message": "{method}|{url}|{config:tenant}|{ts}|{body}",
                      "timestamp": {"from": "header:X-T"}}
        with host.Folder() as folder:
            path = pathlib.Path(folder) / "scheme.json"
            path.write_text(json.dumps(definition))
            words = ["--scheme-file", str(path), "--secret", secret, "--header", "X-S: " + mac,
                     "--header", "X-T: 1700000000"]
            good = {"--method": "PUT", "--url": "https://h.example/in?a=1", "--config": "tenant=t",
                    "--now": "1700000300"}

            def judge(**changes):
                flags = {**good, **{"--" + name: value for name, value in changes.items()}}
                return self.verdict(*words, *(word for pair in flags.items() for word in pair),
                                    body=body)

            code, verdict = judge()
            self.assertEqual((code, verdict["reason"]), (0, "accepted"))
            self.assertEqual(verdict["signed_at"], "2023-11-14T22:13:20Z")
            for changes, reason in (({"method": "POST"}, "signature_mismatch"),
                                    ({"url": "https://h.example/in?a=2"}, "signature_mismatch"),
                                    ({"config": "tenant=u"}, "signature_mismatch"),
                                    ({"now": "1700000301"}, "too_old"),
                                    ({"now": "1699999699"}, "too_far_in_future")):
                code, verdict = judge(**changes)
                self.assertEqual((code, verdict["reason"]), (1, reason), changes)
            for field, said in (({"surprise": 1}, b"surprise"), ({"type": "magic"}, b"type")):
                path.write_text(json.dumps({**definition, **field}))
                done = run("verify", *words, "--config", "tenant=t", stdin=body)
                self.assertEqual(done.returncode, 2)
                self.assertIn(said, done.stderr)

    def test_a_scheme_is_selected_by_name(self):
        signature = hashlib.sha256(b"key" + self.BODY).hexdigest()
        words = ("--preset", "hubspot", "--secret", "key", "--header",
                 "X-HubSpot-Signature-Version: v1", "--header", "X-HubSpot-Signature: " + signature)
        self.assertEqual(self.verdict(*words)[0], 1)
        code, verdict = self.verdict(*words, "--scheme", "v1")
        self.assertEqual((code, verdict["scheme"]), (0, "v1"))
        for more in (("--scheme", "v9"), ("--config", "nothing=x"), ("--config", "x"),
                     ("--header", "X"), ("--now", "soon"), ("--url", "not a url")):
            self.assertEqual(run("verify", *words, *more, stdin=b"").returncode, 2, more)


class TlsTest(unittest.TestCase):
    def test_https_is_served(self):
        with host.Folder() as folder:
            cert, key_file = folder + "/cert.pem", folder + "/key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                            "-subj", "/CN=localhost", "-keyout", key_file, "-out", cert],
                           check=True, capture_output=True)
            database = folder + "/c.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database, "--tls-cert", cert, "--tls-key", key_file)
            try:
                context = ssl.create_default_context(cafile=cert)
                context.check_hostname = False
                port = int(convoyd.address.rsplit(":", 1)[1])
                connection = http.client.HTTPSConnection("127.0.0.1", port, context=context,
                                                         timeout=20)
                for _ in range(2):  # on one connection
                    connection.request("GET", "/api/v1/projects",
                                       headers={"Authorization": "Bearer " + key})
                    answer = connection.getresponse()
                    self.assertEqual((answer.status, json.loads(answer.read())["status"]),
                                     (200, True))
                connection.close()
                # A client that does not speak TLS is refused.
                with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
                    plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    self.assertNotIn(b"HTTP/1.1 200", plain.recv(1000))
                self.assertEqual(convoyd.stop(), 0)
            finally:
                convoyd.kill()

    def test_a_missing_certificate_is_named(self):
        with host.Folder() as folder:
            done = run("serve", "--listen", "127.0.0.1:0", "--database", folder + "/c.db",
                       "--tls-cert", folder + "/nope.pem", "--tls-key", folder + "/nope.key")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"nope.pem", done.stderr)


class LifeTest(unittest.TestCase):
    def test_settings_come_from_file_environment_and_flags(self):
        with host.Folder() as folder:
            path = folder + "/convoyd.json"
            with open(path, "w") as file:
                json.dump({"public_url": "https://from-file.example", "workers": 1,
                           "allow_network": ["10.0.0.0/8"], "log_level": "debug"}, file)
            database = folder + "/c.db"
            key = host.bootstrap(database)
            for env, flags, expected in (
                    ({}, (), "https://from-file.example"),
                    ({"CONVOYD_PUBLIC_URL": "https://from-env.example"}, (),
                     "https://from-env.example"),
                    ({"CONVOYD_PUBLIC_URL": "https://from-env.example"},
                     ("--public-url", "https://from-flag.example"), "https://from-flag.example")):
                convoyd = host.Convoyd(database, "--config", path, *flags, env=env)
                try:
                    project = host.Project(convoyd.client(key), expected, "incoming")
                    self.assertTrue(project.source("s")["url"].startswith(expected + "/ingest/"))
                    self.assertEqual(convoyd.stop(), 0)
                finally:
                    convoyd.kill()

    def test_state_survives_a_restart(self):
        with host.Folder() as folder:
            database = folder + "/c.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database)
            project = host.Project(convoyd.client(key), "p", "incoming")
            source = project.source("s", idempotency_keys=["request.header.X-Id"])
            answer = project.ingest(source, b"one", {"X-Id": "1"})
            self.assertEqual((answer.status, answer.message), (200, "Event received"))
            before = project.events()
            self.assertEqual(convoyd.stop(), 0)

            convoyd = host.Convoyd(database)
            try:
                project.client = convoyd.client(project.key)
                self.assertEqual(project.events(), before)
                answer = project.ingest(source, b"one", {"X-Id": "1"})
                self.assertIn("Duplicate", answer.message)
                self.assertEqual(convoyd.stop(), 0)
            finally:
                convoyd.kill()

    def test_logs_are_lines_of_json(self):
        with host.Folder() as folder:
            convoyd = host.Convoyd(folder + "/c.db", "--log-level", "debug")
            self.assertEqual(convoyd.stop(), 0)
            lines = [json.loads(line) for line in convoyd.log().splitlines()]
            told = [line["event"] for line in lines if line["level"] != "debug"]
            self.assertEqual((told[0], told[-1]), ("started", "stopped"))

    def test_sigterm_answers_what_is_under_way(self):
        """Every request that was answered with success before or during the drain is stored."""
        with host.Folder() as folder:
            database = folder + "/c.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database)
            project = host.Project(convoyd.client(key), "p", "incoming")
            source = project.source("s", event_type_location="request.query.n")
            acknowledged, is_over = [], threading.Event()

            def post(thread):
                client = host.Client(convoyd.address)
                for number in range(100_000):
                    name = f"{thread}-{number}"
                    try:
                        answer = client.send("POST", f"/ingest/{source['mask_id']}?n={name}", b"{}")
                    except OSError:
                        return
                    except Exception:  # a torn response of http.client
                        return
                    if answer.status == 200:
                        acknowledged.append(name)
                    if is_over.is_set():
                        return

            threads = [threading.Thread(target=post, args=(i,)) for i in range(8)]
            for thread in threads:
                thread.start()
            host.wait_until(lambda: len(acknowledged) >= 50, "some load")
            started = time.monotonic()
            self.assertEqual(convoyd.stop(timeout=20), 0)
            self.assertLess(time.monotonic() - started, 20)
            is_over.set()
            for thread in threads:
                thread.join()

            convoyd = host.Convoyd(database)
            try:
                project.client = convoyd.client(project.key)
                stored = {event["event_type"] for event in project.events()}
                self.assertLessEqual(set(acknowledged), stored)
                self.assertEqual(convoyd.stop(), 0)
            finally:
                convoyd.kill()

    def test_sigterm_meets_its_deadline_with_an_open_connection_and_a_hanging_receiver(self):
        with host.Folder() as folder, socket.create_server(("127.0.0.1", 0)) as silent:
            database = folder + "/c.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database, "--drain-timeout-ms", "1000")
            project = host.Project(convoyd.client(key), "p", "outgoing")
            endpoint = project.endpoint("e", "http://127.0.0.1:%d/" % silent.getsockname()[1])
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})
            connection, _ = silent.accept()  # the attempt is under way and will not be answered
            name, port = convoyd.address.rsplit(":", 1)
            half = socket.create_connection((name, int(port)))
            half.sendall(b"POST /ingest/x HTTP/1.1\r\n")
            try:
                self.assertEqual(convoyd.stop(timeout=15), 0)
            finally:
                convoyd.kill()
                connection.close()
                half.close()

    def test_a_second_signal_ends_at_once(self):
        with host.Folder() as folder, socket.create_server(("127.0.0.1", 0)) as silent:
            database = folder + "/c.db"
            key = host.bootstrap(database)
            convoyd = host.Convoyd(database, "--drain-timeout-ms", "60000")
            project = host.Project(convoyd.client(key), "p", "outgoing")
            endpoint = project.endpoint("e", "http://127.0.0.1:%d/" % silent.getsockname()[1],
                                        http_timeout=60)
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})
            connection, _ = silent.accept()
            convoyd.process.send_signal(signal.SIGTERM)
            host.wait_until(lambda: '"draining"' in convoyd.log(), "the drain")
            convoyd.process.send_signal(signal.SIGTERM)
            try:
                self.assertEqual(convoyd.process.wait(15), -signal.SIGTERM)
            finally:
                convoyd.kill()
                connection.close()


if __name__ == "__main__":
    unittest.main()
