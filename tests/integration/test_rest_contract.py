"""Dynamic events, filters of event types, meta events, portal links and onboarding, through convoyd."""
import hashlib
import hmac
import json
import pathlib
import time
import unittest

import host
from case import HostCase


class RestContractTest(HostCase):
    def test_a_dynamic_event_reaches_a_url_that_nothing_knew(self):
        project = self.project("outgoing")
        for number in range(3):
            project.ok("POST", "/events/dynamic", {
                "url": self.inbox.url + "/dynamic", "secret": "s", "event_types": ["t"],
                "event_type": "t", "data": {"number": number}})
        self.inbox.wait_for("/dynamic", 3)
        self.assertEqual(len(project.client.pages(project.path + "/endpoints")), 1)
        self.assertEqual(len(project.client.pages(project.path + "/subscriptions")), 1)
        self.assertEqual(sorted(json.loads(body)["number"] for body in self.inbox.bodies("/dynamic")),
                         [0, 1, 2])

    def test_each_credential_is_told_what_it_may_do(self):
        project = self.project("outgoing")
        viewer = project.ok("POST", "/api-keys", {"name": "v", "role": "project_viewer"})["key"]
        link = project.ok("POST", "/portal-links", {"name": "p", "owner_id": "o",
                                                    "can_manage_endpoint": True})["token"]
        for key, role, name in ((self.key, "instance_admin", None), (project.key, "project_admin", None),
                                (viewer, "project_viewer", "v"), (link, "portal", "p")):
            told = self.admin.with_key(key).ok("GET", "/api/v1/access")
            self.assertEqual(told["role"], role)
            self.assertEqual((told["project"] or {}).get("uid"), None if role == "instance_admin" else project.id)
            self.assertEqual(told["name"], name or told["name"])
            self.assertNotIn(key, json.dumps(told))
        self.assertEqual((told["owner_id"], told["can_manage_endpoint"]), ("o", True))
        self.assertEqual(host.Client(self.convoyd.address).send("GET", "/api/v1/access").status, 401)

    def test_presets_and_metrics_are_told(self):
        project = self.project("incoming")
        presets = {p["name"]: p for p in project.client.ok("GET", "/api/v1/presets")}
        self.assertGreater(len(presets), 200)
        self.assertEqual(presets["github"]["integrity"], "full")
        self.assertTrue(presets["stripe"]["sources"])
        metrics = self.admin.send("GET", "/api/v1/metrics")
        self.assertEqual(metrics.status, 200)
        self.assertIn(b"convoy_event_ingested_total", metrics.body)
        self.assertEqual(project.client.send("GET", "/api/v1/metrics").status, 403)

    def test_lists_leave_bodies_out_where_they_are_asked_to(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/listed")
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                       "data": {"long": "x" * 5000}})
        project.wait_for_deliveries(1)
        for path in ("/events", "/eventdeliveries"):
            item = project.ok("GET", path + "?withoutData=true")["content"][0]
            told = item["metadata"] if "metadata" in item else item
            self.assertNotIn("data", told)
            self.assertGreater(told["size"], 5000)
            item = project.ok("GET", path)["content"][0]
            self.assertIn("x" * 5000, json.dumps(item))

    def test_a_filter_of_one_type_decides_about_it_alone(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/filtered")
        subscription = project.subscribe("s", endpoint, event_types=["paid", "sent"])
        path = f"/subscriptions/{subscription['uid']}/filters"
        filters = {each["event_type"]: each["uid"] for each in project.ok("GET", path)}
        self.assertEqual(set(filters), {"paid", "sent"})
        project.ok("PUT", f"{path}/{filters['paid']}", {"body": {"amount": {"$gte": 100}}})
        project.ok("PUT", path + "/bulk_update", [{"uid": filters["sent"], "enabled_at": None}])
        for kind, amount in (("paid", 50), ("paid", 150), ("sent", 200)):
            project.ok("POST", "/events/broadcast", {"event_type": kind, "data": {"amount": amount}})
        self.inbox.wait_for("/filtered", 1)
        project.wait_for_deliveries(1)
        self.assertEqual([json.loads(body) for body in self.inbox.bodies("/filtered")],
                         [{"amount": 150}])

    def test_an_expression_in_a_filter_decides(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/expression")
        condition = {"name": {"$regex": "^(a+)+$"}}
        answer = project.send("POST", "/subscriptions", {
            "name": "s", "endpoint_id": endpoint["uid"],
            "filter_config": {"filter": {"body": condition}}})
        if answer.status == 400 and "CONVOY_RE2" in answer.message:
            self.skipTest("the build has no RE2")
        self.assertEqual(answer.status, 201, answer)
        for name in ("aaaa", "a" * 100_000 + "!", "b"):
            project.ok("POST", "/events/broadcast", {"event_type": "t", "data": {"name": name}})
        project.wait_for_deliveries(1)
        self.assertEqual([json.loads(body) for body in self.inbox.bodies("/expression")],
                         [{"name": "aaaa"}])
        for name, expected in (("aa", True), ("ab", False)):
            self.assertIs(project.ok("POST", "/subscriptions/test_filter", {
                "request": {"body": {"name": name}}, "schema": {"body": condition}}), expected)
        refused = project.send("POST", "/subscriptions/test_filter", {
            "request": {"body": {}}, "schema": {"body": {"name": {"$regex": "(?=a)"}}}})
        self.assertEqual(refused.status, 400, refused)
        self.assertIn("schema.body:", refused.message)

    def test_a_limit_of_a_subscription_holds_its_endpoint_back(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/limited")
        subscription = project.subscribe("s", endpoint, rate_limit_config={"count": 1, "duration": 3600})
        for _ in range(4):
            project.ok("POST", "/events/broadcast", {"event_type": "t", "data": {}})
        self.inbox.wait_for("/limited", 1)
        time.sleep(1)
        self.assertEqual(len(self.inbox.received("/limited")), 1)
        project.ok("PUT", f"/subscriptions/{subscription['uid']}", {"rate_limit_config": {"count": 0}})
        self.inbox.wait_for("/limited", 4)

    def test_a_search_goes_through_events_and_deliveries(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/searched")
        for number in range(25):
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "order.sent",
                                           "idempotency_key": f"Key-{number:02}", "data": {}})
        project.wait_for_deliveries(25)
        for what in ("events", "eventdeliveries"):
            with self.subTest(what=what):
                found = project.client.pages(f"{project.path}/{what}", query="key-1", perPage=3)
                self.assertEqual(sorted(each["idempotency_key"] for each in found),
                                 [f"Key-{number}" for number in range(10, 20)])
                self.assertEqual(project.client.pages(f"{project.path}/{what}", query="nothing"), [])

    def test_the_api_describes_itself(self):
        answer = host.Client(self.convoyd.address).send("GET", "/openapi.json")
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/json"))
        operations = [(method, path) for path, item in answer.json["paths"].items()
                      for method in item if method != "parameters"]
        self.assertGreater(len(operations), 75)

    def test_meta_events_are_signed_delivered_and_sent_again(self):
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1,
                                                     "retry_count": 1},
                               meta_event={"is_enabled": True, "secret": "meta",
                                           "url": self.inbox.url + "/meta"})
        endpoint = project.endpoint("e", self.inbox.url + "/target")
        gone = project.endpoint("g", "http://127.0.0.1:1/")
        for each in (endpoint, gone):
            project.ok("POST", "/events", {"endpoint_id": each["uid"], "event_type": "t", "data": {}})
        host.wait_until(lambda: len(self.inbox.received("/meta")) >= 4, "meta events")
        told = [(json.loads(body)["event_type"], json.loads(body)["data"].get("endpoint_id"))
                for body in self.inbox.bodies("/meta")]
        self.assertEqual(sorted(told, key=str), sorted([
            ("endpoint.created", None), ("endpoint.created", None),
            ("eventdelivery.success", endpoint["uid"]), ("eventdelivery.failed", gone["uid"])],
            key=str))
        request = self.inbox.received("/meta")[0]
        self.assertEqual(request.headers["X-Convoy-Signature"],
                         hmac.new(b"meta", request.body, hashlib.sha256).hexdigest())
        meta = host.wait_until(lambda: self.delivered_meta(project), "a delivered meta event")
        project.ok("PUT", f"/meta-events/{meta['uid']}/resend")
        self.inbox.wait_for("/meta", 5)
        self.assertEqual({each["event_type"] for each in project.events()}, {"t"})
        self.assertEqual(len(self.admin.ok("GET", "/api/v1/projects")),
                         len({each["uid"] for each in self.admin.ok("GET", "/api/v1/projects")}))

    @staticmethod
    def delivered_meta(project):
        found = project.client.pages(project.path + "/meta-events")
        done = [each for each in found if each["status"] == "Success" and each["attempt"]]
        return done and done[0]

    def test_a_portal_sees_its_owner_and_ends_with_its_link(self):
        project = self.project("outgoing")
        for owner in ("ann", "bob"):
            endpoint = project.endpoint(owner, f"{self.inbox.url}/{owner}", owner_id=owner)
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {"owner": owner}})
        project.wait_for_deliveries(2)
        link = project.ok("POST", "/portal-links", {"name": "l", "owner_id": "ann",
                                                    "can_manage_endpoint": True})
        portal = self.admin.with_key(link["token"])
        for what in ("endpoints", "events", "eventdeliveries", "subscriptions"):
            self.assertEqual(len(portal.pages(f"{project.path}/{what}")), 1, what)
        delivery = portal.pages(project.path + "/eventdeliveries")[0]
        self.assertEqual(delivery["metadata"]["data"], {"owner": "ann"})
        made = portal.ok("POST", project.path + "/endpoints",
                         {"name": "mine", "url": self.inbox.url + "/mine"})
        self.assertEqual(made["owner_id"], "ann")
        self.assertNotIn(link["token"], json.dumps(project.ok("GET", "/portal-links")))
        project.ok("PUT", f"/portal-links/{link['uid']}/revoke")
        self.assertEqual(portal.send("GET", project.path + "/endpoints").status, 401)
        secret = link["token"].rsplit(".", 1)[1].encode()
        for suffix in ("", "-wal"):
            self.assertNotIn(secret, pathlib.Path(self.database + suffix).read_bytes())

    def test_a_file_of_receivers_is_taken_whole(self):
        project = self.project("outgoing")
        rows = "".join(f"r{number},{self.inbox.url}/r{number}\n" for number in range(120))
        body = ("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"r.csv\"\r\n\r\n"
                f"name,url\n{rows}\r\n--b--\r\n").encode()
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        dry = project.send("POST", "/onboard?dry_run=true", body, headers)
        self.assertEqual((dry.status, dry.data), (200, {"total_rows": 120, "valid_count": 120,
                                                        "errors": []}))
        self.assertEqual(project.client.pages(project.path + "/endpoints"), [])
        taken = project.send("POST", "/onboard", body, headers)
        self.assertEqual((taken.status, taken.data["batch_count"]), (202, 3))
        project.ok("POST", "/events/broadcast", {"event_type": "t", "data": {}})
        project.wait_for_deliveries(120)
        self.inbox.wait_for("/r119", 1)

    def test_rates_of_failure_are_of_the_period(self):
        project = self.project("outgoing", strategy={"type": "linear", "duration": 1,
                                                     "retry_count": 1})
        good = project.endpoint("good", self.inbox.url + "/good")
        bad = project.endpoint("bad", "http://127.0.0.1:1/")
        for endpoint in (good, bad, bad):
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {}})
        project.wait_for_deliveries(1, endpointId=good["uid"])
        project.wait_for_deliveries(2, "Failure", endpointId=bad["uid"])
        ids = f"?endpointId={bad['uid']}&endpointId={good['uid']}&endpointId=unknown"
        rates = project.ok("GET", "/endpoints/period-failure-rates" + ids)
        self.assertEqual(rates, [
            {"uid": bad["uid"], "period_failure_rate": 100.0, "success_count": 0,
             "failure_count": 2, "retry_count": 0},
            {"uid": good["uid"], "period_failure_rate": 0.0, "success_count": 1,
             "failure_count": 0, "retry_count": 0}, {"uid": "unknown"}])
        past = project.ok("GET", "/endpoints/period-failure-rates" + ids +
                          "&startDate=2020-01-01T00:00:00&endDate=2020-01-02T00:00:00")
        self.assertEqual(past[0]["failure_count"], 0)


if __name__ == "__main__":
    unittest.main()
