"""Requests as providers really send them: what is genuine gets in, what is refused says why."""
import base64
import gzip
import hmac
import json
import time
import unittest
import urllib.parse
import zlib

import host
from case import HostCase

SECRET = "the shared secret"
BOM = b"\xef\xbb\xbf"
# {"id":"e1","kind":"a","t":1} as PyPI's brotli has it.
BROTLI = base64.b64decode("iw2AeyJpZCI6ImUxIiwia2luZCI6ImEiLCJ0IjoxfQM=")


def mac(message, digest="sha256"):
    return hmac.new(SECRET.encode(), message, digest).hexdigest()


def bare_deflate(data):
    pack = zlib.compressobj(6, zlib.DEFLATED, -15)
    return pack.compress(data) + pack.flush()


# Bodies with {"id": "e1", "kind": "a"} that a strict reader of the whole refuses: name, bytes, headers.
def bodies():
    plain = b'{"id":"e1","kind":"a"%s}'
    deep = b"[" * 20_000 + b"]" * 20_000
    yield "byte order mark", BOM + plain % b"", {}
    yield "half a surrogate pair", plain % b',"t":"\\ud83d"', {}
    yield "other half in a name", plain % b',"\\udc00":1', {}
    yield "not UTF-8", plain % b',"t":"\xff\xfe"', {}
    yield "control character", plain % b',"t":"a\tb"', {}
    yield "an escape that is none", plain % b',"t":"\\x41"', {}
    yield "deep", plain % (b',"t":' + deep), {}
    yield "many values", plain % (b',"t":[' + b"0," * 600_000 + b"0]"), {}
    yield "a name twice", plain % b',"t":1,"t":2', {}
    yield "a large number", plain % b',"t":1e99999', {}
    yield "NaN", plain % b',"t":[NaN,-Infinity]', {}
    yield "a comma too many", plain % b",", {}
    yield "something behind it", plain % b"" + b"\n\0", {}
    packed = plain % b',"t":1'
    yield "gzip", gzip.compress(packed), {"Content-Encoding": "gzip"}
    yield "x-gzip", gzip.compress(packed), {"content-encoding": "x-gzip"}
    yield "deflate", zlib.compress(packed), {"Content-Encoding": "deflate"}
    yield "bare deflate", bare_deflate(packed), {"Content-Encoding": "deflate"}
    yield "brotli", BROTLI, {"Content-Encoding": "br"}
    yield "two codings", gzip.compress(zlib.compress(packed)), {"Content-Encoding": "deflate, gzip"}
    yield "unpacked by a proxy", packed, {"Content-Encoding": "gzip"}
    yield "another charset", plain % b',"t":"\xe4"', {
        "Content-Type": "application/json; charset=ISO-8859-1"}


class GenuineTest(HostCase):
    flags = ("--log-level", "debug", "--metrics-access", "anyone", "--public-url",
             "https://user:pw@hooks.example.com/")

    def setUp(self):
        self.incoming = self.project("incoming")
        self.path = "/" + self.incoming.id
        self.target = self.incoming.endpoint("e", self.inbox.url + self.path)

    def source(self, name, preset=None, secrets=(SECRET,), **fields):
        verifier = preset and {"type": "preset",
                               "preset": {"name": preset, "secrets": list(secrets)}}
        return self.incoming.source(name, verifier, **fields)

    def refused(self, reason):
        text = self.admin.with_key(None).send("GET", "/metrics").body.decode()
        for line in text.splitlines():
            if line.startswith(f'convoy_ingest_refused_total{{reason="{reason}"}}'):
                return int(line.split()[-1])
        return 0

    def test_a_place_is_read_whatever_lies_beside_it(self):
        """Idempotency key, event type and filter: of two that are equal, one is delivered."""
        for name, body, headers in bodies():
            with self.subTest(name):
                source = self.source(name, idempotency_keys=["request.body.id"],
                                     event_type_location="request.body.kind")
                self.incoming.subscribe(name, self.target, source, event_types=["a"],
                                        filter_config={"event_types": ["a"], "filter": {
                                            "body": {"kind": "a"}, "headers": {}}})
                headers = {"Content-Type": "application/json", **headers}
                before = len(self.inbox.bodies(self.path))
                first = self.incoming.ingest(source, body, headers)
                self.assertEqual((first.status, first.message), (200, "Event received"))
                again = self.incoming.ingest(source, body, headers)
                self.assertEqual(again.message, "Duplicate event received, but will not be sent")
                got = self.inbox.wait_for(self.path, before + 1)
                self.assertEqual(got[-1].body, body)

    def test_schemes_look_into_packed_and_marked_bodies_and_verify_raw_bytes(self):
        source = self.source("linear", "linear")
        now = b'{"webhookTimestamp":%d,"t":"\\ud83d","n":NaN}' % int(time.time() * 1000)
        for name, body, headers in (("mark", BOM + now, {}),
                                    ("gzip", gzip.compress(now), {"Content-Encoding": "gzip"})):
            with self.subTest(name):
                good = {"Linear-Signature": mac(body), **headers}
                self.assertEqual(self.incoming.ingest(source, body, good).status, 200)
                bad = {"Linear-Signature": mac(now), **headers}
                self.assertEqual(self.incoming.ingest(source, body, bad).status, 400)
        graph = self.source("graph", "ms_graph")
        for body, status in ((b'{"value":[{"clientState":"%s"}]}', 200),
                             (b'{"value":[{"clientState":"%s"},{"clientState":"x"}]}', 400),
                             (b'{"value":[{"clientState":"%s","clientState":"x"}]}', 400),
                             (b'{"value":[{"clientState":"%s"}', 400)):
            with self.subTest(body):
                body %= SECRET.encode()
                for coded, headers in ((BOM + body, {}),
                                       (gzip.compress(body), {"Content-Encoding": "gzip"})):
                    self.assertEqual(self.incoming.ingest(graph, coded, headers).status, status)

    def test_forms_are_read_by_their_content_type(self):
        source = self.source("mailgun", "mailgun")
        stamp, token = str(int(time.time())), "a1b2c3d4e5" * 5
        fields = {"event": "bounced", "note": "50% off & ü", "timestamp": stamp, "token": token,
                  "signature": mac((stamp + token).encode())}

        def multipart(boundary, changes=()):
            parts = {**fields, **dict(changes)}.items()
            text = b"".join(b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
                boundary, name.encode(), value.encode()) for name, value in parts)
            return text + (b'--%s\r\nContent-Disposition: form-data; name="signature"; '
                           b'filename="signature"\r\n\r\n\0\xff\r\n--%s--\r\n' % (boundary, boundary))

        encoded = urllib.parse.urlencode(fields).encode()
        for body, kind, status in (
                (encoded, "application/x-www-form-urlencoded", 200),
                (encoded, "Application/X-WWW-Form-URLEncoded; charset=UTF-8", 200),
                (encoded, None, 200),
                (multipart(b"b1"), "multipart/form-data; boundary=b1", 200),
                (multipart(b"b 1"), 'Multipart/Form-Data; charset=utf-8; Boundary="b 1"', 200),
                (multipart(b"b1"), None, 200),
                (multipart(b"b1", {"signature": "0" * 64}), "multipart/form-data; boundary=b1", 400),
                (multipart(b"b1", {"token": "x"}), "multipart/form-data; boundary=b1", 400),
                (multipart(b"b1"), "multipart/form-data; boundary=b2", 400),
                (multipart(b"b1")[:-20], "multipart/form-data; boundary=b1", 400)):
            with self.subTest((body[:20], kind)):
                headers = {"Content-Type": kind} if kind else {}
                self.assertEqual(self.incoming.ingest(source, body, headers).status, status)

    def test_urls_are_taken_as_their_providers_sign_them(self):
        twilio, hubspot = self.source("twilio", "twilio"), self.source("hubspot", "hubspot")
        self.assertTrue(twilio["url"].startswith("https://user:pw@hooks.example.com/ingest/"))
        path = "/ingest/" + twilio["mask_id"]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        settings = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}
        for host_name, accepted in (("user:pw@hooks.example.com", True),
                                    ("user:pw@hooks.example.com:443", True),
                                    ("hooks.example.com", False),
                                    ("user:pw@hooks.example.com:8443", False)):
            for query in ("?x='1'&y=a%20b", "?x=%271%27&y=a%20b"):
                url = f"https://{host_name}{path}{query}"
                for digest, more in (("sha1", {}), ("sha256", settings)):
                    with self.subTest((url, digest)):
                        signature = base64.b64encode(hmac.new(
                            SECRET.encode(), (url + "a1b2").encode(), digest).digest()).decode()
                        answer = self.incoming.ingest(
                            twilio, b"b=2&a=1", {"X-Twilio-Signature": signature, **form, **more},
                            query="?x='1'&y=a%20b")
                        self.assertEqual(answer.status, 200 if accepted else 400)
        path, stamp = "/ingest/" + hubspot["mask_id"], str(int(time.time() * 1000))
        for query, status in (("?e=a@b.c/d%20e", 200), ("?e=a%40b.c%2Fd%20e", 200),
                              ("?e=a@b.c/d e", 400)):
            with self.subTest(query):
                text = f"POSThttps://user:pw@hooks.example.com{path}{query}{{}}{stamp}"
                signature = base64.b64encode(
                    hmac.new(SECRET.encode(), text.encode(), "sha256").digest()).decode()
                answer = self.incoming.ingest(hubspot, b"{}", {
                    "X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp},
                    query="?e=a%40b.c%2Fd%20e")
                self.assertEqual(answer.status, status)

    def test_secrets_are_taken_as_people_paste_them(self):
        key = b"0123456789abcdef01234567"
        text = base64.b64encode(key).decode()
        now = str(int(time.time()))

        def standard(secret):
            signature = base64.b64encode(
                hmac.new(secret, f"msg_1.{now}.{{}}".encode(), "sha256").digest()).decode()
            return {"webhook-id": "msg_1", "webhook-timestamp": now,
                    "webhook-signature": "v1," + signature}

        for pasted in ("whsec_" + text, "whsec_" + text + "\n", " v1,whsec_" + text,
                       "whsec_" + text.rstrip("="), text, "\ufeffwhsec_" + text + "\u00a0",
                       "whsec_" + text[:9] + "\n" + text[9:]):
            with self.subTest(pasted):
                source = self.source(f"s {pasted!r}", "standard_webhooks", [pasted])
                self.assertEqual(self.incoming.ingest(source, b"{}", standard(key)).status, 200)
        source = self.source("g", "github", [SECRET + "\n"])
        for secret in (SECRET, SECRET + "\n"):
            signature = hmac.new(secret.encode(), b"{}", "sha256").hexdigest()
            signed = {"X-Hub-Signature-256": "sha256=" + signature}
            self.assertEqual(self.incoming.ingest(source, b"{}", signed).status, 200)
        for preset, secret, word in (("easypost", "caf\u00e9", "NFKD"), ("svix", "whsec_!", "base64"),
                                     ("github", " \n", "empty"), ("aws_sns", None, "topic_arn")):
            with self.subTest(preset):
                chosen = {"name": preset, "secrets": [secret] if secret else []}
                answer = self.incoming.send("POST", "/sources", {
                    "name": preset, "type": "http",
                    "verifier": {"type": "preset", "preset": chosen}})
                self.assertEqual(answer.status, 400)
                self.assertIn(word, answer.message)

    def test_a_slash_behind_the_link_does_not_matter(self):
        source = self.source("square", "square")
        for slash in ("", "/"):
            url = f"https://user:pw@hooks.example.com/ingest/{source['mask_id']}{slash}"
            signature = base64.b64encode(hmac.new(SECRET.encode(), (url + "{}").encode(),
                                                  "sha256").digest()).decode()
            answer = self.admin.with_key(None).send(
                "POST", f"/ingest/{source['mask_id']}{slash}", b"{}",
                {"x-square-hmacsha256-signature": signature})
            self.assertEqual(answer.status, 200, answer)

    def test_signatures_of_hex_in_base64(self):
        """Solidgate signs between its public key, and encodes twice."""
        source = self.incoming.source("solidgate", {"type": "preset", "preset": {
            "name": "solidgate", "secrets": [SECRET], "config": {"public_key": "wh_pk_1"}}})
        good = base64.b64encode(mac(b"wh_pk_1{}wh_pk_1", "sha512").encode()).decode()
        bare = base64.b64encode(hmac.new(SECRET.encode(), b"wh_pk_1{}wh_pk_1", "sha512").digest())
        for signature, status in ((good, 200), (good[:-4], 400), (bare.decode(), 400)):
            answer = self.incoming.ingest(source, b"{}", {"signature": signature})
            self.assertEqual(answer.status, status, answer)

    def test_a_replay_within_the_window_is_a_duplicate(self):
        source = self.source("stripe", "stripe")
        now, body = int(time.time()), b'{"id":"evt_1"}'
        signed = {"Stripe-Signature": f"t={now},v1={mac(b'%d.%s' % (now, body))}"}
        self.assertEqual(self.incoming.ingest(source, body, signed).message, "Event received")
        again = self.incoming.ingest(source, body, signed)
        self.assertEqual(again.message, "Duplicate event received, but will not be sent")

    def test_what_cannot_be_looked_into_is_accepted_and_said(self):
        source = self.source("filtered", idempotency_keys=["request.body.id"])
        self.incoming.subscribe("f", self.target, source, filter_config={
            "event_types": ["*"], "filter": {"body": {"kind": "a"}, "headers": {}}})
        for body, headers, why in (
                (b"\x0b\x02\x80", {"Content-Encoding": "br"}, "Content-Encoding"),
                (b"\x1f\x8b\x08", {"Content-Encoding": "gzip"}, "not what its Content-Encoding"),
                ('{"id":"e1","kind":"a"}'.encode("utf-16"), {}, "UTF-16"),
                (b"<kind>a</kind>", {"Content-Type": "text/xml"}, "not JSON")):
            with self.subTest(why):
                answer = self.incoming.ingest(source, body, headers)
                self.assertEqual(answer.status, 200)
                self.assertIn("no idempotency key at request.body.id", answer.message)
                self.assertIn(why, answer.message)
                event = self.incoming.events(sourceId=source["uid"], sort="DESC")[0]
                self.assertEqual(event["status"], "Failure")
                self.assertIn("a filter could not be applied", event["failure_reason"])
                self.assertIn(why, event["failure_reason"])

    def test_a_bomb_is_not_unpacked(self):
        source = self.source("bomb", idempotency_keys=["request.body.id"])
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = pack.compress(b'{"id":"') + pack.compress(bytes(200_000_000)) + pack.flush()
        answer = self.incoming.ingest(source, bomb, {"Content-Encoding": "gzip"})
        self.assertEqual(answer.status, 200)
        self.assertIn("too large to be looked into", answer.message)

    def test_large_bodies_are_taken_as_installed_and_too_large_ones_name_the_limit(self):
        source = self.source("large", "github")
        self.incoming.subscribe("large", self.target, source)
        body = json.dumps({"commits": "y" * 24_000_000}).encode()
        signed = {"X-Hub-Signature-256": "sha256=" + mac(body)}
        self.assertEqual(self.incoming.ingest(source, body, signed).status, 200)
        self.assertEqual(self.inbox.wait_for(self.path, 1)[-1].body, body)
        before = self.refused("too_large")
        answer = self.incoming.ingest(source, bytes(33_554_433))
        self.assertEqual(answer.status, 413)
        self.assertIn("33554432 bytes", answer.message)
        self.assertIn("body_bytes_max", answer.message)
        self.incoming.ok("PUT", "", {"name": "small", "config": {"max_payload_read_size": 1000}})
        answer = self.incoming.ingest(source, body, signed)
        self.assertEqual(answer.status, 413)
        self.assertIn("more than 1000 bytes", answer.message)
        self.assertIn("max_payload_read_size", answer.message)
        self.assertEqual(self.refused("too_large"), before + 2)
        self.assertIn('"too_large"', self.convoyd.log())

    def test_every_refusal_is_counted_logged_and_kept(self):
        plain = self.source("plain", event_type_location="request.body.type")
        kept = self.source("kept", event_type_location="request.body.type",
                           idempotency_keys=["request.body.id"], verify_mode="quarantine")
        off = self.source("off", is_disabled=True)
        for reason, source, method, body, status, said in (
                ("method_not_allowed", plain, "DELETE", b"", 405, "POST, PUT or PATCH"),
                ("missing_event_type", plain, "POST", b"{}", 400, "request.body.type"),
                ("unreadable_body", plain, "POST", b"<x/>", 400, "request.body.type"),
                ("source_disabled", off, "POST", b"{}", 400, "disabled"),
                ("unknown_link", {"mask_id": "nothing"}, "POST", b"{}", 404, "not found"),
                ("unknown_link", {"mask_id": plain["mask_id"] + "/more"}, "POST", b"{}", 404, "not found"),
                ("missing_event_type", kept, "POST", b'{"id":1}', 400, "request.body.type"),
                ("missing_idempotency_key", kept, "POST", b'{"type":"a"}', 200, "request.body.id")):
            with self.subTest((reason, source.get("name"))):
                before = self.refused(reason)
                answer = self.incoming.ingest(source, body, method=method)
                self.assertEqual(answer.status, status, answer)
                self.assertIn(said, answer.message)
                self.assertEqual(self.refused(reason), before + 1)
                self.assertIn(f'"reason":"{reason}"', self.convoyd.log().replace(" ", ""))
        before = self.refused("loop")
        answer = self.incoming.ingest(plain, b"{}", {"Convoy-Hops": "9"})
        self.assertEqual((answer.status, self.refused("loop")), (508, before + 1))
        held = self.incoming.client.pages(self.incoming.path + "/held-inputs")
        self.assertEqual(sorted(item["reason"] for item in held),
                         ["missing_event_type", "missing_idempotency_key"])
        released = self.incoming.ok("POST", "/held-inputs/release", {})
        self.assertEqual(released["accepted"], 1)
        self.assertEqual(released["still_refused"], {"unusable": 1})

    def test_a_flood_of_forged_requests_is_one_line_and_a_count(self):
        source = self.source("flood", "github")
        before = self.refused("missing_header")
        for _ in range(300):
            self.assertEqual(self.incoming.ingest(source, b"{}").status, 400)
        self.assertEqual(self.refused("missing_header"), before + 300)
        lines = [line for line in self.convoyd.log().splitlines() if source["uid"] in line]
        self.assertLessEqual(len(lines), 3, lines)


if __name__ == "__main__":
    unittest.main()
