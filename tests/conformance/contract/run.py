#!/usr/bin/env python3
"""Every operation of Convoy's contract against a convoyd, and each answer against the contract.

  tests/conformance/contract/run.py --work FOLDER [--without-functions]

First a story that calls every operation as it should be; then each of them with broken bodies, wrong
types, unknown ids and odd queries; then schemathesis, from PyPI, which makes up requests of its own, by
the contract and by the description that the server gives of itself.
Prints the counts. Fails if an answer is not as the contract says, or is an error of the server.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
import host  # noqa: E402
import shapes  # noqa: E402
import story  # noqa: E402

# These would end what the others need.
NOT_MADE_UP = r"^(DELETE|PUT|POST) /api/v1/projects(/\{projectID\})?$"


def install(work):
    folder = pathlib.Path(work) / "schemathesis"
    requirements = HERE / "requirements.txt"
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet",
                        "--disable-pip-version-check", "-r", requirements], check=True)
        stamp.write_text(requirements.read_text())
    return folder / "bin" / "st"


def run_schemathesis(what, description, program, work, address, key, examples):
    """Made-up requests by a description; returns whether all answers were as it says."""
    file = pathlib.Path(work) / f"{what}.json"
    file.write_text(json.dumps(description))
    done = subprocess.run(
        [program, "run", file, "--url", f"http://{address}", "-H", f"Authorization: Bearer {key}",
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
         "response_schema_conformance", "--phases", "coverage,fuzzing", "--max-examples",
         str(examples), "--continue-on-failure", "--exclude-name-regex", NOT_MADE_UP, "--seed", "17",
         "--warnings", "off", "--no-color"], capture_output=True, text=True, timeout=900,
        cwd=work)
    lines = done.stdout.splitlines()
    cases = [line.strip() for line in lines if re.search(r"\d+ (generated|passed|failed)", line)]
    print(f"schemathesis, {what}:", "; ".join(cases) or lines[-1:])
    if done.returncode != 0:
        print("\n".join(lines[-200:]), done.stderr[-2000:])
    return done.returncode == 0


def make_up(told, *where):
    """Requests of schemathesis' own, by the contract and by what the server says of itself."""
    ids = {name: [value, "01ARZ3NDEKTSV4RRFFQ69G5FAV"] for name, value in told.ids.items()}
    ids["projectID"] = [told.ids["projectID"]]
    is_conformant = run_schemathesis("contract", shapes.openapi(told.contract, ids), *where)
    own = host.Client(where[2]).send("GET", "/openapi.json").json
    for path, item in own["paths"].items():
        for parameter in item["parameters"]:
            if parameter["name"] in ids:
                parameter["schema"]["enum"] = ids[parameter["name"]]
    return run_schemathesis("own description", own, *where) and is_conformant


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True)
    parser.add_argument("--without-functions", action="store_true",
                        help="convoyd is built without payload functions, and must say so")
    parser.add_argument("--examples", type=int, default=30, help="of each operation")
    arguments = parser.parse_args()
    program = install(arguments.work)
    contract = shapes.Contract()
    with host.Folder() as folder:
        database = folder + "/convoy.db"
        key = host.bootstrap(database)
        convoyd = host.Convoyd(database)
        admin = convoyd.client(key)
        inbox = host.Inbox()
        try:
            told = story.Story(contract, admin, inbox, not arguments.without_functions)
            told.configure()
            told.catalogue()
            told.trials()
            told.traffic()
            told.portal()
            told.provoke()
            is_conformant = make_up(told, program, arguments.work, convoyd.address, key,
                                    arguments.examples)
            admin.close()  # the server has closed it meanwhile
            # Made-up requests may have removed what the rest of the story needs.
            again = story.Story(contract, admin, inbox, not arguments.without_functions)
            again.ids.update(told.ids)
            admin.ok("PUT", f"/api/v1/projects/{told.ids['projectID']}", {"name": "before"})
            again.configure()
            again.catalogue()
            again.portal()
            again.removals()
        finally:
            admin.close()
            inbox.close()
            convoyd.kill()
    missing = [f"{each['method']} {each['path']}" for each in contract.operations
               if (each["method"], each["path"]) not in {**told.called, **again.called}]
    faults = told.faults + again.faults
    for fault in sorted(set(faults))[:40]:
        print(fault)
    print(f"{len({**told.called, **again.called})} of {len(contract.operations)} operations, "
          f"{told.counts['valid'] + again.counts['valid']} valid and {told.counts['invalid']} invalid "
          f"requests, {len(faults)} mismatches; not called: {missing or 'none'}")
    return 1 if faults or missing or not is_conformant else 0


if __name__ == "__main__":
    sys.exit(main())
