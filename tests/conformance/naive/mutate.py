"""Spoils a good request in one way each. What the scheme covers must not be changed unnoticed."""
import json
import re
import urllib.parse

from find import Missing, Object, parse_json
from interpret import covers_body, field_places
from template import parts, place_of

URL_PARTS = {"url", "url_no_query", "url_other_port", "target", "path", "plivo_v3_url",
             "contentful_target", "qsh", "sha256hex:url"}
QUERY_PARTS = {"url", "url_other_port", "target", "query", "query_sorted", "plivo_v3_url",
               "contentful_target", "qsh", "sha256hex:url"}


def other_character(text, at):
    return text[:at] + ("b" if text[at] in "aA" else "a") + text[at + 1:]


def with_header(request, name, change):
    """The request with the value of a header changed; None takes the header away."""
    headers = []
    for key, value in request.headers:
        if key.lower() == name.lower():
            value = change(value)
        if value is not None:
            headers.append((key, value))
    return request.copy(headers=headers)


def with_query(request, name, change):
    base, _, query = request.url.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    changed = [(key, change(value) if key == name else value) for key, value in pairs]
    return request.copy(url=base + "?" + urllib.parse.urlencode(
        [(key, value) for key, value in changed if value is not None]))


def with_form(request, name, change):
    pairs = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True)
    changed = [(key, change(value) if key == name else value) for key, value in pairs]
    return request.copy(body=urllib.parse.urlencode(
        [(key, value) for key, value in changed if value is not None]).encode())


def with_json(request, path, change):
    tree = json.loads(request.body)
    holder, steps = tree, path.split(".")
    for step in steps[:-1]:
        holder = holder[int(step) if isinstance(holder, list) else step]
    value = change(str(holder[steps[-1]]))
    if value is None:
        del holder[steps[-1]]
    else:
        holder[steps[-1]] = value
    return request.copy(body=json.dumps(tree).encode())


def with_value(request, place, change):
    kind, _, name = place.partition(":")
    if kind in ("header", "query", "form", "json"):
        return {"header": with_header, "query": with_query, "form": with_form,
                "json": with_json}[kind](request, name, change)
    return None


def holds_value(request, place):
    kind, _, name = place.partition(":")
    if kind == "header":
        return any(key.lower() == name.lower() for key, _ in request.headers)
    if kind == "query":
        return name in dict(urllib.parse.parse_qsl(request.query, keep_blank_values=True))
    if kind == "form":
        return name in dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
    if kind == "json":
        try:
            tree = parse_json(request.body)
            for step in name.split("."):
                tree = dict(tree)[step] if isinstance(tree, Object) else tree[int(step)]
            return True
        except (Missing, KeyError, IndexError, ValueError, TypeError):
            return False
    return False


def flip(request, random):
    body = bytearray(request.body or b"\0")
    body[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return request.copy(body=bytes(body))


def looked_at(scheme):
    """Every template of the scheme, as the names of its parts."""
    templates = [check["equals"] for check in scheme.get("checks", [])]
    if scheme["type"] not in ("none", "token", "basic", "jwt"):
        templates.append(scheme.get("message", "{body}"))
    return [part for text in templates for part in parts(text)], templates


def places_of(scheme, request):
    """The places that the scheme depends on, and that this request has."""
    names, _ = looked_at(scheme)
    places = [place_of(name) for name in names]
    places += [check["value"] for check in scheme.get("checks", [])]
    places.append(scheme.get("timestamp", {}).get("from"))
    if "each" in scheme:
        array, _, within = scheme["each"].partition(".*.")
        places = [place and place.replace("item:", f"json:{array}.0.{within}.")
                  for place in places]
    return sorted({place for place in places if place and holds_value(request, place)})


def body_mutations(scheme, request, random):
    names, templates = looked_at(scheme)
    is_body_token = "signature" in scheme and field_places(scheme) == ["body"]
    is_raw = any(name in ("body", "json_string:body", "crc32:body") or name.startswith("sha256") and
                 name.endswith(":body") for name in names)
    must = any(map(covers_body, templates)) or "crc32:body" in names
    if is_raw:
        yield "body", flip(request, random), True
        yield "body longer", request.copy(body=request.body + b" "), True
        if request.body:
            yield "body shorter", request.copy(body=request.body[:-1]), True
    elif must and not is_body_token:
        if "body_with_secret" in str(templates):
            yield "body", request.copy(body=request.body + b" "), True
        else:
            more = request.body + (b"&" if request.body else b"") + b"more=1"
            yield "body", request.copy(body=more), True
    if not is_body_token:
        yield "any byte of the body", flip(request, random), is_raw


def covered_mutations(scheme, request, random):
    names, _ = looked_at(scheme)
    for place in places_of(scheme, request):
        if "." in place and "*" in place:
            continue
        for what, change in (("changed", lambda value: other_character(value, 0)),
                             ("longer", lambda value: value + "0"),
                             ("taken away", lambda _: None)):
            changed = with_value(request, place, change)
            yield f"{place} {what}", changed, what != "taken away" or not is_optional(scheme, place)
        if place.startswith("header:"):
            twin = [(key, value) for key, value in request.headers
                    if key.lower() == place[7:].lower()]
            yield f"{place} twice", request.copy(headers=request.headers + twin), True
    if any(name.startswith("signed_headers:") for name in names):
        yield "a signed header", with_header(request, "x-also", lambda value: value + "x"), True
    if URL_PARTS & set(names):
        yield "path", request.copy(url=request.url.replace("/in/", "/out/")), True
    if QUERY_PARTS & set(names):
        glue = "&" if "?" in request.url else "?"
        yield "query", request.copy(url=request.url + glue + "more=1"), True
    if {"method", "qsh"} & set(names):
        yield "method", request.copy(method="PATCH"), True


def is_optional(scheme, place):
    """Whether the scheme does without the value: it stands in an optional part of the message."""
    message = scheme.get("message", "")
    name = place.partition(":")[2]
    for piece in re.findall(r"\[[^\]]*\]", message):
        if name in piece or name.rpartition(".")[2] in piece:
            return False  # it was signed with it, and cannot go unnoticed
    return any(check.get("absent_if_empty") for check in scheme.get("checks", []))


def signature_mutations(scheme, request, random):
    if scheme["type"] == "basic":
        places = ["header:Authorization"]
    elif scheme["type"] == "none":
        return
    elif scheme["signature"].get("numbered"):
        places = ["header:" + scheme["signature"]["name"] + "2"]
    else:
        places = [place for place in field_places(scheme) if holds_value(request, place)]
    if "each" in scheme:
        array, _, within = scheme["each"].partition(".*.")
        places = [f"json:{array}.0.{within}.{scheme['signature']['name']}"]
    if scheme["type"] == "token" and ".*." in scheme["signature"]["name"]:
        places = [f"json:{scheme['signature']['name'].replace('*', '0')}"]
    for place in places:
        if place == "body":
            text = request.body.decode()
            yield "signature", request.copy(body=alter(text, random).encode()), True
            continue
        yield "signature", with_value(request, place, lambda value: alter(value, random)), True
        yield "no signature", with_value(request, place, lambda _: None), True
        yield "empty signature", with_value(request, place, lambda _: ""), True
        yield "half a signature", with_value(
            request, place, lambda value: value[:len(value) // 2]), None
        if place.startswith("header:"):
            twin = [(key, value) for key, value in request.headers
                    if key.lower() == place[7:].lower()]
            yield "signature twice", request.copy(headers=request.headers + twin), True


def alter(text, random):
    """Spoils every run that could be a signature: whichever of them is the good one."""
    def spoil(match):
        run = match[0]
        return other_character(run, random.randrange(len(run) - 3))
    spoilt = re.sub(r"[A-Za-z0-9+/_-]{16,}", spoil, text)
    return spoilt if spoilt != text else text + "A"


def token_mutations(scheme, request):
    """Forgeries that other verifiers have accepted."""
    if scheme["type"] != "jwt":
        return
    for head in ('{"alg":"none"}', '{"alg":"None"}', '{"alg":"HS256","crit":["x"]}', '{}'):
        def change(value, head=head):
            prefix, _, token = value.rpartition(" ")
            fields = token.split(".")
            forged = urlsafe(head) + "." + fields[1] + "."
            return (prefix + " " if prefix else "") + forged + ("" if "none" in head.lower()
                                                                else fields[2])
        if field_places(scheme) == ["body"]:
            yield "forged head", request.copy(body=change(request.body.decode()).encode()), True
        else:
            yield "forged head", with_value(request, field_places(scheme)[0], change), True


def urlsafe(text):
    import base64
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def mutations(scheme, request, random):
    """(name, request, whether it must be refused)"""
    yield from body_mutations(scheme, request, random)
    yield from covered_mutations(scheme, request, random)
    yield from signature_mutations(scheme, request, random)
    yield from token_mutations(scheme, request)


def clock_positions(scheme):
    """(seconds from the signing, whether it must be refused)"""
    field = scheme.get("timestamp")
    if field is not None and field.get("enforced", True):
        past, future = field.get("past_s", 300), field.get("future_s", 300)
        return [(0, False), (past, False), (past + 1, True), (past + 100_000, True),
                (-future, False), (-future - 1, True), (-future - 100_000, True)]
    if scheme["type"] == "jwt":
        rules = scheme["jwt"]
        leeway = rules.get("leeway_s", 0)
        ahead = [(-301, True)] if "max_age_s" in rules else []
        return [(0, False), (99 + leeway, False), (100 + leeway, True), (100_000, True)] + ahead
    return [(0, False), (10_000_000, False)]
