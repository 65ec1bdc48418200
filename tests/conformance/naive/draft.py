"""Makes requests as a provider would send them, from nothing but its preset file."""
import base64
import datetime
import email.utils
import hashlib
import json
import urllib.parse

from find import Env, Request, encode
from interpret import field_places
from keys import b64url
from template import parts, place_of, render, tokens

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def word(random, least=4, most=20):
    return "".join(random.choice(LETTERS) for _ in range(random.randint(least, most)))


def some_text(random):
    return random.choice(["", "é", "a b", "東京", "x&y=z", "100%", "+", '"', "\\", "\n"]) + word(random)


def time_text(unit, now_ms, random):
    if unit in ("s", "ms"):
        return str(now_ms // 1000 if unit == "s" else now_ms)
    when = datetime.datetime.fromtimestamp(now_ms // 1000, datetime.timezone.utc)
    if unit == "http-date":
        return email.utils.format_datetime(when, usegmt=True)
    zone = datetime.timezone(datetime.timedelta(hours=random.choice([0, -7, 5])))
    text = when.astimezone(zone).isoformat()
    return random.choice([text.replace("+00:00", "Z"), text])


def put(tree, path, value):
    """Sets the value at a dotted path of nested dictionaries."""
    *steps, last = path.split(".")
    for step in steps:
        tree = tree.setdefault(step, {})
    tree[last] = value


class Draft:
    """A request in the making: the pieces first, their bytes at the end."""

    def __init__(self, scheme, random, now_ms, config):
        self.scheme, self.random, self.now_ms, self.config = scheme, random, now_ms, config
        is_signed = scheme["type"] not in ("none", "token", "basic", "jwt")
        self.message = scheme.get("message", "{body}") if is_signed else ""
        self.headers, self.query, self.form, self.tree, self.items = {}, {}, {}, {}, {}
        self.method, self.url, self.raw = "POST", "", None
        self.ts, self.item = b"", None
        self.is_form = self.is_json = False

    def place(self, place, value):
        """Puts a text where a locator will find it."""
        kind, _, name = place.partition(":")
        if kind == "json":
            put(self.tree, name, value)
            self.is_json = True
        elif kind == "form":
            field, mark, path = name.partition("#")
            tree = {}
            if mark:
                put(tree, path, value)
            self.form[field] = json.dumps(tree) if mark else value
            self.is_form = True
        elif kind == "item":
            put(self.item, name, value)
        elif kind == "config":
            self.config[name] = value
        else:
            {"header": self.headers, "query": self.query, "sig": self.items}[kind][name] = value

    def fill(self, text):
        """Gives every place that a template looks at a value of its own."""
        optional = {token[1:-1] for token, segment in tokens(text) if segment}
        for part in parts(text):
            place = place_of(part)
            if part.startswith("signed_headers:"):
                name = part.partition(":")[2]
                self.headers["X-Also"] = some_header(self.random)
                self.headers[name] = "x-also, " + name
            elif part in ("form_sorted", "plivo_v3_url"):
                self.is_form = True
                for _ in range(self.random.randint(0, 5)):
                    self.form[word(self.random, 1, 6)] = some_text(self.random)
            elif place not in (None, "body") and not (
                    part in optional and self.random.random() < 0.4):
                if not self.has(place):
                    self.place(place, word(self.random))
            if part in ("query_sorted", "contentful_target", "qsh", "plivo_v3_url", "url"):
                for _ in range(self.random.randint(0, 3)):
                    self.query[word(self.random, 1, 6)] = some_text(self.random)

    def has(self, place):
        kind, _, name = place.partition(":")
        held = {"header": self.headers, "query": self.query, "sig": self.items, "form": self.form,
                "config": self.config}.get(kind)
        if held is not None:
            return name in held
        tree = self.tree if kind == "json" else self.item
        for step in name.split("."):
            if not isinstance(tree, dict) or step not in tree:
                return False
            tree = tree[step]
        return True

    def body(self):
        random = self.random
        if self.raw is not None:
            return self.raw
        if self.is_form:
            return urllib.parse.urlencode(self.form).encode()
        if self.is_json:
            indent = random.choice([None, 2])
            self.raw = json.dumps(self.tree, indent=indent, ensure_ascii=random.random() < 0.5)
            self.raw = self.raw.encode()
            return self.raw
        choices = [lambda: json.dumps({"id": word(random), "data": [some_text(random), 1.5]}),
                   lambda: some_text(random)]
        is_text_only = "json_string" in self.message or "body_escaped" in self.message
        if not is_text_only:
            choices += [lambda: bytes(random.randrange(256) for _ in range(random.randrange(200)))]
        made = random.choice(choices)()
        self.raw = made if isinstance(made, bytes) else made.encode()
        return self.raw

    def request(self):
        query = urllib.parse.urlencode(self.query)
        url = self.url + ("?" + query if query else "")
        return Request(self.method, url, list(self.headers.items()), self.body())

    def env(self, secret=b""):
        items = [(name.encode(), value.encode()) for name, value in self.items.items()]
        return Env(self.request(), self.config, secret=secret, ts=self.ts, items=items,
                   item=as_json(self.item))


def some_header(random):
    return random.choice(["a, b", "x;y", "é", "1"]) + word(random)


def as_json(tree):
    return None if tree is None else json.dumps(tree).encode()


def list_text(scheme, draft, signatures):
    """The text of a signature field that is a list, with some company."""
    syntax, random = scheme["signature"]["list"], draft.random
    item, kv = syntax.get("item_sep", ","), syntax.get("kv_sep", "=")
    name = syntax.get("key")
    if "key_config" in syntax:
        name = draft.config[syntax["key_config"]]
    if "key_numbered" in syntax:
        name = syntax["key_numbered"] + "1"
    prefix = scheme["signature"].get("prefix", "")
    entries = [(name + kv if name else "") + prefix + one for one in signatures]
    random.shuffle(entries)
    fields = [key + kv + value for key, value in draft.items.items()]
    if name and random.random() < 0.5:
        fields.append("v99" + kv + "future")
    if syntax.get("timestamp_first"):
        fields.insert(0, draft.ts.decode())
    text = item.join(fields + entries)
    if "group_sep" in syntax and random.random() < 0.5:
        other = item.join([f"t{kv}{draft.now_ms // 1000}", f"{name}{kv}{'0' * 64}"])
        text = syntax["group_sep"].join(random.sample([text, other], 2))
    return text


def attach(scheme, draft, signature):
    """Puts the signature, as bytes, where the scheme wants it."""
    field, random = scheme["signature"], draft.random
    text = encode(scheme.get("encoding", "hex"), signature)
    if scheme.get("encoding", "hex") == "hex" and random.random() < 0.3:
        text = text.upper()
    decoy = encode(scheme.get("encoding", "hex"), bytes(len(signature)))
    if "envelope" in field:
        wrapped = json.dumps({"alg": "ECDSA", "kid": "1", field["envelope"]: text})
        text = base64.b64encode(wrapped.encode()).decode()
    if "list" in field:
        text = list_text(scheme, draft, [text] + [decoy] * random.randint(0, 2))
    else:
        text = field.get("prefix", "") + text
    if field.get("numbered"):
        draft.headers[field["name"] + "1"] = field.get("prefix", "") + decoy
        draft.headers[field["name"] + "2"] = text
    else:
        draft.place(random.choice(field_places(scheme)), text)


def prepare(scheme, random, now_ms, event_id):
    """Everything but the signature."""
    draft = Draft(scheme, random, now_ms, {})
    port = random.choice(["", "", ":443"] + [":8443"] * ("url_other_port" not in draft.message))
    draft.url = f"https://hooks.example.com{port}/in/{word(random)}"
    draft.item = {} if "each" in scheme else None
    fields = field_places(scheme) if "signature" in scheme else []
    draft.raw = b"" if fields == ["body"] else None
    draft.is_form = any(place.startswith("form:") for place in fields)
    stamp = scheme.get("timestamp")
    if stamp is not None:
        draft.ts = time_text(stamp.get("unit", "s"), now_ms, random).encode()
        if "from" in stamp:
            draft.place(stamp["from"], draft.ts.decode())
    for place, expected in scheme.get("when", {}).items():
        if expected is not None:
            draft.place(place, expected)
    draft.fill(draft.message)
    fill_settings(scheme, draft)
    kind = (event_id or "").partition(":")[0]
    if kind == "header" or (kind == "json" and not draft.is_form and draft.raw is None):
        if not draft.has(event_id):
            draft.place(event_id, word(random))
    return draft


def fill_settings(scheme, draft):
    """The settings that the user of the preset has to make, and the matching parts of the request."""
    random = draft.random
    location = scheme.get("key", {}).get("location", {})
    if "url_from" in location:
        host = random.choice(location["hosts"]).replace("*", "eu-west-1")
        ending = location.get("url_suffix", "")
        draft.place(location["url_from"], f"https://{host}/{word(random)}{ending}")
    for part in parts(location.get("url", "")):
        draft.place(place_of(part), "keys." + word(random).lower() + ".example")
    if "key_config" in scheme.get("signature", {}).get("list", {}):
        draft.place("config:" + scheme["signature"]["list"]["key_config"], word(random))
    for check in scheme.get("checks", []):
        needed = [part for part in parts(check["equals"]) if part.startswith("config:")]
        if check.get("if_configured") and random.random() < 0.5:
            continue
        for part in needed:
            if not draft.has(part):
                draft.place(part, word(random))
        if part_of(check) in ("header", "json") or "#" in check["value"]:
            draft.place(check["value"], draft.config[needed[0].partition(":")[2]])


def part_of(check):
    return check["value"].partition(":")[0]


def sign_elements(scheme, key, draft):
    """Every element of the body's array carries its own signature."""
    elements = []
    array, _, within = scheme["each"].partition(".*.")
    for _ in range(draft.random.randint(1, 3)):
        draft.item = {}
        draft.fill(scheme["message"])
        attach(scheme, draft, key.sign(render(scheme["message"], draft.env()), scheme["alg"]))
        elements.append({within: draft.item})
    put(draft.tree, array, elements)
    draft.is_json, draft.raw = True, None


def sign_token(scheme, key, draft):
    place = field_places(scheme)[0]
    text = scheme["signature"].get("prefix", "") + key.text
    if ".*." in place:
        array, _, within = place.removeprefix("json:").partition(".*.")
        put(draft.tree, array, [{within: text, "n": n} for n in range(draft.random.randint(1, 3))])
        draft.is_json = True
    else:
        draft.place(place, text)


def sign_jwt(scheme, key, draft):
    rules = scheme["jwt"]
    now = draft.now_ms // 1000
    claims = {"iat": now, "exp": now + 100, "n": draft.random.randrange(1000)}
    env = draft.env()
    for check in scheme.get("checks", []):
        if check.get("absent_if_empty") and not env.request.body:
            continue
        value = render(check["equals"], env)
        claims[check["value"].removeprefix("jwt:")] = (
            hashlib.sha256(value).hexdigest() if check.get("hash") else value.decode())
    algorithm = draft.random.choice(rules["algs"])
    head = {"typ": "JWT", "alg": algorithm, "kid": "k1"}
    text = ".".join(b64url(json.dumps(one).encode()) for one in (head, claims))
    extra = {"is_raw": True} if algorithm.startswith("ES") else {}
    token = text + "." + b64url(key.sign(text.encode(), "sha" + algorithm[2:], **extra))
    token = scheme["signature"].get("prefix", "") + token
    if field_places(scheme) == ["body"]:
        draft.raw = token.encode()
    else:
        draft.place(field_places(scheme)[0], token)


def sign_message(scheme, key, draft):
    for check in scheme.get("checks", []):
        if part_of(check) == "query":
            draft.place(check["value"], render(check["equals"], draft.env()).decode())
    secret = getattr(key, "key", b"")
    if "body_with_secret" in draft.message:
        draft.place(field_places(scheme)[0], "stand-in")
        digest = hashlib.new(scheme["alg"], draft.body().replace(b"stand-in", secret)).hexdigest()
        draft.raw = draft.raw.replace(b"stand-in", digest.encode())
        return
    text = render(draft.message, draft.env(secret))
    if scheme["signature"].get("in") == "json":
        draft.raw = None  # it is written again, with the signature
    attach(scheme, draft, hashlib.new(scheme["alg"], text).digest()
           if scheme["type"] == "digest" else key.sign(text, scheme.get("alg", "sha256")))


def sign(scheme, key, random, now_ms, event_id=None):
    """(request, config) as the provider of this scheme sends it."""
    draft = prepare(scheme, random, now_ms, event_id)
    kind = scheme["type"]
    if kind == "token":
        sign_token(scheme, key, draft)
    elif kind == "basic":
        draft.headers["Authorization"] = "Basic " + base64.b64encode(key.text.encode()).decode()
    elif kind == "jwt":
        sign_jwt(scheme, key, draft)
    elif "each" in scheme:
        sign_elements(scheme, key, draft)
    elif kind != "none":
        sign_message(scheme, key, draft)
    return draft.request(), draft.config
