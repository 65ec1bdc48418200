"""Reader of the C headers for tests and generators: constants, structs, callback types and functions.

It knows only the C that the header is written in. Anything else is an error, so no declaration can
escape a test or a binding silently.
"""
import dataclasses
import os
import re

#: convoy_testing.h is of a library of its own
OF_LIBRARY = ("convoy.h", "convoy_parts.h")
ALL = (*OF_LIBRARY, "convoy_testing.h")


@dataclasses.dataclass(frozen=True)
class Variable:
    """A field or a parameter. `type` is C text ("const char *"), or the Callback of an unnamed type."""

    name: str
    type: "str | Callback"


@dataclasses.dataclass(frozen=True)
class Callback:
    """A function pointer type; `name` is that of its typedef, or of the variable that has it."""

    name: str
    result: str
    parameters: tuple[Variable, ...]


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    result: str
    parameters: tuple[Variable, ...]


def read(path):
    """The text without comments."""
    with open(path) as file:
        return re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)


def read_all(path, names=ALL):
    """The text of headers beside convoy.h, which is at that path."""
    return "\n".join(read(os.path.join(os.path.dirname(path), name)) for name in names)


def functions(header):
    """Names of the exported functions."""
    return [function.name for function in prototypes(header)]


def prototypes(header):
    """The exported functions with their types."""
    code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*$", "", header, flags=re.M)
    found = []
    for text in re.findall(r"\bCONVOY_API\b([^;]*);", code):
        match = re.fullmatch(r"\s*(.*?)\b(convoy_\w+)\s*\((.*)\)\s*", text, flags=re.S)
        if not match:
            raise ValueError(f"not a function: {text.strip()}")
        found.append(Function(match[2], _spell(match[1]), _parameters(match[3])))
    return found


def callbacks(header):
    """The function pointer types that have a name."""
    return [Callback(name, _spell(result), _parameters(parameters))
            for result, name, parameters in
            re.findall(r"\btypedef\s+([^;{}()]*)\(\s*\*\s*(\w+)\s*\)\s*\(([^;]*?)\)\s*;", header)]


def constants(header):
    """The object-like macros that have a number."""
    found = re.findall(r"^#define (CONVOY_\w+) +(-?\w+) *$", header, flags=re.M)
    return {name: int(value, 0) for name, value in found if re.match(r"-?\d", value)}


def structs(header):
    """Name of each struct that has its fields in the header -> names of the fields."""
    return {name: [field.name for field in fields] for name, fields in layouts(header).items()}


def layouts(header):
    """Name of each struct that has its fields in the header -> its fields."""
    found = {}
    for name, body in re.findall(r"\bstruct (\w+)\s*\{([^{}]*)\}", header):
        found[name] = [_variable(text) for text in body.split(";") if text.strip()]
    if len(found) != header.count("{") - header.count('extern "C" {'):
        raise ValueError("convoy.h has braces that are not those of a plain struct: "
                         "teach capi/convoy_header.py about them")
    return found


def _spell(type_text):
    """One spelling for each type: "const char *", "convoy_error **"."""
    words = " ".join(type_text.replace("*", " * ").split())
    return words.replace("* *", "**")


def _parameters(text):
    if text.strip() == "void":
        return ()
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return tuple(_variable(part) for part in parts)


def _variable(text):
    callback = re.fullmatch(r"\s*(.*?)\(\s*\*\s*(\w+)\s*\)\s*\((.*)\)\s*", text, flags=re.S)
    if callback:
        return Variable(callback[2], Callback(callback[2], _spell(callback[1]),
                                              _parameters(callback[3])))
    single = re.fullmatch(r"\s*([\w\s*]*?)\b(\w+)\s*", text)
    if not single:
        raise ValueError(f"not one variable: {text.strip()}")
    return Variable(single[2], _spell(single[1]))
