"""Process that handles local deliveries until it is killed, or until its standard input ends.

Arguments: the database, and the file that says what was handled, one line for each: name, number.
"""
import json
import os
import random
import sys
import time

import convoy

FAILURE_RATES = {"any": 0.1, "ordered": 0.01}


def main():
    database, journal_path = sys.argv[1:]
    journal = os.open(journal_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    config = convoy.Config({"storage.path": database, "local.names": "any,ordered"})
    with convoy.Gateway(config) as gateway:
        gateway.start()

        def handle(name, delivery):
            if random.random() < FAILURE_RATES[name]:
                raise RuntimeError("bad luck")
            time.sleep(0.0005)
            os.write(journal, f"{name} {json.loads(delivery.body)['n']}\n".encode())
            if random.random() < FAILURE_RATES[name]:
                raise RuntimeError("bad luck, although the work is done")

        for name in FAILURE_RATES:
            gateway.on(name, batch=16)(lambda delivery, name=name: handle(name, delivery))
        sys.stdin.read()


main()
