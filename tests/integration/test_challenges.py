"""Handshakes of providers, end to end through the ingest link: one row for each rule. What a row asks
must be answered as the provider expects, and must leave no event behind."""
import base64
import hashlib
import hmac
import json
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from case import HostCase
import host

SECRET = "the shared secret"


def hex_mac(message, key=SECRET, digest="sha256"):
    key = key if isinstance(key, bytes) else key.encode()
    return hmac.new(key, message if isinstance(message, bytes) else message.encode(),
                    digest).hexdigest()


def base64_mac(message, key=SECRET, digest="sha256"):
    return base64.b64encode(bytes.fromhex(hex_mac(message, key, digest))).decode()


KEYS = host.ROOT / "tests" / "vectors" / "crypto"


def ed25519():
    """The key of the vectors, used by the openssl command: (public key as hex, sign)."""
    public = subprocess.run(["openssl", "pkey", "-pubin", "-in", KEYS / "ed25519_public.pem",
                             "-outform", "DER"], check=True, capture_output=True).stdout[-32:].hex()

    def sign(message):
        with tempfile.NamedTemporaryFile() as file:
            file.write(message)
            file.flush()
            return subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", KEYS / "ed25519_private.pem",
                 "-in", file.name], check=True, capture_output=True).stdout.hex()
    return public, sign


def seconds():
    return str(int(time.time()))


class Row:
    """One rule. `headers` may be a function of the body: signatures are made when they are sent."""

    def __init__(self, rule, preset, method, query="", body=b"", headers=None, config=None,
                 secrets=(SECRET,), behind="", status=200, answer=b"", answer_type=None,
                 answer_headers=None):
        self.rule, self.preset, self.method, self.query = rule, preset, method, query
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers, self.config, self.secrets = headers or {}, config or {}, list(secrets)
        self.behind, self.status, self.answer_type = behind, status, answer_type
        self.answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.is_json = not isinstance(answer, bytes)
        self.answer_headers = answer_headers or {}

    def sent_headers(self):
        return self.headers(self.body) if callable(self.headers) else self.headers


def slack(body, secret=SECRET):
    now = seconds()
    return {"X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": "v0=" + hex_mac(b"v0:" + now.encode() + b":" + body, secret)}


def zoom(body, secret=SECRET):
    now = seconds()
    return {"x-zm-request-timestamp": now,
            "x-zm-signature": "v0=" + hex_mac(b"v0:" + now.encode() + b":" + body, secret)}


def twitch(body, secret=SECRET):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"Twitch-Eventsub-Message-Type": "webhook_callback_verification",
            "Twitch-Eventsub-Message-Id": "id-1", "Twitch-Eventsub-Message-Timestamp": now,
            "Twitch-Eventsub-Message-Signature":
                "sha256=" + hex_mac(b"id-1" + now.encode() + body, secret)}


def front(body, secret=SECRET):
    now = str(int(time.time() * 1000))
    return {"X-Front-Challenge": "asked", "X-Front-Request-Timestamp": now,
            "X-Front-Signature": base64_mac(now.encode() + b":" + body, secret)}


def tebex(body, secret=SECRET):
    return {"X-Signature": hex_mac(hashlib.sha256(body).hexdigest(), secret)}


def xero(body, secret=SECRET):
    return {"x-xero-signature": base64_mac(body, secret)}


HEX = "0123456789abcdef01234567"
UUID = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
INTENT = {"events": [], "lastEventSequence": 0, "firstEventSequence": 0, "entropy": "S0m3r4Nd0mt3xt"}
ZOOM = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}
TEBEX = {"id": "0a1b", "type": "validation.webhook", "date": "2024-01-01", "subject": {}}
FASTLY = "/.well-known/fastly/logging/challenge"
META = "hub.mode=subscribe&hub.verify_token=vt&hub.challenge=1158201444"

ROWS = [
    Row("Braintree: the challenge's MAC behind the public key", "braintree", "GET",
        query="bt_challenge=" + HEX, config={"public_key": "pub"},
        answer=b"pub|" + hex_mac(HEX, hashlib.sha1(SECRET.encode()).digest(), "sha1").encode(),
        answer_type="text/plain"),
    Row("Xero: intent to receive, rightly signed", "xero", "POST", body=INTENT, headers=xero),
    Row("Xero: intent to receive, wrongly signed", "xero", "POST", body=INTENT,
        headers=lambda body: xero(body, "other"), status=401, answer=None),
    Row("WooCommerce: the unsigned form on creation", "woocommerce", "POST", body=b"webhook_id=12",
        headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Row("Tebex: its id comes back", "tebex", "POST", body=TEBEX, headers=tebex,
        answer={"id": "0a1b"}, answer_type="application/json"),
    Row("Fastly: any service", "fastly", "GET", behind=FASTLY, secrets=(), answer=b"*\n"),
    Row("Fastly: one service", "fastly", "GET", behind=FASTLY, secrets=(),
        config={"service_id": "SU1Z0isxPaozGVKXdv0eY"},
        answer=hashlib.sha256(b"SU1Z0isxPaozGVKXdv0eY").hexdigest().encode() + b"\n"),
    Row("Okta: the header within JSON", "okta", "GET",
        headers={"x-okta-verification-challenge": "ask\"ed"}, answer={"verification": "ask\"ed"},
        answer_type="application/json"),
    Row("Slack: url_verification", "slack", "POST", headers=slack,
        body={"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9C"},
        answer=b"3eZbrw1aBm2rZgRNFdxV2595E9C", answer_type="text/plain"),
    Row("Meta: the right token", "meta", "GET", query=META, config={"verify_token": "vt"},
        answer=b"1158201444", answer_type="text/plain"),
    Row("Meta: a wrong token", "meta", "GET", query=META, config={"verify_token": "other"},
        status=403),
    Row("X: the token's MAC", "x", "GET", query="crc_token=abc-1",
        answer={"response_token": "sha256=" + base64_mac("abc-1")}, answer_type="application/json"),
    Row("Zoom: the plain token's MAC", "zoom", "POST", body=ZOOM, headers=zoom,
        answer={"plainToken": ZOOM["payload"]["plainToken"],
                "encryptedToken": hex_mac(ZOOM["payload"]["plainToken"])},
        answer_type="application/json"),
    Row("Twitch: the challenge of the body", "twitch", "POST", headers=twitch,
        body={"challenge": "pogchamp-kappa-360noscope-vohiyo"},
        answer=b"pogchamp-kappa-360noscope-vohiyo", answer_type="text/plain"),
    Row("Strava: the challenge within JSON", "strava", "GET", query=META, secrets=(),
        config={"verify_token": "vt"}, answer={"hub.challenge": "1158201444"},
        answer_type="application/json"),
    Row("Microsoft Graph: the token, decoded", "ms_graph", "POST",
        query="validationToken=Validation%3A+Testing+client+application",
        answer=b"Validation: Testing client application", answer_type="text/plain"),
    Row("CloudEvents: may this origin send?", "cloudevents", "OPTIONS",
        headers={"WebHook-Request-Origin": "eventemitter.example.com"},
        answer_headers={"WebHook-Allowed-Origin": "eventemitter.example.com",
                        "WebHook-Allowed-Rate": "*", "Allow": "POST"}),
    Row("Mandrill: the URL's check", "mandrill", "HEAD"),
    Row("Mandrill: a test without events, signed with the key of tests", "mandrill", "POST",
        body=b"mandrill_events=%5B%5D",
        headers={"Content-Type": "application/x-www-form-urlencoded", "X-Mandrill-Signature": "x"}),
    Row("Intercom: the URL's check", "intercom", "HEAD"),
    Row("Mailchimp: the URL's check", "mailchimp", "GET", query="secret=the%20shared%20secret"),
    Row("Event Grid: the code of the body", "azure_event_grid", "POST",
        query="code=the%20shared%20secret", headers={"aeg-event-type": "SubscriptionValidation"},
        body=[{"id": "1", "data": {"validationCode": "512d38b6"}}],
        answer={"validationResponse": "512d38b6"}, answer_type="application/json"),
    Row("Bitbucket Data Center: the unsigned connection test", "bitbucket_server", "POST",
        body={"test": True}, headers={"X-Event-Key": "diagnostics:ping"}, answer={},
        answer_type="application/json"),
    Row("LinkedIn: the challenge's MAC", "linkedin", "GET", query="challengeCode=" + UUID,
        answer={"challengeCode": UUID, "challengeResponse": hex_mac(UUID)},
        answer_type="application/json"),
    Row("Smartcar: the challenge's MAC", "smartcar", "POST",
        body={"eventType": "VERIFY", "data": {"challenge": UUID}},
        answer={"challenge": hex_mac(UUID)}, answer_type="application/json"),
    Row("Slack: the check of a command's certificate", "slack", "POST", body=b"ssl_check=1&token=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Row("Slack: the same as a GET", "slack", "GET", query="ssl_check=1&token=x"),
    Row("SharePoint: the token, decoded", "ms_graph", "POST", query="validationtoken=a%20b",
        answer=b"a b", answer_type="text/plain"),
    Row("Trello: the URL's check", "trello", "HEAD"),
    Row("Dropbox: the challenge", "dropbox", "GET", query="challenge=a%20b", answer=b"a b",
        answer_type="text/plain", answer_headers={"X-Content-Type-Options": "nosniff"}),
    Row("Nylas: the challenge", "nylas", "GET", query="challenge=abc", answer=b"abc",
        answer_type="text/plain"),
    Row("monday.com: the challenge within JSON", "monday", "POST", body={"challenge": "3eZb\u00e9"},
        answer={"challenge": "3eZb\u00e9"}, answer_type="application/json"),
    Row("Smartsheet: the header comes back", "smartsheet", "POST", body={},
        headers={"Smartsheet-Hook-Challenge": "0ab5"}, answer={"smartsheetHookResponse": "0ab5"},
        answer_headers={"Smartsheet-Hook-Response": "0ab5"}),
    Row("Adobe Sign: the client id comes back", "adobe_sign", "GET",
        headers={"X-AdobeSign-ClientId": SECRET}, answer_headers={"X-AdobeSign-ClientId": SECRET}),
    Row("Oura: the challenge within JSON", "oura", "GET", query="verification_token=vt&challenge=a%20b",
        config={"verification_token": "vt"}, answer={"challenge": "a b"},
        answer_type="application/json"),
    Row("RingCentral: the token comes back", "ringcentral", "POST",
        headers={"Validation-Token": "5f2c"}, answer_headers={"Validation-Token": "5f2c"}),
    Row("Statsig: the code within JSON", "statsig", "POST",
        body={"event": "url_verification", "verification_code": "v1"},
        answer={"verification_code": "v1"}, answer_type="application/json"),
    Row("Front: the header within JSON", "front", "POST", body={"type": "sync"}, headers=front,
        answer={"challenge": "asked"}, answer_type="application/json"),
]


class ChallengeTest(HostCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.project_in = host.Project(cls.admin, "challenges", "incoming")

    def source(self, preset, secrets, config):
        verifier = {"type": "preset",
                    "preset": {"name": preset, "secrets": list(secrets), "config": config}}
        made = self.project_in.source(f"{self.id()} {time.monotonic_ns()}", verifier)
        return made["uid"], "/ingest/" + made["mask_id"]

    def send(self, link, row, headers=None):
        target = link + row.behind + ("?" + row.query if row.query else "")
        sent = row.sent_headers() if headers is None else headers
        return self.admin.with_key(None).send(row.method, target, row.body or None, sent)

    def events_of(self, source):
        return self.project_in.client.pages(self.project_in.path + "/events", sourceId=source)

    def test_each_rule_is_answered_and_leaves_no_event(self):
        for row in ROWS:
            with self.subTest(row.rule):
                source, link = self.source(row.preset, row.secrets, row.config)
                answer = self.send(link, row)
                self.assertEqual(answer.status, row.status, answer)
                if row.is_json and row.status == 200:
                    self.assertEqual(answer.json, json.loads(row.answer))
                elif row.status == 200:
                    self.assertEqual(answer.body, row.answer)
                if row.answer_type:
                    self.assertEqual(answer.headers["Content-Type"], row.answer_type)
                for name, value in row.answer_headers.items():
                    self.assertEqual(answer.headers[name], value)
                self.assertEqual(self.events_of(source), [])

    def test_a_handshake_that_must_be_signed_is_refused_unsigned(self):
        wrong = {"slack": slack, "zoom": zoom, "twitch": twitch, "front": front, "tebex": tebex,
                 "xero": xero}
        rows = [row for row in ROWS
                if row.preset in wrong and row.status == 200 and callable(row.headers)]
        self.assertEqual(len(rows), len(wrong))
        for row in rows:
            with self.subTest(row.rule):
                source, link = self.source(row.preset, row.secrets, row.config)
                for headers in ({}, wrong[row.preset](row.body, "another secret")):
                    answer = self.send(link, row, headers)
                    self.assertEqual(answer.status, 401 if row.preset == "xero" else 400, answer)
                self.assertEqual(self.events_of(source), [])

    def test_discord_pings_and_probes(self):
        """Rules: PING of interactions and of webhook events, and the probe with a wrong signature."""
        key, sign = ed25519()
        for kind, status, body in ((1, 200, b'{"type":1}'), (0, 204, b"")):
            source, link = self.source("discord", [key], {})
            ping = json.dumps({"type": kind}).encode()
            now = seconds()
            headers = {"X-Signature-Timestamp": now,
                       "X-Signature-Ed25519": sign(now.encode() + ping)}
            answer = self.admin.with_key(None).send("POST", link, ping, headers)
            self.assertEqual((answer.status, answer.body), (status, body))
            headers["X-Signature-Ed25519"] = sign(now.encode() + b"something else")
            answer = self.admin.with_key(None).send("POST", link, ping, headers)
            self.assertEqual(answer.status, 401)
            self.assertEqual(self.events_of(source), [])

    def test_ebay_hashes_the_challenge_with_the_endpoint(self):
        source, link = self.source("ebay", [(KEYS / "p256_public.pem").read_text()], {"verification_token": "tok"})
        url = "http://" + self.convoyd.address + link
        expected = hashlib.sha256(f"a8b9tok{url}".encode()).hexdigest()
        answer = self.admin.with_key(None).send("GET", link + "?challenge_code=a8b9")
        self.assertEqual((answer.status, answer.json), (200, {"challengeResponse": expected}))
        self.assertEqual(self.events_of(source), [])

    def test_asana_and_notion_hand_over_their_secret_once(self):
        """Rules: Asana's X-Hook-Secret, Notion's verification_token. Kept, used, never replaced."""
        plain = self.admin.with_key(None)
        for preset, header in (("asana", "X-Hook-Signature"), ("notion", "X-Notion-Signature")):
            with self.subTest(preset):
                source, link = self.source(preset, [], {})
                event = b'{"events":[1]}'
                signed = {header: ("" if preset == "asana" else "sha256=") + hex_mac(event, "given")}
                self.assertEqual(plain.send("POST", link, event, signed).status, 400)

                def hand_over(secret):
                    if preset == "asana":
                        return plain.send("POST", link, b"{}", {"X-Hook-Secret": secret})
                    return plain.send("POST", link, {"verification_token": secret})

                answer = hand_over("given")
                self.assertEqual(answer.status, 200, answer)
                if preset == "asana":
                    self.assertEqual(answer.headers["X-Hook-Secret"], "given")
                self.assertEqual(hand_over("stolen").status, 400)
                self.assertEqual(plain.send("POST", link, event, signed).status, 200)
                self.assertEqual(len(self.events_of(source)), 1)

    def test_what_is_no_handshake_is_not_answered_as_one(self):
        plain = self.admin.with_key(None)
        for preset, config, target in (("dropbox", {}, ""), ("x", {}, "?crc_token="),
                                       ("x", {}, "?crc_token=a&crc_token=b"),
                                       ("strava", {"verify_token": "vt"}, "?hub.verify_token=no"),
                                       ("fastly", {}, ""), ("github", {}, "?challenge=a"),
                                       ("braintree", {"public_key": "p"},
                                        "?bt_challenge=" + base64.b64encode(b"<xml/>").decode())):
            with self.subTest(preset + target):
                secrets = [] if preset in ("strava", "fastly") else [SECRET]
                _, link = self.source(preset, secrets, config)
                self.assertEqual(plain.send("GET", link + target).status, 405)
        _, link = self.source("dropbox", [SECRET], {})
        self.assertEqual(plain.send("GET", link + FASTLY + "?challenge=a").status, 404)
        self.assertEqual(plain.send("POST", link + "/.well-known/x", b"{}").status, 404)
        self.assertEqual(plain.send("POST", link + "/more", b"{}").status, 404)
        long = urllib.parse.quote("x" * 5000)
        self.assertIn(plain.send("GET", link + "?challenge=" + long).status, (405, 414, 431))


if __name__ == "__main__":
    unittest.main()
