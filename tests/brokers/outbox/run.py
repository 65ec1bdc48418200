"""Orders with events in one transaction, a third of them rolled back, while the shops and the gateway
are killed at random: exactly the committed orders become events, and each of them is delivered.

usage: run.py [ORDERS [KIND [LIBRARY]]]    default 10000 orders, of all kinds by all libraries

KIND: sqlite, postgres. LIBRARY: sql, sqlalchemy, django, go. On PostgreSQL two gateways share a store
and the outbox. Prints a line of figures for each and exits 1 if one is wrong.
"""
import collections
import contextlib
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "end_to_end"), str(HERE.parents[1] / "integration")]
import gateway  # noqa: E402
import host  # noqa: E402
import postgres  # noqa: E402
import shops  # noqa: E402

RUNS = [("sqlite", "sql"), ("sqlite", "sqlalchemy"), ("sqlite", "django"), ("sqlite", "go"),
        ("postgres", "sql"), ("postgres", "sqlalchemy"), ("postgres", "go")]
SHOPS = 2
PATIENCE_S = 600


class Database:
    """The shops' database, as they and the gateway name it."""

    def __init__(self, kind, folder, server):
        self.kind = kind
        self._server = server
        self.where = server.url if kind == "postgres" else folder + "/shop.db"
        sql = subprocess.run([host.binary(), "outbox", kind], check=True, capture_output=True,
                             text=True).stdout
        sql += "CREATE TABLE orders (number integer PRIMARY KEY, total integer NOT NULL);"
        if kind == "postgres":
            server.query(sql)
        else:
            with contextlib.closing(sqlite3.connect(self.where)) as connection:
                connection.executescript("PRAGMA journal_mode = WAL;" + sql)
        self.table = "convoy.outbox" if kind == "postgres" else "convoy_outbox"

    def _query(self, sql):
        if self.kind == "postgres":
            return self._server.query(sql).split()
        with contextlib.closing(sqlite3.connect(self.where, timeout=60)) as connection:
            return [row[0] for row in connection.execute(sql)]

    def orders(self):
        return {int(number) for number in self._query("SELECT number FROM orders")}

    def waiting(self):
        return int(self._query(f"SELECT count(*) FROM {self.table}")[0])


class LoggedGateway(gateway.Gateway):
    """A gateway whose log is not beside its store, which may be a server."""

    def __init__(self, log_path, store, inbox, *flags):
        self._log_path = log_path
        super().__init__(store, inbox, *flags)

    def new_process(self):
        return host.Convoyd(self.database, *self._flags, log_path=self._log_path)


class Gateways:
    """Processes on one store, all of which are told of the outbox."""

    def __init__(self, folder, database, store, count, inbox):
        self.first = LoggedGateway(folder + "/gateway.log", store, inbox,
                                   "--outbox", f"shop={database.where}")
        self._lock = threading.Lock()
        self.others = [self.first.new_process() for _ in range(count - 1)]
        endpoint = self.first.project.endpoint("e", f"{inbox.url}/e")
        self.first.project.subscribe("s", endpoint, event_types=["order.placed"])
        self.first.source({"type": "outbox", "outbox": {"name": "shop"}})
        self.kills = 0

    def kill(self):
        with self._lock:
            index = random.randrange(1 + len(self.others))
            self.kills += 1
            if index == 0:
                self.first.kill()
                self.first.start()
            else:
                self.others[index - 1].kill()
                self.others[index - 1] = self.first.new_process()

    def close(self):
        for one in self.others:
            one.stop(60)
        return self.first.close()


def kill_until(is_done, gateways, all_shops):
    """One process at a time, about once a second."""
    while not is_done():
        time.sleep(random.uniform(0.5, 1.5))
        victim = random.choice([gateways, *all_shops])
        victim.kill()


def expect(condition, text):
    if not condition:
        raise AssertionError(text)


def check(database, gateways, inbox):
    """The figures, once everything has been delivered."""
    orders = database.orders()
    host.wait_until(lambda: database.waiting() == 0, "an empty outbox", PATIENCE_S, 0.2)
    numbers = [event["data"]["number"] for event in gateways.first.events()]
    counts = collections.Counter(numbers)
    expect(set(counts) == orders, f"lost {sorted(orders - set(counts))[:9]}, "
                                  f"of no order {sorted(set(counts) - orders)[:9]}")
    twice = [number for number, count in counts.items() if count > 1]
    expect(not twice, f"more than one event of {twice[:9]}")
    expect(gateways.first.held() == [], "there are dead letters")
    host.wait_until(lambda: not gateways.first.undelivered(), "the deliveries", PATIENCE_S, 0.5)
    received = [json.loads(body)["number"] for body in inbox.bodies()]
    expect(set(received) == orders, "received is not what was committed")
    # Events are listed latest first.
    for shop in range(SHOPS):
        own = [number for number in reversed(numbers) if number % SHOPS == shop]
        expect(own == sorted(own), f"shop {shop}: events are not in the order of the orders")
    return {"committed": len(orders), "events": len(numbers), "requests": len(received)}


def run(kind, library, orders_count):
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(host.Folder())
        server = stack.enter_context(postgres.Server()) if kind == "postgres" else None
        inbox = host.Inbox()
        stack.callback(inbox.close)
        database = Database(kind, folder, server)
        store = server.url if kind == "postgres" else folder + "/convoy.db"
        gateways = Gateways(folder, database, store, 2 if kind == "postgres" else 1, inbox)
        log = stack.enter_context(open(folder + "/shops.log", "wb"))
        words = shops.command(library, kind, database.where)
        all_shops = [shops.Shop(words, range(first, orders_count, SHOPS), log)
                     for first in range(SHOPS)]

        def is_done():
            return all(shop.is_done() for shop in all_shops)
        kill_until(is_done, gateways, all_shops)
        failed = [shop.failure for shop in all_shops if shop.failure]
        expect(not failed, f"{failed}: {pathlib.Path(folder, 'shops.log').read_text()[-2000:]}")
        figures = check(database, gateways, inbox)
        refused = sum(shop.answers["refused"] for shop in all_shops)
        expect(gateways.close() is None, "a gateway did not end well")
    kills = f"{sum(shop.kills for shop in all_shops)} shops and {gateways.kills} gateways killed"
    print(f"{kind:8} {library:10} {orders_count} orders, {refused} rolled back, "
          f"{figures['committed']} committed = {figures['events']} events, "
          f"{figures['requests']} requests; {kills}; {time.monotonic() - begin:.0f} s", flush=True)


def main():
    words = sys.argv[1:]
    if len(words) > 3 or (words and not words[0].isdigit()):
        sys.exit(__doc__)
    chosen = [one for one in RUNS if all(word == part for word, part in zip(words[1:], one))]
    if not chosen:
        sys.exit(__doc__)
    is_wrong = False
    for kind, library in chosen:
        try:
            run(kind, library, int(words[0]) if words else 10_000)
        except (AssertionError, subprocess.SubprocessError, RuntimeError) as error:
            is_wrong = True
            print(f"{kind:8} {library:10} WRONG: {error}", flush=True)
    sys.exit(1 if is_wrong else 0)


if __name__ == "__main__":
    main()
