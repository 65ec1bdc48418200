"""Providers' Python packages behind a pipe: one order per line in, {"ok": bool} out.

Each file of oracles/ offers CALLS, a table of functions that take an order and return whether the
package accepts. What a package reads from the clock is the order's now_ms.
"""

import base64
import importlib
import importlib.metadata
import json
import pathlib
import sys
import time

_now_s = [time.time()]
time.time = lambda: _now_s[0]  # before any package is loaded


def load_calls():
    calls = {}
    folder = pathlib.Path(__file__).parent / "oracles"
    sys.path.insert(0, str(folder))
    for file in sorted(folder.glob("*.py")):
        calls.update(importlib.import_module(file.stem).CALLS)
    return calls


def answer(calls, order):
    if order["call"] == "versions":
        return {name: importlib.metadata.version(name) for name in order["packages"]}
    _now_s[0] = order["now_ms"] / 1000
    order["body"] = base64.b64decode(order["body_base64"])
    order["lower"] = {name.lower(): value for name, value in order["headers"].items()}
    try:
        return {"ok": bool(calls[order["call"]](order))}
    except Exception as error:  # a refusal has as many types as there are packages
        return {"ok": False, "error": repr(error)}


def main():
    out = sys.stdout
    sys.stdout = sys.stderr
    calls = load_calls()
    for line in sys.stdin:
        print(json.dumps(answer(calls, json.loads(line))), file=out, flush=True)


main()
