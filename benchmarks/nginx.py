"""Measures the nginx module under wrk and prints one table: verification before an upstream, durable
intake, and an unrelated location meanwhile, each beside nginx without the module in the same run.
Called by script/bench."""
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import table as tables

sys.path.insert(0, str(tables.ROOT / "tests" / "gateways"))
import nginx  # noqa: E402: a module of the tests
from nginx import host  # noqa: E402

# Absolute: nginx takes relative paths for those below its own folder.
BENCH_DIR = os.path.abspath(os.environ.get("CONVOY_BENCH_DIR", sys.argv[1]))
CONNECTIONS = 64
MANY_CONNECTIONS = 256  # which share commits: nginx has thousands where it needs all of a machine
SECONDS = 5
PAUSE_MS = 15
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SECRET = "a secret of the benchmark"
BODY = json.dumps({"id": "evt_1", "text": "x" * 1000})

SERVER = """
location = /quick { return 200 ok; }
location /plain { proxy_pass http://upstream; }
location /verified { convoy_verify github {folder}/secret; proxy_pass http://upstream; }
{lua}
location /ingest/ { convoy_mount {folder}/events.db; }
location /api/ { convoy_mount {folder}/events.db; }
"""
HTTP = """
upstream upstream { server 127.0.0.1:PORT; keepalive 128; }
proxy_http_version 1.1;
proxy_set_header Connection "";
server { listen 127.0.0.1:PORT; location / { return 200 ok; } }
"""

# A request that a source signs; every request has an idempotency key of its own.
INIT = """
function init()
  wrk.method = "%s"
  wrk.body = '%s'
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["X-Hub-Signature-256"] = "%s"
end
"""


def lua_parts():
    """The recipe of docs/nginx.md: what stands in the http block, and a location."""
    page = (tables.ROOT / "docs" / "nginx.md").read_text()
    recipe = page.split("## With LuaJIT", 1)[1].split("```nginx\n", 1)[1].split("```", 1)[0]
    recipe = recipe.replace("/etc/convoy/github.secret", "{folder}/secret")
    recipe = recipe.replace("/usr/share/lua/5.1/?.lua", nginx.LUA_PATH)
    head, server = recipe.split("server {\n", 1)
    access = re.search(r"^    access_by_lua_block .*?^    \}$", server, re.M | re.S)[0]
    return head, "location /lua { %s client_body_buffer_size 1m; proxy_pass http://upstream; }" % access


class Figures:
    """Of one load: requests a second, latencies in milliseconds, and the processor time of nginx's
    workers for a request in microseconds."""

    def __init__(self, out, processor_s, is_refused):
        requests, micros, statuses, broken, p50, p99 = map(
            int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out).groups())
        if broken or statuses != (requests if is_refused else 0):
            raise RuntimeError(f"{statuses} refused and {broken} broken of {requests}")
        self.per_s = requests / (micros / 1e6)
        self.p50_ms, self.p99_ms = p50 / 1000, p99 / 1000
        self.processor_us = 1e6 * processor_s / requests


def processor_seconds(server):
    total = 0
    for pid in server.workers():
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


class Load:
    """wrk, running from here until result(). With `pause_ms` each connection rests before each
    request, so the load is moderate."""

    def __init__(self, server, path, secret=SECRET, method="POST", connections=CONNECTIONS,
                 seconds=SECONDS, is_refused=False, pause_ms=None):
        digest = hmac.new(secret.encode(), BODY.encode(), hashlib.sha256).hexdigest()
        script = pathlib.Path(server.folder, f"{hashlib.md5((path + secret).encode()).hexdigest()}.lua")
        pace = "" if pause_ms is None else f"function delay() return {pause_ms} end"
        init = INIT % (method, BODY if method == "POST" else "", "sha256=" + digest)
        script.write_text(f"{tables.WRK_SETUP}{init}{pace}{tables.WRK_REQUESTS}")
        self._server, self._is_refused = server, is_refused
        self._before = processor_seconds(server)
        self._process = subprocess.Popen(
            ["wrk", f"-t{min(2, connections)}", f"-c{connections}", f"-d{seconds}s", "-s", str(script),
             server.url + path], stdout=subprocess.PIPE, text=True)

    def result(self):
        out = self._process.communicate()[0]
        return Figures(out, processor_seconds(self._server) - self._before, self._is_refused)


def bench_verify(table, server, has_lua):
    plain = Load(server, "/plain").result()
    table.add("POST of 1 KiB through nginx to an upstream, without us", f"{plain.per_s:,.0f}/s",
              f"p99 {plain.p99_ms:.1f} ms", "", "")
    runs = [("convoy_verify, genuine", "/verified", SECRET), ("convoy_verify, forged", "/verified", "no")]
    if has_lua:
        runs += [("LuaJIT in access_by_lua, genuine", "/lua", SECRET),
                 ("LuaJIT in access_by_lua, forged", "/lua", "no")]
    for what, path, secret in runs:
        ours = Load(server, path, secret, is_refused=secret != SECRET).result()
        table.add("  " + what, f"{ours.per_s:,.0f}/s", f"p99 {ours.p99_ms:.1f} ms",
                  f"{ours.per_s / plain.per_s:.0%}")
        added = ours.processor_us - plain.processor_us
        table.add("    processor time of nginx for a request", f"{ours.processor_us:.1f} us",
                  f"without us {plain.processor_us:.1f} us", f"{added:+.1f} us")


def bench_mount(table, server, path, workers):
    for connections, mark in ((CONNECTIONS, ""), (MANY_CONNECTIONS, ">= 25%")):
        bare = Load(server, "/quick", connections=connections).result()
        ours = Load(server, path, connections=connections).result()
        table.add(f"durable intake, {connections} connections, {workers}",
                  f"{ours.per_s:,.0f} events/s", f"nginx answering 200 {bare.per_s:,.0f}/s",
                  f"{ours.per_s / bare.per_s:.0%}", mark)
        table.add("  latency p50, p99", f"{ours.p50_ms:.1f} ms, {ours.p99_ms:.1f} ms")


def bench_unrelated(table, server, path):
    """An unrelated location under four connections, while others load nginx: moderately, and with as
    much as the machine takes."""
    idle = Load(server, "/quick", method="GET", connections=4).result()
    table.add("an unrelated location, p99, nothing else", f"{idle.p99_ms:.2f} ms")
    for how, pause_ms in (("at a moderate rate", PAUSE_MS), ("as fast as can be", None)):
        figures = {}
        for loaded in ("/plain", path):
            load = Load(server, loaded, seconds=SECONDS + 1, pause_ms=pause_ms)
            quick = Load(server, "/quick", method="GET", connections=4, seconds=SECONDS - 1).result()
            figures[loaded] = quick.p99_ms, load.result().per_s
        (bare, bare_rate), (ours, rate) = figures["/plain"], figures[path]
        table.add(f"  while events are taken in {how}, {rate:,.0f}/s", f"{ours:.2f} ms",
                  f"while nginx proxies {bare_rate:,.0f}/s {bare:.2f} ms", f"{ours / bare:.2f} x")


@contextlib.contextmanager
def started(workers):
    """A server on a store of its own, and the path of a link."""
    with tempfile.TemporaryDirectory(
            prefix="bench-", dir=BENCH_DIR) as folder:
        pathlib.Path(folder, "secret").write_text(SECRET)
        key = host.bootstrap(folder + "/events.db")
        has_lua = nginx.has_lua()
        head, location = lua_parts() if has_lua else ("", "")
        server = nginx.Nginx(
            folder, SERVER.replace("{lua}", location),
            head + HTTP.replace("PORT", str(nginx.free_port())), workers=workers, level="error",
            load=f"load_module {nginx.module()};" + (nginx.lua_head() if has_lua else ""),
            environment=nginx.lua_environment() if has_lua else None)
        with server:
            project = host.Project(server.client(key), "benchmark", "incoming")
            source = project.source("s", idempotency_keys=["request.header.X-Id"])
            project.client.close()
            yield server, f"/ingest/{source['mask_id']}"


def main():
    table = tables.Table("what", "libconvoy", "beside it", "ratio", "mark")
    tables.describe_machine(BENCH_DIR)
    with started(workers=1) as (server, path):
        bench_mount(table, server, path, "1 worker")
    with started(workers=2) as (server, path):
        bench_mount(table, server, path, "2 workers")
        bench_unrelated(table, server, path)
        bench_verify(table, server, nginx.has_lua())
    table.print()


if __name__ == "__main__":
    main()
