"""Reads convoy.h: its functions, constants and public structs, in the order of the header.

Knows only the C that the header is written in; what it does not understand is an error, so nothing
escapes the tests silently.
"""
import re


def read(path):
    with open(path) as file:
        return re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)


def functions(header):
    return re.findall(r"CONVOY_API\b[^;(]*?\b(convoy_\w+)\s*\(", header)


def constants(header):
    """The object-like macros that have a number."""
    found = re.findall(r"^#define (CONVOY_\w+) +(-?\w+) *$", header, flags=re.M)
    return {name: int(value, 0) for name, value in found if re.match(r"-?\d", value)}


def structs(header):
    """Name of each struct that has its fields in the header -> names of the fields."""
    found = {}
    for name, body in re.findall(r"\bstruct (\w+)\s*\{([^{}]*)\}", header):
        found[name] = [_field(text) for text in body.split(";") if text.strip()]
    if len(found) != header.count("{") - header.count('extern "C" {'):
        raise ValueError("convoy.h has braces that are not those of a plain struct: "
                         "teach tests/abi/convoy_header.py about them")
    return found


def _field(text):
    callback = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", text)
    if callback:
        return callback.group(1)
    single = re.fullmatch(r"[\w\s*]*?\b(\w+)\s*(\[\w*\])?\s*", text)
    if not single:
        raise ValueError(f"one field a declaration, please: {text.strip()}")
    return single.group(1)
