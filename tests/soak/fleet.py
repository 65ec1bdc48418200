"""Hosts in network namespaces of their own: a hub with a bridge, three hosts with a convoyd each, and
two with PostgreSQL, a primary and its synchronous standby. Everything is on this machine, and no
namespace leads to any other network. Needs root."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("CONVOY_BIN_DIR", "build/dev/bin"))
NETWORK = "10.77.0"
HUB_ADDRESS = f"{NETWORK}.1"


def run(*command, timeout=60, **options):
    return subprocess.run([str(word) for word in command], check=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


class Network:
    """Namespaces "<prefix>-hub" and "<prefix>-<name>" for each of `names`; as a context."""

    def __init__(self, names):
        self.prefix = f"convoy{os.getpid()}"
        self.names = names
        self.address = {name: f"{NETWORK}.{11 + n}" for n, name in enumerate(names)}

    def space(self, name):
        return f"{self.prefix}-{name}"

    def inside(self, name):
        """The beginning of a command that runs there."""
        return ["ip", "netns", "exec", self.space(name)]

    def __enter__(self):
        hub = self.space("hub")
        run("ip", "netns", "add", hub)
        run("ip", "-n", hub, "link", "set", "lo", "up")
        run("ip", "-n", hub, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", hub, "addr", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        run("ip", "-n", hub, "link", "set", "bridge", "up")
        for name in self.names:
            space = self.space(name)
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "link", "add", f"to-{name}", "netns", hub, "type", "veth", "peer", "name",
                "eth0", "netns", space)
            run("ip", "-n", hub, "link", "set", f"to-{name}", "master", "bridge", "up")
            run("ip", "-n", space, "addr", "add", f"{self.address[name]}/24", "dev", "eth0")
            run("ip", "-n", space, "link", "set", "eth0", "up")
        return self

    def __exit__(self, *_):
        for name in ["hub", *self.names]:
            subprocess.run(["ip", "netns", "del", self.space(name)], check=False,
                           stderr=subprocess.DEVNULL)

    def cut(self, name):
        run("ip", "-n", self.space("hub"), "link", "set", f"to-{name}", "down")

    def join(self, name):
        run("ip", "-n", self.space("hub"), "link", "set", f"to-{name}", "up")


class Database:
    """A primary on the host "db1" and its synchronous standby on "db2"; as a context."""

    # Servers that notice a client that is cut off within some seconds.
    SETTINGS = ("tcp_keepalives_idle=5", "tcp_keepalives_interval=2", "tcp_keepalives_count=3",
                "tcp_user_timeout=10000", "max_wal_size=2GB", "hot_standby=on",
                "wal_receiver_timeout=10s", "wal_sender_timeout=10s")

    def __init__(self, network):
        self._network = network
        self._programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.primary = "db1"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="convoy-fleet-")
        shutil.chown(self.folder, "postgres")
        self._run("db1", "initdb", "-D", self._data("db1"), "-U", "postgres", "-A", "trust",
                  "-E", "UTF8", "--no-sync")
        with open(self._data("db1") + "/pg_hba.conf", "a") as file:
            file.write(f"host all postgres {NETWORK}.0/24 trust\n"
                       f"host replication postgres {NETWORK}.0/24 trust\n")
        self._start("db1")
        self._run("db2", "pg_basebackup", "-h", self._network.address["db1"], "-U", "postgres",
                  "-D", self._data("db2"), "-R", "-c", "fast", "--no-sync")
        self._start("db2")
        self.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.query("SELECT pg_reload_conf()")
        for _ in range(100):
            if self.query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1":
                return self
            time.sleep(0.1)
        raise AssertionError("the standby is not synchronous")

    def __exit__(self, *_):
        for name in ("db1", "db2"):
            with contextlib.suppress(subprocess.CalledProcessError):
                self._run(name, "pg_ctl", "-w", "-D", self._data(name), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _data(self, name):
        return f"{self.folder}/{name}"

    def _run(self, name, program, *words):
        with open(f"{self.folder}/out", "ab") as out:
            subprocess.run([*self._network.inside(name), "runuser", "-u", "postgres", "--",
                            str(self._programs / program), *words], check=True, cwd="/",
                           stdout=out, stderr=out, timeout=120)

    def _start(self, name):
        settings = " ".join(f"-c {setting}" for setting in self.SETTINGS)
        self._run(name, "pg_ctl", "-w", "-D", self._data(name), "-l", f"{self.folder}/{name}.log",
                  "-o", f"-k {self.folder} -p {self._port(name)} -c port={self._port(name)} "
                  f"-c listen_addresses={self._network.address[name]} {settings}", "start")

    def _port(self, name):
        return 5432 if name == "db1" else 5433

    @property
    def url(self):
        where = ",".join(f"{self._network.address[name]}:{self._port(name)}"
                         for name in ("db1", "db2"))
        return f"postgres://postgres@{where}/postgres?target_session_attrs=read-write"

    def query(self, sql):
        """The first column of the first row, as text."""
        done = subprocess.run([str(self._programs / "psql"), "-h", self.folder, "-p",
                               str(self._port(self.primary)), "-U", "postgres", "-X", "-A", "-t",
                               "-v", "ON_ERROR_STOP=1", "-c", sql, "postgres"],
                              check=True, capture_output=True, timeout=60)
        return done.stdout.decode().strip()

    def fail_over(self):
        """The primary dies, and the standby takes its place, alone."""
        self._run("db1", "pg_ctl", "-w", "-D", self._data("db1"), "-m", "immediate", "stop")
        self._run("db2", "pg_ctl", "-w", "-D", self._data("db2"), "promote")
        self.primary = "db2"
        self.query("ALTER SYSTEM RESET synchronous_standby_names")
        self.query("SELECT pg_reload_conf()")


class Host:
    """A convoyd on one of the hosts, which can be killed, frozen and cut off."""

    PORT = 8080

    def __init__(self, network, name, database_url, folder):
        self._network, self.name = network, name
        self._url, self._folder = database_url, folder
        self.address = f"{network.address[name]}:{self.PORT}"
        self.state = "gone"
        self.well_since = float("inf")
        self._process = None

    def command(self, *words):
        return [*self._network.inside(self.name), str(BIN / "convoyd"), *words]

    def bootstrap(self):
        out = subprocess.run(self.command("bootstrap", "--database", self._url), check=True,
                             capture_output=True, timeout=60).stdout
        return json.loads(out)["api_key"]

    def start(self):
        """False if it does not start, e.g. because there is no database at the moment."""
        log = open(f"{self._folder}/{self.name}.log", "ab")
        with log:
            self._process = subprocess.Popen(
                self.command("serve", "--listen", self.address, "--database", self._url,
                             "--allow-network", f"{NETWORK}.0/24"),
                stdout=subprocess.PIPE, stderr=log)
        if not self._process.stdout.readline():
            self._process.wait()
            return False
        self._become("well")
        return True

    def _become(self, state):
        self.state = state
        self.well_since = time.monotonic() if state == "well" else float("inf")

    def is_well_for(self, seconds):
        return self.state == "well" and time.monotonic() - self.well_since >= seconds

    def kill(self):
        self._become("killed")
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def freeze(self):
        self._become("frozen")
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)
        self._become("well")

    def cut(self):
        self._become("cut")
        self._network.cut(self.name)

    def join(self):
        self._network.join(self.name)
        self._become("well")

    def end(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self.kill()

    def log(self):
        return pathlib.Path(f"{self._folder}/{self.name}.log").read_text(errors="replace")
