"""Probes of the soak test, in a process of their own, so that what is measured is convoyd and not
the test around it.

Usage: probes.py ADDRESS LINK ADDRESS LINK, of a gateway and of its neighbour, until its input ends;
then it prints what it saw as JSON: for each probe the milliseconds that each call took, and the
statuses. The probe "neighbour" does to the second one what "intake" does to the first. The probe
"machine" calls nothing: it is how much later than asked a sleep of 10 ms ends.
"""
import http.client
import json
import sys
import threading
import time

ADDRESS, LINK, NEIGHBOUR, NEIGHBOUR_LINK = sys.argv[1:]
CALLS = {
    "intake": (ADDRESS, "POST", LINK, b'{"a":1}', 0.05),
    "neighbour": (NEIGHBOUR, "POST", NEIGHBOUR_LINK, b'{"a":1}', 0.05),
    "/healthz": (ADDRESS, "GET", "/healthz", None, 0.1),
}
is_over = threading.Event()
seen = {name: {"took_ms": [], "statuses": {}} for name in (*CALLS, "machine")}


def note(name, started, status):
    seen[name]["took_ms"].append((time.monotonic() - started) * 1000)
    statuses = seen[name]["statuses"]
    statuses[str(status)] = statuses.get(str(status), 0) + 1


def call(name, address, method, path, body, pause):
    connection = None
    while not is_over.wait(pause):
        started = time.monotonic()
        try:
            connection = connection or http.client.HTTPConnection(address, timeout=30)
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
            if answer.will_close:
                connection = None
        except (OSError, http.client.HTTPException):
            connection, status = None, 0
        note(name, started, status)


def sleep():
    while not is_over.is_set():
        due = time.monotonic() + 0.01
        time.sleep(0.01)
        note("machine", due, "")


threads = [threading.Thread(target=call, args=(name, *how)) for name, how in CALLS.items()]
threads.append(threading.Thread(target=sleep))
for thread in threads:
    thread.start()
sys.stdin.read()
is_over.set()
for thread in threads:
    thread.join()
json.dump(seen, sys.stdout)
