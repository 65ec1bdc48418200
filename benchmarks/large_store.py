#!/usr/bin/env python3
"""Figures of a large database, for hand use: it takes minutes and gigabytes, so CI does not run it.

  large_store.py lists [EVENTS]    makes EVENTS (default 1,000,000) events with a delivery and an
                                   attempt each, a tenth as many meta events and held inputs, and 20
                                   for each page of every list of configuration; prints how long
                                   convoyd takes to open it, and for the first, the thousandth and a
                                   non-matching page of each list, and for each count; and the intake
                                   rate beside that of an empty database. Fails if a page takes more
                                   than 20 ms of the processor, or a count more than 200: elapsed
                                   times are those of the machine with all that it does besides
  large_store.py migrate [EVENTS]  the same rows in the schema of version 3, migrated
  large_store.py sources [SOURCES] makes SOURCES (default 1,000,000) sources, and prints what an event
                                   costs beside one with a single source: at one link, and at links
                                   that were not used before

CONVOY_BIN_DIR names the folder of convoyd (default build/release/bin), CONVOY_BENCH_DIR where the
database is written.
"""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("CONVOY_BIN_DIR", str(ROOT / "build" / "release" / "bin"))
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "benchmarks")]
import host  # noqa: E402
import table  # noqa: E402

EPOCH_MS = 1_767_225_600_000  # 2026-01-01
BODY = "x" * 1000
HEADERS = '[["Content-Type","application/json"],["User-Agent","sender/1.0"],["X-Id","0123456789"]]'
ANSWER_HEADERS = '[["Content-Type","text/plain"],["X-Id","0123456789abcdef"]]'
PAGES = 1000
ROUNDS = 5
CONFIG_MAX = 20 * PAGES  # objects of each kind whose lists have pages
TYPES = 2000  # of events, whose list has none
PAGE_MS_MAX = 20
COUNT_MS_MAX = 200  # of a count that looks at as many rows as a request may

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "


def fill(database, project, endpoint, count, source="0" * 25 + "S", first=0):
    """Rows as the library writes them: one event each millisecond from the one of the number `first`
    on, its delivery ended."""
    db = sqlite3.connect(database, isolation_level=None)
    db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")
    values = {"count": count, "epoch": EPOCH_MS + first, "body": BODY.encode(), "headers": HEADERS,
              "url": "http://receiver.test/hooks", "request": HEADERS, "response": ANSWER_HEADERS}
    for name, uid in (("project", project), ("endpoint", endpoint), ("source", source)):
        db.execute("INSERT OR IGNORE INTO name (id) VALUES (?)", (uid,))
        values[name] = db.execute("SELECT number FROM name WHERE id = ?", (uid,)).fetchone()[0]
    db.execute("BEGIN")
    key = "((:epoch + i) << 21 | (i * 7919 & 0x1FFFFF))"
    tail = "(abs(random()) >> 4)"
    us = "((:epoch + i) * 1000)"
    db.execute(NUMBERS + f"INSERT INTO event SELECT {key}, 0, {tail}, :project, :source, 0, 2, {us}, "
               f"{us}, 'invoice.paid', '', '', x'02', 'application/json', '', '/ingest/x', :headers, "
               ":body FROM n", values)
    db.execute(NUMBERS + f"INSERT INTO delivery SELECT {key} + 1, 0, {tail}, {key}, :project, "
               f":endpoint, 0, 3, 0, 0, 10000000, 3, 1, {us}, '', 2000, {us}, {us}, 0, {us} FROM n",
               values)
    db.execute(NUMBERS + f"INSERT INTO attempt SELECT {key} + 2, 0, {tail}, {key} + 1, 200, 1, {us}, "
               f"{us}, :url, 'POST', '192.0.2.1', '', :request, :response, x'6f6b', NULL FROM n", values)
    db.execute(NUMBERS + f"INSERT INTO dedupe_key SELECT :project, randomblob(16), {us} + "
               "31536000000000 FROM n", values)
    db.execute("COMMIT")
    db.close()


def fill_version3(database, count):
    """The same rows as version 3 wrote them, in its own tables."""
    released = sqlite3.connect(str(ROOT / "tests" / "vectors" / "storage" / "version3.db"))
    statements = [sql for (sql,) in released.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'index'")]
    db = sqlite3.connect(database, isolation_level=None)
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; "
                     "PRAGMA cache_size = -262144")
    for sql in statements:
        db.execute(sql)
    db.executescript(f"INSERT INTO opener VALUES (0); PRAGMA user_version = 3; "
                     f"PRAGMA application_id = {0x636E7679}")
    # Decimal digits are digits of base 32, too: the time part counts up.
    uid = "'01K' || printf('%07d', i) || printf('%012d', i) || '0' || printf('%03d', i % 1000)"
    project, endpoint = "01K0000000000000000000000P", "01K0000000000000000000000E"
    us = f"({EPOCH_MS} + i) * 1000"
    values = {"count": count, "body": BODY.encode(), "headers": HEADERS, "project": project,
              "endpoint": endpoint}
    db.execute("BEGIN")
    db.execute(NUMBERS + f"INSERT INTO event SELECT {uid}, :project, '', 'invoice.paid', :endpoint, "
               f":headers, :body, 'application/json', '', '/ingest/x', 'key-' || i, 0, 2, '', {us}, "
               f"{us} FROM n", values)
    db.execute(NUMBERS + f"INSERT INTO delivery SELECT {uid}, :project, {uid}, :endpoint, '', "
               f"'invoice.paid', 'key-' || i, 3, 0, 0, 10000000, 3, 1, {us}, '', 2000, {us}, {us}, 0, "
               f"{us} FROM n", values)
    db.execute(NUMBERS + f"INSERT INTO attempt SELECT {uid}, :project, {uid}, :endpoint, "
               f"'http://receiver.test/', 'POST', :headers, 200, '[]', x'6f6b', '192.0.2.1', '', 1, "
               f"{us}, {us} FROM n", values)
    db.execute(NUMBERS + f"INSERT INTO dedupe_key SELECT :project, 'key-' || i, {us} + 31536000000000 "
               "FROM n", values)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def bench_migrate(folder, count):
    database = folder + "/old.db"
    fill_version3(database, count)
    before = os.path.getsize(database)
    start = time.monotonic()
    migration = subprocess.Popen([host.binary(), "migrate", "--database", database])
    memory_max = log_max = 0
    while migration.poll() is None:
        with contextlib.suppress(OSError, AttributeError):  # it may just have ended
            memory_max = max(memory_max, memory(migration.pid))
            log_max = max(log_max, os.path.getsize(database + "-wal") / 2**20)
        time.sleep(0.02)
    seconds = time.monotonic() - start
    if migration.returncode != 0:
        sys.exit("the migration failed")
    print(f"{count:,} events with delivery, attempt and key: migrated in {seconds:.1f} s, "
          f"{memory_max:.0f} MiB of memory at most, log {log_max:.0f} MiB at most, "
          f"file {before / 2**20:.0f} MiB before, {os.path.getsize(database) / 2**20:.0f} MiB after")


def timed(call):
    start = time.monotonic()
    answer = call()
    return (time.monotonic() - start) * 1000, answer


def fill_held(database, project, source, count):
    """Requests in quarantine, one each millisecond."""
    db = sqlite3.connect(database, isolation_level=None)
    values = {"count": count, "epoch": EPOCH_MS, "body": BODY.encode(), "headers": HEADERS}
    for name, uid in (("project", project), ("source", source)):
        db.execute("INSERT OR IGNORE INTO name (id) VALUES (?)", (uid,))
        values[name] = db.execute("SELECT number FROM name WHERE id = ?", (uid,)).fetchone()[0]
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    db.execute(NUMBERS + "INSERT INTO held_input SELECT ((:epoch + i) << 21 | (i * 7919 & 0x1FFFFF)), 0, "
               "(abs(random()) >> 4), :project, :source, 0, (:epoch + i) * 1000, "
               "(:epoch + i) * 1000 + 315360000000000, 'bad_signature', '', 'POST', '/ingest/x', '', '', "
               ":headers, :body FROM n", values)
    db.execute("COMMIT")
    db.close()


def copy_config(database, uid, count, unique=None):
    """`count` further objects of configuration like the one of the id `uid`, whose text `unique`
    differs in each."""
    db = sqlite3.connect(database, isolation_level=None)
    kind, project, fields, document = db.execute(
        "SELECT kind, project_id, CAST(fields AS TEXT), document FROM config WHERE id = ?", (uid,)).fetchone()
    looked_up = db.execute("SELECT field, value, project_id FROM config_field WHERE kind = ? AND id = ?",
                           (kind, uid)).fetchall()
    unpacked = []
    while fields:
        size, _, fields = fields.partition(":")
        unpacked.append(fields[:int(size)])
        fields = fields[int(size):]
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    for number in range(count):
        new = f"01K{kind:03d}{number:020d}"

        def changed(text):
            text = text.replace(uid, new)
            return text.replace(unique, f"{unique}{number}") if unique else text

        packed = "".join(f"{len(text)}:{text}" for text in map(changed, unpacked))
        db.execute("INSERT INTO config (kind, id, project_id, fields, document) VALUES (?, ?, ?, ?, ?)",
                   (kind, new, project, packed.encode(), changed(document)))
        db.executemany("INSERT INTO config_field VALUES (?, ?, ?, ?, ?)",
                       [(kind, field, changed(value), group, new) for field, value, group in looked_up])
    db.execute("COMMIT")
    db.close()


class Meter:
    """Times requests to a process, by the quickest of some, which other work on the machine disturbs
    least; and keeps what took longer than it may."""

    def __init__(self, pid):
        self._pid = pid
        self.slow = []

    def __call__(self, what, bound, call):
        """The times as a text, "elapsed (of the processor)" in milliseconds, and the answer."""
        rounds = []
        for _ in range(ROUNDS):
            before = self._processor_ms()
            elapsed, answer = timed(call)
            rounds.append((elapsed, self._processor_ms() - before))
        elapsed, processor = (min(times) for times in zip(*rounds))
        if processor > bound:
            self.slow.append(f"{what}: {processor:.1f} ms of the processor, at most {bound}")
        return f"{elapsed:7.1f} ({processor:5.1f})", answer

    def _processor_ms(self):
        tasks = pathlib.Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(each.read_text().split()[0]) for each in tasks) / 1e6


# A condition that nothing meets; none: the list has no conditions.
LISTS = {"events": "event_type=none", "eventdeliveries": "status=Failure", "held-inputs": "reason=none",
         "meta-events": "endDate=2020-01-01T00:00:00", "jobs": "", "endpoints": "q=none",
         "sources": "q=none", "subscriptions": "name=none", "portal-links": "ownerId=none"}


def time_lists(client, project, count, meter):
    print("elapsed ms (of the processor)   first page        page 1,000   nothing matches")
    for name, condition in LISTS.items():
        path = f"{project}/{name}?perPage=20"
        shown, page = meter(f"the first page of {name}", PAGE_MS_MAX, lambda: client.ok("GET", path))
        deep = path
        for _ in range(min(PAGES, count // 20) - 1):
            if not page["pagination"]["has_next_page"]:
                shown += f"{'-':>18}"
                break
            deep = f"{path}&next_page_cursor={page['pagination']['next_page_cursor']}"
            page = client.ok("GET", deep)
        else:
            shown += "    " + meter(f"page 1,000 of {name}", PAGE_MS_MAX, lambda: client.ok("GET", deep))[0]
        if condition:
            none, page = meter(f"nothing of {name}", PAGE_MS_MAX,
                               lambda: client.ok("GET", f"{path}&{condition}"))
            if page["content"]:
                sys.exit(f"{condition} selects something of {name}")
            shown += "    " + none
        print(f"{name:26} {shown}", flush=True)
    for name in ("event-types", "api-keys"):
        shown, items = meter(f"all {name}", COUNT_MS_MAX, lambda: client.ok("GET", f"{project}/{name}"))
        print(f"{name:26} {shown}, all {len(items):,}")
    print("search                         first page      nothing found")
    for name in ("events", "eventdeliveries"):
        path = f"{project}/{name}?perPage=20&sort=ASC&query="  # the oldest are those of fill()
        found, page = meter(f"a search in {name}", PAGE_MS_MAX, lambda: client.ok("GET", path + "PAID"))
        none, empty = meter(f"a search for nothing in {name}", PAGE_MS_MAX,
                            lambda: client.ok("GET", path + "none"))
        if len(page["content"]) != min(20, count) or empty["content"]:
            sys.exit(f"a search in {name} is wrong")
        print(f"{name:26} {found}    {none}", flush=True)


def time_counts(client, project, endpoint, meter):
    print("count                          all             nothing matches")
    for path, condition in (("events/countbatchreplayevents", "event_type=none"),
                            ("eventdeliveries/countbatchretryevents", "eventId=01ARZ3NDEKTSV4RRFFQ69G5FAV")):
        name = path.split("/")[1]
        shown, answer = meter(name, COUNT_MS_MAX, lambda: client.ok("GET", f"{project}/{path}"))
        none, _ = meter(f"{name} of nothing", COUNT_MS_MAX,
                        lambda: client.ok("GET", f"{project}/{path}?{condition}"))
        print(f"{name:26} {shown}    {none}   {answer}", flush=True)
    name = "period-failure-rates"
    path = f"{project}/endpoints/{name}?endpointId={endpoint}&startDate=2026-01-01T00:00:00"
    shown, answer = meter(name, COUNT_MS_MAX, lambda: client.ok("GET", path))
    if len(answer) != 1 or answer[0]["success_count"] == 0:
        sys.exit("the rates of failure are wrong")
    print(f"{name:26} {shown}   {answer[0]}", flush=True)


def intake_rate(convoyd, source, folder):
    return table.wrk(f"http://{convoyd.address}/ingest/{source['mask_id']}", folder)[0]


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def make_config(convoyd, key):
    """One object of each kind that has a list; further ones are copies of them."""
    project = host.Project(convoyd.client(key), "large", "incoming", meta_event={
        "is_enabled": True, "type": "http", "url": "http://127.0.0.1:9/", "secret": "s"})
    project.ok("PUT", "", {"config": {"meta_event": {"is_enabled": False, "type": "http",
                                                     "url": "http://127.0.0.1:9/", "secret": "s"}}})
    endpoint = project.endpoint("e", "http://127.0.0.1:9/")
    source = project.source("s")
    made = {"endpoint": endpoint["uid"], "source": source["uid"]}
    made["subscription"] = project.subscribe("b", endpoint, source)["uid"]
    made["portal link"] = project.ok("POST", "/portal-links", {"name": "p", "owner_id": "owner"})["uid"]
    made["job"] = project.ok("POST", "/events/batchreplay")
    host.wait_until(lambda: project.ok("GET", f"/jobs/{made['job']}")["state"] != "open", "the job's end")
    for number in range(TYPES):
        project.ok("POST", "/event-types", {"name": f"type.{number}"})
    quiet = project.source("quiet", idempotency_keys=["request.header.X-Id"])  # no endpoint wants it
    return project, quiet, made


def fill_all(database, project, made, count):
    uid = project.path.rsplit("/", 1)[-1]
    db = sqlite3.connect(database)
    documents = {id: json.loads(text) for id, text in db.execute("SELECT id, document FROM config")}
    db.close()
    meta = documents[uid]["config"]["meta_events"]
    copies = min(count // 10, CONFIG_MAX)
    for kind, id in made.items():
        copy_config(database, id, copies, documents[id].get("mask_id"))
    fill(database, uid, made["endpoint"], count, made["source"])
    fill(database, meta["project_id"], meta["endpoint_id"], count // 10, first=count)
    fill_held(database, uid, made["source"], count // 10)


def bench_lists(folder, count):
    database = folder + "/large.db"
    key = host.bootstrap(database)
    with stopping(host.Convoyd(database)) as convoyd:
        project, source, made = make_config(convoyd, key)
        empty = intake_rate(convoyd, source, folder)
    fill_all(database, project, made, count)
    size = os.path.getsize(database) / 2**20
    opened, convoyd = timed(lambda: host.Convoyd(database))
    meter = Meter(convoyd.process.pid)
    with stopping(convoyd):
        print(f"{count:,} events, {size:,.0f} MiB: convoyd listens after {opened:.0f} ms, "
              f"{memory(convoyd.process.pid):.0f} MiB of memory")
        client = convoyd.client(key)
        time_lists(client, project.path, count, meter)
        time_counts(client, project.path, made["endpoint"], meter)
        full = intake_rate(convoyd, source, folder)
        print(f"intake over HTTP {full:,.0f}/s, of an empty database {empty:,.0f}/s; "
              f"{memory(convoyd.process.pid):.0f} MiB of memory after it")
    if meter.slow:
        sys.exit("\n".join(f"TOO SLOW: {each}" for each in meter.slow))


def copy_source(database, source, count):
    """`count` further sources like the one of the id `source`, with ids and links of their own."""
    db = sqlite3.connect(database, isolation_level=None)
    kind, project, fields, document = db.execute(
        "SELECT kind, project_id, fields, document FROM config WHERE id = ?", (source["uid"],)).fetchone()
    mask = source["mask_id"]
    values = {"count": count, "kind": kind, "project": project, "fields": fields, "document": document,
              "id": source["uid"], "mask": mask, "mask_size": len(mask)}
    new_id, new_mask = "printf('01K%023d', i)", "printf('M%0*d', :mask_size - 1, i)"

    def replaced(text):
        return f"replace(replace({text}, :id, {new_id}), :mask, {new_mask})"

    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    db.execute(NUMBERS + f"INSERT INTO config (kind, id, project_id, fields, document) SELECT :kind, {new_id}, "
               f":project, CAST({replaced('CAST(:fields AS TEXT)')} AS BLOB), {replaced(':document')} FROM n",
               values)
    rows = db.execute("SELECT field, value, project_id FROM config_field WHERE kind = ? AND id = ?",
                      (kind, source["uid"])).fetchall()
    for field, value, group in rows:
        db.execute(NUMBERS + f"INSERT INTO config_field SELECT :kind, :field, {replaced(':value')}, :group, "
                   f"{new_id} FROM n", values | {"field": field, "value": value, "group": group})
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return [f"M{number:0{len(mask) - 1}d}" for number in range(count)]


def bench_sources(folder, count):
    database = folder + "/sources.db"
    key = host.bootstrap(database)
    with stopping(host.Convoyd(database)) as convoyd:
        project = host.Project(convoyd.client(key), "many", "incoming")
        source = project.source("s", idempotency_keys=["request.header.X-Id"])
        alone = intake_rate(convoyd, source, folder)
    masks = copy_source(database, source, count)
    opened, convoyd = timed(lambda: host.Convoyd(database))
    with stopping(convoyd):
        print(f"{count:,} sources, {os.path.getsize(database) / 2**20:,.0f} MiB: convoyd listens after "
              f"{opened:.0f} ms, {memory(convoyd.process.pid):.0f} MiB of memory")
        among_many = intake_rate(convoyd, source, folder)
        print(f"intake at one link {among_many:,.0f}/s, as the only source {alone:,.0f}/s")
        client = convoyd.client(key)

        def post(mask):
            return timed(lambda: client.send("POST", f"/ingest/{mask}", {"n": 1}, {"X-Id": os.urandom(8).hex()}))

        sample = random.Random(1).sample(masks, min(len(masks), 2000))
        for what in ("not used before", "used before"):
            answers = [post(mask) for mask in sample]
            if any(answer.status != 200 for _, answer in answers):
                sys.exit("an event was refused")
            print(f"one after the other, at {len(sample):,} links {what}: "
                  f"{statistics.median(ms for ms, _ in answers):.2f} ms in the median")
        one = [post(source["mask_id"])[0] for _ in range(len(sample))]
        print(f"the same at one link: {statistics.median(one):.2f} ms in the median; "
              f"{memory(convoyd.process.pid):.0f} MiB of memory at the end")


@contextlib.contextmanager
def stopping(convoyd):
    try:
        yield convoyd
        convoyd.stop()
    finally:
        convoyd.kill()


def main():
    kinds = {"lists": bench_lists, "migrate": bench_migrate, "sources": bench_sources}
    if len(sys.argv) < 2 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    folder = tempfile.mkdtemp(prefix="large-", dir=os.environ.get("CONVOY_BENCH_DIR"))
    try:
        kinds[sys.argv[1]](folder, count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
