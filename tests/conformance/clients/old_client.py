"""Every method of convoy-python 0.2.0. Its answers are (JSON, status code)."""
import inspect
import json
import os
import time

from convoy import Convoy
from convoy.utils.webhook import Webhook

URL, RECEIVER, PROJECT = (os.environ[name] for name in ("URL", "RECEIVER", "PROJECT"))
INCOMING = os.environ["INCOMING"]
# Operations of versions of Convoy that were current when the client was made, and are no more.
GONE = {"group.all", "group.create", "group.find", "group.update", "group.delete"}
RESULTS = {}


def call(client, name, *arguments, expect=(200, 201, 202)):
    """Calls "endpoint.create" and the like; returns its data."""
    part, method = name.split(".")
    try:
        body, status = getattr(getattr(client, part), method)(*arguments)
    except Exception as error:  # noqa: BLE001: the table shows what is wrong, whatever it is
        RESULTS[name] = f"{type(error).__name__}: {error}"
        return {}
    if status in expect and body.get("status") is True:
        RESULTS.setdefault(name, "works")
        return body.get("data")
    RESULTS[name] = f"{status} {body}"
    return {}


def eventually(condition):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return None


def drive():
    base = URL + "/api/v1/projects/"
    client = Convoy({"api_key": os.environ["KEY"], "uri": base + PROJECT})
    incoming = Convoy({"api_key": os.environ["INCOMING_KEY"], "uri": base + INCOMING})
    # The fields of the client's own docstrings.
    endpoint = call(client, "endpoint.create", {}, {
        "name": "e", "url": RECEIVER + "/old", "description": "d", "secret": "s3cret",
        "events": [], "advanced_signatures": False})
    uid = endpoint.get("uid", "")
    call(client, "endpoint.all", {})
    call(client, "endpoint.find", uid, {})
    call(client, "endpoint.update", uid, {}, {"name": "f", "url": RECEIVER + "/old",
                                              "description": "", "secret": "s3cret", "events": []})
    subscription = call(client, "subscription.create", {}, {
        "name": "s", "endpoint_id": uid, "source_id": "",
        "alert_config": {"count": 0, "threshold": ""}, "filter_config": {"event_types": ["*"]},
        "retry_config": {"duration": "10s", "retry_count": 3, "type": "linear"}})
    call(client, "subscription.all", {})
    call(client, "subscription.find", subscription.get("uid", ""), {})
    call(client, "subscription.update", subscription.get("uid", ""), {}, {
        "name": "t", "alert_config": {"count": 0, "threshold": ""},
        "retry_config": {"duration": "", "retry_count": 0, "type": ""}})
    source = call(incoming, "source.create", {}, {
        "name": "g", "type": "http", "provider": "github",
        "verifier": {"hmac": {"secret": "s"}}})
    call(incoming, "source.all", {})
    call(incoming, "source.find", source.get("uid", ""), {})
    call(incoming, "source.update", source.get("uid", ""), {}, {
        "is_disabled": False, "name": "h", "provider": "github", "type": "http",
        "verifier": {"api_key": {"header_name": "", "header_value": ""},
                     "basic_auth": {"password": "", "username": ""},
                     "hmac": {"encoding": "", "hash": "", "header": "", "secret": "t"}, "type": ""}})
    call(client, "event.create", {}, {"endpoint_id": uid, "event_type": "t",
                                      "data": {"event": "e", "data": {}}})
    events = call(client, "event.all", {"endpointId": uid})
    event = events["content"][0] if events else {}
    call(client, "event.find", event.get("uid", ""), {})
    delivery = eventually(lambda: [each for each in call(
        client, "event_delivery.all", {"endpointId": uid})["content"]
        if each["status"] == "Success"])
    delivery_id = delivery[0]["uid"] if delivery else ""
    call(client, "event_delivery.find", delivery_id, {})
    attempts = call(client, "delivery_attempt.all", delivery_id, {})
    attempt = attempts[0] if attempts else {}
    call(client, "delivery_attempt.find", delivery_id, attempt.get("uid", ""), {})
    check_signature(attempt)
    check_resend(client)
    # A body goes along with each.
    call(client, "subscription.delete", subscription.get("uid", ""), {}, {})
    call(client, "endpoint.delete", uid, {}, {})
    call(incoming, "source.delete", source.get("uid", ""), {}, None)


def check_signature(attempt):
    signature = attempt.get("request_http_header", {}).get("X-Convoy-Signature", "")
    webhook = Webhook(secret="s3cret")
    body = '{"event": "e", "data": {}}'
    is_right = webhook.verify_signature(body, signature) is True
    is_strict = webhook.verify_signature(body + " ", signature) is not True
    RESULTS["webhook.verify_signature"] = "works" if is_right and is_strict else repr(signature)


def check_resend(client):
    """Only what has failed can be sent again."""
    gone = call(client, "endpoint.create", {}, {"name": "gone", "url": "http://127.0.0.1:1/",
                                                "advanced_signatures": True})
    subscription = call(client, "subscription.create", {}, {
        "name": "once", "endpoint_id": gone.get("uid", ""),
        "retry_config": {"duration": "0s", "retry_count": 1, "type": "linear"}})
    call(client, "event.create", {}, {"endpoint_id": gone.get("uid", ""), "event_type": "t", "data": {}})
    failed = eventually(lambda: [each for each in call(
        client, "event_delivery.all", {"endpointId": gone.get("uid", "")})["content"]
        if each["status"] == "Failure"])
    call(client, "event_delivery.resend", failed[0]["uid"] if failed else "", {})
    call(client, "subscription.delete", subscription.get("uid", ""), {}, {})


def methods():
    client = Convoy({"api_key": "x", "uri": "x"})
    for part, value in sorted(vars(client).items()):
        if part == "webhook":
            continue
        for method, _ in inspect.getmembers(type(value), inspect.isfunction):
            if not method.startswith("_"):
                yield f"{part}.{method}"


def main():
    drive()
    for name in (*methods(), "webhook.verify_signature"):
        result = RESULTS.get(name)
        if name in GONE or name == "event_delivery.batchresend":
            # The latter fails before it sends anything: a format without a place for its argument.
            result = result or "no operation"
        print(json.dumps({"method": name, "result": result or "was not called"}))


main()
