#!/usr/bin/env python3
"""Writes codings.json: bodies as Python's zlib, gzip and brotli modules pack them, and what they hold.

Needs the package brotli of PyPI. "bytes" is base64 of the packed body; "sha256" is of what it
holds, or null where it must be refused.
"""
import base64
import gzip
import hashlib
import io
import json
import pathlib
import random
import zlib

import brotli

random.seed(13)
JSON = json.dumps([{"id": n, "kind": "order.created", "note": "x" * (n % 7)} for n in range(60)])
TEXTS = {
    "empty": b"",
    "short": b'{"kind":"a"}',
    "json": JSON.encode(),
    "noise": random.randbytes(2_000),
    "zeros": bytes(100_000),
}


def packed(data, level, window, strategy=zlib.Z_DEFAULT_STRATEGY):
    pack = zlib.compressobj(level, zlib.DEFLATED, window, 9, strategy)
    return pack.compress(data) + pack.flush()


def named(data):
    out = io.BytesIO()
    with gzip.GzipFile("a file.json", "wb", fileobj=out, mtime=1) as file:
        file.write(data)
    return out.getvalue()


cases = []


def add(name, coding, data, text):
    cases.append({"name": name, "coding": coding, "bytes": base64.b64encode(data).decode(),
                  "sha256": None if text is None else hashlib.sha256(text).hexdigest()})


for name, text in TEXTS.items():
    for level in (0, 1, 6, 9):
        add(f"{name} {level}", "gzip", packed(text, level, 31), text)
    add(f"{name} zlib", "deflate", packed(text, 6, 15), text)
    add(f"{name} bare", "deflate", packed(text, 6, -15), text)
    add(f"{name} fixed codes", "gzip", packed(text, 6, 31, zlib.Z_FIXED), text)
    add(f"{name} codes only", "gzip", packed(text, 6, 31, zlib.Z_HUFFMAN_ONLY), text)
    for quality in (0, 5, 11):
        add(f"{name} brotli {quality}", "br", brotli.compress(text, quality=quality), text)
far = random.randbytes(32_768)  # twice: the longest distance that there is
add("far", "gzip", packed(far * 2, 9, 31), far * 2)
short, long = TEXTS["short"], TEXTS["json"]
whole = packed(long, 6, 31)
add("name", "GZip", named(long), long)
add("two members", "x-gzip", packed(long, 6, 31) + packed(short, 6, 31), long + short)
add("padding", "gzip", packed(long, 6, 31) + bytes(64), long)
add("extra field", "gzip", whole[:3] + b"\x04" + whole[4:10] + b"\x03\x00abc" + whole[10:], long)
add("twice", "deflate, gzip", packed(packed(long, 6, 15), 6, 31), long)
add("cut", "gzip", whole[:-9], None)
add("cut within the trailer", "gzip", whole[:-1], None)
add("wrong checksum", "gzip", whole[:-8] + bytes(4) + whole[-4:], None)
add("wrong size", "gzip", whole[:-4] + bytes(4), None)
add("wrong Adler", "deflate", packed(long, 6, 15)[:-4] + bytes(4), None)
for at in (12, 20, 60):
    add(f"byte {at} flipped", "gzip", whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:], None)
add("rubbish behind", "gzip", whole + b"rubbish", None)
tight = brotli.compress(long)
add("brotli under gzip", "br, gzip", packed(tight, 6, 31), long)
add("brotli cut", "BR", tight[:-1], None)
add("brotli with rubbish behind", "br", tight + b"rubbish", None)
add("brotli of a larger window than RFC 7932 has", "br", b"\x11\x1e" + tight, None)
folder = pathlib.Path(__file__).resolve().parent
(folder / "codings.json").write_text(json.dumps(cases, indent=0) + "\n")
