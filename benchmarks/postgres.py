"""Starts a PostgreSQL server, and prints what gateways on it do beside bare libpq and pgbench: intake of
the store, gateways as processes of their own, and a million events that come, go out and expire. The
server syncs each commit; its settings are the defaults but for max_wal_size.

usage: postgres.py FOLDER [store | gateways | retention [EVENTS [RETENTION_S]]]
"""
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "integration"))
import postgres  # noqa: E402: a module of the integration tests

PROGRAMS = pathlib.Path(os.environ["CONVOY_BIN_DIR"])
STORE = str(PROGRAMS / "benchmark_postgres")
GATEWAY = str(PROGRAMS / "benchmark_postgres_gateway")
BARE = str(PROGRAMS / "benchmark_postgres_bare")
SETTINGS = ("max_wal_size=4GB", "log_autovacuum_min_duration=0", "autovacuum_naptime=15s")
EVENTS = 20_000  # of a measurement, all processes together
GATEWAY_EVENTS = 180_000  # the same, of gateways: ten seconds, of which their start is little
# Bare libpq writes as many beside gateways, half of them in each way, since tables that are larger are
# slower.
BARE_EVENTS = GATEWAY_EVENTS // 2
ROUNDS = 3  # of all measurements of gateways

#: the lean rows, one event in a transaction
PGBENCH = """
\\set key random(1, 9000000000000000000)
\\set endpoint random(0, 15)
BEGIN;
INSERT INTO lean.event VALUES (:key, 1, 1, 2, 1, repeat('h', 100)::bytea, repeat('b', 1024)::bytea);
INSERT INTO lean.delivery VALUES (:key, 1, :key, 1, :endpoint, 0, 0, 1, 0, 1, 1, 0);
INSERT INTO lean.dedupe_key VALUES (decode(md5(:key::text), 'hex'), 1) ON CONFLICT DO NOTHING;
COMMIT;
"""


class Process:
    """One of the benchmark's programs, spoken to in lines."""

    def __init__(self, *words):
        self._process = subprocess.Popen([str(word) for word in words], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)

    def expect(self, line):
        come = self.read()
        assert come == line, f"{come!r} in place of {line!r}"

    def read(self):
        return self._process.stdout.readline().strip()

    def say(self, line=""):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def close(self):
        self._process.communicate(timeout=600)
        assert self._process.returncode == 0


def dsn_of(server):
    return f"host={server.folder} user=postgres dbname=postgres"


def wal_position(server):
    return int(server.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))


def start_together(server, processes, wait_for_rest=lambda: None):
    """Lets them begin at once; the seconds until all are done, and the rest as well, and the bytes of
    WAL."""
    for process in processes:
        process.expect("ready")
    wal, began = wal_position(server), time.monotonic()
    for process in processes:
        process.say()
    for process in processes:
        process.expect("done")
    wait_for_rest()
    return time.monotonic() - began, wal_position(server) - wal


def run_pgbench(server, *words):
    """Transactions a second."""
    programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    done = subprocess.run([str(programs / "pgbench"), "-h", server.folder, "-U", "postgres", *words,
                           "postgres"], check=True, capture_output=True, text=True, timeout=300)
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.M)
    return float(found.group(1)) if found else None


def updated_rows(server, schema):
    time.sleep(1)  # until the statistics are there
    return server.query(
        "SELECT string_agg(format('%-45s %10s %17s %6s', relname, updates, pg_size_pretty(bytes), "
        "100 * hot / updates || ' %'), E'\\n' ORDER BY updates DESC) FROM (SELECT "
        "regexp_replace(relname, '_([0-9]+_[0-9]+|past|rest)$', '') AS relname, "
        "sum(n_tup_upd)::int8 AS updates, sum(n_tup_hot_upd)::int8 AS hot, "
        "sum(pg_table_size(relid))::int8 AS bytes FROM pg_stat_user_tables "
        f"WHERE schemaname = '{schema}' GROUP BY 1 HAVING sum(n_tup_upd) > 0) AS s")


def print_updated(server, schema):
    print("\nrows that were updated, by tables                updates              size    HOT")
    print(updated_rows(server, schema), flush=True)


def compare_store():
    with postgres.Server(*SETTINGS) as server:
        dsn = dsn_of(server)
        figures = json.loads(subprocess.run([STORE, dsn, str(EVENTS)], check=True,
                                            capture_output=True, timeout=900).stdout)
        many = []
        for count in (1, 2, 4):
            each = EVENTS // count // 64 * 64
            first = 10_000_000 * (count + 1)
            processes = [Process(STORE, dsn, each, first + n * 10 * EVENTS) for n in range(count)]
            took, wal = start_together(server, processes)
            for process in processes:
                process.close()
            many.append((count, each * count / took, wal / each / count))
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(PGBENCH)
            script.flush()
            lean = {clients: run_pgbench(server, "-n", "-M", "prepared", "-f", script.name, "-T", "8",
                                         "-c", str(clients), "-j", "2") for clients in (1, 64)}
        run_pgbench(server, "-i", "-q", "-s", "10")
        tpc = run_pgbench(server, "-n", "-M", "prepared", "-T", "8", "-c", "16", "-j", "2")
        ours = figures["store"]["per_s"]
        print("groups of 64 events of 1 KiB, one writer        events/s   WAL bytes/event   of it")
        for name, key, rate in (("the store", "store", ours),
                                ("bare libpq, a statement for each row", "bare_rows", ours),
                                ("bare libpq, a statement for each table", "bare_arrays", ours),
                                ("the store, with a claim and an outcome each", "store_whole",
                                 figures["store_whole"]["per_s"]),
                                ("bare libpq for each table, with an outcome", "bare_whole",
                                 figures["store_whole"]["per_s"])):
            print(f"{name:45} {figures[key]['per_s']:10,.0f} {figures[key]['wal_bytes']:17,.0f} "
                  f"{100 * rate / figures[key]['per_s']:6.0f} %")
        for clients, rate in lean.items():
            print(f"{f'pgbench, the lean rows of one, {clients} clients':45} {rate:10,.0f} {'':17} "
                  f"{100 * ours / rate:6.0f} %")
        print(f"{'pgbench, TPC-B, 16 clients':45} {tpc:10,.0f}")
        print("\nthe store, one project, processes that write at once")
        for count, rate, wal in many:
            print(f"{count:<45} {rate:10,.0f} {wal:17,.0f}")
        print_updated(server, "ours")
        compare_slices(dsn)


def compare_slices(dsn):
    """The cost of partitions: there are so many, the events are in the last one."""
    print("\nthe store, milliseconds of a group of 64           intake     claim   outcome")
    groups = EVENTS // 1024 * 16
    for count in (1, 8, 30):
        done = subprocess.run([STORE, dsn, str(EVENTS), "slices", str(count)], check=True,
                              capture_output=True, timeout=900).stdout
        took = json.loads(done)
        print(f"{f'{count} partitions of the past':45} " + " ".join(
            f"{1000 * took[key] / groups:9.2f}" for key in ("intake_s", "claims_s", "outcomes_s")),
            flush=True)


class Gateways:
    """As a context: a store with links, whose events are kept for so long (0: for ever), and a
    receiver."""

    def __init__(self, server, retention_s=0):
        self._server = server
        self._retention_s = retention_s

    def __enter__(self):
        self._server.query("DROP SCHEMA IF EXISTS convoy CASCADE")
        self.receiver = Process(GATEWAY, "receive")
        url = self.receiver.read()
        prepared = subprocess.run([GATEWAY, dsn_of(self._server), "prepare", url,
                                   str(self._retention_s)], check=True, capture_output=True,
                                  text=True, timeout=60).stdout.split()
        self.waiting, self.going = prepared[0], ",".join(prepared[1:])
        return self

    def __exit__(self, *_):
        self.receiver.close()

    def start(self, links, counts):
        return [Process(GATEWAY, dsn_of(self._server), "run", links, count, f"p{n}",
                        self._retention_s) for n, count in enumerate(counts)]

    def received_count(self):
        self.receiver.say()
        return int(self.receiver.read())

    def wait_for(self, count, patience_s=900):
        deadline = time.monotonic() + patience_s
        while self.received_count() < count:
            assert time.monotonic() < deadline, f"{self.received_count()} of {count} have come"
            time.sleep(0.02)

    def wait_until_recorded(self):
        while self._server.query("SELECT coalesce(sum(count), 0) FROM convoy.backlog") != "0":
            time.sleep(0.05)


def measure_bare_store(server):
    """Events a second that bare libpq stores, by a statement for each row, and with outcomes by a
    statement for each table."""
    done = subprocess.run([STORE, dsn_of(server), str(BARE_EVENTS), "bare"], check=True,
                          capture_output=True, timeout=900).stdout
    figures = json.loads(done)
    return {"intake": figures["bare_rows"]["per_s"], "whole way": figures["bare_whole"]["per_s"]}


def measure_bare_way(server):
    """Events a second that bare libpq and libcurl store, send and record."""
    receiver = Process(GATEWAY, "receive")
    bare = Process(BARE, dsn_of(server), receiver.read(), GATEWAY_EVENTS)
    took, wal = start_together(server, [bare])
    bare.close()
    receiver.close()
    print(f"{'bare libpq and libcurl, whole way':45} {GATEWAY_EVENTS / took:10,.0f} "
          f"{wal / GATEWAY_EVENTS:17,.0f}", flush=True)
    return GATEWAY_EVENTS / took


def measure_gateway_group(server, count, name):
    """Events a second, and bytes of WAL for each."""
    with Gateways(server) as gateways:
        is_intake = name == "intake"

        def wait_for_deliveries():
            gateways.wait_for(GATEWAY_EVENTS)
            gateways.wait_until_recorded()

        processes = gateways.start(gateways.waiting if is_intake else gateways.going,
                                   [GATEWAY_EVENTS // count] * count)
        took, wal = start_together(server, processes,
                                   (lambda: None) if is_intake else wait_for_deliveries)
        for process in processes:
            process.close()
    return GATEWAY_EVENTS / took, wal / GATEWAY_EVENTS


def measure_gateways(server):
    """Each measurement stands between two of bare libpq, which are its yardstick: what else the machine
    does changes within minutes. For the same reason all are made several times, in turns."""
    print("\ngateways, events of 1 KiB                       events/s   WAL bytes/event   "
          "of bare libpq   of libpq and libcurl")
    ways = [(count, name) for count in (1, 2, 4) for name in ("intake", "whole way")]
    shares = collections.defaultdict(list)
    for _ in range(ROUNDS):
        sent = measure_bare_way(server)
        before = measure_bare_store(server)
        for count, name in ways:
            rate, wal = measure_gateway_group(server, count, name)
            after = measure_bare_store(server)
            stored = (before[name] + after[name]) / 2
            share = 100 * rate / stored
            shares[count, name].append(share)
            of_sent = f" {100 * rate / sent:15.0f} %" if name == "whole way" else ""
            print(f"{f'{name}, {count} processes':45} {rate:10,.0f} {wal:17,.0f} "
                  f"{share:5.0f} % of {stored:6,.0f}{of_sent}", flush=True)
            before = after
    print(f"\nof bare libpq, {ROUNDS} rounds                         median       all")
    for count, name in ways:
        found = sorted(shares[count, name])
        print(f"{f'{name}, {count} processes':45} {statistics.median(found):5.0f} %       "
              + ", ".join(f"{share:.0f}" for share in found))


VACUUM = re.compile(r'automatic vacuum of table "[^."]+\.convoy\.(?P<table>\w+?)'
                    r'(?:_(?:\d+_\d+|past|rest))?": .*?tuples: (?P<removed>\d+) removed.*?'
                    r"WAL usage: \d+ records, \d+ full page images, (?P<wal>\d+) bytes.*?"
                    r"elapsed: (?P<elapsed>[0-9.]+) s", re.S)


def vacuums(server):
    """By table: how often, rows removed, bytes of WAL, seconds."""
    log = (pathlib.Path(server.folder) / "log").read_text(errors="replace")
    sums = collections.defaultdict(lambda: [0, 0, 0, 0.0])
    for found in VACUUM.finditer(log):
        row = sums[found["table"]]
        row[0] += 1
        row[1] += int(found["removed"])
        row[2] += int(found["wal"])
        row[3] += float(found["elapsed"])
    return sums


SIZES = ("SELECT string_agg(concat_ws(' ', name, parts, heap, indexes, live), E'\\n' ORDER BY name) "
         "FROM (SELECT regexp_replace(relname, '_([0-9]+_[0-9]+|past|rest)$', '') AS name, "
         "count(*) AS parts, sum(pg_table_size(relid))::int8 AS heap, "
         "sum(pg_indexes_size(relid))::int8 AS indexes, sum(n_live_tup)::int8 AS live "
         "FROM pg_stat_user_tables WHERE schemaname = 'convoy' GROUP BY 1) AS s "
         "WHERE name IN ('event', 'delivery', 'attempt', 'dedupe_key', 'lane', 'backlog', 'opener')")


def print_sizes(server, title):
    print(f"\n{title:30} parts      table    indexes       rows")
    for line in server.query(SIZES).splitlines():
        name, parts, heap, indexes, live = line.split()
        print(f"{name:30} {parts:>5} {int(heap) / 2**20:7.1f} MB {int(indexes) / 2**20:7.1f} MB "
              f"{int(live):10,}", flush=True)


def measure_retention(events_count, retention_s):
    """Two gateways take and deliver the events while those of the time before expire."""
    with postgres.Server(*SETTINGS) as server, Gateways(server, retention_s) as gateways:
        processes = gateways.start(gateways.going, [events_count // 2] * 2)
        wal, began = wal_position(server), time.monotonic()
        for process in processes:
            process.expect("ready")
            process.say()
        half = False
        while gateways.received_count() < events_count:
            if not half and gateways.received_count() > events_count / 2:
                print_sizes(server, "after half of the events")
                half = True
            time.sleep(0.5)
        took = time.monotonic() - began
        gateways.wait_until_recorded()
        print_sizes(server, "after all")
        wal = wal_position(server) - wal
        stored = int(server.query("SELECT count(*) FROM convoy.event"))
        print(f"\n{events_count:,} events in and out in {took:.0f} s, kept for {retention_s} s: "
              f"{events_count / took:,.0f} a second, {wal / events_count:,.0f} bytes of WAL each; "
              f"{stored:,} are left")
        deadline = time.monotonic() + 2 * retention_s + 120
        while server.query("SELECT count(*) FROM convoy.event") != "0":
            assert time.monotonic() < deadline, "events are not removed"
            time.sleep(2)
        time.sleep(20)  # for a last vacuum
        print_sizes(server, "after all have expired")
        print_updated(server, "convoy")
        print("\nautovacuum                      runs       rows        WAL    seconds")
        for table, (runs, removed, written, elapsed) in sorted(vacuums(server).items()):
            print(f"{table:30} {runs:5} {removed:10,} {written / 2**20:7.1f} MB {elapsed:10.1f}")
        for process in processes:
            process.expect("done")
            process.close()


def main():
    what = sys.argv[2] if len(sys.argv) > 2 else "all"
    if what in ("all", "store"):
        compare_store()
    if what in ("all", "gateways"):
        with postgres.Server(*SETTINGS) as server:
            measure_gateways(server)
    if what in ("all", "retention"):
        numbers = [int(word) for word in sys.argv[3:5]]
        measure_retention(*(numbers + [1_000_000, 160][len(numbers):]))


if __name__ == "__main__":
    main()
