"""A PostgreSQL server in a temporary folder, started and stopped as a test likes, and a PgBouncer
before it. The programs are Debian's; where they are missing, the test fails."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time


class Server:
    """As a context: a running server, gone afterwards."""

    def __init__(self, *settings):
        self._settings = settings
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not found:
            raise FileNotFoundError("no PostgreSQL here: run script/bootstrap")
        self._programs = found[-1]

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="convoy-pg-")
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-D", self.folder + "/data", "-U", "postgres", "-A", "trust",
                  "-E", "UTF8", "--no-sync")
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass  # it is not running
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program, *words):
        command = [str(self._programs / program), *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        with open(self.folder + "/out", "ab") as out:
            subprocess.run(command, check=True, cwd="/", stdout=out, stderr=out, timeout=120)

    def start(self):
        settings = " ".join(f"-c {setting}" for setting in self._settings)
        self._run("pg_ctl", "-w", "-D", self.folder + "/data", "-l", self.folder + "/log",
                  "-o", f"-k {self.folder} -c listen_addresses='' {settings}", "start")

    def stop(self, mode="fast"):
        """`mode` "immediate" is as if the server had died."""
        self._run("pg_ctl", "-w", "-D", self.folder + "/data", "-m", mode, "stop")

    @property
    def url(self):
        return f"postgres://postgres@/postgres?host={self.folder}"

    def query(self, sql):
        """The first column of the first row, as text."""
        done = subprocess.run([str(self._programs / "psql"), "-h", self.folder, "-U", "postgres",
                               "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, "postgres"],
                              check=True, capture_output=True, timeout=60)
        return done.stdout.decode().strip()


class Pooler:
    """As a context: a PgBouncer in transaction mode before a server. Each transaction gets another
    session than the one before."""

    def __init__(self, server):
        self._server = server

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="convoy-pooler-")
        path = pathlib.Path(self.folder)
        (path / "users").write_text('"postgres" ""\n')
        (path / "config").write_text(
            f"[databases]\npostgres = host={self._server.folder}\n[pgbouncer]\n"
            "pool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 4\n"
            f"auth_type = trust\nauth_file = {path}/users\nunix_socket_dir = {path}\n"
            f"listen_port = 6432\nlogfile = {path}/log\npidfile = {path}/pid\n")
        command = ["pgbouncer", "-q", "-d", f"{path}/config"]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, cwd="/", timeout=30)
        for _ in range(200):
            if (path / ".s.PGSQL.6432").exists():
                return self
            time.sleep(0.02)
        raise AssertionError("PgBouncer does not listen")

    def __exit__(self, *_):
        try:
            os.kill(int((pathlib.Path(self.folder) / "pid").read_text()), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it is not running
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return f"postgres://postgres@/postgres?host={self.folder}&port=6432"
