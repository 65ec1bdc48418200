"""Test of the hardening of the binaries that ship: reads it from the files with readelf.

Usage: hardening_test.py BINARY…
"""
import re
import subprocess
import sys


def readelf(*words):
    return subprocess.run(["readelf", "-W", *words], check=True, capture_output=True,
                          text=True).stdout


def findings(path):
    header, segments = readelf("-h", path), readelf("-l", path)
    dynamic, symbols = readelf("-d", path), readelf("--dyn-syms", path)
    stack = re.search(r"GNU_STACK.*", segments)
    if not re.search(r"Type:\s+DYN", header):
        yield "is not position independent"
    if "GNU_RELRO" not in segments:
        yield "has no read-only relocations (-z relro)"
    if "BIND_NOW" not in dynamic and not re.search(r"FLAGS.*\bNOW\b", dynamic):
        yield "resolves functions lazily (no -z now)"
    if stack is None or "RWE" in stack[0]:
        yield "has an executable stack"
    if re.search(r"LOAD.*\bRWE\b", segments):
        yield "has a segment that can be written and executed"
    if "__stack_chk_fail" not in symbols:
        yield "has no stack protector"
    if not re.search(r"__\w+_chk\b", symbols.replace("__stack_chk_fail", "")):
        yield "calls no fortified function of libc"
    if "TEXTREL" in dynamic or re.search(r"\b(RPATH)\b", dynamic):
        yield "has text relocations or an RPATH"


def main():
    failed = False
    for path in sys.argv[1:]:
        found = list(findings(path))
        failed = failed or bool(found)
        print(f"{path}: {', '.join(found) or 'hardened'}")
    return 1 if failed or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
