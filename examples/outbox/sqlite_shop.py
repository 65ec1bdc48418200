"""A shop on SQLite with the standard library: an order and its event in one transaction.

usage: sqlite_shop.py shop.db     reads lines "NUMBER TOTAL" and tells what became of each order
"""
import json
import sqlite3
import sys


def place_order(connection, number, total):
    with connection:  # commits, or rolls back if anything fails
        connection.execute("INSERT INTO orders (number, total) VALUES (?, ?)", (number, total))
        connection.execute(
            "INSERT INTO convoy_outbox (event_type, data, idempotency_key) VALUES (?, ?, ?)",
            ("order.placed", json.dumps({"number": number, "total": total}), f"order-{number}"))
        if total <= 0:
            raise ValueError("an order must cost something")


def main():
    # The gateway deletes rows that it has stored: a writer waits for it, a few milliseconds.
    connection = sqlite3.connect(sys.argv[1], timeout=60)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, total INTEGER NOT NULL)")
    for line in sys.stdin:
        number, total = map(int, line.split())
        try:
            place_order(connection, number, total)
            print(number, "placed", flush=True)
        except ValueError:
            print(number, "refused", flush=True)


if __name__ == "__main__":
    main()
