"""Every operation of convoy-python 1.0.0a1, which is generated from Convoy's contract. A result of a
served one is read into the client's own types for its success; an unserved one gives the type of
its 404, never nothing."""
import importlib
import inspect
import json
import os
import pkgutil
import re
import time
import typing

import convoy.api
from convoy.client import AuthenticatedClient
from convoy.types import Unset

URL, RECEIVER, PROJECT = (os.environ[name] for name in ("URL", "RECEIVER", "PROJECT"))
INCOMING = os.environ["INCOMING"]
RESULTS = {}


def client(key):
    return AuthenticatedClient(base_url=URL + "/api", token=os.environ[key],
                               raise_on_unexpected_status=True)


CLIENT, INCOMING_CLIENT, ADMIN = client("KEY"), client("INCOMING_KEY"), client("INSTANCE_KEY")


def operations():
    """{"endpoints.create_endpoint": module}"""
    found = {}
    for package in pkgutil.iter_modules(convoy.api.__path__):
        folder = importlib.import_module("convoy.api." + package.name)
        for module in pkgutil.iter_modules(folder.__path__):
            name = f"{package.name}.{module.name}"
            found[name] = importlib.import_module("convoy.api." + name)
    return found


OPERATIONS = operations()


def body_type(name):
    kind = inspect.signature(OPERATIONS[name].sync_detailed).parameters["body"].annotation
    return typing.get_args(kind)[0] if typing.get_args(kind) else kind


def raw_dictionaries(value, path="parsed"):
    """Places at which a type of the client refused what it was given: it keeps the dictionary."""
    if hasattr(value, "__attrs_attrs__"):
        for attribute in value.__attrs_attrs__:
            if attribute.name != "additional_properties":
                yield from raw_dictionaries(getattr(value, attribute.name), f"{path}.{attribute.name}")
    elif isinstance(value, list):
        for item in value:
            yield from raw_dictionaries(item, path + "[]")
    elif isinstance(value, dict) and value:
        yield path


# Fields whose type is a dictionary, or a union with one.
FREE = re.compile(r"\.(data|headers|raw_\w+|body|query|path|request_http_header|response_http_header)$")


def body_of(name, value):
    """The client's object for a body, or a list of such."""
    kind = inspect.signature(OPERATIONS[name].sync_detailed).parameters["body"].annotation
    if typing.get_origin(kind) is list:
        return [typing.get_args(kind)[0].from_dict(each) for each in value]
    return body_type(name).from_dict(value)


def call(name, *arguments, who=CLIENT, body=None, **named):
    """Calls an operation; returns the client's object of its success."""
    if body is not None:
        named["body"] = body_of(name, body)
    try:
        answer = OPERATIONS[name].sync_detailed(*arguments, client=who, **named)
    except Exception as error:  # noqa: BLE001: the table shows what is wrong, whatever it is
        RESULTS[name] = f"{type(error).__name__}: {error}"
        return None
    wrong = [path for path in raw_dictionaries(answer.parsed) if not FREE.search(path)]
    is_right = answer.status_code < 300 and answer.parsed is not None and not wrong
    if is_right:
        RESULTS.setdefault(name, "works")
        return answer.parsed.data
    RESULTS[name] = f"{answer.status_code} {wrong} {answer.content[:300]!r}"
    return None


def eventually(condition):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return []


def uid(thing):
    return "x" if thing is None or isinstance(thing.uid, Unset) else thing.uid


def drive_projects():
    made = call("projects.create_project", who=ADMIN, org_id="o", body={
        "name": "by the client", "type": "outgoing",
        "config": {"strategy": {"type": "linear", "duration": 5, "retry_count": 2}}})
    project = "x" if made is None else made.project.uid
    call("projects.get_projects", who=ADMIN, org_id="o")
    call("projects.get_project", project, who=ADMIN)
    call("projects.update_project", project, who=ADMIN, body={"name": "renamed", "config": {
        "ratelimit": {"count": 5, "duration": 60}}})
    call("projects.delete_project", project, who=ADMIN)


def drive_sources():
    source = call("sources.create_source", INCOMING, who=INCOMING_CLIENT, body={
        "name": "s", "type": "http", "verifier": {"type": "hmac", "hmac": {
            "header": "X", "hash": "SHA256", "encoding": "hex", "secret": "k"}}})
    call("sources.load_sources_paged", INCOMING, who=INCOMING_CLIENT)
    call("sources.get_source", INCOMING, uid(source), who=INCOMING_CLIENT)
    call("sources.update_source", INCOMING, uid(source), who=INCOMING_CLIENT, body={
        "name": "t", "type": "http", "verifier": {"type": "api_key", "api_key": {
            "header_name": "X", "header_value": "v"}}})
    call("sources.delete_source", INCOMING, uid(source), who=INCOMING_CLIENT)


def drive_endpoints():
    endpoint = call("endpoints.create_endpoint", PROJECT, body={
        "name": "e", "url": RECEIVER + "/new", "owner_id": "o", "http_timeout": 10,
        "rate_limit": 100, "rate_limit_duration": 1,
        "authentication": {"type": "api_key", "api_key": {"header_name": "X-A", "header_value": "v"}}})
    one = uid(endpoint)
    call("endpoints.get_endpoints", PROJECT)
    call("endpoints.get_endpoint", PROJECT, one)
    call("endpoints.update_endpoint", PROJECT, one, body={"name": "f", "url": RECEIVER + "/new",
                                                          "http_timeout": 5})
    call("endpoints.pause_endpoint", PROJECT, one)
    call("endpoints.activate_endpoint", PROJECT, one)
    call("endpoints.expire_secret", PROJECT, one, body={"expiration": 1, "secret": "abc"})
    # The receiver gives no token: the answer tells so.
    call("endpoints.test_o_auth_2_connection", PROJECT, body={"oauth2": {
        "url": RECEIVER + "/token", "client_id": "c", "grant_type": "client_credentials",
        "authentication_type": "shared_secret", "client_secret": "s"}})
    return one


def drive_subscriptions(endpoint):
    subscription = call("subscriptions.create_subscription", PROJECT, body={
        "name": "s", "endpoint_id": endpoint,
        "retry_config": {"type": "linear", "duration": "0s", "retry_count": 1},
        "filter_config": {"event_types": ["t"], "filter": {"body": {"a": 1}}}})
    one = uid(subscription)
    call("subscriptions.get_subscriptions", PROJECT)
    call("subscriptions.get_subscription", PROJECT, one)
    call("subscriptions.update_subscription", PROJECT, one, body={"name": "u"})
    call("subscriptions.test_subscription_filter", PROJECT, body={
        "request": {"body": {"a": 1}}, "schema": {"body": {"a": 1}}})
    return one


def deliveries(endpoint, status):
    page = call("event_deliveries.get_event_deliveries_paged", PROJECT, endpoint_id=[endpoint])
    return [each for each in (page.content if page else []) if each.status.value == status]


def drive_events(endpoint):
    call("events.create_endpoint_event", PROJECT, body={
        "endpoint_id": endpoint, "event_type": "t", "data": {"a": 1}, "idempotency_key": "k"})
    call("events.create_endpoint_fanout_event", PROJECT, body={
        "owner_id": "o", "event_type": "t", "data": {"a": 1}})
    call("events.create_broadcast_event", PROJECT, body={"event_type": "t", "data": {"a": 1}})
    call("events.create_dynamic_event", PROJECT, body={
        "url": RECEIVER + "/dynamic", "secret": "s", "event_types": ["t"], "event_type": "t",
        "data": {"a": 1}})
    page = call("events.get_events_paged", PROJECT)
    event = uid(page.content[0] if page else None)
    call("events.get_endpoint_event", PROJECT, event)
    call("events.replay_endpoint_event", PROJECT, event)
    done = eventually(lambda: deliveries(endpoint, "Success"))
    delivery = uid(done[0] if done else None)
    call("event_deliveries.get_event_delivery", PROJECT, delivery)
    attempts = call("delivery_attempts.get_delivery_attempts", PROJECT, delivery)
    call("delivery_attempts.get_delivery_attempt", PROJECT, delivery, uid(attempts[0] if attempts else None))
    call("event_deliveries.force_resend_event_deliveries", PROJECT, body={"ids": [delivery]})


def drive_resend():
    """Only what has failed can be sent again."""
    gone = uid(call("endpoints.create_endpoint", PROJECT, body={"name": "g", "url": "http://127.0.0.1:1/"}))
    call("subscriptions.create_subscription", PROJECT, body={
        "name": "once", "endpoint_id": gone,
        "retry_config": {"type": "linear", "duration": "0s", "retry_count": 1}})
    call("events.create_endpoint_event", PROJECT, body={"endpoint_id": gone, "event_type": "x", "data": {}})
    failed = eventually(lambda: deliveries(gone, "Failure"))
    call("event_deliveries.resend_event_delivery", PROJECT, uid(failed[0] if failed else None))


def drive_event_types():
    made = uid(call("event_types.create_event_type", PROJECT, body={
        "name": "invoice.paid", "category": "billing", "json_schema": {"type": "object"}}))
    call("event_types.import_open_api_spec", PROJECT, body={"spec": json.dumps({
        "openapi": "3.1.0", "webhooks": {"invoice.sent": {"post": {"description": "d"}}}})})
    call("event_types.get_event_types", PROJECT)
    call("event_types.update_event_type", PROJECT, made, body={"category": "money"})
    call("event_types.deprecate_event_type", PROJECT, made)


def drive_filters(subscription):
    made = uid(call("filters.create_filter", PROJECT, subscription, body={
        "event_type": "invoice.paid", "body": {"amount": {"$gt": 10}}}))
    call("filters.bulk_create_filters", PROJECT, subscription, body=[{"event_type": "invoice.sent"}])
    call("filters.get_filters", PROJECT, subscription)
    call("filters.get_filter", PROJECT, subscription, made)
    call("filters.update_filter", PROJECT, subscription, made, body={"headers": {"x": "y"}})
    call("filters.bulk_update_filters", PROJECT, subscription, body=[{
        "uid": made, "headers": {}, "body": {"amount": {"$gt": 20}}}])
    tests = [call("filters.test_filter", PROJECT, subscription, "invoice.paid", body={
        "request": {"body": {"amount": amount}}}) for amount in (10, 30)]
    if [getattr(each, "is_match", None) for each in tests] != [False, True]:
        RESULTS["filters.test_filter"] = f"{tests}"
    call("filters.delete_filter", PROJECT, subscription, made)
    call("subscriptions.toggle_subscription_status", PROJECT, subscription)


def drive_portal():
    made = uid(call("portal_links.create_portal_link", PROJECT, body={
        "name": "l", "owner_id": "o", "can_manage_endpoint": True}))
    call("portal_links.load_portal_links_paged", PROJECT, owner_id="o")
    call("portal_links.get_portal_link", PROJECT, made)
    call("portal_links.update_portal_link", PROJECT, made, body={
        "name": "m", "owner_id": "o", "auth_type": "refresh_token"})
    token = call("portal_links.refresh_portal_link_auth_token", PROJECT, made)
    portal = AuthenticatedClient(base_url=URL + "/api", token=str(token),
                                 raise_on_unexpected_status=True)
    page = call("endpoints.get_endpoints", PROJECT, who=portal)
    if not page or {each.owner_id for each in page.content} != {"o"}:
        RESULTS["portal_links.refresh_portal_link_auth_token"] = f"{page}"
    call("portal_links.revoke_portal_link", PROJECT, made)


def drive_meta_events():
    """Of a project that tells of its endpoints."""
    made = call("projects.create_project", who=ADMIN, org_id="o", body={
        "name": "telling", "type": "outgoing",
        "config": {"meta_event": {"is_enabled": True, "url": RECEIVER + "/meta",
                                  "event_type": ["endpoint.created"]}}})
    project = made.project.uid
    call("onboard.bulk_onboard", project, who=ADMIN, dry_run=True, body={
        "items": [{"name": "", "url": "x"}]})
    call("onboard.bulk_onboard", project, who=ADMIN, body={
        "items": [{"name": "a", "url": RECEIVER + "/a"}, {"name": "b", "url": RECEIVER + "/b"}]})
    def told():
        page = call("meta_events.get_meta_events_paged", project, who=ADMIN)
        return [each for each in page.content if each.status.value == "Success"]
    found = eventually(told)
    one = uid(found[0] if found else None)
    call("meta_events.get_meta_event", project, one, who=ADMIN)
    call("meta_events.resend_meta_event", project, one, who=ADMIN)


def drive_functions():
    """Payload functions run; where they are not built in, clients are told so."""
    for name in ("subscriptions.test_subscription_function",
                 "subscriptions.post_v_1_projects_project_id_sources_test_function"):
        answer = OPERATIONS[name].sync_detailed(PROJECT, client=CLIENT, body=body_of(name, {
            "function": "function transform(p) { return {x: p.x + 1} }", "payload": {"x": 1}}))
        if answer.status_code == 200:
            data = json.loads(answer.content)["data"]
            RESULTS[name] = "works" if data == {"payload": {"x": 2}, "log": []} else repr(data)
            continue
        message = getattr(answer.parsed, "message", "")
        is_told = answer.status_code == 400 and message == "function:payload functions are not built in"
        RESULTS[name] = "refused" if is_told else f"{answer.status_code} {answer.parsed!r}"


def drive_batches():
    call("events.count_affected_events", PROJECT, idempotency_key="k")
    call("events.batch_replay_events", PROJECT, idempotency_key="k")
    call("event_deliveries.batch_retry_event_delivery", PROJECT, status=["Failure"])


def least_body(kind):
    """An object with no more than what its type requires."""
    fields = {}
    while True:
        try:
            return kind.from_dict(fields)
        except KeyError as error:
            fields[error.args[0]] = "x"


def ask_unserved(name):
    """The client's answer to its user where an operation is not served."""
    module = OPERATIONS[name]
    named = {}
    for parameter in inspect.signature(module.sync_detailed).parameters.values():
        if parameter.name == "client" or parameter.default is not inspect.Parameter.empty:
            continue
        kind = parameter.annotation
        if parameter.name == "project_id":
            named[parameter.name] = PROJECT
        elif typing.get_origin(kind) is list:
            named[parameter.name] = []
        elif kind is str:
            named[parameter.name] = "x"
        else:
            named[parameter.name] = least_body(body_type(name))
    try:
        answer = module.sync_detailed(client=CLIENT, **named)
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    message = getattr(answer.parsed, "message", "")
    is_told = answer.status_code == 404 and isinstance(message, str) and \
        message.endswith("is not supported by this version")
    return "not served" if is_told else f"{answer.status_code} {answer.parsed!r}"


def main():
    drive_projects()
    drive_sources()
    endpoint = drive_endpoints()
    subscription = drive_subscriptions(endpoint)
    drive_events(endpoint)
    drive_resend()
    drive_batches()
    drive_event_types()
    drive_filters(subscription)
    drive_portal()
    drive_meta_events()
    drive_functions()
    call("subscriptions.delete_subscription", PROJECT, subscription)
    call("endpoints.delete_endpoint", PROJECT, endpoint)
    for name in OPERATIONS:
        print(json.dumps({"method": name, "result": RESULTS.get(name) or ask_unserved(name)}))


main()
