"""Locators of values in a request, written from docs/verification.md and not from lib/verify: slow,
plain, and with one fixed reading of what could be read in two ways."""
import base64
import json
import re
import urllib.parse


class Missing(Exception):
    pass


class Ambiguous(Exception):
    pass


class Request:
    def __init__(self, method, url, headers, body):
        self.method, self.url, self.headers, self.body = method, url, list(headers), body

    @property
    def target(self):
        return "/" + self.url.split("#")[0].split("://", 1)[-1].partition("/")[2]

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]

    def copy(self, **changes):
        values = {"method": self.method, "url": self.url, "headers": self.headers,
                  "body": self.body}
        return Request(**{**values, **changes})


class Env:
    """Values that a template may refer to."""

    def __init__(self, request, config, secret=b"", ts=b"", items=(), item=None, claims=None):
        self.request, self.config, self.secret, self.ts = request, config, secret, ts
        self.items, self.item, self.claims = items, item, claims


class Number(str):
    pass


class Object(list):
    """Name and value pairs, equal names included."""


def _refuse(text):
    raise ValueError(text)


def parse_json(data):
    try:
        return json.loads(data.decode(), object_pairs_hook=Object, parse_int=Number,
                          parse_float=Number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Missing() from None


def only(values):
    if not values:
        raise Missing()
    if len(values) > 1:
        raise Ambiguous()
    return values[0]


def walk(tree, path):
    for step in path.split(".") if path else []:
        if isinstance(tree, Object):
            tree = only([value for name, value in tree if name == step])
        elif isinstance(tree, list):
            if not re.fullmatch(r"0|[1-9][0-9]*", step) or int(step) >= len(tree):
                raise Missing()
            tree = tree[int(step)]
        else:
            raise Missing()
    return tree


def scalar(value):
    if value is None:
        raise Missing()
    if isinstance(value, list):
        raise Ambiguous()
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return value.encode()


def unescape(data):
    if re.search(rb"%(?![0-9A-Fa-f]{2})", data):
        raise Ambiguous()
    return urllib.parse.unquote_to_bytes(data.replace(b"+", b" "))


def pairs_of(data):
    """The fields of a form or query as they are written."""
    for pair in data.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            yield name, value


def parameter(data, name):
    found = []
    for key, value in pairs_of(data):
        try:
            if unescape(key) == name.encode():
                found.append(value)
        except Ambiguous:
            pass
    return unescape(only(found))


def header(request, name):
    return only([value for key, value in request.headers if key.lower() == name.lower()]).encode()


def list_items(text, separator):
    return [item.strip(b" ") for item in text.split(separator.encode())]


def find(place, env):
    """The one value at a place such as "header:X-Id"; Missing or Ambiguous."""
    kind, _, name = place.partition(":")
    if kind == "body":
        return env.request.body
    if kind == "header":
        return header(env.request, name)
    if kind == "query":
        return parameter(env.request.query.encode(), name)
    if kind == "form":
        return parameter(env.request.body, name)
    if kind == "json":
        return scalar(walk(parse_json(env.request.body), name))
    if kind == "item":
        return scalar(walk(env.item, name))
    if kind == "jwt":
        return scalar(walk(env.claims, name))
    if kind == "sig":
        return only([value for key, value in env.items if key == name.encode()])
    if kind == "config":
        if name not in env.config:
            raise Missing()
        return env.config[name].encode()
    raise ValueError(place)


def decode(encoding, text):
    """The bytes of a signature; None if it is not written as that encoding is."""
    try:
        plain = text.decode("ascii")
        if encoding == "hex":
            return bytes.fromhex(plain) if re.fullmatch(r"([0-9A-Fa-f]{2})*", plain) else None
        if encoding == "base64":
            data = base64.b64decode(plain, validate=True)
            return data if base64.b64encode(data).decode() == plain else None
        data = base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))
        written = base64.urlsafe_b64encode(data).decode()
        return data if plain in (written, written.rstrip("=")) else None
    except ValueError:
        return None


def encode(encoding, data):
    if encoding == "hex":
        return data.hex()
    if encoding == "base64":
        return base64.b64encode(data).decode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
