"""A package in an empty place: copies of folders, commands, the scenario and examples."""
import hashlib
import hmac
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINDINGS, EXAMPLES, RUNNERS = ROOT / "bindings", ROOT / "examples", HERE / "runners"
SCENARIO = HERE / "scenario.json"
SKIPPED = 77  # SKIP_RETURN_CODE of CTest
COMMAND_S, STARTED_S = 500, 60
EXAMPLE_LINES_MAX = 60
SECRET = b"a shared secret"


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def require(tool, least=(), arguments=("--version",)):
    """Skips the test unless a tool is there, in a version that will do."""
    if not shutil.which(tool):
        skip(f"{tool} is missing; script/bootstrap installs it")
    text = subprocess.run([tool, *arguments], capture_output=True, text=True, check=True).stdout
    found = tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", text).groups())
    if found < tuple(least):
        skip(f"{tool} {'.'.join(map(str, found))} is older than {'.'.join(map(str, least))}")


def library():
    return os.environ["CONVOY_LIBRARY"]


def kept_folder(name):
    """A folder for what a toolchain builds anew each time otherwise."""
    folder = pathlib.Path(os.environ["CONVOY_BINDINGS_DIR"]) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def layouts():
    """Layout of the structs of convoy.h, which bindings have, as a C compiler has it: (struct, field
    or "", offset or size)."""
    header = (ROOT / "capi/convoy.h").read_text()
    for line in (ROOT / "tests/abi/layout.txt").read_text().splitlines():
        name, _, number, *_ = line.split()
        struct, _, field = name.partition(".")
        if f"typedef struct {struct} {{" in header:
            yield struct, field, int(number)


class Package(unittest.TestCase):
    """A test of a package, with a folder of its own that is not in the tree."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.environment = {**os.environ}
        cls.install()

    @classmethod
    def install(cls):
        raise NotImplementedError

    @classmethod
    def copy(cls, source, name):
        ignored = shutil.ignore_patterns("node_modules", "target", "__pycache__", "build", "*.egg-info")
        return shutil.copytree(source, cls.folder / name, ignore=ignored)

    @classmethod
    def run_in(cls, folder, *command):
        done = subprocess.run([str(each) for each in command], cwd=cls.folder / folder, text=True,
                              env=cls.environment, timeout=COMMAND_S, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(f"{command} exits with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def play(self, name, *command, folder="."):
        """Runs the scenario and prints the numbers that it finds."""
        with tempfile.TemporaryDirectory() as store:
            shutil.copy(RUNNERS / "outbox.py", store)
            lines = self.run_in(folder, *command, SCENARIO, store).splitlines()
        self.assertEqual(lines[-1], "scenario passed")
        print(f"{name}: {lines[-2]}; {lines[-3]}")

    def try_server(self, *command, folder=".", source):
        """Runs an example of a server as its user would, and sends it a webhook of GitHub's."""
        self.assertLessEqual(len(source.read_text().splitlines()), EXAMPLE_LINES_MAX)
        with tempfile.TemporaryDirectory() as store, socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            probe.close()
            for number in range(2):  # the second time the database is there
                with Server([*map(str, command), f"{store}/events.db", str(port)],
                            self.folder / folder, self.environment, port) as server:
                    link = server.line("link ")
                    self.assertEqual(server.send("GET", "/", b"", {})[0], 200)
                    body = b'{"number":%d}' % number
                    self.check_webhooks(server, port, link, body)
                    # An event that was handled just before the end may come once more.
                    seen = [server.line("event ")]
                    while seen[-1] != body.decode() and len(seen) <= number:
                        seen.append(server.line("event "))
                    self.assertEqual(seen[-1], body.decode())

    def check_webhooks(self, server, port, link, body):
        self.assertTrue(link.startswith(f"http://127.0.0.1:{port}/ingest/"), link)
        path = link.removeprefix(f"http://127.0.0.1:{port}")
        signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
        self.assertEqual(server.send("POST", path, body, headers)[0], 200)
        self.assertEqual(server.send("POST", path, body + b" ", headers)[0], 400)


class Server:
    """A process that serves until it is told to end."""

    def __init__(self, command, folder, environment, port):
        self._process = subprocess.Popen(command, cwd=folder, env=environment, text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._seen = []
        self.port = port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def line(self, start):
        """The rest, after `start`, of the next line that begins with it."""
        for line in self._process.stdout:
            self._seen.append(line)
            if line.startswith(start):
                return line.removeprefix(start).rstrip("\n")
        raise AssertionError(f"no line '{start}' in:\n{''.join(self._seen)}")

    def send(self, method, path, body, headers):
        """Status and body of the answer; waits until the server listens."""
        end = time.monotonic() + STARTED_S
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                return response.status, response.read()
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            finally:
                connection.close()


def main():
    unittest.main(verbosity=2)
