"""Roles: every operation for every kind of key, and no secret for those who may only read."""
import base64
import collections
import json
import re
import time
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


UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def documented_roles():
    """{(method, path): (role, what a portal may)} of the table in docs/api.md."""
    text = (host.ROOT / "docs" / "api.md").read_text()
    roles = {}
    line = r"^\| `([A-Z, ]+) (/api/v1[^`]*)` \| (\w+) \| (\w*) ?\|"
    for methods, path, role, portal in re.findall(line, text, re.M):
        for method in methods.split(", "):
            roles[method, path] = role, portal
    return roles


def in_order(roles):
    """Removals come last, the project at the very end."""
    return sorted(roles.items(), key=lambda item: (item[0][0] == "DELETE", -item[0][1].count("/")))


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
                     "held-inputs", "portal-links", "meta-events"):
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

    def portal(self, project, owner, may_manage):
        return project.ok("POST", "/portal-links", {
            "name": owner, "owner_id": owner, "can_manage_endpoint": may_manage})

    def keys(self):
        """{name: (client, the code that refuses it everywhere, or None)}"""
        project = self.outgoing
        other = host.Project(self.admin, self.id() + " stranger", "incoming")
        revoked = project.ok("POST", "/api-keys", {"name": "r"})
        project.ok("DELETE", f"/api-keys/{revoked['uid']}")
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        expired = project.ok("POST", "/api-keys", {"name": "x", "expires_at": soon})
        manager, looker = self.portal(project, "o", True), self.portal(project, "o", False)
        ended = self.portal(project, "o", True)
        project.ok("PUT", f"/portal-links/{ended['uid']}/revoke")
        elsewhere = self.portal(other, "o", True)
        time.sleep(2.1)
        client = self.admin.with_key
        return {"none": (host.Client(self.convoyd.address), 401),
                "garbage": (client("CO." + "a" * 16 + "." + "b" * 64), 401),
                "revoked": (client(revoked["key"]), 401), "expired": (client(expired["key"]), 401),
                "revoked portal": (client(ended["token"]), 401),
                "stranger": (other.client, 403), "portal elsewhere": (client(elsewhere["token"]), 403),
                "viewer": (self.viewer[project.id], None), "admin": (project.client, None),
                "portal": (client(looker["token"]), None),
                "portal manager": (client(manager["token"]), None), "instance": (self.admin, None)}

    def test_every_operation_asks_for_its_role(self):
        """Each operation for each kind of key."""
        roles = documented_roles()
        self.assertGreater(len(roles), 80)
        may = {"any": {"viewer", "admin", "instance", "stranger", "portal elsewhere"}, "viewer": {"viewer", "admin", "instance"}, "admin": {"admin", "instance"},
               "instance": {"instance"}}
        portals = {"": set(), "use": {"portal", "portal manager"}, "manage": {"portal manager"}}
        counts = collections.Counter()
        keys = self.keys()
        matrix = []
        for (method, path), (role, portal) in in_order(roles):
            real = re.sub(r"\{\w+\}", UNKNOWN, path.replace("{projectID}", self.outgoing.id))
            row = []
            matrix.append((method, path, row))
            for name, (client, refusal) in keys.items():
                is_allowed = name in may[role] | portals[portal] and (
                    refusal is None or role == "any")
                if is_allowed and method == "DELETE" and real.endswith(self.outgoing.id):
                    row.append("-")  # the others are asked about it first
                    continue
                with self.subTest(method=method, path=path, key=name):
                    status = client.send(method, real, None if method == "GET" else {}).status
                    if is_allowed:
                        self.assertNotIn(status, (401, 403))
                        self.assertLess(status, 500)
                    else:
                        self.assertEqual(status, refusal or 403)
                    counts["allowed" if is_allowed else "refused"] += 1
                    row.append(str(status))
        print("\nstatus for", ", ".join(keys))
        for method, path, row in sorted(matrix, key=lambda each: each[1::-1]):
            print(f"{' '.join(f'{status:>3}' for status in row)}  {method:6} {path}")
        print(f"{len(roles)} operations, {len(keys)} kinds of keys: {counts['allowed']} pairs "
              f"allowed, {counts['refused']} refused")

    def foreign_ids(self):
        """{the name of a path's parameter: an id of that kind in another project}, and the project."""
        other = host.Project(self.admin, self.id() + " foreign", "outgoing", meta_event={
            "is_enabled": True, "url": self.inbox.url + "/meta"})
        endpoint = other.endpoint("e", self.inbox.url + "/f", owner_id="o", secret=ENDPOINT_SECRET)
        subscription = other.subscribe("s", endpoint)
        other.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t", "data": {}})
        delivery = other.wait_for_deliveries(1)[0]
        source = other.source("s")
        keeper = host.Project(self.admin, self.id() + " keeper", "incoming")
        keeping = keeper.source("k", {"type": "api_key", "api_key": {
            "header_name": "X-Key", "header_value": SOURCE_KEY}}, verify_mode="quarantine")
        self.assertEqual(keeper.ingest(keeping, b"{}").status, 400)
        held = host.wait_until(lambda: keeper.ok("GET", "/held-inputs")["content"], "the held input")
        ids = {"endpointID": endpoint["uid"], "subscriptionID": subscription["uid"],
               "sourceID": source["uid"], "eventID": delivery["event_id"],
               "eventDeliveryID": delivery["uid"],
               "deliveryAttemptID": other.attempts(delivery["uid"])[0]["uid"],
               "eventTypeId": other.ok("GET", "/event-types")[0]["uid"],
               "filterID": other.ok("GET", f"/subscriptions/{subscription['uid']}/filters")[0]["uid"],
               "portalLinkID": self.portal(other, "o", False)["uid"],
               "metaEventID": other.ok("GET", "/meta-events")["content"][0]["uid"],
               "keyID": other.ok("POST", "/api-keys", {"name": "k"})["uid"],
               "jobID": other.ok("POST", "/events/batchreplay"), "heldInputID": held[0]["uid"],
               "eventType": "t"}
        return ids, other

    def state(self, project):
        """All configuration of a project, and the ids of what flowed."""
        lists = {what: project.client.pages(f"{project.path}/{what}")
                 for what in ("sources", "endpoints", "subscriptions", "portal-links")}
        lists["event-types"] = project.ok("GET", "/event-types")
        lists["api-keys"] = project.ok("GET", "/api-keys")
        for what in ("events", "eventdeliveries"):
            lists[what] = sorted(item["uid"] for item in project.client.pages(f"{project.path}/{what}"))
        for endpoint in lists["endpoints"]:
            endpoint.pop("throttled_until", None)
        return lists

    def test_ids_of_another_project_lead_nowhere(self):
        """In each place of a path, and in each field of a body that names an object."""
        ids, other = self.foreign_ids()
        before = self.state(other)
        paths = bodies = 0
        for (method, path), _ in in_order(documented_roles()):
            if "{projectID}/" not in path:
                continue
            real = path.replace("{projectID}", self.outgoing.id)
            names = re.findall(r"\{(\w+)\}", real)
            real = re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], real)
            if names:
                with self.subTest(method=method, path=path):
                    answer = self.outgoing.client.send(method, real, None if method == "GET" else {})
                    self.assertIn(answer.status, (400, 404), answer)
                    self.assertNotIn(ENDPOINT_SECRET, answer.body.decode())
                    paths += 1
            if method in ("POST", "PUT"):
                for body in self.foreign_bodies(ids):
                    with self.subTest(method=method, path=path, body=body):
                        answer = self.outgoing.client.send(method, real, body)
                        self.assertLess(answer.status, 500, answer)
                        self.assertNotIn(ENDPOINT_SECRET, answer.body.decode())
                        bodies += 1
        self.assertEqual(self.state(other), before)
        # Nothing that was accepted names anything of the other project.
        mine = json.dumps(self.state(self.outgoing))
        for name, value in ids.items():
            if name != "eventType":
                self.assertNotIn(value, mine, name)
        print(f"\n{paths} paths and {bodies} bodies with ids of another project")

    @staticmethod
    def foreign_bodies(ids):
        common = {"name": "n", "url": "https://example.com/", "event_type": "t", "data": {},
                  "owner_id": "o", "type": "http"}
        yield {**common, "endpoint_id": ids["endpointID"]}
        yield {**common, "app_id": ids["endpointID"]}
        yield {**common, "endpoint_id": ids["endpointID"], "source_id": ids["sourceID"]}
        yield {**common, "endpoints": [ids["endpointID"]]}
        yield {"ids": [ids["eventDeliveryID"]]}
        yield [{"uid": ids["filterID"], "event_type": "t"}]
        yield {"ids": [ids["heldInputID"]], "source_id": ids["sourceID"],
               "held_input_id": ids["heldInputID"]}


if __name__ == "__main__":
    unittest.main()
