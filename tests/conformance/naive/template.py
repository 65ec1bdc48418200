"""Templates and the canonical forms that providers sign in place of the bytes as they came."""
import base64
import hashlib
import json
import re
import urllib.parse
import zlib

from find import Ambiguous, Missing, find, header, pairs_of, unescape

TOKEN = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{[^}]*\}|\[|\]|[^{}\[\]]+", re.S)
PLACES = ("header:", "query:", "form:", "json:", "item:", "sig:", "jwt:", "config:")


def tokens(text):
    """(token, segment): the optional segment that it stands in, 0 for none."""
    segment = count = 0
    for token in TOKEN.findall(text):
        if token == "[":
            count += 1
            segment = count
        elif token == "]":
            segment = 0
        else:
            yield token, segment


def parts(text):
    """The names of the parts: "body", "header:X", …"""
    return [token[1:-1] for token, _ in tokens(text)
            if token.startswith("{") and token != "{{"]


def place_of(part):
    """The place that a part looks at, or None."""
    part = part.removesuffix("|lower")
    for wrapper in ("json_string:", "body_with_secret:"):
        part = part.removeprefix(wrapper)
    return part if part.startswith(PLACES) or part == "body" else None


def sorted_fields(data):
    return sorted((unescape(name), unescape(value)) for name, value in pairs_of(data))


def form_sorted(env):
    return b"".join(name + value for name, value in sorted(set(sorted_fields(env.request.body))))


def query_sorted(env):
    raw = env.request.query.encode()
    pairs = raw.split(b"&") if raw else []
    return b"&".join(sorted(pairs, key=lambda pair: pair.partition(b"=")[0]))


def plivo_v3_url(env):
    request = env.request
    base, _, query = request.url.encode().partition(b"?")
    if request.method != "POST" and request.body:
        raise Ambiguous()
    query_pairs = b"&".join(name + b"=" + value for name, value in sorted_fields(query))
    form_pairs = b"".join(name + value for name, value in sorted_fields(request.body))
    both = b"." if query_pairs and form_pairs else b""
    return base + (b"?" if query_pairs or form_pairs else b"") + query_pairs + both + form_pairs


def contentful_target(env):
    # encodeURI leaves these and encodeURIComponent the first nine of them.
    uri = "-_.!~*'();/?:@&=+$,#"
    text = urllib.parse.quote(env.request.path, safe=uri)
    if env.request.query:
        once = urllib.parse.quote(env.request.query, safe="-_.!~*'()")
        text += "?" + urllib.parse.quote(once, safe=uri)
    return text.encode()


def signed_headers(env, name):
    names = sorted(one.strip().lower() for one in header(env.request, name).decode().split(","))
    return ";".join(f"{one}:{header(env.request, one).decode().strip()}" for one in names).encode()


def qsh(env):
    def quote(data):
        return urllib.parse.quote(data, safe="-_.~")
    groups = {}
    for name, value in sorted_fields(env.request.query.encode()):
        if name != b"jwt":
            groups.setdefault(name, []).append(quote(value))
    query = "&".join(f"{quote(name)}={','.join(values)}" for name, values in groups.items())
    path = env.request.path.rstrip("/") or "/"
    return hashlib.sha256(f"{env.request.method}&{path}&{query}".encode()).hexdigest().encode()


def url_other_port(url):
    match = re.fullmatch(r"(https?)(://)([^/?#]*)(.*)", url, re.S)
    if not match:
        raise Missing()
    scheme, colon, authority, rest = match.groups()
    port = ":443" if scheme == "https" else ":80"
    if authority.endswith(port):
        return scheme + colon + authority.removesuffix(port) + rest
    if ":" in authority.rpartition("@")[2].rpartition("]")[2]:
        raise Missing()
    return scheme + colon + authority + port + rest


def no_port(parts):
    host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host[0] + host[1] + re.sub(r":[0-9]*$", "", host[2])).geturl()


def default_port(parts):
    if re.search(r":[0-9]*$", parts.netloc.rpartition("@")[2]):
        return parts.geturl()
    port = {"https": ":443", "http": ":80"}[parts.scheme]
    return parts._replace(netloc=parts.netloc + port).geturl()


def legacy_query(parts):
    fields = {}
    for name, value in urllib.parse.parse_qsl(parts.query, keep_blank_values=True):
        fields.setdefault(name, []).append(value)
    query = urllib.parse.urlencode(fields, doseq=True, safe="-_.!~*'()",
                                   quote_via=urllib.parse.quote)
    return parts._replace(query=query).geturl()


def quoted(parts):
    return parts._replace(query=re.sub("['\"<>]", lambda one: f"%{ord(one[0]):02X}",
                                       parts.query)).geturl()


def hubspot_decoded(parts):
    return re.sub("%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)",
                  lambda one: urllib.parse.unquote(one[0]), parts.geturl(), flags=re.I)


SPELLINGS = {"no_port": no_port, "default_port": default_port, "quoted": quoted,
             "legacy_query": legacy_query, "hubspot_decoded": hubspot_decoded}


def urls_of(scheme, url):
    """The URL as it is given, then as the scheme may spell it otherwise."""
    names = scheme.get("url_variants", [])
    names = [names] if isinstance(names, str) else names
    spelt = []
    for name in names:
        earlier = [url] if name.endswith("port") else [url] + spelt
        spelt += [SPELLINGS[name](urllib.parse.urlsplit(one)) for one in earlier]
    return [url] + spelt


def body_with_secret(env, place):
    value, body = find(place, env), env.request.body
    quoted = b'"' + value + b'"'
    if body.count(quoted) != 1:
        raise Ambiguous()
    return body.replace(quoted, b'"' + env.secret + b'"')


def body_escaped(env):
    """As Box's encoder of JSON writes it."""
    try:
        text = env.request.body.decode()
    except UnicodeDecodeError:
        raise Ambiguous() from None
    escaped = "".join(
        character if ord(character) < 0x7F else
        "".join("\\u" + unit.hex() for unit in
                (character.encode("utf-16-be")[at:at + 2]
                 for at in range(0, len(character.encode("utf-16-be")), 2)))
        for character in text)
    return re.sub(r"(?<!\\)/", r"\\/", escaped).encode()


def derived(name, env):
    request = env.request
    url = env.url or request.url
    digest = hashlib.sha256(request.body)
    return {
        "ts": lambda: env.ts,
        "secret": lambda: env.secret,
        "method": lambda: request.method.encode(),
        "path": lambda: request.path.encode(),
        "query": lambda: request.query.encode(),
        "target": lambda: request.target.encode(),
        "url": lambda: url.encode(),
        "url_no_query": lambda: url.partition("?")[0].encode(),
        "url_other_port": lambda: url_other_port(url).encode(),
        "sha256hex:body": lambda: digest.hexdigest().encode(),
        "sha256base64:body": lambda: base64.b64encode(digest.digest()),
        "sha256base64url:body":
            lambda: base64.urlsafe_b64encode(digest.digest()).rstrip(b"="),
        "sha256raw:body": digest.digest,
        "sha256hex:url": lambda: hashlib.sha256(url.encode()).hexdigest().encode(),
        "crc32:body": lambda: str(zlib.crc32(request.body)).encode(),
        "form_sorted": lambda: form_sorted(env),
        "query_sorted": lambda: query_sorted(env),
        "plivo_v3_url": lambda: plivo_v3_url(env),
        "contentful_target": lambda: contentful_target(env),
        "body_escaped": lambda: body_escaped(env),
        "qsh": lambda: qsh(env),
    }[name]()


def render_part(part, env):
    if part.startswith("signed_headers:"):
        return signed_headers(env, part.partition(":")[2])
    if part.startswith("body_with_secret:"):
        return body_with_secret(env, part.partition(":")[2])
    if part.startswith("json_string:"):
        try:
            text = find(part.partition(":")[2], env).decode()
        except UnicodeDecodeError:
            raise Ambiguous() from None
        return json.dumps(text, ensure_ascii=False).encode()
    if place_of(part) is None:
        return derived(part, env)
    value = find(part.removesuffix("|lower"), env)
    return value.lower() if part.endswith("|lower") else value


def render(text, env):
    pieces, dropped = [], set()
    for token, segment in tokens(text):
        if token in ("{{", "}}", "[[", "]]"):
            pieces.append((token[0].encode(), segment))
        elif not token.startswith("{"):
            pieces.append((token.encode(), segment))
        else:
            try:
                pieces.append((render_part(token[1:-1], env), segment))
            except Missing:
                if not segment:
                    raise
                dropped.add(segment)
    return b"".join(piece for piece, segment in pieces if segment not in dropped)
