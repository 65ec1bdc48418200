"""Common parts of the test brokers.

A module of this folder has a class Server, which starts one real broker on free ports of 127.0.0.1
with its data in a folder of its own, and gives queues. Producing is done with the client library of
the broker's own ecosystem, so what our adapter reads is what other people's programs send.

    with rabbitmq.Server() as server:
        queue = server.new_queue()
        queue.produce([{"body": b"{}", "attributes": {"a": "b"}, "key": None, "id": "1"}])
        queue.pub_sub        # for the REST API: "pub_sub" of a source that reads the queue
        queue.left()         # how many messages the broker still has for us

Whatever a Server has started is gone after stop(), and so is its folder after close().
"""
import abc
import contextlib
import fcntl
import importlib
import itertools
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Queue(abc.ABC):
    """A queue, topic or subscription that is empty at first and belongs to one test."""

    @property
    def pub_sub(self):
        """The REST API's pub_sub object for reading it."""
        return self.pub_sub_at(*self.address)

    #: (host, port) of the server, or of what to put a proxy before
    address = None

    @abc.abstractmethod
    def pub_sub_at(self, host, port):
        """The same, but through a proxy at that address."""

    @abc.abstractmethod
    def produce(self, messages):
        """Sends these, each a dict of body (bytes) and, as far as there is any, attributes (a dict of
        texts), key and id (texts). Returns when the broker has confirmed that it keeps them, with what
        the broker calls each of them. Each is sent once: after an exception it is not known whether
        the broker keeps them."""

    def remake(self):
        """Deletes it with all that is in it, and makes it anew under its name."""
        self.delete()
        self.create()

    @abc.abstractmethod
    def left(self):
        """How many messages are not acknowledged, handed out or not."""


class Server(abc.ABC):
    """One broker."""

    @abc.abstractmethod
    def start(self):
        """Returns when it serves. After stop() it has the same ports and still has its data."""

    @abc.abstractmethod
    def stop(self):
        """Stops it in an orderly way; nothing to do if it does not run."""

    @abc.abstractmethod
    def new_queue(self):
        """A Queue."""

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Stops it and forgets its data."""
        self.stop()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()


def free_ports(count):
    """Ports of 127.0.0.1 without a listener, reserved for this process until it ends: a server
    that is restarted needs its ports again. So they are none of those that connections get."""
    lowest_given = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = random.sample(range(10_000, max(lowest_given, 20_000)), 1000)
    return list(itertools.islice(filter(_reserve, candidates), count))


_reservations = []  # files, locked as long as they are open


def _reserve(port):
    """False if the port belongs to another process."""
    folder = pathlib.Path(tempfile.gettempdir()) / "convoy-ports"
    folder.mkdir(exist_ok=True)
    reservation = (folder / str(port)).open("w")
    try:
        fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.create_server(("127.0.0.1", port)):
            _reservations.append(reservation)
        return True
    except OSError:
        reservation.close()
        return False


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class CouldNotStart(RuntimeError):
    """A server that others wrote did not come up: what is ours was not tried."""


class TimedOut(AssertionError):
    """A condition does not hold yet."""


@contextlib.contextmanager
def started(make):
    """Enters a context with a server that make() returns. Servers that others wrote have bad moments on
    a busy machine: one that does not start is made once more. Nothing else is repeated."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(make())
        except Exception as error:  # pylint: disable=broad-except
            print(f"could not start, once more: {error}", file=sys.stderr)
            try:
                server = stack.enter_context(make())
            except Exception as again:
                raise CouldNotStart(str(again)) from again
        yield server


def wait_until(condition, what, timeout=60.0, interval=0.1):
    """Returns the first true value of condition()."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimedOut(f"timed out after {timeout} s waiting for {what}")
        time.sleep(interval)


class Program:
    """A server's process: its own process group, its output in a file."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log_path = pathlib.Path(log)
        with self.log_path.open("ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True)

    def is_alive(self):
        return self.process.poll() is None

    def wait_until(self, condition, what, timeout=60.0):
        """Waits for condition(); a process that ends before is an error with its last words."""
        def check():
            if not self.is_alive():
                raise AssertionError(f"{what}: ended with {self.process.returncode}:\n{self.log()}")
            return condition()
        try:
            return wait_until(check, what, timeout)
        except TimedOut as error:
            raise TimedOut(f"{error}\n{self.log()}") from None

    def log(self):
        return self.log_path.read_text(errors="replace")[-4000:]

    def stop(self, patience=30.0):
        """SIGTERM, and SIGKILL for what is left of the group after that."""
        if self.is_alive():
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Folder:
    """A folder for a server's data: short, since some servers put sockets there."""

    def __init__(self, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"convoy-{name}-"))

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


def package_folder():
    """Where packages for these tests are kept: in the build directory."""
    build = os.environ.get("CONVOY_BUILD_DIR") or ROOT / "build" / "dev"
    folder = pathlib.Path(build) / "brokers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def python_package(module, requirement):
    """Imports a module of PyPI, installing `requirement` ("pika==1.3.2") on first use."""
    folder = package_folder() / "python" / requirement
    with open(package_folder() / "python.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(folder.name + ".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 "--target", str(unfinished), requirement], check=True)
            unfinished.rename(folder)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return importlib.import_module(module)
