"""The examples of docs/outbox.md as processes: shops that place orders until they are killed."""
import os
import pathlib
import subprocess
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for servers
from servers import install

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "outbox"
#: of every three orders one costs nothing: it is refused, and its transaction rolled back
PRICES = (1990, 0, 250)


def python():
    """An interpreter that has the packages of the examples."""
    def make(folder):
        install._run(sys.executable, "-m", "venv", folder)
        install._run(folder / "bin" / "pip", "--quiet", "--disable-pip-version-check", "install",
                     "--requirement", requirements)
    requirements = pathlib.Path(__file__).parent / "requirements.txt"
    return install._once("outbox_python", [requirements.read_text()], make) / "bin" / "python"


def go_shop():
    """The example in Go, built."""
    def make(folder):
        install._run("go", "build", "-tags", "libsqlite3", "-o", folder / "shop", ".",
                     cwd=EXAMPLES / "go", env={**os.environ, "GOFLAGS": "-mod=mod"})
    files = [(EXAMPLES / "go" / name).read_text() for name in ("main.go", "go.mod", "go.sum")]
    return install._once("outbox_go", files, make) / "shop"


def command(library, kind, where):
    """The shop on this kind of database, by this library."""
    if library == "go":
        return [go_shop(), where]
    if library == "django":
        return [python(), EXAMPLES / "django_shop.py", where]
    if library == "sqlalchemy":
        url = where.replace("postgres://", "postgresql+psycopg://") if kind == "postgres" else \
            f"sqlite:///{where}?timeout=60"
        return [python(), EXAMPLES / "sqlalchemy_shop.py", url]
    script = "postgres_shop.py" if kind == "postgres" else "sqlite_shop.py"
    return [python(), EXAMPLES / script, where]


class Shop:
    """Places the orders of `numbers` one after the other. A killed process is followed by another,
    which goes on with the next order: whether the last one was committed, the database knows."""

    def __init__(self, words, numbers, log):
        self._words = [str(word) for word in words]
        self._numbers = iter(numbers)
        self._log = log
        self._lock = threading.Lock()
        self._process = None
        self.answers = {"placed": 0, "refused": 0}
        self.failure = None
        self.kills = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def kill(self):
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
                self.kills += 1

    def is_done(self):
        return not self._thread.is_alive()

    def _start(self):
        with self._lock:
            self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE, text=True,
                                             stdout=subprocess.PIPE, stderr=self._log)
        return self._process

    def _run(self):
        process = self._start()
        for number in self._numbers:
            if not self._place(process, number):
                if process.wait() != -9:
                    self.failure = f"{self._words} ended with {process.returncode}"
                    break
                process = self._start()
        process.stdin.close()
        process.wait()
        process.stdout.close()

    def _place(self, process, number):
        """False if the process has ended before it answered."""
        try:
            process.stdin.write(f"{number} {PRICES[number % 3]}\n")
            process.stdin.flush()
        except BrokenPipeError:
            return False
        answer = process.stdout.readline().split()
        if len(answer) != 2:
            return False
        self.answers[answer[1]] += 1
        return True
