"""Payload functions in a running convoyd: what they change, how their failures are told and put
right, and that those that misbehave disturb no others."""
import json
import statistics
import time
import unittest

import host
from case import HostCase

RETRY = {"strategy": {"type": "linear", "duration": 2, "retry_count": 20}}


def has_scripting():
    """Whether this convoyd was built with payload functions."""
    with host.Folder() as folder:
        key = host.bootstrap(folder + "/convoy.db")
        convoyd = host.Convoyd(folder + "/convoy.db")
        project = host.Project(convoyd.client(key), "probe", "incoming")
        answer = project.send("POST", "/sources/test_function",
                              {"function": "function transform(p) { return p }", "payload": {}})
        project.client.close()
        convoyd.stop()
    return answer.status == 200


# Each is stopped or fails, and none may have a part in what others do.
HOSTILE = {
    "endless": "function transform(p) { for (;;); }",
    "within": "function transform(p) { return 'a'.repeat(3e5).indexOf('a'.repeat(1e5) + 'b') }",
    "allocating": "function transform(p) { const a = []; for (;;) a.push([p]) }",
    "recursing": "function transform(p) { return transform(p) }",
    "throwing": "function transform(p) { throw new TypeError('no such thing') }",
    "nonsense": "function transform(p) { return () => 1 }",
    "huge": "function transform(p) { return 'x'.repeat(1e8) }",
    "growing": "function transform(p) { let s = 'x'.repeat(1e6); const a = []; "
               "for (let i = 0; i < 100; ++i) a.push(s + i); return a }",
}
TOLD = {
    "endless": "stopped: it takes more than", "within": "stopped: it takes more than",
    "allocating": "stopped: it takes more than", "recursing": "Maximum call stack size",
    "throwing": "TypeError: no such thing", "nonsense": "nothing that has a JSON form",
    "huge": "bytes of memory", "growing": "bytes of memory",
}


class Functions(HostCase):
    def incoming(self, **fields):
        project = self.project("incoming", **RETRY)
        path = "/" + project.id
        return project, path, project.source("s", **fields), project.endpoint("e", self.inbox.url + path)

    def test_a_subscription_changes_what_is_delivered(self):
        project, path, source, endpoint = self.incoming()
        made = project.subscribe("f", endpoint, source, function="""
            function transform(payload) {
              return {kind: payload.type, at: new Date(payload.at).toISOString(), now: Date.now()};
            }""")
        self.assertIn("transform", made["function"])
        sent = b'{"type": "paid",  "at": 1700000000123}'
        self.assertEqual(200, project.ingest(source, sent, {"Content-Type": "application/json"}).status)
        (received,) = self.inbox.wait_for(path, 1)
        body = json.loads(received.body)
        self.assertEqual(("paid", "2023-11-14T22:13:20.123Z"), (body["kind"], body["at"]))
        self.assertLess(abs(body["now"] / 1000 - time.time()), 60)
        self.assertEqual("application/json", received.headers["Content-Type"])
        secret = project.ok("GET", f"/endpoints/{endpoint['uid']}")["secrets"][0]["value"]
        self.assertTrue(host.is_signed(received.headers["X-Convoy-Signature"], secret, received.body))
        # The event itself is what came in.
        (event,) = project.events()
        self.assertEqual(json.loads(sent), event["data"])
        # A form is an object, and an event of a list stays one.
        project.ingest(source, b"type=form&at=0", {"Content-Type": "application/x-www-form-urlencoded"})
        received = self.inbox.wait_for(path, 2)[-1]
        self.assertEqual("form", json.loads(received.body)["kind"])

    def test_a_failing_function_is_told_and_its_deliveries_go_out_once_it_is_corrected(self):
        project, path, source, endpoint = self.incoming()
        made = project.subscribe("f", endpoint, source,
                                 function="function transform(p) {\n  return p.a.b.c\n}")
        for number in range(3):
            project.ingest(source, b'{"n":%d}' % number, {"Content-Type": "application/json"})

        def attempted():
            found = project.deliveries()
            return found if len(found) == 3 and all(d["metadata"]["num_trials"] for d in found) else None
        delivery = host.wait_until(attempted, "failed attempts")[0]
        self.assertIn("function: TypeError", delivery["description"])
        attempt = project.attempts(delivery["uid"])[0]
        self.assertIn("(line 2)", attempt["error"])
        self.assertEqual("active", project.ok("GET", f"/endpoints/{endpoint['uid']}")["status"])
        self.assertEqual([], self.inbox.received(path))
        project.ok("PUT", f"/subscriptions/{made['uid']}",
                   {"name": "f", "endpoint_id": endpoint["uid"], "source_id": source["uid"],
                    "function": "function transform(p) { return {n: p.n, ok: true} }"})
        self.assertEqual([{"n": n, "ok": True} for n in range(3)],
                         sorted((json.loads(r.body) for r in self.inbox.wait_for(path, 3)),
                                key=lambda body: body["n"]))
        project.wait_for_deliveries(3)
        # An empty text changes nothing, as with Convoy; null removes the function.
        put = {"name": "f", "endpoint_id": endpoint["uid"], "source_id": source["uid"]}
        updated = project.ok("PUT", f"/subscriptions/{made['uid']}", {**put, "function": ""})
        self.assertIn("ok: true", updated["function"])
        updated = project.ok("PUT", f"/subscriptions/{made['uid']}", {**put, "function": None})
        self.assertIsNone(updated["function"])

    def test_a_source_changes_body_and_headers_before_there_is_an_event(self):
        project, path, source, endpoint = self.incoming(
            event_type_location="request.body.type", forward_headers=["X-Tenant"],
            body_function="const transform = p => ({id: p.id, tags: p.tags.map(t => t.toUpperCase())})",
            header_function="function transform(h) { return {'X-Tenant': h['X-Tenant'] + '-1', 'X-N': 2} }")
        project.subscribe("f", endpoint, source, event_types=["order"])
        answer = project.ingest(source, b'{"type":"order","id":7,"tags":["a","b"]}',
                                {"Content-Type": "text/json", "X-Tenant": "acme"})
        self.assertEqual((200, "Event received"), (answer.status, answer.message))
        (received,) = self.inbox.wait_for(path, 1)
        self.assertEqual(b'{"id":7,"tags":["A","B"]}', received.body)
        self.assertEqual(("acme-1", "2"), (received.headers["X-Tenant"], received.headers["X-N"]))
        self.assertEqual("application/json", received.headers["Content-Type"])
        self.assertEqual({"id": 7, "tags": ["A", "B"]}, project.events()[0]["data"])

    def test_a_request_whose_function_fails_is_kept_and_released(self):
        project, path, source, endpoint = self.incoming(
            body_function="function transform(p) { return p.missing.member }")
        project.subscribe("f", endpoint, source)
        answer = project.ingest(source, b'{"n":1}', {"Content-Type": "application/json"})
        self.assertEqual(200, answer.status)
        self.assertEqual("Request kept: a payload function failed", answer.message)
        (held,) = project.client.pages(project.path + "/held-inputs")
        self.assertEqual(("dead_letter", "function_failed"), (held["kind"], held["reason"]))
        self.assertIn("body_function: TypeError", held["detail"])
        still = project.ok("POST", "/held-inputs/release", {})
        self.assertEqual({"function_failed": 1}, still["still_refused"])
        project.ok("PUT", f"/sources/{source['uid']}",
                   {"name": "s", "type": "http", "body_function": "function transform(p) { p.n++; return p }"})
        self.assertEqual(1, project.ok("POST", "/held-inputs/release", {})["accepted"])
        self.assertEqual([b'{"n":2}'], [r.body for r in self.inbox.wait_for(path, 1)])
        self.assertEqual([], project.client.pages(project.path + "/held-inputs"))
        # No function is run for a stranger.
        signed = project.source("signed", {"type": "api_key", "api_key": {
            "header_name": "X-Key", "header_value": "right"}},
            body_function="function transform(p) { for (;;); }")
        began = time.monotonic()
        self.assertEqual(400, project.ingest(signed, b"{}").status)
        self.assertLess(time.monotonic() - began, 0.5)

    def test_functions_are_tried_before_they_are_stored_and_tested_on_request(self):
        project, _, source, endpoint = self.incoming()
        for function, why in (("function transform(p) {\n return p +\n}", "(line 3)"),
                              ("function other() {}", "there is no function called transform"),
                              ("for (;;);", "stopped")):
            for path, field in (("/subscriptions", "function"), ("/sources", "body_function"),
                                ("/sources", "header_function")):
                body = {"name": "n", "type": "http", "endpoint_id": endpoint["uid"],
                        "source_id": source["uid"], field: function}
                answer = project.send("POST", path, body)
                self.assertEqual(400, answer.status, answer)
                self.assertTrue(answer.message.startswith(field + ":"), answer)
                self.assertIn(why, answer.message)
        too_long = "function transform(p) { return p } //" + "x" * 70_000
        self.assertEqual(400, project.send("POST", "/sources", {
            "name": "n", "type": "http", "body_function": too_long}).status)
        for path in ("/sources/test_function", "/subscriptions/test_function"):
            answer = project.send("POST", path, {
                "function": "function transform(p) { console.log('seen', p); return {x: p.x + 1} }",
                "payload": {"x": 1}})
            self.assertEqual((200, "Transformer function run successfully"),
                             (answer.status, answer.message))
            self.assertEqual({"payload": {"x": 2}, "log": ['seen {"x":1}']}, answer.data)
            for function, why in HOSTILE.items():
                answer = project.send("POST", path, {"function": why, "payload": {"x": 1}})
                self.assertEqual(400, answer.status, function)
                self.assertIn(TOLD[function], answer.message)
            self.assertEqual(400, project.send("POST", path, {"payload": {}}).status)
            self.assertEqual(400, project.send("POST", path, {"function": 7}).status)
        wrong = project.send("POST", "/sources/test_function", {
            "type": "body", "function": "function transform(p) { return {other: 1} }", "payload": {}})
        self.assertEqual(400, wrong.status)
        self.assertIn("other", wrong.message)

    def test_hostile_functions_disturb_no_others(self):
        # Each is tried once while this looks.
        project = self.project("incoming", strategy={"type": "linear", "duration": 600,
                                                     "retry_count": 20})
        good = project.source("good", body_function="function transform(p) { p.seen = 1; return p }")
        endpoint = project.endpoint("good", f"{self.inbox.url}/{project.id}/good")
        project.subscribe("good", endpoint, good, function="function transform(p) { p.sent = 1; return p }")
        bad = {}
        for name, function in HOSTILE.items():
            bad[name] = project.source(name)
            target = project.endpoint(name, f"{self.inbox.url}/{project.id}/{name}")
            project.subscribe(name, target, bad[name], function=function)

        def measure(count):
            latencies = []
            for number in range(count):
                began = time.monotonic()
                before = len(self.inbox.received(f"/{project.id}/good"))
                self.assertEqual(200, project.ingest(good, b'{"n":%d}' % number).status)
                self.inbox.wait_for(f"/{project.id}/good", before + 1)
                latencies.append(1000 * (time.monotonic() - began))
            return sorted(latencies)

        measure(5)
        alone = measure(40)
        for source in bad.values():
            for number in range(5):
                self.assertEqual(200, project.ingest(source, b'{"n":%d}' % number).status)
        beside = measure(40)
        for name, times in (("alone", alone), ("beside 40 deliveries of hostile functions", beside)):
            print(f"ingest to delivery through two functions, {name}: median "
                  f"{statistics.median(times):.1f} ms, slowest {times[-1]:.1f} ms")
        self.assertLess(beside[-1], 10_000)
        self.assertLess(statistics.median(beside), 2_000)

        def all_told():
            found = [d for d in project.deliveries() if d["metadata"]["num_trials"]]
            return found if len(found) == 85 + 40 else None
        told = host.wait_until(all_told, "an attempt of every hostile delivery", timeout=300, interval=1)
        by_endpoint = {d["endpoint_metadata"]["name"]: d for d in told}
        for name, why in TOLD.items():
            self.assertIn(why, by_endpoint[name]["description"], name)
            self.assertEqual([], self.inbox.received(f"/{project.id}/{name}"))


if __name__ == "__main__":
    if not has_scripting():
        raise SystemExit("skipped: this convoyd was built without payload functions")
    unittest.main()
