"""Starts a PostgreSQL server, runs benchmark_postgres on it and prints one table: intake of the store
beside bare libpq. The server syncs each commit; its other settings are the defaults."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "integration"))
import postgres  # noqa: E402: a module of the integration tests


def main():
    program = pathlib.Path(os.environ["CONVOY_BIN_DIR"]) / "benchmark_postgres"
    with postgres.Server("max_wal_size=4GB") as server:
        dsn = f"host={server.folder} user=postgres dbname=postgres"
        out = subprocess.run([str(program), dsn, *sys.argv[2:]], check=True, capture_output=True,
                             timeout=900).stdout
    figures = json.loads(out)
    ours = figures["store_per_s"]
    print("groups of 64 events of 1 KiB, one writer        events/s   WAL bytes/event   of it")
    for name, rate, wal in (("the store", ours, figures["store_wal_bytes"]),
                            ("bare libpq, a statement for each row",
                             figures["bare_rows_per_s"], figures["bare_wal_bytes"]),
                            ("bare libpq, arrays",
                             figures["bare_arrays_per_s"], figures["bare_wal_bytes"])):
        print(f"{name:45} {rate:10,.0f} {wal:17,.0f} {100 * ours / rate:6.0f} %")


if __name__ == "__main__":
    main()
