"""Types of convoy.h taken apart, for the modules that write them down in other languages."""
import dataclasses
import itertools
import pathlib
import re
import sys

HEADER = pathlib.Path(__file__).resolve().parents[2] / "capi" / "convoy.h"
COLUMNS_MAX = 100

sys.path.insert(0, str(HEADER.parent))
import convoy_header  # noqa: E402

SCALARS = ("convoy_status", "int32_t", "uint32_t", "int64_t", "uint64_t", "size_t")


@dataclasses.dataclass(frozen=True)
class Parts:
    """A type: `base` is a scalar, "char", "void" or the name of a struct or an opaque object."""

    base: str
    stars: int
    is_const: bool


class Types:
    """All types of a header."""

    def __init__(self, header):
        self.header = header
        self.structs = convoy_header.layouts(header)
        self.opaque = re.findall(r"\btypedef\s+struct\s+(\w+)\s+\1\s*;", header)
        self.callbacks = {callback.name: callback for callback in convoy_header.callbacks(header)}
        self.functions = convoy_header.prototypes(header)
        self.constants = convoy_header.constants(header)
        # Fields and parameters may have a callback type without a typedef.
        parameters = [function.parameters for function in self.functions]
        for variable in itertools.chain(*self.structs.values(), *parameters):
            if isinstance(variable.type, convoy_header.Callback):
                known = self.callbacks.setdefault(variable.name, variable.type)
                if known != variable.type:
                    raise ValueError(f"two callback types of the name {variable.name}")

    def callback(self, type_):
        """The callback that a type is; None: it is another type."""
        if isinstance(type_, convoy_header.Callback):
            return type_
        return self.callbacks.get(type_)

    def parts(self, type_):
        """A type that is no callback, taken apart; ValueError: it is none that a language knows."""
        base, _, stars = type_.removeprefix("const ").partition(" ")
        parts = Parts(base, len(stars), type_.startswith("const "))
        is_scalar = base in SCALARS
        is_known = is_scalar or base in self.structs or base in self.opaque or base in ("char", "void")
        is_value = parts.stars == 0 and (is_scalar or base in self.structs)
        if not is_known or stars not in ("", "*", "**") or not (parts.stars or is_value):
            raise ValueError(f"teach {__file__} the type {type_}")
        return parts

    def is_sized_text(self, variable, after):
        """Whether a text has its size beside it, so that it need not end with NUL."""
        return (after is not None and after.type == "size_t" and
                variable.type in ("const char *", "char *"))

    def in_order(self):
        """Structs and callback types, in the order of the header: each before its first use."""
        found = [(re.search(rf"\}}\s*{name}\s*;", self.header).start(), name)
                 for name in self.structs]
        found += [(re.search(rf"\(\s*\*\s*{name}\s*\)", self.header).start(), name)
                  for name in self.callbacks]
        return [name for _, name in sorted(found)]


def camel_case(name):
    return "".join(word.capitalize() for word in name.removeprefix("convoy_").split("_"))


def wrap(head, items, tail):
    """head + items + tail, as many items on a line as fit."""
    lines, indent = [head], " " * len(head)
    for index, item in enumerate(items):
        text = item + (tail if index == len(items) - 1 else ",")
        space = "" if lines[-1] in (head, indent) else " "
        if len(lines[-1]) + len(space) + len(text) > COLUMNS_MAX:
            lines.append(indent)
            space = ""
        lines[-1] += space + text
    return lines if items else [head + tail]
