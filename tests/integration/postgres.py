"""A PostgreSQL server in a temporary folder, started and stopped as a test likes. The programs are
Debian's; where they are missing, the test fails."""
import os
import pathlib
import shutil
import subprocess
import tempfile


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
