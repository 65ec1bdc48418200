"""Judges a request by a preset file. Says yes or no, and how much of the request is signed."""
import datetime
import hashlib
import re

from find import (Ambiguous, Env, Missing, Number, decode, find, list_items, loose_children,
                  loose_scalar, loose_walk, only, parse_json, scalar, walk)
from template import parts, place_of, render, urls_of

BODY_PARTS = {"body", "sha256hex:body", "sha256base64:body", "sha256base64url:body",
              "sha256raw:body", "form_sorted", "plivo_v3_url", "body_escaped"}
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")


def covers_body(text):
    return any(part in BODY_PARTS or part.startswith("body_with_secret:") or
               place_of(part) == "body" for part in parts(text))


def milliseconds(unit, text):
    """The instant of a timestamp; None if it is not written in that unit."""
    try:
        plain = text.decode("ascii")
        if unit in ("s", "ms"):
            factor = 1000 if unit == "s" else 1
            return int(plain) * factor if re.fullmatch(r"[0-9]{1,18}", plain) else None
        if unit == "http-date":
            when = datetime.datetime.strptime(plain, "%a, %d %b %Y %H:%M:%S GMT")
            return int(when.replace(tzinfo=datetime.timezone.utc).timestamp()) * 1000
        match = RFC3339.fullmatch(plain)
        zone = match[3].replace("Z", "+00:00")
        whole = datetime.datetime.strptime(match[1] + zone, "%Y-%m-%dT%H:%M:%S%z")
        return int(whole.timestamp()) * 1000 + float(match[2] or "0") * 1000
    except (ValueError, TypeError, UnicodeDecodeError):
        return None


def is_in_window(field, at_ms, now_ms):
    if not field.get("enforced", True):
        return True
    if field.get("unit", "s") in ("s", "http-date"):
        now_ms = now_ms // 1000 * 1000
    return (now_ms - at_ms <= field.get("past_s", 300) * 1000 and
            at_ms - now_ms <= field.get("future_s", 300) * 1000)


def holds(place, expected, env, check=None):
    """Whether the value at a place is what a template says; None: there must be no value."""
    check = check or {}
    if check.get("if_configured"):
        names = [part[7:] for part in parts(expected) if part.startswith("config:")]
        if any(name not in env.config for name in names):
            return True
    try:
        value = find(place, env)
    except Missing:
        return expected is None or bool(check.get("absent_if_empty") and not env.request.body)
    if expected is None:
        return False
    if expected == "*":
        return True
    wanted = render(expected, env)
    if check.get("hash"):
        wanted = hashlib.sha256(wanted).hexdigest().encode()
    return value == wanted


def do_checks_hold(scheme, env):
    return all(holds(check["value"], check["equals"], env, check)
               for check in scheme.get("checks", []))


def pairs(items, separator):
    return [(item.partition(separator)[0], item.partition(separator)[2])
            for item in items if separator in item]


def is_wanted(syntax, name, config):
    if "key_numbered" in syntax:
        number = name.removeprefix(syntax["key_numbered"].encode())
        return number != name and re.fullmatch(rb"[0-9]+", number) is not None
    wanted = config.get(syntax["key_config"]) if "key_config" in syntax else syntax["key"]
    return wanted is not None and name == wanted.encode()


def field_places(scheme):
    signature = scheme["signature"]
    kind = signature.get("in", "header")
    names = signature.get("name", [])
    if kind == "json" and "each" in scheme:
        kind = "item"
    return ["body"] if kind == "body" else [
        f"{kind}:{name}" for name in ([names] if isinstance(names, str) else names)]


def values_of(scheme, env):
    """The texts of the signature field: one, or those of several headers."""
    signature = scheme["signature"]
    if signature.get("numbered"):
        pattern = re.escape(signature["name"]) + "[0-9]+"
        names = [name.lower() for name, _ in env.request.headers
                 if re.fullmatch(pattern, name, re.I)]
        return [find("header:" + name, env) for name in names]
    places = field_places(scheme)
    if len(places) == 1:
        return [find(places[0], env)]
    values = []
    for place in places:
        try:
            values.append(find(place, env))
        except Missing:
            pass
    return values


def groups_of(scheme, env):
    """(signatures, pairs of the list, timestamp that stands first) for each group there is."""
    signature = scheme["signature"]
    values = values_of(scheme, env)
    if "envelope" in signature:
        wrapped = decode("base64", values[0])
        if wrapped is None:
            raise Missing()
        values = [scalar(walk(parse_json(wrapped), signature["envelope"]))]
    syntax = signature.get("list")
    if syntax is None:
        yield values, [], None
        return
    kv = syntax.get("kv_sep", "=").encode()
    whole = values[0]
    groups = list_items(whole, syntax["group_sep"]) if "group_sep" in syntax else [whole]
    for group in groups[:4]:
        items = list_items(group, syntax.get("item_sep", ","))
        first = items.pop(0) if syntax.get("timestamp_first") else None
        named = pairs(items, kv)
        has_keys = any(key in syntax for key in ("key", "key_numbered", "key_config"))
        yield ([value for name, value in named if is_wanted(syntax, name, env.config)]
               if has_keys else items), named, first


def judge_group(scheme, keys, env, signatures, first, now_ms):
    prefix = scheme["signature"].get("prefix", "").encode()
    candidates = [decode(scheme.get("encoding", "hex"), one.removeprefix(prefix))
                  for one in signatures if one.startswith(prefix) and one != prefix]
    field = scheme.get("timestamp")
    if field is not None:
        env.ts = find(field["from"], env) if "from" in field else first
        at_ms = milliseconds(field.get("unit", "s"), env.ts)
        if at_ms is None or not is_in_window(field, at_ms, now_ms):
            return False
    algorithm = scheme.get("alg", "sha256")
    for key in keys:
        env.secret = getattr(key, "key", b"")
        for url in urls_of(scheme, env.request.url):
            env.url = url
            message = render(scheme.get("message", "{body}"), env)
            if any(could_be_challenge(rule, message) for rule in scheme.get("_computed", ())):
                return False
            for one in candidates:
                if one is None:
                    continue
                if scheme["type"] == "digest":
                    if hashlib.new(algorithm, message).digest() == one:
                        return True
                elif key.verify(message, one, algorithm):
                    return True
    return False


def could_be_challenge(rule, message):
    """Whether a stranger could have had this message signed by the preset's handshake."""
    alphabet = {"hex": "[0-9a-f]", "uuid": "[0-9A-Fa-f-]",
                "token": r"[A-Za-z0-9._~+/=-]"}[rule.get("message_alphabet", "token")]
    low, high = max(rule.get("size_min", 1), 1), rule.get("size_max", 1024)
    return re.fullmatch(f"{alphabet}{{{low},{high}}}", message.decode("latin-1")) is not None


def judge_signed(scheme, keys, env, now_ms):
    if "each" in scheme:
        array, _, within = scheme["each"].partition(".*")
        whole = loose_walk(env.request.body, array)
        elements = [one for _, one in loose_children(whole)] if whole[:1] == b"[" else []
        if not elements:
            return False
        envs = [Env(env.request, env.config, item=loose_walk(one, within.lstrip(".")))
                for one in elements]
    else:
        envs = [env]
    for one in envs:
        is_good = False
        for signatures, named, first in groups_of(scheme, one):
            one.items = named
            is_good = is_good or judge_group(scheme, keys, one, signatures, first, now_ms)
        if not is_good:
            return False
    return do_checks_hold(scheme, env)


def judge_token(scheme, keys, env):
    place = field_places(scheme)[0]
    prefix = scheme["signature"].get("prefix", "").encode()
    if ".*." in place:
        array, _, within = place.removeprefix("json:").partition(".*.")
        whole = loose_walk(env.request.body, array)
        elements = [one for _, one in loose_children(whole)] if whole[:1] == b"[" else []
        values = [loose_scalar(loose_walk(one, within)) for one in elements]
    else:
        values = [find(place, env)]
    allowed = {prefix + key.text.encode() for key in keys}
    return bool(values) and all(value in allowed for value in values)


def judge_basic(keys, env):
    scheme, _, credentials = find("header:Authorization", env).partition(b" ")
    pair = decode("base64", credentials)
    return scheme.lower() == b"basic" and pair in {key.text.encode() for key in keys}


def date_of(claims, name):
    """A NumericDate in milliseconds, None if there is none."""
    values = [value for key, value in claims if key == name]
    if not values:
        return None
    value = only(values)
    if not isinstance(value, Number) or not re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", value):
        raise Ambiguous()
    return int(value.partition(".")[0]) * 1000


def judge_jwt(scheme, keys, env, now_ms):
    prefix = scheme["signature"].get("prefix", "").encode()
    token = find(field_places(scheme)[0], env)
    fields = token.removeprefix(prefix).split(b".")
    decoded = [decode("base64url", field) for field in fields]
    if not token.startswith(prefix) or len(fields) != 3 or None in decoded:
        return False
    head, env.claims = parse_json(decoded[0]), parse_json(decoded[1])
    rules = scheme["jwt"]
    algorithm = scalar(walk(head, "alg")).decode()
    if algorithm not in rules["algs"] or any(name == "crit" for name, _ in head):
        return False
    message, hash_name = b".".join(fields[:2]), "sha" + algorithm[2:]
    extra = {"is_raw": True} if algorithm.startswith("ES") else {}
    if not any(key.verify(message, decoded[2], hash_name, **extra) for key in keys):
        return False
    leeway = rules.get("leeway_s", 0) * 1000
    ends, begins, made = (date_of(env.claims, name) for name in ("exp", "nbf", "iat"))
    if (rules.get("require_exp") and ends is None) or ("max_age_s" in rules and made is None):
        return False
    if (ends is not None and now_ms >= ends + leeway) or (
            begins is not None and now_ms < begins - leeway):
        return False
    if "max_age_s" in rules and abs(now_ms - made) > rules["max_age_s"] * 1000:
        return False
    return do_checks_hold(scheme, env)


def judge_scheme(scheme, keys, request, config, now_ms):
    env = Env(request, config)
    try:
        for place, expected in scheme.get("when", {}).items():
            if not holds(place, expected, env):
                return False
        kind = scheme["type"]
        if kind == "none":
            return True
        if kind == "token":
            return judge_token(scheme, keys, env)
        if kind == "basic":
            return judge_basic(keys, env)
        if kind == "jwt":
            return judge_jwt(scheme, keys, env, now_ms)
        return judge_signed(scheme, keys, env, now_ms)
    except (Missing, Ambiguous):
        return False


def integrity_of(scheme):
    kind = scheme["type"]
    expected = [check["equals"] for check in scheme.get("checks", [])]
    if kind in ("none", "token", "basic"):
        return "none"
    if kind == "jwt":
        if scheme["signature"].get("in") == "body" or any(map(covers_body, expected)):
            return "full"
        looks = any(not part.startswith("config:") for text in expected for part in parts(text))
        return "partial" if looks else "none"
    is_full = covers_body(scheme.get("message", "{body}")) or any(map(covers_body, expected))
    return "full" if is_full else "partial"
