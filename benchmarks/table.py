"""Runs the benchmarks and prints one table, without those of brokers (brokers.py). Called by
script/bench.
"""
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
import host  # noqa: E402

ALL = ("verify", "intake", "config", "http", "delivery", "sustained", "size")
CONNECTIONS = 64
SECONDS = 8
SUSTAINED_SECONDS = 20
MIB = 1024 * 1024

# Pieces of a script for wrk whose requests have an idempotency key of their own each: what comes before
# its init(), which sets the method, the headers and the body, and what comes after it.
WRK_SETUP = """
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
"""
WRK_REQUESTS = """
local count = 0
function request()
  count = count + 1
  wrk.headers["X-Id"] = number .. "-" .. count
  return wrk.format()
end
function done(summary, latency)
  io.write(string.format("\\nRESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write +
    summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"""
# Posts a body of 1 KiB.
WRK_SCRIPT = WRK_SETUP + """
function init()
  wrk.method = "POST"
  wrk.body = '{"id":"evt_1","text":"' .. string.rep("x", 1000) .. '"}'
  wrk.headers["Content-Type"] = "application/json"
end
""" + WRK_REQUESTS

NGINX_CONFIG = """
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "ok"; }}
  }}
}}
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_json(name, *words):
    done = subprocess.run([host.binary(name), *words], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


class Table:
    def __init__(self, *columns):
        self.rows = [columns]

    def add(self, *cells):
        """The cells that are left out are empty."""
        self.rows.append(cells + ("",) * (len(self.rows[0]) - len(cells)))

    def print(self):
        widths = [max(map(len, column)) for column in zip(*self.rows)]
        for number, row in enumerate(self.rows):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
            if number == 0:
                print("  ".join("-" * width for width in widths))


# ---- The benchmarks ------------------------------------------------------------------------------

def bench_verify(table, _):
    result = run_json("benchmark_verify")
    ours, bare = result["verify_ns"], result["bare_hmac_ns"]
    table.add("verify 1 KiB, HMAC-SHA256 (GitHub)", f"{ours:.0f} ns",
              f"bare BoringSSL HMAC {bare:.0f} ns", f"{ours / bare:.2f} x", "<= 1.20 x")
    table.add("  heap allocations of one call", f"{result['allocations_per_call']:g}", "", "", "0")
    over_c = result["c_check_ns"]
    table.add("  over the C interface, no verdict object", f"{over_c:.0f} ns",
              f"bare BoringSSL HMAC {bare:.0f} ns", f"{over_c / bare:.2f} x", "<= 1.20 x")
    table.add("  heap allocations of one call", f"{result['c_check_allocations_per_call']:g}",
              "", "", "0")
    with_object = result["c_verify_ns"]
    table.add("  over the C interface, with a verdict object", f"{with_object:.0f} ns",
              f"bare BoringSSL HMAC {bare:.0f} ns", f"{with_object / bare:.2f} x")
    for what, key in (("wrong in its first byte", "refuse_ns"),
                      ("wrong in its last byte", "refuse_at_end_ns")):
        table.add(f"  a signature that is {what}", f"{result[key]:.0f} ns",
                  f"the right one {ours:.0f} ns", f"{result[key] / ours:.3f} x", "1 x")


def bench_intake(table, folder):
    result = run_json("benchmark_intake", folder)
    ours, bare = result["intake_per_s"], result["bare_per_s"]
    table.add("durable intake in process, 128 in flight, 1 KiB", f"{ours:,.0f} events/s",
              f"bare SQLite, lean schema, 64 a commit {bare:,.0f}/s", f"{ours / bare:.0%}",
              ">= 80%")
    table.add("  by callers that each block a thread", f"{result['blocking_per_s']:,.0f} events/s",
              "the same", f"{result['blocking_per_s'] / bare:.0%}")
    table.add("  syncs for an event", f"{result['syncs_per_event']:.4f}",
              f"{result['bare_syncs_per_event']:.4f}")
    table.add("  bytes written for an event", f"{result['bytes_per_event']:,.0f}",
              f"{result['bare_bytes_per_event']:,.0f}", "", "<= 9,000")


def bench_config(table, folder):
    sizes = run_json("benchmark_config", folder)["sizes"]
    least = sizes[0]
    for row in sizes:
        for what, name in (("change of an endpoint, of", "change"), ("event after it, of", "event")):
            ours, base = row[name + "_us"], least[name + "_us"]
            table.add(f"{what} {row['endpoints']:,} with subscriptions", f"{ours:,.0f} us",
                      f"of {least['endpoints']}: {base:,.0f} us", f"{ours / base:.2f} x",
                      "<= 1.50 x")
            ours, base = row[name + "_processor_us"], least[name + "_processor_us"]
            table.add("  processor time", f"{ours:,.0f} us", f"{base:,.0f} us",
                      f"{ours / base:.2f} x")
        table.add("  made over REST, memory of the process",
                  f"{row['made_s']:,.1f} s, {row['resident_mib']:,.0f} MiB")


def wrk(url, folder):
    script = folder + "/post.lua"
    pathlib.Path(script).write_text(WRK_SCRIPT)
    out = subprocess.run(["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", script, url],
                         check=True, capture_output=True, text=True).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out)
    requests, micros, refused, broken, p50, p99 = map(int, found.groups())
    if refused or broken:
        raise RuntimeError(f"{refused} requests refused, {broken} broken at {url}")
    return requests / (micros / 1e6), p50 / 1000, p99 / 1000


@contextlib.contextmanager
def nginx(folder):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder + "/nginx.conf"
    pathlib.Path(config).write_text(NGINX_CONFIG.format(folder=folder, port=port))
    process = subprocess.Popen(["nginx", "-c", config, "-p", folder, "-e", folder + "/nginx.log"])

    def answers():
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False
    try:
        host.wait_until(answers, "nginx")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def memory_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def bench_http(table, folder):
    database = folder + "/http.db"
    key = host.bootstrap(database)
    convoyd = host.Convoyd(database, "--log-level", "warning")
    try:
        project = host.Project(convoyd.client(key), "benchmark", "incoming")
        source = project.source("s", idempotency_keys=["request.header.X-Id"])
        project.client.close()
        time.sleep(1)
        idle = memory_mib(convoyd.process.pid)
        rate, p50, p99 = wrk(f"http://{convoyd.address}/ingest/{source['mask_id']}", folder)
        loaded = memory_mib(convoyd.process.pid)
        if convoyd.stop() != 0:
            raise RuntimeError("convoyd did not end well")
    finally:
        convoyd.kill()
    with nginx(folder) as url:
        bare, _, _ = wrk(url + "/ingest/x", folder)
    table.add(f"durable intake over HTTP, {CONNECTIONS} connections", f"{rate:,.0f} events/s",
              f"nginx answering 200 {bare:,.0f}/s", f"{rate / bare:.0%}", ">= 25%")
    table.add("  latency p50, p99", f"{p50:.1f} ms, {p99:.1f} ms")
    table.add("  memory of convoyd idle", f"{idle:.1f} MiB", "", "", "<= 20 MiB")
    table.add("  memory of convoyd after the load", f"{loaded:.1f} MiB", "", "", "<= 100 MiB")


def bench_delivery(table, folder):
    result = run_json("benchmark_delivery", folder)
    ours, bare = result["delivery_per_s"], result["recording_curl_per_s"]
    table.add("deliveries, results recorded, 1 KiB", f"{ours:,.0f}/s",
              f"bare libcurl multi, lean rows recorded, 64 a commit {bare:,.0f}/s",
              f"{ours / bare:.0%}", ">= 80%")
    nothing = result["bare_curl_per_s"]
    table.add("  beside libcurl that records nothing", "", f"{nothing:,.0f}/s",
              f"{ours / nothing:.0%}", ">= 50%")
    table.add("  growth of the file for an event, its delivery and its attempt",
              f"{result['file_bytes_per_event']:,.0f}", "", "", "<= 2,200")


def bench_sustained(table, folder):
    result = run_json("benchmark_sustained", folder, str(SUSTAINED_SECONDS))
    accepted, delivered = result["accepted_per_s"], result["delivered_per_s"]
    table.add(f"sustained, in process, {result['seconds']} s: events accepted",
              f"{accepted:,.0f} events/s", f"delivered {delivered:,.0f}/s",
              f"{delivered / accepted:.0%}", ">= 98%")
    table.add("  backlog after a quarter of the time, and at the end",
              f"{result['backlog_from']:,}", f"{result['backlog_to']:,}", "", "flat")
    table.add("  from acceptance to the receiver at half of that rate, p50, p99",
              f"{result['way_p50_ms']:.1f} ms, {result['way_p99_ms']:.1f} ms",
              f"{result['half_load_per_s']:,.0f} events/s")


def bench_size(table, folder):
    found = sorted(BUILD.glob("lib/libconvoy.so*"), key=lambda path: len(path.name))
    if not found:
        raise RuntimeError("libconvoy.so is not built")
    stripped = folder + "/libconvoy.so"
    subprocess.run(["strip", "--strip-unneeded", "-o", stripped, str(found[0].resolve())],
                   check=True)
    size = os.path.getsize(stripped) / MIB
    table.add("libconvoy.so, stripped", f"{size:.2f} MiB", "", "", "<= 4 MiB")


def describe_machine(folder):
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, capture_output=True,
                          text=True).stdout.strip()
    print(f"machine      {cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} processors, "
          f"load {os.getloadavg()[0]:.1f} before the run")
    print(f"kernel       {platform.system()} {platform.release()}")
    print(f"file system  {kind}; SQLite in WAL mode, synchronous=FULL; bodies of 1 KiB")
    print()


def main():
    names = sys.argv[2:] or ALL
    table = Table("what", "libconvoy", "beside it", "ratio", "mark")
    folder = tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("CONVOY_BENCH_DIR", BUILD))
    try:
        describe_machine(folder)
        failures = 0
        for name in names:
            say(f"bench: {name} …")
            try:
                globals()["bench_" + name](table, folder)
            except Exception as error:  # the other figures are still worth printing
                table.add(name, "failed", str(error))
                failures += 1
        table.print()
        return failures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv[1]).resolve()
    sys.exit(1 if main() else 0)
