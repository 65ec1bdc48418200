"""Roles: every operation for every kind of key, and no secret for those who may only read."""
import base64
import json
import re
import unittest

import host
from case import HostCase

# Values that no viewer may see; none of them occurs by chance.
ENDPOINT_SECRET = "endpoint-secret-zq81"
ENDPOINT_KEY = "endpoint-api-key-zq82"
SOURCE_SECRET = "hmac-secret-zq83-long-enough"
SOURCE_PASSWORD = "basic-password-zq84"
PRESET_SECRET = "preset-secret-zq85-long-enough"
SOURCE_KEY = "source-api-key-zq86"
SENT_TOKEN = "forwarded-token-zq87"
HEADER_TOKEN = "gitlab-token-zq88"
QUERY_TOKEN = "mailchimp-token-zq89"
# With these, unlike with a signature, a request of one's own can be sent.
SOURCE_TOKENS = (SOURCE_KEY, SOURCE_PASSWORD, base64.b64encode(b"u:" + SOURCE_PASSWORD.encode())
                 .decode(), HEADER_TOKEN, QUERY_TOKEN)
SECRETS = (ENDPOINT_SECRET, ENDPOINT_KEY, SOURCE_SECRET, PRESET_SECRET, SENT_TOKEN, *SOURCE_TOKENS)


def documented_roles():
    """{(method, path): role} of the table in docs/api.md."""
    text = (host.ROOT / "docs" / "api.md").read_text()
    roles = {}
    for methods, path, role in re.findall(r"^\| `([A-Z, ]+) (/api/v1[^`]*)` \| (\w+) \|", text, re.M):
        for method in methods.split(", "):
            roles[method, path] = role
    return roles


class RolesTest(HostCase):
    def setUp(self):
        self.incoming = self.project("incoming")
        self.outgoing = self.project("outgoing")
        self.viewer = {}
        for project in (self.incoming, self.outgoing):
            made = project.ok("POST", "/api-keys", {"name": "v", "role": "project_viewer"})
            self.viewer[project.id] = self.admin.with_key(made["key"])
        self.fill_incoming()
        self.fill_outgoing()

    def fill_incoming(self):
        verifiers = [
            {"type": "hmac", "hmac": {"header": "X-S", "hash": "SHA256", "encoding": "hex",
                                      "secret": SOURCE_SECRET}},
            {"type": "basic_auth", "basic_auth": {"username": "u", "password": SOURCE_PASSWORD}},
            {"type": "preset", "preset": {"name": "github", "secrets": [PRESET_SECRET]}},
            {"type": "api_key", "api_key": {"header_name": "X-Key", "header_value": SOURCE_KEY}},
            {"type": "preset", "preset": {"name": "gitlab", "secrets": [HEADER_TOKEN]}},
            {"type": "preset", "preset": {"name": "mailchimp", "secrets": [QUERY_TOKEN]}}]
        self.sources = [self.incoming.source(f"s{number}", verifier)
                        for number, verifier in enumerate(verifiers)]
        held = self.incoming.source("held", verifiers[5], verify_mode="quarantine",
                                    idempotency_keys=["request.header.X-Id"])
        open_source = self.incoming.source("open", forward_headers=["Authorization"])
        endpoint = self.incoming.endpoint("e", self.inbox.url + "/r", secret=ENDPOINT_SECRET)
        self.incoming.subscribe("all", endpoint, open_source)
        answer = self.incoming.ingest(open_source, b'{"a":1}',
                                      {"Authorization": "Bearer " + SENT_TOKEN})
        self.assertEqual(answer.status, 200, answer)
        basic = base64.b64encode(f"u:{SOURCE_PASSWORD}".encode()).decode()
        sent = [(self.sources[1], "", {"Authorization": "Basic " + basic}),
                (self.sources[3], "", {"X-Key": SOURCE_KEY}),
                (self.sources[4], "", {"X-Gitlab-Token": HEADER_TOKEN}),
                (self.sources[5], "?a=1&secret=" + QUERY_TOKEN, {}),
                (held, "?secret=" + QUERY_TOKEN, {})]
        for source, query, headers in sent:
            self.incoming.subscribe(source["name"], self.incoming.endpoint(
                source["name"], self.inbox.url + "/r/" + source["name"]), source)
            answer = self.admin.send("POST", f"/ingest/{source['mask_id']}{query}", b'{"a":1}',
                                     {"Content-Type": "application/json", **headers})
            self.assertEqual(answer.status, 200, (source["name"], answer))
        self.incoming.wait_for_deliveries(1 + 4)

    def fill_outgoing(self):
        self.endpoint = self.outgoing.endpoint(
            "e", self.inbox.url + "/o", secret=ENDPOINT_SECRET,
            authentication={"type": "api_key", "api_key": {"header_name": "X-Api-Key",
                                                           "header_value": ENDPOINT_KEY}})
        self.outgoing.subscribe("s", self.endpoint)
        self.outgoing.ok("POST", "/events", {
            "endpoint_id": self.endpoint["uid"], "event_type": "t", "data": {},
            "custom_headers": {"X-Auth-Token": SENT_TOKEN}})
        self.outgoing.wait_for_deliveries(1)

    def reads(self, project):
        """Every address that can be read below a project."""
        yield ""
        for what in ("sources", "endpoints", "subscriptions", "events", "eventdeliveries",
                     "held-inputs"):
            yield f"/{what}"
            for item in project.client.pages(f"{project.path}/{what}"):
                yield f"/{what}/{item['uid']}"
                if what == "eventdeliveries":
                    yield f"/{what}/{item['uid']}/deliveryattempts"
                    for attempt in project.attempts(item["uid"]):
                        yield f"/{what}/{item['uid']}/deliveryattempts/{attempt['uid']}"

    def test_a_viewer_sees_no_secret(self):
        seen_by_admin = ""
        count = 0
        for project in (self.incoming, self.outgoing):
            for path in self.reads(project):
                answer = self.viewer[project.id].send("GET", project.path + path)
                self.assertEqual(answer.status, 200, (path, answer))
                count += 1
                for secret in SECRETS:
                    self.assertNotIn(secret, answer.body.decode(), path)
                seen_by_admin += project.client.send("GET", project.path + path).body.decode()
        for secret in (ENDPOINT_SECRET, SOURCE_SECRET, SOURCE_PASSWORD, PRESET_SECRET, SOURCE_KEY):
            self.assertIn(secret, seen_by_admin, "the administrator still sees it")
        print(f"\n{count} answers for a viewer without a secret")

    def test_a_receiver_gets_no_token_of_a_source(self):
        received = self.inbox.received("/r/")
        self.assertGreaterEqual(len(received), 4)
        for request in received:
            for token in SOURCE_TOKENS:
                self.assertNotIn(token, request.path + str(request.headers))
        self.assertIn("a=1", " ".join(request.path for request in received), "the rest stays")

    def test_every_operation_asks_for_its_role(self):
        roles = documented_roles()
        self.assertGreater(len(roles), 40)
        project = self.outgoing
        other = host.Project(self.admin, self.id() + " stranger", "incoming")
        keys = {"none": host.Client(self.convoyd.address), "stranger": other.client,
                "viewer": self.viewer[project.id], "admin": project.client}
        may = {"viewer": {"viewer", "admin"}, "admin": {"admin"}, "instance": set()}
        checked = 0
        # Removals come last, the project at the very end.
        for (method, path), role in sorted(roles.items(), key=lambda item: (
                item[0][0] == "DELETE", -item[0][1].count("/"))):
            real = path.replace("{projectID}", project.id)
            real = re.sub(r"\{\w+\}", "01ARZ3NDEKTSV4RRFFQ69G5FAV", real)
            for name, client in keys.items():
                if name in may[role] and method == "DELETE" and real.endswith(project.id):
                    continue
                with self.subTest(method=method, path=path, key=name):
                    status = client.send(method, real, None if method == "GET" else {}).status
                    if name in may[role]:
                        self.assertNotIn(status, (401, 403))
                    else:
                        self.assertIn(status, (401,) if name == "none" else (403,))
                    checked += 1
        print(f"\n{checked} pairs of operation and key")


if __name__ == "__main__":
    unittest.main()
