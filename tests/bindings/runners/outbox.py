"""Outbox of another process in an SQLite file, beside the scenario: outbox.py FILE [EVENT_TYPE NUMBER]

Makes the file; with an event also its row, once the gateway has made the table.
"""
import contextlib
import sqlite3
import sys
import time

FAILED_S = 30


def insert(connection, event_type, number):
    with connection:
        connection.execute("INSERT INTO convoy_outbox (event_type, data) VALUES (?, ?)",
                           (event_type, f'{{"n":{number}}}'))


def main():
    path, *event = sys.argv[1:]
    end = time.monotonic() + FAILED_S
    with contextlib.closing(sqlite3.connect(path, timeout=FAILED_S)) as connection:
        if not event:
            connection.execute("PRAGMA user_version = 1")
            return
        while True:
            try:
                insert(connection, *event)
                return
            except sqlite3.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


if __name__ == "__main__":
    main()
