"""A server of this folder for programs in other languages: one JSON object a line in, one out.

    {"call": "new_queue"}                                         {"answer": {"queue": 0, "pub_sub": …}}
    {"call": "produce", "queue": 0, "messages": [{"body": base64, "attributes": …, "id": …}]}
    {"call": "left", "queue": 0}                                  {"answer": 3}
    {"call": "restart"}                                           {"answer": null}

    {"call": "proxy", "queue": 0}                                 {"answer": {"host": …, "port": …}}
    {"call": "stall"}                                             {"answer": null}

"proxy" puts a network before the queue that "cut", "stall" and "heal" break and mend (proxy.py).
Other calls are methods of the server, or of the queue if one is named, with "arguments"; "attribute"
is an attribute of the server. What goes wrong is {"error": text}. Starts with {"answer": null} when the server runs, and stops it when its
input ends.

usage: serve.py MODULE
"""
import base64
import importlib
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import proxy
from servers import base


def jsonable(value):
    """Bytes become {"base64": text}; what JSON does not know becomes its text."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return str(value)


def answer_to(order, server, queues, proxies):
    call, arguments = order["call"], order.get("arguments", [])
    if call == "proxy":
        proxies.append(proxy.Proxy(queues[order["queue"]].address))
        return dict(zip(("host", "port"), proxies[-1].address))
    if call in ("cut", "stall", "heal"):
        return getattr(proxies[-1], call)()
    if call == "new_queue":
        queues.append(server.new_queue(*arguments))
        return {"queue": len(queues) - 1, "pub_sub": queues[-1].pub_sub}
    if call == "attribute":
        return getattr(server, *arguments)
    if call == "produce":
        messages = [{**message, "body": base64.b64decode(message["body"])}
                    for message in order["messages"]]
        return queues[order["queue"]].produce(messages)
    target = queues[order["queue"]] if "queue" in order else server
    return getattr(target, call)(*arguments)


def main():
    replies = sys.stdout
    sys.stdout = sys.stderr  # libraries may print; replies must stay alone
    queues, proxies = [], []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped with us

    def reply(**fields):
        print(json.dumps(fields, default=jsonable), file=replies, flush=True)

    with base.started(importlib.import_module("servers." + sys.argv[1]).Server) as server:
        reply(answer=None)
        for line in sys.stdin:
            try:
                reply(answer=answer_to(json.loads(line), server, queues, proxies))
            except Exception as error:  # pylint: disable=broad-except
                reply(error=f"{type(error).__name__}: {error}")
        for one in proxies:
            one.close()


if __name__ == "__main__":
    main()
