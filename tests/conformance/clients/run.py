#!/usr/bin/env python3
"""Convoy's official Python clients against a convoyd, unmodified, as they come from PyPI.

  tests/conformance/clients/run.py --work FOLDER

Installs each version into an environment of its own in FOLDER, once, and calls every method that it
has. Prints a table: client, method, the operation that it calls, and the result: "works", "refused"
or "not served" if the client is told so as it tells its user, or what is wrong. Fails if anything is.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
import host  # noqa: E402

VERSIONS = {"0.2.0": "old_client.py", "1.0.0a1": "new_client.py"}


def install(version, work):
    folder = pathlib.Path(work) / f"client-{version}"
    requirements = HERE / f"requirements-{version}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = folder / ".installed"
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "-r", requirements], check=True)
        stamp.write_text(digest)
    return python


def run(version, python, convoyd, key, inbox):
    """The lines that the driver prints, one for each method."""
    admin = convoyd.client(key)
    projects = {kind: host.Project(admin, f"{version} {kind}", kind) for kind in ("incoming", "outgoing")}
    done = subprocess.run(
        [python, HERE / VERSIONS[version]], capture_output=True, text=True, timeout=300,
        env={**os.environ, "URL": f"http://{convoyd.address}", "INSTANCE_KEY": key,
             "RECEIVER": inbox.url, "PROJECT": projects["outgoing"].id, "KEY": projects["outgoing"].key,
             "INCOMING": projects["incoming"].id, "INCOMING_KEY": projects["incoming"].key})
    admin.close()
    if done.returncode != 0:
        sys.exit(f"{version}: {done.stdout}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True)
    work = parser.parse_args().work
    counts = collections.Counter()
    with host.Folder() as folder:
        database = folder + "/convoy.db"
        key = host.bootstrap(database)
        convoyd = host.Convoyd(database)
        inbox = host.Inbox()
        try:
            for version in VERSIONS:
                for row in run(version, install(version, work), convoyd, key, inbox):
                    is_right = row["result"] in ("works", "refused", "not served", "no operation")
                    counts[version, row["result"] if is_right else "wrong"] += 1
                    print(f"{version:8} {row['method']:62} {row['result']}")
        finally:
            inbox.close()
            convoyd.kill()
    for (version, result), count in sorted(counts.items()):
        print(f"{version}: {count} {result}")
    wrong = sum(count for (_, result), count in counts.items() if result == "wrong")
    return 1 if wrong or not counts['1.0.0a1', 'works'] or not counts['0.2.0', 'works'] else 0


if __name__ == "__main__":
    sys.exit(main())
