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
        self.url = None  # as the scheme spells it, where that is not the request's


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


STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.S)
WORD = re.compile(rb'[^\s,\]}"]+')
SPACE = b" \t\r\n"
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def loose_value(data):
    """The value that a text begins with, as it is written: nothing within it is judged."""
    data = data.lstrip(SPACE)
    if data[:1] not in (b"{", b"["):
        match = (STRING if data[:1] == b'"' else WORD).match(data)
        if match is None:
            raise Missing()
        return match[0]
    depth = at = 0
    while at < len(data):
        match = STRING.match(data, at)
        if match is None and data[at:at + 1] == b'"':
            break
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(data[at:at + 1], 0)
        at = match.end() if match else at + 1
        if depth == 0:
            return data[:at]
    raise Ambiguous()


def loose_children(value):
    """(name, value) of an object or array, whose names are None."""
    is_object, rest = value[:1] == b"{", value[1:].lstrip(SPACE)
    end = b"}" if is_object else b"]"
    while not rest.startswith(end):
        name = None
        if is_object:
            match = re.match(STRING.pattern + rb"\s*:", rest, re.S)
            if match is None:
                raise Ambiguous()
            name = loose_text(STRING.match(rest)[0])
            rest = rest[match.end():]
        rest = rest.lstrip(SPACE)
        try:
            one = loose_value(rest)
        except Missing:
            raise Ambiguous() from None
        yield name, one
        rest = rest[len(one):].lstrip(SPACE)
        if rest[:1] not in (b",", end):
            raise Ambiguous()
        rest = rest.removeprefix(b",").lstrip(SPACE)


def loose_text(spelling):
    """A string without its quotes and escapes; None if it has one that JSON does not have."""
    def escape(match):
        one = match[1]
        if one[:1] == b"u":
            return chr(int(one[1:], 16)).encode("utf-16-le", "surrogatepass")
        return ESCAPES.get(one, one)
    inner = spelling[1:-1]
    if re.search(rb"\\(?!u[0-9A-Fa-f]{4}|[\"\\/bfnrt])", inner.replace(b"\\\\", b"")):
        return None
    out = b""
    for piece in re.findall(rb"(?:\\u[0-9A-Fa-f]{4})+|\\[^u]|[^\\]+", inner, re.S):
        if piece.startswith(b"\\u"):
            units = b"".join(escape(m) for m in re.finditer(rb"\\(u.{4})", piece))
            out += units.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
        else:
            out += re.sub(rb"\\(.)", escape, piece, flags=re.S)
    return out


def loose_walk(data, path):
    value = loose_value(data)
    for step in path.split(".") if path else []:
        if value[:1] == b"{":
            value = only([one for name, one in loose_children(value) if name == step.encode()])
        elif value[:1] == b"[":
            values = [one for _, one in loose_children(value)]
            if not re.fullmatch(r"0|[1-9][0-9]*", step) or int(step) >= len(values):
                raise Missing()
            value = values[int(step)]
        else:
            raise Missing()
    return value


def loose_scalar(value):
    if value == b"null":
        raise Missing()
    if value[:1] == b'"':
        text = loose_text(value)
    else:
        number = rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
        text = value if re.fullmatch(rb"true|false|" + number, value) else None
    if text is None:
        raise Ambiguous()
    return text


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
        field, mark, path = name.partition("#")
        value = parameter(env.request.body, field)
        return loose_scalar(loose_walk(value, path)) if mark else value
    if kind == "json":
        return loose_scalar(loose_walk(env.request.body, name))
    if kind == "item":
        return loose_scalar(loose_walk(env.item, name))
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
        if encoding == "base64_hex":
            outer = decode("base64", text)
            return None if outer is None else decode("hex", outer)
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
    if encoding == "base64_hex":
        return base64.b64encode(data.hex().encode()).decode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
