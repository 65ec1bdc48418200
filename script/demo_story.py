"""The story that script/demo plays: every step is checked, every figure is read back."""
import collections
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "integration"))
import host  # noqa: E402

GITHUB_SECRET = "It's a Secret to Everybody"
BILLING_SECRET = "advanced-signing-secret"
ENDPOINT_SECRET = "endpoint-signing-secret"

def say(text=""):
    print(text, flush=True)


def expect(what, actual, expected):
    if actual != expected:
        raise SystemExit(f"\ndemo: {what}: expected {expected!r}, got {actual!r}")


def check_signature(request):
    signature = request.headers["X-Convoy-Signature"]
    expect(f"signature at {request.path}",
           host.is_signed(signature, ENDPOINT_SECRET, request.body), True)


def set_up_incoming(admin, receiver):
    project = host.Project(admin, "webhooks in", "incoming")
    endpoint = project.endpoint("inbox", receiver.url + "/inbox", secret=ENDPOINT_SECRET)
    hmac_of = lambda header_name, secret: {  # noqa: E731
        "type": "hmac", "hmac": {"header": header_name, "hash": "SHA256", "encoding": "hex",
                                 "secret": secret}}
    sources = {
        "github": project.source("github", hmac_of("X-Hub-Signature-256", GITHUB_SECRET),
                                 provider="github",
                                 event_type_location="request.body.action",
                                 idempotency_keys=["request.header.X-GitHub-Delivery"]),
        "billing": project.source("billing", hmac_of("X-Billing-Signature", BILLING_SECRET)),
        "partner": project.source("partner", {"type": "basic_auth", "basic_auth": {
            "username": "partner", "password": "pass:with:colons"}}),
        "sensor": project.source("sensor", {"type": "api_key", "api_key": {
            "header_name": "X-Sensor-Key", "header_value": "sensor-key-1"}}),
    }
    for name, source in sources.items():
        project.subscribe(f"{name} to inbox", endpoint, source)
    return project, sources


def play_incoming(admin, receiver):
    say("-- Receiving: four sources, each verified in its own way")
    project, sources = set_up_incoming(admin, receiver)
    now = int(time.time())
    push = b'{"action":"opened","number":42,"ratio":0.10000000000000000000001,"huge":1e400}'
    paid = b'{"invoice":"A-7","total":1299}'
    github = {"Content-Type": "application/json", "X-GitHub-Delivery": "72d3162e",
              "X-Hub-Signature-256": host.github_signature(GITHUB_SECRET, push)}
    forged = {**github, "X-GitHub-Delivery": "72d3162f",
              "X-Hub-Signature-256": host.github_signature("a guess", push)}
    billing_at = lambda when: {  # noqa: E731
        "X-Billing-Signature": host.advanced_signature(BILLING_SECRET, paid, when)}
    steps = [
        ("GitHub, genuine", "github", push, github, 200, "Event received"),
        ("HMAC advanced, genuine", "billing", paid, billing_at(now), 200, "Event received"),
        ("basic auth", "partner", b'{"hello":"partner"}',
         {"Authorization": host.basic_authorization("partner", "pass:with:colons")},
         200, "Event received"),
        ("API key", "sensor", b"\x00\xff binary \xfe", {"X-Sensor-Key": "sensor-key-1",
         "Content-Type": "application/octet-stream"}, 200, "Event received"),
        ("GitHub, forged", "github", push, forged, 400, None),
        ("HMAC advanced, replayed after an hour", "billing", paid, billing_at(now - 3600), 400,
         None),
        ("GitHub, the same delivery again", "github", push, github, 200,
         "Duplicate event received, but will not be sent"),
    ]
    for name, source, body, headers, status, message in steps:
        started = time.perf_counter()
        answer = project.ingest(sources[source], body, headers)
        elapsed = (time.perf_counter() - started) * 1000
        expect(name, answer.status, status)
        if message is not None:
            expect(name, answer.message, message)
        say(f"   {answer.status}  {elapsed:5.1f} ms  {name}: {answer.message}")

    project.wait_for_deliveries(4)
    events = project.events()
    expect("stored events", len(events), 5)
    expect("of them duplicates", sum(event["is_duplicate_event"] for event in events), 1)
    delivered = receiver.received("/inbox")
    expect("deliveries to /inbox", len(delivered), 4)
    for request in delivered:
        check_signature(request)
    genuine = [body for _, _, body, _, status, message in steps if message == "Event received"]
    expect("delivered bodies, byte for byte", sorted(r.body for r in delivered), sorted(genuine))
    say(f"   {len(events)} events stored (1 duplicate), 2 refused and not stored, "
        f"{len(delivered)} delivered byte for byte, every signature checked")
    return project


def play_outgoing(admin, receiver):
    say("-- Sending: one endpoint, all endpoints of an owner, all that subscribed")
    project = host.Project(admin, "webhooks out", "outgoing",
                           strategy={"type": "linear", "duration": 1, "retry_count": 5})
    endpoints = {}
    for name, owner in (("orders", "acme"), ("audit", "acme"), ("flaky", "globex")):
        endpoints[name] = project.endpoint(name, f"{receiver.url}/{name}", owner_id=owner,
                                           secret=ENDPOINT_SECRET)
    project.subscribe("orders", endpoints["orders"], event_types=["order.created", "order.paid"])
    project.subscribe("audit", endpoints["audit"])
    project.subscribe("flaky", endpoints["flaky"], event_types=["order.shipped"])

    steps = [
        ("one endpoint", "", {"endpoint_id": endpoints["orders"]["uid"]}, "order.created", 1),
        ("fan-out to acme", "/fanout", {"owner_id": "acme"}, "order.paid", 2),
        ("broadcast", "/broadcast", {}, "order.created", 2),
        ("an endpoint that fails twice", "", {"endpoint_id": endpoints["flaky"]["uid"]},
         "order.shipped", 1),
    ]
    deliveries_count = 0
    for number, (name, path, target, event_type, count) in enumerate(steps, 1):
        if target.get("endpoint_id") == endpoints["flaky"]["uid"]:
            receiver.fail_next("/flaky", 503, 503)
        project.ok("POST", "/events" + path, {
            **target, "event_type": event_type, "idempotency_key": f"demo-{number}",
            "custom_headers": {"X-Demo-Step": str(number)}, "data": {"step": number}})
        deliveries_count += count
        say(f"   accepted  {name}: {event_type}, {count} {'delivery' if count == 1 else 'deliveries'}")
    say("   waiting for the retries (1 s apart)")
    project.wait_for_deliveries(deliveries_count)

    arrived = collections.Counter()
    for path in ("/orders", "/audit", "/flaky"):
        for request in receiver.received(path):
            check_signature(request)
            step = request.headers["X-Demo-Step"]
            expect(f"body at {path}", json.loads(request.body), {"step": int(step)})
            arrived[path, int(step)] += 1
    expect("what arrived where", dict(arrived), {
        ("/orders", 1): 1, ("/orders", 2): 1, ("/audit", 2): 1, ("/orders", 3): 1,
        ("/audit", 3): 1, ("/flaky", 4): 1})
    flaky = project.deliveries(endpointId=endpoints["flaky"]["uid"])
    attempts = project.attempts(flaky[0]["uid"])
    expect("attempts at the flaky endpoint",
           [attempt.get("http_status", "")[:3] for attempt in attempts], ["503", "503", "200"])
    say(f"   {deliveries_count} deliveries, all arrived once, every signature checked")
    return project


def show_trails(project, title):
    say(f"-- Trails: {title}")
    for event in reversed(project.events()):
        note = "  (duplicate, not sent)" if event["is_duplicate_event"] else ""
        say(f"   event {event['uid']}  {event['event_type']}{note}")
        for delivery in reversed(project.deliveries(eventId=event["uid"])):
            url = delivery["endpoint_metadata"]["url"]
            say(f"     delivery {delivery['uid']}  {delivery['status']}  to {url}")
            for number, attempt in enumerate(project.attempts(delivery["uid"]), 1):
                result = attempt.get("http_status") or attempt.get("error", "")
                say(f"       attempt {number} at {attempt['requested_at']}  {result}")


def main():
    started = time.monotonic()
    with host.Folder() as folder:
        database = folder + "/convoy.db"
        receiver = host.Inbox()
        key = host.bootstrap(database)
        convoyd = host.Convoyd(database)
        try:
            say(f"\n== convoyd on http://{convoyd.address}, its database in {folder}")
            admin = convoyd.client(key)
            incoming = play_incoming(admin, receiver)
            outgoing = play_outgoing(admin, receiver)
            show_trails(incoming, "what came in")
            show_trails(outgoing, "what was sent")
            expect("exit code after SIGTERM", convoyd.stop(), 0)
        finally:
            convoyd.kill()
            receiver.close()
    say(f"\n== All as expected, in {time.monotonic() - started:.1f} s; nothing is left running")


if __name__ == "__main__":
    main()
