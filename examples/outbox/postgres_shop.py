"""A shop on PostgreSQL with psycopg: an order and its event in one transaction.

usage: postgres_shop.py postgres://…     reads lines "NUMBER TOTAL" and tells what became of each order
"""
import json
import sys

import psycopg


def place_order(connection, number, total):
    with connection.transaction():  # commits, or rolls back if anything fails
        connection.execute("INSERT INTO orders (number, total) VALUES (%s, %s)", (number, total))
        connection.execute(
            "SELECT convoy.enqueue(%s, %s::text, idempotency_key => %s)",
            ("order.placed", json.dumps({"number": number, "total": total}), f"order-{number}"))
        if total <= 0:
            raise ValueError("an order must cost something")


def main():
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders "
                           "(number integer PRIMARY KEY, total integer NOT NULL)")
        for line in sys.stdin:
            number, total = map(int, line.split())
            try:
                place_order(connection, number, total)
                print(number, "placed", flush=True)
            except ValueError:
                print(number, "refused", flush=True)


if __name__ == "__main__":
    main()
