"""The self-contained libconvoy: what it needs, on an older system, and beside other copies of SQLite
and OpenSSL in one process.

    python3 tests/packages/test_self_contained.py        after script/packages

CONVOY_BUILD_DIR names another build with CONVOY_SELF_CONTAINED.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import roots
from roots import ROOT, run

BUILD = pathlib.Path(os.environ.get("CONVOY_BUILD_DIR", roots.BUILD))
LIBRARY = BUILD / "lib" / "self_contained" / "libconvoy.so.0"
SYSTEM_LIBRARY = BUILD / "lib" / "libconvoy.so.0"
CLIENT = ROOT / "tests" / "abi" / "clients" / "0.1.0"
LIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}
GLIBC_MAX = (2, 28)


def exports(library):
    return set(re.findall(r" T (\S+)", run("nm", "-D", "--defined-only", "--with-symbol-versions", library)))


def run_python(code, library=LIBRARY):
    """Runs code in a process that has the Python binding with the library."""
    environment = {**os.environ, "CONVOY_LIBRARY": str(library),
                   "PYTHONPATH": f"{ROOT / 'bindings' / 'python'}:{pathlib.Path(__file__).parent}"}
    with tempfile.TemporaryDirectory(prefix="convoy_self_contained_") as folder:
        return run(sys.executable, "-c", code, cwd=folder, env=environment, timeout=120)


class File(unittest.TestCase):
    def test_it_needs_libc_alone(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", LIBRARY)))
        self.assertIn("libc.so.6", needed)
        self.assertEqual(needed - LIBC, set())

    def test_no_symbol_is_of_a_later_glibc(self):
        asked = re.findall(r"\(GLIBC_([\d.]+)\)\s+(\w+)", run("objdump", "-T", LIBRARY))
        self.assertGreater(len(asked), 100)
        later = [(version, name) for version, name in asked
                 if tuple(map(int, version.split("."))) > GLIBC_MAX]
        self.assertEqual(later, [])
        print("glibc needed:", max((tuple(map(int, version.split("."))), version)
                                   for version, _ in asked)[1], file=sys.stderr)

    def test_it_exports_what_the_other_one_exports(self):
        self.assertEqual(exports(LIBRARY), exports(SYSTEM_LIBRARY))
        self.assertNotRegex(run("nm", "-D", "--defined-only", LIBRARY), r" u ")
        self.assertNotRegex(run("nm", "-D", LIBRARY), r"\b(sqlite3|curl|SSL|EVP|nghttp2)_")


class OlderSystem(unittest.TestCase):
    """Debian 11, with glibc 2.31, and nothing installed."""

    def test_a_program_runs_there(self):
        root = roots.Root("bullseye")
        self.addCleanup(root.remove)
        program = root.path / "client"
        stubs = next((BUILD / "third_party").glob("glibc-*"))
        run("cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-I", CLIENT, CLIENT / "client.c", "-o",
            program, LIBRARY, f"-L{stubs}", "-Wl,-rpath,/", "-Wl,--allow-shlib-undefined")
        run("cp", LIBRARY, root.path / "libconvoy.so.0")
        self.assertRegex(root.run("ldd", "--version"), r"2\.31")
        self.assertEqual(root.run("/client", "/tmp/client.db").strip(), "passed")


class Musl(unittest.TestCase):
    """Debian's musl, whose loader takes itself for the libraries of glibc's names."""

    def test_it_has_every_symbol_that_is_needed(self):
        (libc,) = pathlib.Path("/lib").glob("ld-musl-*.so.1")
        there = set(re.findall(r" \w (\S+)", run("nm", "-D", "--defined-only", libc)))
        needed = set(re.findall(r" U ([^\s@]+)", run("nm", "-D", LIBRARY)))
        self.assertGreater(len(needed), 100)
        self.assertEqual(needed - there, set())

    def test_a_program_runs_there(self):
        with tempfile.TemporaryDirectory(prefix="convoy_musl_") as folder:
            run("musl-gcc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-I", CLIENT, CLIENT / "client.c",
                "-o", f"{folder}/client", LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}",
                "-Wl,--allow-shlib-undefined")
            self.assertIn("ld-musl", run("readelf", "-l", f"{folder}/client"))
            self.assertEqual(run(f"{folder}/client", f"{folder}/client.db").strip(), "passed")


PRELUDE = r"""
import http.server, json, pathlib, sqlite3, ssl, sys, threading, time
import convoy
from convoy._library import ConvoyError

def open_gateway(path, **settings):
    return convoy.Gateway(convoy.Config({"storage.path": path, **settings}))
"""


class OneProcess(unittest.TestCase):
    """With Python's own sqlite3 and OpenSSL."""

    def test_a_database_that_python_has_open_is_refused(self):
        run_python(PRELUDE + r"""
gateway = open_gateway("a.db")
gateway.bootstrap()
gateway.close()
del gateway
other = sqlite3.connect("a.db")
other.execute("SELECT count(*) FROM sqlite_master").fetchall()
try:
    open_gateway("a.db")
except ConvoyError as error:
    assert "another part (descriptor" in str(error) and "SQLite" in str(error), error
    assert error.code == 4, error.code  # CONVOY_E_STATE
else:
    sys.exit("two copies of SQLite have one database open")
other.close()
open_gateway("a.db").close()
assert sqlite3.connect("a.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]
""")

    def test_two_gateways_of_one_library_share_a_database(self):
        run_python(PRELUDE + r"""
first, second = open_gateway("a.db"), open_gateway("a.db")
key = first.bootstrap()
headers = [("Authorization", "Bearer " + key)]
assert second.handle("GET", "/api/v1/projects", headers).status == 200
first.close(), second.close()
""")

    def test_another_libconvoy_is_refused_either_way(self):
        # The system's SQLite is then the one that Python has, too.
        for first, second in ((LIBRARY, SYSTEM_LIBRARY), (SYSTEM_LIBRARY, LIBRARY)):
            with self.subTest(first=first.parent.name):
                run_python(PRELUDE + rf"""
import ctypes
gateway = open_gateway("a.db")
library = ctypes.CDLL({str(second)!r})
config, out, error = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
library.convoy_config_new(ctypes.byref(config), None)
library.convoy_config_set(config, b"storage.path", 12, b"a.db", 4, None)
status = library.convoy_gateway_open(config, ctypes.byref(out), ctypes.byref(error))
library.convoy_error_message.restype = ctypes.c_char_p
message = library.convoy_error_message(error)
assert status == 4 and b"of this process has it open" in message, (status, message)
gateway.close()
del gateway
status = library.convoy_gateway_open(config, ctypes.byref(out), None)
assert status == 0, status
library.convoy_gateway_free(out)
""", library=first)

    def test_python_uses_another_database_meanwhile(self):
        run_python(PRELUDE + r"""
gateway = open_gateway("a.db", **{"local.names": "orders"})
gateway.start()
project = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "outgoing"})["project"]["uid"]
base = f"/api/v1/projects/{project}"
endpoint = gateway.call("POST", f"{base}/endpoints", {"name": "e", "url": "local:orders"})["uid"]
gateway.call("POST", f"{base}/subscriptions", {"name": "s", "endpoint_id": endpoint})
own = sqlite3.connect("own.db")
own.execute("CREATE TABLE t (n INTEGER)")
for n in range(200):
    gateway.ingest(project, "order.created", json.dumps({"n": n}).encode())
    with own:
        own.execute("INSERT INTO t VALUES (?)", (n,))
seen, end = set(), time.monotonic() + 30
while len(seen) < 200 and time.monotonic() < end:
    for delivery in gateway.take("orders", wait_s=1.0):
        seen.add(json.loads(delivery.body)["n"])
        delivery.done()
assert seen == set(range(200)), len(seen)
assert own.execute("SELECT count(*) FROM t").fetchone() == (200,)
gateway.close()
""")

    def test_deliveries_go_out_over_tls(self):
        run_python(TLS_DELIVERY)


TLS_DELIVERY = PRELUDE + r"""
import subprocess
subprocess.run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
               "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem",
               shell=True, check=True, capture_output=True)
received = []

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"https://localhost:{server.server_port}/"

def deliver(path, **settings):
    gateway = open_gateway(path, **{"deliver.allowed_networks": "127.0.0.0/8,::1/128",
                                    "gateway.outcomes_max": "10", **settings})
    gateway.start()
    project = gateway.call("POST", "/api/v1/projects", {"name": "p", "type": "outgoing"})["project"]["uid"]
    base = f"/api/v1/projects/{project}"
    endpoint = gateway.call("POST", f"{base}/endpoints", {"name": "e", "url": url})["uid"]
    gateway.call("POST", f"{base}/subscriptions", {"name": "s", "endpoint_id": endpoint})
    gateway.ingest(project, "order.created", b'{"n":1}')
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for outcome in gateway.outcomes():
            gateway.close(1.0)
            return outcome
        time.sleep(0.05)
    sys.exit("there is no outcome")

trusted = deliver("a.db", **{"deliver.ca_file": str(pathlib.Path("cert.pem").resolve())})
assert trusted.outcome == "delivered", (trusted.outcome, trusted.detail)
assert received == [b'{"n":1}'], received
refused = deliver("b.db")
assert refused.outcome != "delivered", refused.outcome
assert "not signed by a trusted certificate authority" in refused.detail, refused.detail
assert len(received) == 1
"""


if __name__ == "__main__":
    unittest.main(verbosity=2)
