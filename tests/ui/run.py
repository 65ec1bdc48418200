#!/usr/bin/env python3
"""Tests of the pages in a real browser, against a real convoyd.

  tests/ui/run.py --work FOLDER [--shots] [TEST…]

Installs Playwright's client (PyPI) and axe (npm) into FOLDER, once, each as its list names it, and
runs the tests with Debian's chromium, which script/bootstrap installs. They leave pictures in
FOLDER/shots; --shots puts those that docs/ui keeps there. CONVOY_BIN_DIR says where convoyd is, and
CONVOY_LIBRARY where libconvoy.so is (default: ../lib beside it).
"""
import argparse
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "ui"
# The pictures that docs/ui keeps: each page once.
KEPT = ("login projects overview overview-dark overview-narrow events deliveries event endpoints endpoint "
        "sources source source-new explain presets subscriptions quarantine jobs keys portals settings "
        "portal-framed hostile error").split()


def install(work):
    """The Python that has Playwright."""
    folder = work / "environment"
    lists = [HERE / "requirements.txt", HERE / "package.json", HERE / "package-lock.json"]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in lists)).hexdigest()
    stamp = folder / ".installed"
    python = folder / "bin" / "python"
    with open(work / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest:
            return python
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "-r", lists[0]], check=True)
        for path in lists[1:]:
            shutil.copy(path, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                       cwd=folder, check=True)
        stamp.write_text(digest)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--shots", action="store_true")
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    python = install(work)
    shots = work / "shots"
    shots.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "SHOTS": str(shots),
                   "AXE": str(work / "environment" / "node_modules" / "axe-core" / "axe.min.js")}
    binaries = pathlib.Path(environment.get("CONVOY_BIN_DIR", HERE.parents[1] / "build" / "dev" / "bin"))
    environment.setdefault("CONVOY_LIBRARY", str(binaries.resolve().parent / "lib" / "libconvoy.so.0"))
    tests = arguments.tests or ["test_pages", "test_safety", "test_flask"]
    code = subprocess.run([python, "-m", "unittest", "-v", *tests], cwd=HERE,
                          env=environment).returncode
    for name in KEPT if arguments.shots and code == 0 else ():
        if (shots / f"{name}.png").exists():
            shutil.copy(shots / f"{name}.png", DOCS)
    return code


if __name__ == "__main__":
    sys.exit(main())
