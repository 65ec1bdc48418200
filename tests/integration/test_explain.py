"""`convoyd verify --explain` and POST …/sources/{id}/verify: classic mistakes, each of which must be
named, and never a secret in what is said. Signatures are made by Python's hmac."""
import base64
import gzip
import hashlib
import hmac
import json
import subprocess
import time
import unittest
import urllib.parse

import host
from case import HostCase

NOW = 1_700_000_000
SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # also base64 of 24 bytes
KEY_HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
BODY = b'{"id":"evt_1","amount":10.50,"url":"https://a.example/x","name":"caf\xc3\xa9"}'
JSON = json.loads(BODY)
URL = "https://hooks.example.com/ingest/abc?kind=sms"
FORM = b"To=%2B1555&From=%2B1666&Body=a+b"
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def mac(key, message, digest="sha256"):
    key = key.encode() if isinstance(key, str) else key
    message = message.encode() if isinstance(message, str) else message
    return hmac.new(key, message, digest).digest()


def github(key=SECRET, body=BODY, prefix="sha256=", digest="sha256", name="X-Hub-Signature-256"):
    return {name: prefix + mac(key, body, digest).hex()}


def shopify(key=SECRET, body=BODY):
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(mac(key, body)).decode()}


def stripe(key=SECRET, body=BODY, at=NOW):
    return {"Stripe-Signature": f"t={at},v1={mac(key, b'%d.%s' % (at, body)).hex()}"}


def slack(key=SECRET, body=BODY, at=NOW, stamp=None):
    return {"X-Slack-Request-Timestamp": stamp or str(at),
            "X-Slack-Signature": "v0=" + mac(key, b"v0:%d:%s" % (at, body)).hex()}


def standard(key, body=BODY, at=NOW):
    text = b"msg_1.%d.%s" % (at, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at),
            "webhook-signature": "v1," + base64.b64encode(mac(key, text)).decode()}


def twilio(url, key=SECRET, form=FORM):
    fields = sorted(urllib.parse.parse_qsl(form.decode()))
    text = url + "".join(name + value for name, value in fields)
    return {"X-Twilio-Signature": base64.b64encode(mac(key, text, "sha1")).decode(), **FORM_TYPE}


def square(url, body=BODY):
    return {"x-square-hmacsha256-signature": base64.b64encode(mac(SECRET, url.encode() + body)).decode()}


def hubspot(method, url):
    stamp = str(NOW * 1000)
    text = f"{method}{url}".encode() + BODY + stamp.encode()
    return {"X-HubSpot-Signature-v3": base64.b64encode(mac(SECRET, text)).decode(),
            "X-HubSpot-Request-Timestamp": stamp}


def token(secret=SECRET, algorithm="HS256", prefix=""):
    def part(value):
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(text).decode().rstrip("=")
    claims = {"iss": "Upstash", "exp": NOW + 60, "body": part(hashlib.sha256(BODY).digest())}
    signed = part({"alg": algorithm}) + "." + part(claims)
    return {"Upstash-Signature": f"{prefix}{signed}." + part(
        mac(secret, signed, "sha" + algorithm[2:]))}


def basic(pair):
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def row(code, preset, headers, secret=SECRET, body=BODY, url=URL, now=NOW, config=(), scheme="",
        method="POST", twice=None):
    return {"code": code, "preset": preset, "headers": headers, "secret": secret, "body": body,
            "url": url, "now": now, "config": dict(config), "scheme": scheme, "method": method,
            "twice": twice}


DECODED = base64.b64decode(SECRET)
BROKEN = base64.b64encode(mac("+?", BODY)).decode()
ROWS = [
    # The secret.
    row("secret_quoted", "github", github(), secret=f'"{SECRET}"'),
    row("secret_quoted", "shopify", shopify(), secret=f"'{SECRET}'"),
    row("secret_prefix", "github", github(), secret=f"Bearer {SECRET}"),
    row("secret_prefix", "github", github(), secret=f"GITHUB_SECRET={SECRET}"),
    row("secret_prefix", "stripe", stripe("whsec_" + SECRET), secret=SECRET),
    row("secret_prefix", "github", github(), secret="whsec_" + SECRET),
    row("secret_not_decoded", "standard_webhooks", standard(SECRET)),
    row("secret_base64", "github", github(DECODED)),
    row("secret_base64", "stripe", stripe(DECODED), secret="whsec_" + SECRET),
    row("secret_hex", "github", github(bytes.fromhex(KEY_HEX)), secret=KEY_HEX),
    row("secret_encoded", "github", github(base64.b64encode(b"plain secret")), secret="plain secret"),
    row("secret_case", "github", github(KEY_HEX), secret=KEY_HEX.upper()),
    row("secret_percent", "github", github("a+b/c="), secret="a%2Bb%2Fc%3D"),
    row("secret_newline", "github", github(SECRET + "\n")),
    row("secret_quoted", "github", github(), secret=f'"{SECRET}",'),
    row("secret_quoted", "github", github(), secret=f"`{SECRET}`"),
    row("secret_quoted", "github", github(), secret=f"<{SECRET}>"),
    row("secret_quoted", "github", github(), secret=SECRET + "\\n"),
    row("secret_prefix", "github", github(), secret=f"export SECRET='{SECRET}'"),
    row("secret_html", "github", github("a&b<c"), secret="a&amp;b&lt;c"),
    row("secret_twice", "github", github(), secret=SECRET * 2),
    row("secret_base64", "github", github(b"\xfb\xff\xfe" * 8), secret="-__-" * 8),
    row("secret_charset", "github", github("caf\u00e9".encode("latin-1")), secret="caf\u00e9"),
    row("secret_swapped", "github", github(BODY, SECRET.encode())),
    row("secret_swapped", "postmark", basic("password:user"), secret="user:password"),
    row("secret_percent", "postmark", basic("user:p@ss"), secret="user:p%40ss"),
    row("secret_or_body", "postmark", basic("user:another"), secret="user:password"),
    row("test_secret", "mandrill", {
        "X-Mandrill-Signature": base64.b64encode(mac("test-webhook", URL + "a1", "sha1")).decode(),
        **FORM_TYPE}, body=b"a=1"),
    row("test_secret", "zendesk", {
        "X-Zendesk-Webhook-Signature-Timestamp": "2023-11-14T22:13:20Z",
        "X-Zendesk-Webhook-Signature": base64.b64encode(mac(
            "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
            b"2023-11-14T22:13:20Z" + BODY)).decode()}),
    row("secret_or_body", "github", github("another secret")),
    # The body.
    row("body_newline_added", "github", github(), body=BODY + b"\n"),
    row("body_newline_removed", "github", github(body=BODY + b"\r\n")),
    row("body_line_ends", "github", github(body=b"{\r\n}\r\n"), body=b"{\n}\n"),
    row("body_byte_order_mark", "github", github(body=b"\xef\xbb\xbf" + BODY)),
    row("body_unpacked", "github", {**github(), "Content-Encoding": "gzip"},
        body=gzip.compress(BODY)),
    row("body_rewritten", "github", github(), body=json.dumps(JSON).replace(
        "10.5,", "10.50,").encode()),
    row("body_rewritten", "stripe", stripe(), body=json.dumps(
        JSON, indent=2, ensure_ascii=False).replace("10.5,", "10.50,").encode()),
    row("body_rewritten", "shopify", shopify(body=BODY.replace(b"/", b"\\/"))),
    row("body_rewritten", "slack", slack(body=BODY.replace(b"\xc3\xa9", b"\\u00e9"))),
    row("body_empty", "github", github(body=b""), body=b"{}"),
    row("body_base64", "github", github(), body=base64.b64encode(BODY)),
    row("body_double_encoded", "github", github(), body=json.dumps(BODY.decode()).encode()),
    row("body_form_spaces", "slack", slack(body=b"text=a+b"), body=b"text=a%20b"),
    row("body_charset", "github", github(body="é".encode()), body=b"\xe9"),
    row("body_charset", "github", github(), body=BODY.decode("latin-1").encode()),
    row("body_newline_added", "github", github(), body=BODY + b"\0"),
    row("body_unpacked", "github", github(), body=gzip.compress(BODY)),
    row("body_unpacked", "github", {**github(body=gzip.compress(BODY)), "Content-Encoding": "gzip"}),
    row("body_wrapped", "github", github(), body=json.dumps(
        {"httpMethod": "POST", "body": BODY.decode(), "isBase64Encoded": False}).encode()),
    row("body_wrapped", "github", github(), body=json.dumps(
        {"body": base64.b64encode(BODY).decode(), "isBase64Encoded": True}).encode()),
    row("body_html", "github", github(body=b'{"a":"<b>"}'), body=b"{&quot;a&quot;:&quot;&lt;b&gt;&quot;}"),
    row("body_rewritten", "github", github(), body=json.dumps(
        JSON, indent="\t", ensure_ascii=False).replace("10.5,", "10.50,").encode()),
    row("body_rewritten", "slack", slack(body=b"a=x%2Fb+c&b=%2B"), body=b"a=x%2fb+c&b=%2b"),
    row("body_rewritten", "slack", slack(body=b"a=x%2Fb+c&b=%2B"), body=b"a=x/b c&b=+"),
    row("body_form_json", "slack", slack(body=b"a=x+b&user=u"), body=b'{"a":"x b","user":"u"}'),
    row("body_form_json", "github", github(body=b"payload=" + urllib.parse.quote_plus(BODY).encode())),
    # The URL.
    row("url_scheme", "twilio", twilio(URL), body=FORM, url=URL.replace("https", "http")),
    row("url_scheme", "square", square(URL), url=URL.replace("https", "http")),
    row("url_port", "square", square(URL.replace(".com/", ".com:443/"))),
    row("url_trailing_slash", "square", square("https://a.example/x/"), url="https://a.example/x"),
    row("url_query", "square", square(URL.partition("?")[0])),
    row("url_host", "twilio", {**twilio(URL), "Host": "hooks.example.com"}, body=FORM,
        url=URL.replace("hooks.example.com", "10.0.0.7:5005")),
    row("url_path", "square", {**square("https://hooks.example.com/hooks/in"),
                               "X-Original-URI": "/hooks/in"}),
    row("url_port", "square", {**square(URL.replace(".com/", ".com:9443/")), "X-Forwarded-Port": "9443"}),
    row("url_query", "square", square(URL + "&b=1"), url=URL.replace("?", "?b=1&")),
    row("url_escapes", "square", square("https://a.example/x?q=a+b"), url="https://a.example/x?q=a%20b"),
    row("url_escapes", "square", square("https://a.example/x?q=%2f"), url="https://a.example/x?q=%2F"),
    row("url_host", "square", {**square("https://a.example/ingest/abc?kind=sms"), "Forwarded":
                               'for=192.0.2.1;host="a.example";proto=https'}, url=URL.replace("https", "http")),
    row("url_host", "square", square(URL.replace("://", "://www."))),
    row("url_path", "square", square(URL.replace("/ingest", "//ingest"))),
    row("method", "hubspot", hubspot("PUT", URL)),
    row("url_userinfo", "square", square(URL), url=URL.replace("://", "://u:p@")),
    # The signature and its place.
    row("not_signed", "github", {}),
    row("header_renamed", "github", github(name="X_Hub_Signature_256")),
    row("header_renamed", "slack", {"Slack-Signature": "v0=ab", "X-Slack-Request-Timestamp": "1"}),
    row("header_twice", "github", github(), twice="X-Hub-Signature-256"),
    row("signature_empty", "github", {"X-Hub-Signature-256": ""}),
    row("wrong_provider", "github", stripe("another secret")),
    row("other_preset", "github", shopify()),
    row("other_scheme", "github", github(prefix="sha1=", digest="sha1", name="X-Hub-Signature")),
    row("prefix_missing", "github", github(prefix="")),
    row("signature_algorithm", "github", github(prefix="sha1=", digest="sha1")),
    row("signature_encoding", "github", {
        "X-Hub-Signature-256": "sha256=" + base64.b64encode(mac(SECRET, BODY)).decode()}),
    row("signature_encoding", "shopify", {"X-Shopify-Hmac-Sha256": mac(SECRET, BODY).hex()}),
    row("signature_mangled", "shopify", {
        "X-Shopify-Hmac-Sha256": urllib.parse.quote(shopify()["X-Shopify-Hmac-Sha256"], safe="")}),
    row("signature_mangled", "shopify", {"X-Shopify-Hmac-Sha256": '"%s"' % shopify()[
        "X-Shopify-Hmac-Sha256"]}),
    row("signature_mangled", "github", github(prefix="SHA256=")),
    row("signature_mangled", "github", github(prefix="sha256= ")),
    row("signature_encoding", "github", {"X-Hub-Signature-256": "sha256=" + github(
        prefix="")["X-Hub-Signature-256"].encode().hex()}),
    row("signature_encoding", "shopify", {"X-Shopify-Hmac-Sha256": base64.b64encode(
        mac(SECRET, BODY).hex().encode()).decode()}),
    row("signature_encoding", "postmark", {"Authorization": "Basic user:password"},
        secret="user:password"),
    row("signature_algorithm", "github", {"X-Hub-Signature-256": "sha256=" + hashlib.sha256(
        SECRET.encode() + BODY).hexdigest()}),
    row("signature_algorithm", "upstash_qstash", token(algorithm="HS512")),
    row("prefix_unexpected", "upstash_qstash", token(prefix="Bearer ")),
    row("secret_newline", "upstash_qstash", token(SECRET + "\n")),
    row("header_twice", "github", {"X-Hub-Signature-256": ", ".join(
        [github()["X-Hub-Signature-256"]] * 2)}),
    row("prefix_unexpected", "gitlab", {"X-Gitlab-Token": f"Bearer {SECRET}"}),
    row("header_renamed", "gitlab", {"Authorization": SECRET}),
    row("header_renamed", "github", {"X-Signature": github()["X-Hub-Signature-256"]}),
    row("header_missing", "standard_webhooks", {
        name: value for name, value in standard(DECODED).items() if name != "webhook-id"}),
    row("message", "stripe", {"Stripe-Signature": f"t={NOW},v1={mac(SECRET, BODY).hex()}"}),
    row("timestamp_unit", "stripe", stripe(at=NOW * 1000)),
    # The clock, and values beside the signature.
    row("clock", "stripe", stripe(), now=NOW + 3600),
    row("clock", "slack", slack(), now=NOW - 7200),
    row("timestamp_unit", "slack", slack(stamp=str(NOW * 1000))),
    row("timestamp_missing", "slack", {"X-Slack-Signature": slack()["X-Slack-Signature"]}),
    row("configuration", "standard_webhooks", standard(SECRET), secret="whsec_no base64!"),
    row("handshake", "linkedin", {}, method="GET", body=b"",
        url="https://a.example/x?challengeCode=890e4665-4dfe-4ab1-b689-ed553bceeed0"),
]


def judge(case):
    command = [host.binary(), "verify", "--explain", "--preset", case["preset"], "--secret",
               case["secret"], "--url", case["url"], "--now", str(case["now"]), "--method",
               case["method"]]
    for name, value in case["headers"].items():
        command += ["--header", f"{name}: {value}"]
    if case["twice"]:
        command += ["--header", f"{case['twice']}: {case['headers'][case['twice']]}"]
    done = subprocess.run(command, input=case["body"], capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class ExplainTest(HostCase):
    def test_classic_mistakes_are_named(self):
        wrong = []
        for case in ROWS:
            code, text, errors = judge(case)
            self.assertEqual(code, 1, (case["code"], text, errors))
            explained = json.loads(text)
            self.assertFalse(explained["accepted"])
            causes = [cause["code"] for cause in explained["causes"]]
            if causes[:1] != [case["code"]]:
                wrong.append((case["preset"], case["code"], causes, explained["reason"]))
            for cause in explained["causes"]:
                self.assertTrue(cause["text"])
        print(f"{len(ROWS)} mistakes, {len(ROWS) - len(wrong)} named exactly; others: {wrong}")
        self.assertGreaterEqual(len(ROWS), 50)
        self.assertGreaterEqual(1 - len(wrong) / len(ROWS), 0.95, wrong)

    def test_no_explanation_holds_a_secret_or_an_expected_signature(self):
        for case in ROWS:
            _, text, _ = judge(case)
            secret = case["secret"].strip("\"'")
            for form in (secret, base64.b64encode(secret.encode()).decode(), secret.encode().hex(),
                         base64.b64encode(mac(secret, case["body"])).decode(),
                         mac(secret, case["body"]).hex(), mac(secret, case["body"], "sha1").hex()):
                self.assertNotIn(form, text, case["code"])

    def test_what_is_right_has_no_causes(self):
        for preset, headers in (("github", github()), ("stripe", stripe()), ("slack", slack()),
                                ("shopify", shopify()), ("square", square(URL))):
            code, text, _ = judge(row("", preset, headers))
            explained = json.loads(text)
            self.assertEqual((code, explained["accepted"], explained["causes"]), (0, True, []))
            steps = explained["schemes"][0]["steps"]
            self.assertIn("message", [step["what"] for step in steps])

    def test_a_source_is_tried_before_it_is_live(self):
        project = self.project("incoming")
        source = project.source("s", {"type": "preset", "preset": {"name": "github",
                                                                   "secrets": [SECRET]}})
        path = f"/sources/{source['uid']}/verify"
        good = project.ok("POST", path, {"headers": github(), "body": BODY.decode()})
        self.assertTrue(good["accepted"])
        bad = project.ok("POST", path, {
            "headers": github(), "body_base64": base64.b64encode(BODY + b"\n").decode()})
        self.assertEqual(bad["causes"][0]["code"], "body_newline_added")
        own = project.source("own", {"type": "hmac", "hmac": {
            "header": "X-Own", "hash": "SHA256", "encoding": "hex", "secret": SECRET}})
        bad = project.ok("POST", f"/sources/{own['uid']}/verify", {
            "headers": {"X-Other": mac(SECRET, BODY).hex()}, "body": BODY.decode()})
        self.assertEqual(bad["causes"][0]["code"], "header_renamed")
        self.assertEqual(project.events(), [])
        for fields, word in (({"body_base64": "!"}, "body_base64"), ({"url": "x"}, "url"),
                             ({"headers": {"a": 1}}, "headers"),
                             ({"received_at": "yesterday"}, "received_at"),
                             ({"held_input_id": "nothing"}, "")):
            answer = project.send("POST", path, fields)
            self.assertIn(answer.status, (400, 404))
            self.assertIn(word, answer.message)

    def test_a_quarantined_request_explains_itself(self):
        project = self.project("incoming")
        source = project.source("s", {"type": "preset", "preset": {
            "name": "stripe", "secrets": [SECRET.lower()]}}, verify_mode="quarantine")
        now = int(time.time())
        self.assertEqual(project.ingest(source, BODY, stripe(at=now)).status, 400)
        held = project.client.pages(project.path + "/held-inputs")[0]
        said = project.ok("POST", f"/sources/{source['uid']}/verify",
                          {"held_input_id": held["uid"]})
        self.assertEqual(said["reason"], "signature_mismatch")
        self.assertNotIn(SECRET.lower(), json.dumps(said))
        project.ok("PUT", f"/sources/{source['uid']}", {"name": "s", "type": "http", "verifier": {
            "type": "preset", "preset": {"name": "stripe", "secrets": [SECRET]}}})
        said = project.ok("POST", f"/sources/{source['uid']}/verify",
                          {"held_input_id": held["uid"]})
        self.assertTrue(said["accepted"])


if __name__ == "__main__":
    unittest.main()
