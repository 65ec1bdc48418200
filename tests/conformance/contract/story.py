"""Every operation of the contract in a story, and then each of them with what is wrong."""
import authorization_server
import host

CLIENT_SECRET = "of the client of the contract"
NO_FUNCTIONS = "function:payload functions are not built in"


class Story:
    """Calls operations; what an answer made is known by a name from then on."""

    def __init__(self, contract, admin, inbox, has_functions):
        self.contract = contract
        self.admin = admin
        self.receiver = inbox.url
        self.has_functions = has_functions
        self.ids = {"eventType": "paid"}
        self.called = {}  # (method, path): the last body that was taken
        self.faults = []
        self.counts = {"valid": 0, "invalid": 0}

    def operation(self, method, path):
        for each in self.contract.operations:
            if each["method"] == method and each["path"] == path:
                return each
        raise KeyError((method, path))

    def fill(self, path):
        for name, value in self.ids.items():
            path = path.replace("{" + name + "}", value)
        return path

    def judge(self, operation, response, what):
        for fault in self.contract.judge(operation, response.status, response.body):
            self.faults.append(f"{operation['method']} {operation['path']} ({what}): {fault}")

    def call(self, method, path, body=None, query="", keep=None):
        """A request that must succeed; `path` is below the project's unless it begins at the root."""
        pattern = path if path.startswith("/api") else "/api/v1/projects/{projectID}" + path
        operation = self.operation(method, pattern)
        response = self.admin.send(method, self.fill(pattern) + query, body)
        self.counts["valid"] += 1
        self.called[method, pattern] = body
        self.judge(operation, response, "valid")
        if str(response.status) not in operation["answers"]:
            self.faults.append(f"{method} {pattern}: {response}")
            return None
        data = response.json["data"]
        if keep:
            self.ids[keep] = data["uid"]
        return data

    def first(self, path, keep, query=""):
        """Waits for the first item of a list."""
        def look():
            data = self.call("GET", path, query=query)
            items = data["content"] if isinstance(data, dict) else data
            return items and items[0]
        self.ids[keep] = host.wait_until(look, path)["uid"]

    def configure(self):
        project = self.call("POST", "/api/v1/projects", {"name": "contract", "type": "outgoing"})
        self.ids["projectID"] = project["project"]["uid"]
        self.call("GET", "/api/v1/projects")
        self.call("PUT", "/api/v1/projects/{projectID}", {"name": "contract", "config": {
            "multiple_endpoint_subscriptions": True,
            "strategy": {"type": "linear", "duration": 1, "retry_count": 1},
            "search_policy": "24h", "replay_attacks_prevention_enabled": True,
            "meta_event": {"is_enabled": True, "url": self.receiver + "/meta"}}})
        self.call("GET", "/api/v1/projects/{projectID}")
        source = {"name": "s", "type": "http", "verifier": {"type": "hmac", "hmac": {
            "header": "X-S", "hash": "SHA256", "encoding": "hex", "secret": "k"}}}
        self.call("POST", "/sources", source, keep="sourceID")
        self.call("GET", "/sources")
        self.call("GET", "/sources/{sourceID}")
        self.call("PUT", "/sources/{sourceID}", source)
        endpoint = {"name": "e", "url": self.receiver + "/e", "owner_id": "o",
                    "support_email": "a@example.com", "slack_webhook_url": self.receiver + "/chat"}
        self.call("POST", "/endpoints", endpoint, keep="endpointID")
        self.call("GET", "/endpoints")
        self.call("GET", "/endpoints/{endpointID}")
        self.call("PUT", "/endpoints/{endpointID}", endpoint)
        self.call("PUT", "/endpoints/{endpointID}/pause")
        self.call("POST", "/endpoints/{endpointID}/activate")
        self.call("PUT", "/endpoints/{endpointID}/expire_secret", {"expiration": 60})
        self.call("POST", "/onboard", {"items": [{"name": "x", "url": self.receiver + "/x"}]})
        self.call("POST", "/onboard", {"items": [{"name": "", "url": ""}]}, query="?dry_run=true")

    def catalogue(self):
        self.call("POST", "/event-types", {"name": "paid", "json_schema": {"type": "object"}},
                  keep="eventTypeId")
        self.call("GET", "/event-types")
        self.call("PUT", "/event-types/{eventTypeId}", {"category": "c"})
        self.call("POST", "/event-types/import", {
            "spec": '{"openapi": "3.1.0", "webhooks": {"sent": {"post": {}}}}'})
        self.call("POST", "/event-types/{eventTypeId}/deprecate")
        self.call("POST", "/subscriptions", {
            "name": "s", "endpoint_id": self.ids["endpointID"],
            "rate_limit_config": {"count": 1000, "duration": 1},
            "alert_config": {"count": 2, "threshold": "1h"},
            "filter_config": {"event_types": ["t"], "filter": {"body": {"a": 1}}}},
            keep="subscriptionID")
        self.call("GET", "/subscriptions")
        self.call("GET", "/subscriptions/{subscriptionID}")
        self.call("PUT", "/subscriptions/{subscriptionID}", {"name": "t"})
        self.call("PUT", "/subscriptions/{subscriptionID}/toggle_status")
        self.call("POST", "/subscriptions/test_filter", {"request": {"body": {"a": 1}},
                                                         "schema": {"body": {"a": 1}}})
        filters = "/subscriptions/{subscriptionID}/filters"
        self.call("POST", filters, {"event_type": "paid", "body": {"a": 1}}, keep="filterID")
        self.call("GET", filters)
        self.call("GET", filters + "/{filterID}")
        self.call("PUT", filters + "/{filterID}", {"query": {"q": "1"}})
        self.call("POST", filters + "/bulk", [{"event_type": "sent"}])
        self.call("PUT", filters + "/bulk_update", [{"uid": self.ids["filterID"], "enabled_at": None}])
        self.call("POST", filters + "/test/{eventType}", {"payload": {"a": 1}})

    def expect(self, holds, what):
        if not holds:
            self.faults.append(what)

    def trials(self):
        """Functions are run, and a token is fetched from a server that gives it for the right secret."""
        server = authorization_server.AuthorizationServer({"contract": CLIENT_SECRET})
        try:
            for secret in (CLIENT_SECRET, "another"):
                data = self.call("POST", "/endpoints/oauth2/test", {"oauth2": {
                    "url": server.url, "client_id": "contract", "client_secret": secret,
                    "grant_type": "client_credentials", "authentication_type": "shared_secret"}})
                is_right = secret == CLIENT_SECRET
                token = f"{data.get('token_type')} {data.get('access_token')}"
                self.expect(data["success"] == is_right and server.is_good(token) == is_right,
                            f"the trial of an authorisation server: {data}")
            self.expect(len(server.requests) == 2, f"{len(server.requests)} requests for a token")
        finally:
            server.close()
        for path in ("/sources/test_function", "/subscriptions/test_function"):
            self.try_function(path)

    def try_function(self, path):
        body = {"payload": {"x": 1}, "function":
                "function transform(p) { console.log('seen', p); return {x: p.x + 1} }"}
        if self.has_functions:
            data = self.call("POST", path, body)
            self.expect(data == {"payload": {"x": 2}, "log": ['seen {"x":1}']}, f"{path}: {data}")
            return
        pattern = "/api/v1/projects/{projectID}" + path
        answer = self.admin.send("POST", self.fill(pattern), body)
        self.judge(self.operation("POST", pattern), answer, "without functions")
        self.expect((answer.status, answer.message) == (400, NO_FUNCTIONS), f"{path}: {answer}")
        self.called["POST", pattern] = body

    def traffic(self):
        event = {"event_type": "t", "data": {"a": 1}}
        self.call("POST", "/events", {**event, "endpoint_id": self.ids["endpointID"]})
        self.call("POST", "/events/fanout", {**event, "owner_id": "o"})
        self.call("POST", "/events/broadcast", event)
        self.call("POST", "/events/dynamic", {**event, "url": self.receiver + "/d"})
        self.first("/events", "eventID", "?query=" + event["event_type"])
        found = self.call("GET", "/events", query="?body=%7B%22a%22%3A1%7D&query=%7B%7D")
        self.expect(found["content"] != [], "no event has the payload that all of them have")
        self.call("GET", "/events/{eventID}")
        self.call("PUT", "/events/{eventID}/replay")
        self.call("GET", "/events/countbatchreplayevents")
        self.call("POST", "/events/batchreplay")
        self.first("/eventdeliveries", "eventDeliveryID", "?status=Success")
        self.call("GET", "/eventdeliveries/{eventDeliveryID}")
        attempts = "/eventdeliveries/{eventDeliveryID}/deliveryattempts"
        self.first(attempts, "deliveryAttemptID")
        self.call("GET", attempts + "/{deliveryAttemptID}")
        self.call("POST", "/eventdeliveries/forceresend", {"ids": [self.ids["eventDeliveryID"]]})
        self.call("GET", "/endpoints/period-failure-rates",
                  query="?endpointId=" + self.ids["endpointID"])
        self.first("/meta-events", "metaEventID")
        self.call("GET", "/meta-events/{metaEventID}")
        self.call("PUT", "/meta-events/{metaEventID}/resend")
        self.failure()

    def failure(self):
        """Only what has failed can be sent again."""
        gone = self.admin.ok("POST", self.fill("/api/v1/projects/{projectID}/endpoints"),
                             {"name": "gone", "url": "http://127.0.0.1:1/"})
        self.call("POST", "/events", {"event_type": "t", "data": {}, "endpoint_id": gone["uid"]})
        kept = self.ids["eventDeliveryID"]
        self.first("/eventdeliveries", "eventDeliveryID", "?status=Failure&endpointId=" + gone["uid"])
        self.call("PUT", "/eventdeliveries/{eventDeliveryID}/resend")
        self.call("POST", "/eventdeliveries/batchretry")
        self.ids["eventDeliveryID"] = kept

    def portal(self):
        self.call("POST", "/portal-links", {"name": "l", "owner_id": "o"}, keep="portalLinkID")
        self.call("GET", "/portal-links")
        self.call("GET", "/portal-links/{portalLinkID}")
        self.call("PUT", "/portal-links/{portalLinkID}", {"name": "m"})
        self.call("GET", "/portal-links/{portalLinkID}/refresh_token")

    def removals(self):
        self.call("PUT", "/portal-links/{portalLinkID}/revoke")
        self.call("DELETE", "/subscriptions/{subscriptionID}/filters/{filterID}")
        self.call("DELETE", "/subscriptions/{subscriptionID}")
        self.call("DELETE", "/endpoints/{endpointID}")
        self.call("DELETE", "/sources/{sourceID}")
        self.call("DELETE", "/api/v1/projects/{projectID}")

    # Wrong requests.

    def wrong_bodies(self, operation):
        """Broken texts, and each field of the body with values of other types."""
        yield b"{"
        yield b"[1, 2"
        yield b'"text"'
        yield b'{"name": "a", "name": "b"}'
        shape = self.contract.resolve(operation.get("body", {}))
        for name, field in shape.get("properties", {}).items():
            for value in (7, -1, 1.5, "x", "", [7], {"a": [1]}, True, None, "\u0000", "a" * 5000):
                yield {name: value}
                known = self.called.get((operation["method"], operation["path"]))
                if isinstance(known, dict):
                    yield {**known, name: value}
            for inner, _ in self.contract.resolve(field).get("properties", {}).items():
                for value in (7, "x", [7], {"a": 1}, True, None):
                    yield {name: {inner: value}}

    def provoke(self):
        for operation in self.contract.operations:
            method, pattern = operation["method"], operation["path"]
            real = self.fill(pattern)
            unknown = real
            for name, value in self.ids.items():
                if name != "projectID":
                    unknown = unknown.replace(value, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
            # Calls that would end the story are made for unknown ids.
            target = unknown if method == "DELETE" or pattern.endswith("/revoke") else real
            if target.endswith("/{projectID}") or (method == "DELETE" and target == real):
                continue
            bodies = list(self.wrong_bodies(operation)) if method in ("POST", "PUT") else [None]
            for body in bodies:
                response = self.admin.send(method, target, body,
                                           {"Content-Type": "application/json"})
                self.counts["invalid"] += 1
                self.judge(operation, response, f"invalid {str(body)[:100]}")
            for query in ("?perPage=x", "?startDate=x", "?next_page_cursor=%00", "?sort=%FF",
                          "?endpointId=" + "&endpointId=".join("x" * 50)):
                response = self.admin.send(method, unknown + query)
                self.counts["invalid"] += 1
                self.judge(operation, response, "query " + query[:40])
