#!/usr/bin/env python3
"""Writes first inputs for the targets whose corpus is empty: DIRECTORY/<target>/<name>.

A corpus that was lost or whose format changed is grown again from these. They come from what the
tree has anyway: the shipped presets, the test vectors.

Usage: tests/fuzz/make_seeds.py DIRECTORY
"""
import base64
import json
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
PRESETS = sorted((TESTS.parent / "lib/verify/presets").glob("*.json"))


def fnv1a(text):
    value = 2166136261
    for byte in text.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def header_names(text, scheme):
    """As scheme_catalog.cc orders them."""
    signature = scheme.get("signature", {})
    names = []
    if signature.get("in", "header") == "header" and signature:
        listed = signature["name"]
        for name in [listed] if isinstance(listed, str) else listed:
            names.append(name + "1" if signature.get("numbered") else name)
    if scheme["type"] == "basic":
        names.append("Authorization")
    for mark in ("header:", "signed_headers:"):
        names += re.findall(re.escape(mark) + r'([^"}|]*)', text)
    return list(dict.fromkeys(names))


def token(scheme):
    algorithm = scheme["jwt"]["algs"][0]
    claims = {"iat": 1750000000, "exp": 1750000060, "nbf": 1749999990, "jti": "j1", "iss": "i"}
    for check in scheme.get("checks", [])[:1]:
        place = check["value"]
        if place.startswith("jwt:") and "." not in place:
            claims[place[4:]] = "\x06"
    text = json.dumps(claims).replace("\\u0006", "\x06")
    return '\x02{"alg":"%s","kid":"k"}\x03.\x02%s\x03.\x01' % (algorithm, text)


def signature_value(scheme):
    signature = scheme["signature"]
    value = signature.get("prefix", "") + (token(scheme) if scheme["type"] == "jwt" else "\x01")
    if "envelope" in signature:
        return '\x04{"%s":"\x01"}\x03' % signature["envelope"]
    if "list" not in signature:
        return value
    syntax = signature["list"]
    item, pair = syntax.get("item_sep", ","), syntax.get("kv_sep", "=")
    if syntax.get("timestamp_first"):
        return "\x05" + item + value
    key = syntax.get("key", syntax.get("key_numbered", ""))
    key += "1" if "key_numbered" in syntax else ""
    key = "cfg" if "key_config" in syntax else key
    items = [key + pair + value] if key else [value]
    source = scheme.get("timestamp", {}).get("from", "")
    if source.startswith("sig:"):
        items.insert(0, source[4:] + pair + "\x05")
    return item.join(items)


def key_url(location):
    return "https://" + location["hosts"][0].replace("*", "eu") + "/key.pem"


def body_of(text, scheme):
    fields = {}
    for path in re.findall(r'(?:json|item):([^"}|]*)', text):
        fields[path] = "v"
    for place, expected in scheme.get("when", {}).items():
        if place.startswith("json:") and expected is not None:
            fields[place[5:]] = expected
    source = scheme.get("timestamp", {}).get("from", "")
    if source.startswith("json:"):
        fields[source[5:]] = "\x05"
    location = scheme.get("key", {}).get("location", {})
    if location.get("url_from", "").startswith("json:"):
        fields[location["url_from"][5:]] = key_url(location)
    signature = scheme.get("signature", {})
    if signature.get("in") == "json":
        fields[signature["name"]] = signature_value(scheme)
    tree = {}
    for path, value in fields.items():
        node = tree
        parts = path.split(".")
        for part in parts[:-1]:
            node = node.setdefault(part, {}) if isinstance(node, dict) else {}
        if isinstance(node, dict):
            node[parts[-1]] = value
    if "each" in scheme:
        for part in reversed(scheme["each"].split(".")):
            tree = [tree] if part == "*" else {part: tree}
    tree = {name: list(value.values()) if isinstance(value, dict) and "*" in value else value
            for name, value in tree.items()}
    body = json.dumps(tree, separators=(",", ":"))
    return re.sub(r"\\u00(0[1-6])", lambda m: chr(int(m[1], 16)), body)


def script(text, scheme):
    signature = scheme.get("signature", {})
    place = signature.get("in", "header") if signature else None
    names = header_names(text, scheme)
    source = scheme.get("timestamp", {}).get("from", "")
    lines = ["MPOST", "Uhttps://example.com/hook?x=1"]
    body = body_of(text, scheme)
    if place in ("query", "form"):
        pair = f"{signature['name']}={signature_value(scheme)}"
        if place == "query":
            lines[1] = f"Uhttps://example.com/hook?{pair}&a=b"
        else:
            body = f"a=b&{pair}&c=%20d"
    if place == "body":
        body = signature_value(scheme)
    for index, name in enumerate(names):
        value = "v1"
        if place == "header" and index < 1:
            value = signature_value(scheme)
        elif scheme["type"] == "basic" and name == "Authorization":
            value = "Basic \x01"
        elif source == "header:" + name:
            value = "\x05"
        elif scheme.get("key", {}).get("location", {}).get("url_from") == "header:" + name:
            value = key_url(scheme["key"]["location"])
        wanted = scheme.get("when", {}).get("header:" + name)
        lines.append(chr(ord("a") + index % 20) + (wanted if wanted and wanted != "*" else value))
    return "\n".join(lines) + "\nB" + body


def custom_definitions():
    source = (TESTS / "fuzz/scheme_catalog.cc").read_text(encoding="utf-8")
    for name, literals in re.findall(r'\{"(\w+)",\s*((?:R"\(.*?\)"\s*)+)\}', source, re.S):
        yield "custom-" + name, "".join(re.findall(r'R"\((.*?)\)"', literals, re.S))


def signature_headers():
    files = [(path.stem, path.read_text(encoding="utf-8")) for path in PRESETS]
    titles = set()
    for name, text in files + list(custom_definitions()):
        definition = json.loads(text)
        for scheme in definition.get("schemes", [definition]):
            title = f"{name}/{scheme.get('name', 'default')}"
            while title in titles:
                title += "'"
            titles.add(title)
            for flags in [0, 2] + ([1] if "location" in scheme.get("key", {}) else []):
                head = fnv1a(title).to_bytes(4, "big") + bytes([flags])
                yield (f"{title}-{flags}".replace("/", "_"),
                       head + script(text, scheme).encode("utf-8"))


def preset_loader():
    for path in PRESETS:
        yield path.stem, path.read_bytes()
    for name, text in custom_definitions():
        yield name, text.encode()


def der_of(pem):
    return base64.b64decode("".join(pem.split("-----")[2].split()))


def public_keys():
    """The first byte is the form, as in public_keys.cc."""
    for path in sorted((TESTS / "vectors/crypto").glob("*.pem")):
        pem = path.read_bytes()
        yield f"pem-{path.stem}", b"\0" + pem
        if "private" in path.stem:
            yield f"private-{path.stem}", b"\x0a" + pem
            continue
        der = der_of(pem.decode())
        yield f"hex-{path.stem}", b"\1" + der.hex().encode()
        yield f"base64-{path.stem}", b"\2" + base64.b64encode(der)
        yield f"json-{path.stem}", b"\4" + json.dumps({"keys": [{"pem": pem.decode()}]}).encode()
        forms = {"certificate": b"\5"} if "certificate" in path.stem else {"spki": b"\3"}
        forms = {"pkcs1": b"\6"} if "pkcs1" in path.stem else forms
        for name, form in forms.items():
            yield f"{name}-{path.stem}", form + der
    rsa = {"kty": "RSA", "n": base64.urlsafe_b64encode(b"\xc1" * 256).decode().rstrip("="),
           "e": "AQAB", "kid": "r"}
    point = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43, "kid": "p"}
    edwards = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    yield "jwks", b"\7" + json.dumps({"keys": [rsa, point, edwards, {"kty": "oct"}]}).encode()
    yield "jwk", b"\7" + json.dumps(edwards).encode()
    yield "rsa_numbers", b"\x08\x03\x01\x00\x01" + b"\xc1" * 256
    for path in sorted((TESTS / "vectors/crypto").glob("*.sig")):
        yield f"signature-{path.stem}", b"\x09" + path.read_bytes()


def json_texts():
    """Limits, path, text."""
    texts = {
        "object": ("a.0.b", '{"a":[{"b":1}],"c":null,"a.":true}'),
        "escapes": ("\u00e9", '{"\\u00e9":"\\ud83d\\ude00\\n","e":"\\u0000"}'),
        "numbers": ("2", "[-0,0e63,1e-400,1.5E+3,18446744073709551616]"),
        "deep": ("0.0.0", "[" * 200 + "]" * 200),
        "wide": ("9", "[" + "1," * 30 + "1]"),
        "broken": ("a", '{"a":tru'),
    }
    for name, (path, text) in texts.items():
        for limits in range(5):
            yield f"{name}-{limits}", bytes([limits]) + f"{path}\n{text}".encode()


def filters():
    lines = (TESTS / "vectors/route/filters.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        parts = line.split(" | ")
        if len(parts) == 3 and not line.startswith("#"):
            yield str(number), "\n".join(parts[1:]).encode()
    yield "regex", b'{"a":{"$regex":"^(a+)+$"},"b":{"$regex":"[a-c]{2,9}|\\\\pL"}}\n{"a":"aaa!","b":["ab",4.5]}'


def forms():
    """Content type, location, query, a header, the body."""
    multipart = ('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposi'
                 'tion: form-data; name="f"; filename="x"\r\n\r\nfile\r\n--b--\r\n')
    inputs = {
        "urlencoded": ("application/x-www-form-urlencoded", "request.body.a", "id=%20+",
                       "h", "a=1&a=%C3%A9&b=%ff&c"),
        "multipart": ("multipart/form-data; boundary=b", "req.body.a", "id=1&id=2", "", multipart),
        "quoted": ('Multipart/Form-Data; charset=x; boundary="b"', "request.Header.X-Id", "%zz", "h",
                   multipart),
        "json": ("application/json", "request.body.a.0.b", "a&id", "h", '{"a":[{"b":"\\u00e9"}]}'),
        "text": ("text/plain", "request.QueryParam.id", "", "", "not JSON"),
        "bytes": ("", "body.a", "=", "\t", "\x00\x80"),
    }
    for name, lines in inputs.items():
        yield name, "\n".join(lines).encode("latin-1" if name == "bytes" else "utf-8")


def framing():
    chunked = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    requests = [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\nPOST /p?q=1 HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\n"
        b"Connection: keep-alive\r\n\r\nhelloGET /next HTTP/1.1\r\nHost: x\r\n\r\n",
        chunked + b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n",
        chunked + b"fff\r\n",
        b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: close, Keep-Alive\r\nExpect: 100-continue\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n",
        b"GET http://x/ HTTP/2.0\r\n\r\n"]
    for number, request in enumerate(requests):
        yield str(number), b"\xff\xff\2" + request


def session():
    ok = b"POST /ok?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    get = b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n"
    scripts = {
        "three": ok + get + chunked + b"3;a=b\r\nabc\r\n0\r\n\r\n",
        "continued": ok.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + get,
        "last": get.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + ok,
        "refused": ok.replace(b"/ok", b"/no") + get, "declined": get.replace(b"/ok", b"/") + get,
        "too-large": ok.replace(b"5", b"65") + b"x" * 60, "chunks-too-large": chunked + b"fff\r\n",
        "cut": ok[:-2], "head": get.replace(b"GET", b"HEAD") + get, "malformed": b"GET\r\n\r\n",
        "old": get.replace(b"1.1", b"1.0") + get, "nothing": b"", "lines": b"\r\n" * 40 + get}
    for name, script in scripts.items():
        for flags in (0, 1, 2, 4, 8, 13):
            yield f"{name}-{flags}", bytes([flags, 6]) + script


def certificates():
    folder = TESTS / "vectors/crypto"
    for kind in ("p256", "rsa"):
        certificate = (folder / f"{kind}_certificate.pem").read_bytes()
        der = base64.b64decode(b"".join(certificate.splitlines()[1:-1]))
        key = (folder / f"{kind}_private.pem").read_bytes()
        yield kind, b"\0" + certificate + b"\x1e" + key
        yield f"{kind}-chain", b"\0" + certificate * 3 + b"\x1e" + key
        yield f"{kind}-der", b"\3" + der
        yield f"{kind}-other-key", b"\2" + certificate
        yield f"{kind}-text", b"\0a text\n" + certificate + b"and more\x1e" + key[:60]
    for name in ("p256_private_sec1", "rsa_private_pkcs1", "rsa_private_encrypted"):
        yield name, b"\0" + certificate + b"\x1e" + (folder / f"{name}.pem").read_bytes()


def imports():
    project = {"uid": "01HYWQJJ5ZH4H158E4RYHGNSDC", "name": "p", "type": "incoming"}
    within = {"project_id": project["uid"]}
    source = {**within, "uid": "01HYWQJJ5ZH4H158E4RYHGNSDD", "name": "s", "type": "http",
              "mask_id": "aaaaaaaaaaaaaaaa",
              "verifier": {"type": "api_key", "api_key": {"header_name": "X", "header_value": "y"}}}
    endpoint = {**within, "uid": "01HYWQJJ5ZH4H158E4RYHGNSDE", "name": "e",
                "url": "https://x.example/", "secrets": [{"uid": "k", "value": "secret"}]}
    subscription = {**within, "uid": "01HYWQJJ5ZH4H158E4RYHGNSDF", "name": "b",
                    "endpoint_id": endpoint["uid"], "source_id": source["uid"],
                    "filter_config": {"event_types": ["*"]}}
    key = {"uid": "01HYWQJJ5ZH4H158E4RYHGNSDG", "name": "k", "mask_id": "maskmaskmask",
           "hash": "aGFzaA==", "salt": "c2FsdA==",
           "role": {"type": "project_admin", "project": project["uid"]}}
    whole = {"projects": [project], "sources": [source], "endpoints": [endpoint],
             "subscriptions": [subscription], "api_keys": [key]}
    yield "whole", json.dumps(whole).encode()
    for name, value in whole.items():
        yield name, json.dumps({"projects": [project], name: value}).encode()
        yield f"{name}-alone", json.dumps({name: value}).encode()
        yield f"{name}-twice", json.dumps({"projects": [project], name: value * 2}).encode()
        yield f"{name}-bare", json.dumps({"projects": [project], name: [{}, 1, None]}).encode()
    yield "deep", json.dumps({"projects": [project]})[:-2].encode() + b',"a":' + b"[" * 100
    yield "nothing", b"{}"


def http_request():
    names = ("PROJECT", "SOURCE", "MASK", "ENDPOINT", "SUBSCRIPTION", "EVENT", "DELIVERY", "KEY")
    text = (TESTS / "fuzz/seed_requests.txt").read_text(encoding="utf-8")
    for paragraph, block in enumerate(text.split("\n\n")):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        requests = []
        for number, line in enumerate(lines):
            for character, name in enumerate(names, 1):
                line = line.replace(name, chr(character))
            target, _, body = line.partition(" |")
            request = f"\0{target}\nX-A: 1\n\n{body.strip(' ')}"
            requests.append(request)
            yield f"{paragraph}-{number}", request.encode()
            yield f"{paragraph}-{number}-stranger", ("\1" + request[1:]).encode()
        # As many as one input may have.
        for first in range(0, len(requests), 10):
            yield f"{paragraph}-from-{first}", "\x1e".join(requests[first:first + 10]).encode()


def c_abi():
    """Calls as in c_abi.cc."""
    request = b"\0POST\0%s\0a=b\0\1X-A\0" b"1\0{\"a\":1}\0"
    here = request % b"/ingest/x"
    ingest = b"\3\0\2\0%s\0\0a.b\0key\0X-A\0" b"1\0{}\0"
    yield "preset", b"\0github\0\1\0\0\0\0\1\2" + here
    yield "scheme", b'\0{"type":"token","signature":{"name":"X-A"}}\0\2\0\0\0\0\1\2' + here
    yield "none", b'\0{"type":"none"}\0\0\0\0\0\0\2' + here
    yield "handle", b"\1" + request % b"/healthz" + b"\1" + request % b"/api/v1/projects"
    yield "pieces", b"\2" + request % b"/api/v1/projects" + b"\2{}\0{}\0\1"
    yield "ingest", ingest % b"p" + b"\5"
    yield "setting", b"\4deliver.in_flight_max\0" b"16\0\4storage.path\0x\0\4no\0\0"
    for shape in (1, 2, 4, 8, 16, 32, 6):
        yield f"shape-{shape}", b"\1" + bytes([shape]) + here[1:] + b"\x08\x08"


def broker_messages():
    good = b'{"endpoint_id": "E1", "event_type": "a.b", "data": {"n": 1.50}'
    whole = good + b', "custom_headers": {"X-Shop": "7"}, "idempotency_key": "k"}'
    yield "single", b"\0X-A: 1\n\n" + whole
    yield "with-id", b"\2m-1\nX-A: 1\nx-convoy-message-type: single\n\n" + whole
    yield "cut", b"\1\n" + whole
    yield "forwarded", b"\4X-A: 1\ntraceparent: 00-1-2-01\nContent-Length: 5\n\n" + whole
    owned = b'{"owner_id": "ann", "event_type": "a.b", "data": [true]}'
    yield "fanout", b"\0x-convoy-message-type: fanout\n\n" + owned
    everyone = b'{"event_type": "a.b", "data": "x"}'
    yield "broadcast", b"\0X-Convoy-Message-Type: broadcast\n\n" + everyone
    for name, body in {
            "malformed": good, "array": b"[1]", "binary": bytes(range(256)),
            "deep": b'{"data": ' + b"[" * 200 + b"]" * 200 + b"}",
            "unknown-field": good + b', "nope": 1}', "repeated": good + b', "data": 2}',
            "unknown-endpoint": whole.replace(b"E1", b"E9"), "large": b'"' + b"x" * 5000 + b'"',
            "bad-header": good + b', "custom_headers": {"X A": "\\n"}}'}.items():
        yield name, b"\0\n" + body
        yield f"raw-{name}", b"\x08\n" + body
    single = b"x-convoy-message-type: single\n"
    for name, attributes in {
            "cut": b"", "single": single + b"x-convoy-endpoint-id: E1\n", "nobody": single,
            "fanout": b"x-convoy-message-type: fanout\nx-convoy-owner-id: ann\n",
            "owner": b"x-convoy-owner-id: ann\n", "key": b"x-convoy-idempotency-key: k\n",
            "type": b"content-type: text/csv; a=b\n", "amqp": b"x-amqp-content-type: a/b\n"}.items():
        yield f"raw-{name}", (b"\x09" if name == "cut" else b"\x08") + attributes + b"\n[1]"


def broker_answers():
    received = {"Messages": [{
        "MessageId": "m", "ReceiptHandle": "h", "Body": "{}",
        "Attributes": {"SentTimestamp": "1"},
        "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"},
                              "c": {"DataType": "Binary", "BinaryValue": "AAE="}}}]}
    pulled = {"receivedMessages": [{
        "ackId": "a", "deliveryAttempt": 2,
        "message": {"data": "e30=", "messageId": "1", "attributes": {"a": "b"},
                    "publishTime": "2026-01-01T00:00:00Z", "orderingKey": "o"}}]}
    failed = {"Failed": [{"Id": "0", "Code": "ReceiptHandleIsInvalid", "SenderFault": True}]}
    sqs_error = {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no\nqueue"}
    google_error = {"error": {"code": 403, "message": "not allowed", "status": "PERMISSION_DENIED"}}
    queue = {"QueueUrl": "http://127.0.0.1/1/q"}
    for name, kind, status, answer in [
            ("received", 0, 200, received), ("pulled", 1, 200, pulled), ("queue", 2, 200, queue),
            ("failed", 3, 200, failed), ("sqs-error", 4, 400, sqs_error),
            ("google-error", 5, 403, google_error)]:
        yield name, bytes([kind]) + status.to_bytes(2, "big") + json.dumps(answer).encode()
    for kind in (4, 5):
        for status in (200, 301, 400, 401, 403, 404, 429, 500, 503):
            yield f"status-{kind}-{status}", bytes([kind]) + status.to_bytes(2, "big") + b"<html>"


TARGETS = {
    "broker_messages": broker_messages,
    "broker_answers": broker_answers,
    "json": json_texts,
    "filters": filters,
    "forms": forms,
    "framing": framing,
    "session": session,
    "certificates": certificates,
    "import": imports,
    "http_request": http_request,
    "c_abi": c_abi,
    "signature_headers": signature_headers,
    "preset_loader": preset_loader,
    "public_keys": public_keys,
}


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 2
    for target, make in TARGETS.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in make():
            (folder / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
