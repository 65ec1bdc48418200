"""Credentials of endpoints: access tokens of OAuth 2.0 from a real authorisation server, and client
certificates."""
import contextlib
import json
import pathlib
import subprocess
import time
import unittest

import host
from authorization_server import AuthorizationServer
from case import HostCase

TESTS = pathlib.Path(__file__).resolve().parents[1]
CERTIFICATES = TESTS / "unit" / "transport" / "certificates"
SECRET = "the shared secret"
ONE_TRY = {"type": "linear", "duration": 1, "retry_count": 1}
TRIES = {"type": "linear", "duration": 1, "retry_count": 5}


def jwk(name):
    return json.loads((TESTS / "vectors" / "crypto" / f"{name}_private.jwk").read_text())


class GuardedInbox(host.Inbox):
    """Takes requests with a good token of a server; refuses others with 401 and counts them."""

    def __init__(self, server):
        self.server = server
        self.refused = 0
        super().__init__()

    def _take(self, request):
        if not self.server.is_good(request.headers["Authorization"]):
            self.refused += 1
            return 401
        return super()._take(request)


class OAuth2Test(HostCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.server = AuthorizationServer({
            "shared": SECRET,
            "rsa": {"jwk": jwk("rsa"), "issuer": "i", "subject": "s"},
            "p256": {"jwk": jwk("p256"), "issuer": "i", "subject": "s"}})
        self.stack.callback(self.server.close)
        self.guarded = GuardedInbox(self.server)
        self.stack.callback(self.guarded.close)

    def endpoint(self, project, path="/a", http_timeout=10, **oauth2):
        settings = {"url": self.server.url, "client_id": "shared",
                    "authentication_type": "shared_secret", "client_secret": SECRET, **oauth2}
        endpoint = project.endpoint(path, self.guarded.url + path, http_timeout=http_timeout,
                                    authentication={"type": "oauth2", "oauth2": settings})
        project.subscribe(path, endpoint)
        return endpoint

    def new_project(self, name, strategy):
        return host.Project(self.admin, f"{self.id()} {name}", "outgoing", strategy=strategy)

    def send(self, project, endpoint, count=1):
        for number in range(count):
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {"n": number}})

    def failed_attempt(self, project):
        delivery = project.wait_for_deliveries(1, "Failure", timeout=60)[0]
        return project.attempts(delivery["uid"])[0]

    def check_nothing_told(self, project):
        """No secret and no token in the log, in an attempt or in the answer to a viewer."""
        viewer = host.Client(self.convoyd.address, self.admin.ok(
            "POST", f"{project.path}/api-keys",
            {"name": "v", "role": "project_viewer"})["key"])
        attempts = [project.attempts(d["uid"]) for d in project.deliveries()]
        texts = [self.convoyd.log(), json.dumps(attempts),
                 viewer.send("GET", f"{project.path}/endpoints").body.decode()]
        viewer.close()
        for text in texts:
            for hidden in [SECRET, jwk("rsa")["d"], *self.server.tokens()]:
                self.assertNotIn(hidden, text)

    def test_settings_are_tried_before_they_are_kept(self):
        project = self.project("outgoing", strategy=ONE_TRY)
        settings = {"url": self.server.url, "client_id": "shared",
                    "authentication_type": "shared_secret", "client_secret": SECRET}

        def test(**changed):
            return project.ok("POST", "/endpoints/oauth2/test", {"oauth2": {**settings, **changed}})
        good = test()
        self.assertTrue(good["success"])
        self.assertTrue(self.server.is_good(f"{good['token_type']} {good['access_token']}"))
        self.assertFalse(test(client_secret="another")["success"])
        for client in ("rsa", "p256"):
            self.assertTrue(test(client_id=client, client_secret="", issuer="i", subject="s",
                                 authentication_type="client_assertion", signing_key=jwk(client))
                            ["success"])
        unreachable = test(url="http://127.0.0.1:1/token")
        self.assertIn("connect", unreachable["error"])
        self.assertIn("not allowed", test(url="http://192.168.0.1/token")["error"])
        self.assertNotIn(SECRET, self.convoyd.log())

    def test_fifty_deliveries_wait_for_one_fetch(self):
        project = self.project("outgoing", strategy=ONE_TRY)
        self.server.delay_s = 1
        endpoint = self.endpoint(project)
        self.send(project, endpoint, 50)
        project.wait_for_deliveries(50)
        self.assertEqual(len(self.server.requests), 1)
        self.assertEqual(self.server.refusals, [])
        self.assertEqual(len(self.guarded.received("/a")), 50)
        self.assertEqual(self.guarded.refused, 0)
        attempt = project.attempts(project.deliveries()[0]["uid"])[0]
        self.assertEqual(attempt["request_http_header"]["Authorization"], "[redacted]")
        self.check_nothing_told(project)

    def test_assertions_are_verified_by_another_implementation(self):
        for client, algorithm in (("rsa", "RS256"), ("p256", "ES256")):
            with self.subTest(algorithm):
                project = self.new_project(client, ONE_TRY)
                endpoint = self.endpoint(
                    project, f"/{client}", client_id=client, client_secret="", issuer="i",
                    subject="s", authentication_type="client_assertion",
                    signing_key=jwk(client), signing_algorithm=algorithm)
                self.send(project, endpoint)
                project.wait_for_deliveries(1)
                self.assertEqual(self.server.refusals, [])
                self.check_nothing_told(project)

    def test_tokens_are_renewed_before_they_end(self):
        project = self.project("outgoing", strategy=ONE_TRY)
        self.server.lifetime_s = 3
        endpoint = self.endpoint(project)
        end = time.monotonic() + 8
        sent = 0
        while time.monotonic() < end:
            self.send(project, endpoint)
            sent += 1
            time.sleep(0.05)
        project.wait_for_deliveries(sent)
        self.assertEqual(self.guarded.refused, 0)
        print(f"{sent} deliveries in 8 s, {len(self.server.requests)} tokens of 3 s")
        self.assertLessEqual(3, len(self.server.requests))
        self.assertLessEqual(len(self.server.requests), 5)

    def test_a_revoked_token_costs_one_attempt(self):
        project = self.project("outgoing", strategy=TRIES)
        endpoint = self.endpoint(project)
        self.send(project, endpoint)
        project.wait_for_deliveries(1)
        self.server.revoke_all()
        self.send(project, endpoint)
        project.wait_for_deliveries(2)
        self.assertEqual(self.guarded.refused, 1)
        self.assertEqual(len(self.server.requests), 2)

    def test_failed_fetches_are_told_and_tried_again(self):
        answers = {
            "it answered 401 invalid_client (a wrong secret)": None,
            "it answered 400 invalid_scope": (400, b"application/json",
                                              b'{"error":"invalid_scope"}'),
            "it answered 503": (503, b"text/html", b"<html>"),
            "it answered 302": (302, b"text/html", b""),
            "its answer is no JSON object": (200, b"text/html", b"<html>"),
            "its answer has no text 'access_token'": (200, b"application/json", b"{}"),
            "the response body is too large": (200, b"application/json",
                                               b'{"access_token":"' + b"a" * 5_000_000),
        }
        for why, answer in answers.items():
            with self.subTest(why):
                project = self.new_project(why, ONE_TRY)
                self.server.answer = answer
                wrong = {"client_secret": "another"} if answer is None else {}
                self.send(project, self.endpoint(project, **wrong))
                attempt = self.failed_attempt(project)
                self.assertEqual(
                    attempt["error"], f"no access token from {self.server.url}: {why}; check the "
                                      "endpoint's authentication.oauth2")
                self.assertNotIn("http_status", attempt)
                self.assertEqual(self.guarded.received("/a"), [])
        # Each attempt asks again, and the same policy says when.
        project = self.project("outgoing", strategy=TRIES)
        self.server.answer = answers["it answered 503"]
        self.send(project, self.endpoint(project, "/later"))
        host.wait_until(lambda: project.deliveries()[0]["metadata"]["num_trials"] >= 1, "a try")
        self.server.answer = None
        project.wait_for_deliveries(1)
        self.check_nothing_told(project)

    def test_a_slow_server_takes_half_of_the_time(self):
        project = self.project("outgoing", strategy=ONE_TRY)
        self.server.delay_s = 4
        begin = time.monotonic()
        self.send(project, self.endpoint(project, http_timeout=2))
        self.assertIn("timed out waiting for the response (1s)",
                      self.failed_attempt(project)["error"])
        self.assertLess(time.monotonic() - begin, 3.5)

    def test_the_guard_judges_the_servers_address(self):
        project = self.project("outgoing", strategy=ONE_TRY)
        for url in ("http://169.254.169.254/token", "http://10.0.0.1/token"):
            self.send(project, self.endpoint(project, url=url))
        for delivery in project.wait_for_deliveries(2, "Failure"):
            self.assertIn("the address is not allowed",
                          project.attempts(delivery["uid"])[0]["error"])


class ClientCertificateTest(HostCase):
    def receiver(self, version):
        process = subprocess.Popen(
            ["python3", TESTS / "unit" / "transport" / "tls_receiver.py",
             CERTIFICATES / "numeric.crt", CERTIFICATES / "numeric.key",
             CERTIFICATES / "clients.crt", version],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        return int(process.stdout.readline())

    def endpoint(self, project, name, port, client=None):
        fields = {"tls_ca_bundle": (CERTIFICATES / "authority.crt").read_text()}
        if client:
            fields["mtls_client_cert"] = {
                "client_cert": (CERTIFICATES / f"{client}.crt").read_text(),
                "client_key": (CERTIFICATES / f"{client}.key").read_text()}
        endpoint = project.endpoint(name, f"https://127.0.0.1:{port}/", **fields)
        project.subscribe(name, endpoint)
        return endpoint

    def attempt(self, project, endpoint, status):
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                       "data": {}})
        delivery = host.wait_until(
            lambda: next((d for d in project.deliveries(endpointId=endpoint["uid"])
                          if d["status"] in ("Success", "Failure")), None), "the delivery")
        self.assertEqual(delivery["status"], status)
        return project.attempts(delivery["uid"])[0]

    def test_each_endpoint_shows_its_own_certificate(self):
        for version in ("TLSv1_2", "TLSv1_3"):
            with self.subTest(version):
                project = host.Project(self.admin, version, "outgoing", strategy=ONE_TRY)
                port = self.receiver(version)
                one = self.endpoint(project, "one", port, "client_one")
                two = self.endpoint(project, "two", port, "client_two")
                none = self.endpoint(project, "none", port)
                foreign = self.endpoint(project, "foreign", port, "selfsigned")
                shown = self.attempt(project, one, "Success")
                self.assertEqual(shown["response_data"], "1 one 1")
                self.assertGreater(shown["timings_us"]["tls"], 0)
                self.assertEqual(self.attempt(project, two, "Success")["response_data"], "2 two 2")
                for endpoint in (none, foreign):
                    error = self.attempt(project, endpoint, "Failure")["error"]
                    print(f"{version} {endpoint['name']}: {error}")
                    self.assertIn("TLS", error)

    def test_an_expired_certificate_is_refused_when_it_is_set(self):
        project = self.project("outgoing")
        answer = project.send("POST", "/endpoints", {
            "name": "e", "url": "https://x.test/", "mtls_client_cert": {
                "client_cert": (CERTIFICATES / "client_expired.crt").read_text(),
                "client_key": (CERTIFICATES / "client_expired.key").read_text()}})
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.message, "invalid mTLS client certificate: mtls_client_cert:"
                                         "the certificate has expired")


class ProxyTest(unittest.TestCase):
    """The proxy that a flag names, and none that the environment names."""

    def deliver(self, *flags, **env):
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(host.Folder()) + "/convoy.db"
            key = host.bootstrap(database)
            inbox = host.Inbox()
            stack.callback(inbox.close)
            convoyd = host.Convoyd(database, *flags, env=env)
            stack.callback(convoyd.stop)
            admin = convoyd.client(key)
            stack.callback(admin.close)
            project = host.Project(admin, "p", "outgoing")
            endpoint = project.endpoint("e", inbox.url + "/a")
            project.subscribe("s", endpoint)
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})
            inbox.wait_for("/a", 1)
            return inbox.url

    def proxy(self):
        process = subprocess.Popen(["python3", TESTS / "unit" / "transport" / "http_proxy.py"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        port = int(process.stdout.readline())

        def said():
            process.stdin.close()
            process.kill()
            return process.stdout.read()
        return f"http://127.0.0.1:{port}", said

    def test_a_flag_names_the_proxy(self):
        proxy, said = self.proxy()
        url = self.deliver("--delivery-proxy", proxy, http_proxy="http://127.0.0.1:1")
        self.assertEqual(said(), f"POST {url}/a HTTP/1.1\n")

    def test_the_environment_names_none(self):
        proxy, said = self.proxy()
        self.deliver(http_proxy=proxy, HTTP_PROXY=proxy, HTTPS_PROXY=proxy, ALL_PROXY=proxy,
                     all_proxy=proxy)
        self.assertEqual(said(), "")


if __name__ == "__main__":
    unittest.main()
