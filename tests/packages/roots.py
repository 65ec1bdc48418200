"""Bare roots of Debian releases, made once by debootstrap; and commands in copies of them."""
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "packages"
CACHE = pathlib.Path(os.environ.get("CONVOY_CACHE", pathlib.Path.home() / ".cache" / "libconvoy"))


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def base_root(release):
    """The kept root of a release; nothing runs in it. debootstrap has to be run by root."""
    root = CACHE / f"root-{release}"
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as work:
            made = pathlib.Path(work) / "root"
            run("debootstrap", "--variant=minbase", release, made, "http://deb.debian.org/debian")
            made.rename(root)
    return root


class Root:
    """A copy of a release's root, removed at its end."""

    def __init__(self, release):
        self._folder = tempfile.TemporaryDirectory(prefix=f"convoy_{release}_")
        self.path = pathlib.Path(self._folder.name) / "root"
        run("cp", "-a", base_root(release), self.path)
        # The system's own way to its packages, with this release's names.
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.path / "etc" / name)
        for file in pathlib.Path("/etc/apt/apt.conf.d").glob("*proxy*"):
            shutil.copy(file, self.path / "etc/apt/apt.conf.d")

    def run(self, *command, **options):
        return run("chroot", self.path, *command, **options)

    def remove(self):
        self._folder.cleanup()
