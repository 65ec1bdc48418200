"""Starts a PostgreSQL server, runs benchmark_postgres on it and prints two tables: intake of the store
beside bare libpq, and with several processes. The server syncs each commit; its other settings are the
defaults."""
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "integration"))
import postgres  # noqa: E402: a module of the integration tests


def run_many(program, server, dsn, processes, events, first):
    """Events a second that so many processes store together, and bytes of WAL for each."""
    running = [subprocess.Popen([str(program), dsn, str(events), str(first + n * 10 * events)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for n in range(processes)]
    for process in running:
        assert process.stdout.readline() == b"ready\n"
    position = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
    wal, began = int(server.query(position)), time.monotonic()
    for process in running:
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in running:
        assert process.stdout.readline() == b"done\n"
    took = time.monotonic() - began
    wal = int(server.query(position)) - wal
    for process in running:
        process.communicate()
        assert process.returncode == 0
    total = processes * (events // 64 * 64)
    return total / took, wal / total


def main():
    program = pathlib.Path(os.environ["CONVOY_BIN_DIR"]) / "benchmark_postgres"
    with postgres.Server("max_wal_size=4GB") as server:
        dsn = f"host={server.folder} user=postgres dbname=postgres"
        out = subprocess.run([str(program), dsn, *sys.argv[2:]], check=True, capture_output=True,
                             timeout=900).stdout
        many = [(n, *run_many(program, server, dsn, n, 20_000, 10_000_000 * (n + 1)))
                for n in (1, 2, 4)]
        time.sleep(1)  # until the statistics are there
        updated = server.query(
            "SELECT string_agg(format('%-45s %10s %17s %6s', relname, n_tup_upd, "
            "pg_size_pretty(pg_table_size(relid)), 100 * n_tup_hot_upd / n_tup_upd || ' %'), "
            "E'\\n' ORDER BY n_tup_upd DESC) FROM pg_stat_user_tables WHERE schemaname = 'ours' "
            "AND n_tup_upd > 0")
    figures = json.loads(out)
    ours = figures["store_per_s"]
    print("groups of 64 events of 1 KiB, one writer        events/s   WAL bytes/event   of it")
    for name, rate, wal in (("the store", ours, figures["store_wal_bytes"]),
                            ("bare libpq, a statement for each row",
                             figures["bare_rows_per_s"], figures["bare_wal_bytes"]),
                            ("bare libpq, arrays",
                             figures["bare_arrays_per_s"], figures["bare_wal_bytes"])):
        print(f"{name:45} {rate:10,.0f} {wal:17,.0f} {100 * ours / rate:6.0f} %")
    print("\nthe store, one project, processes that write at once")
    for processes, rate, wal in many:
        print(f"{processes:<45} {rate:10,.0f} {wal:17,.0f}")
    print("\nrows that were updated, by tables                updates              size    HOT")
    print(updated)


if __name__ == "__main__":
    main()
