#!/usr/bin/env python3
"""Every preset against a naive interpreter of the same file: random requests that the interpreter
signs as the provider would, and the same ones spoilt in one way each. The engine (behind judge) and
the interpreter must agree, and whatever the scheme covers must not be changed unnoticed.

  run.py --judge PATH --presets DIR --work DIR [--seed N] [--rounds N] [--only TEXT] [--verbose]
"""
import argparse
import base64
import json
import os
import pathlib
import random as randomness
import subprocess
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent


def enter_environment(work):
    """Goes on in an environment that has the packages of requirements.txt, made once."""
    venv = pathlib.Path(work) / "naive"
    wanted = (HERE / "requirements.txt").read_text()
    stamp = venv / ".installed"
    python = venv / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--no-deps", "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    if pathlib.Path(sys.prefix) != venv.resolve():
        os.execv(python, [str(python), "-B", __file__, *sys.argv[1:]])


class Judge:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, order):
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Case:
    """One scheme of one preset with one set of keys."""

    def __init__(self, preset, scheme, key, is_published):
        self.preset, self.scheme, self.key, self.is_published = preset, scheme, key, is_published
        self.config = {}

    def order(self, request, now_ms, key=None, config=None):
        key, rules = key or self.key, self.scheme.get("key", {})
        order = {"preset": self.preset["name"], "method": request.method, "url": request.url,
                 "headers": request.headers, "now_ms": now_ms,
                 "body_base64": base64.b64encode(request.body).decode(),
                 "config": self.config if config is None else config}
        if self.scheme.get("opt_in"):
            order["scheme_name"] = self.scheme["name"]
        if self.is_published:
            order["published"] = {self.document_url: key.document(rules["location"], "k1")}
        elif self.scheme["type"] != "none":
            is_pair = hasattr(key, "private")
            order["secrets"] = [key.text(rules, self.random) if is_pair else key.text]
        return order

    def url(self, request):
        from find import Ambiguous, Env, Missing, find
        from template import render
        location, env = self.scheme["key"]["location"], Env(request, self.config)
        try:
            place = location.get("url_from")
            url = find(place, env) if place else render(location["url"], env)
            return url.decode(errors="replace")  # a mutated request may hold any bytes
        except (Missing, Ambiguous):
            return "nowhere"


class Run:
    def __init__(self, judge, options):
        self.judge, self.options = judge, options
        self.failures = []

    def compare(self, case, what, request, now_ms, must_refuse, key=None, config=None):
        from interpret import integrity_of, judge_scheme
        order = case.order(request, now_ms, key, config)
        answer = self.judge.ask(order)
        ours = answer.get("reason") == "accepted"
        used = case.config if config is None else config
        schemes = [one for one in case.preset["schemes"] if is_wanted(one, case.scheme)]
        good = [one for one in schemes
                if judge_scheme(one, [key or case.key], request, used, now_ms)]
        if case.is_published and case.url(request) != case.document_url:
            good = []
        complaint = None
        if must_refuse is not None and bool(good) == must_refuse:
            complaint = f"the interpreter {'accepts' if good else 'refuses'} it"
        elif ours != bool(good):
            complaint = "they do not agree"
        elif ours and answer["integrity"] not in {integrity_of(one) for one in good}:
            complaint = f"integrity should be {integrity_of(good[0])}"
        elif ours and answer["event_id"] != self.event_id(case, request):
            complaint = f"the event id should be {self.event_id(case, request)!r}"
        if complaint:
            self.failures.append((case.preset["name"], case.scheme["name"], what, complaint,
                                  answer, order))
        case.count += 1

    @staticmethod
    def event_id(case, request):
        from find import Ambiguous, Env, Missing, find
        place = case.scheme.get("event_id") or case.preset.get("event_id")
        try:
            return find(place, Env(request, {})).decode() if place else ""
        except (Missing, Ambiguous, UnicodeDecodeError):
            return ""

    def round(self, case):
        from draft import sign
        from keys import make_key
        from mutate import clock_positions, mutations
        random = case.random
        now_ms = 1_700_000_000_000 + random.randrange(10_000_000) * 1000
        event_id = case.scheme.get("event_id") or case.preset.get("event_id")
        good, case.config = sign(case.scheme, case.key, random, now_ms, event_id)
        # Where a handshake signs for strangers, an event has to be more than one word.
        while case.scheme["_computed"] and b"{" not in good.body and b"&" not in good.body:
            good, case.config = sign(case.scheme, case.key, random, now_ms, event_id)
        if case.is_published:
            case.document_url = case.url(good)
        for offset, must_refuse in clock_positions(case.scheme):
            self.compare(case, f"{offset} s later", good, now_ms + offset * 1000, must_refuse)
        for what, request, must_refuse in mutations(case.scheme, good, random):
            # Without a demand for refusal the verdicts are only compared.
            self.compare(case, what, request, now_ms, must_refuse or None)
        if case.scheme["type"] != "none":
            self.compare(case, "another secret", good, now_ms, True,
                         make_key(case.scheme, random, case.key))
        for name in case.config:
            if case.is_published and name in case.scheme["key"]["location"].get("url", ""):
                continue  # leads to another document, of which nothing is known
            is_used = name in json.dumps([case.scheme.get(field) for field in
                                          ("message", "checks", "signature")])
            self.compare(case, f"config {name}", good, now_ms, True if is_used else None,
                         config={**case.config, name: case.config[name] + "x"})


def is_wanted(one, selected):
    if selected.get("opt_in"):
        return one["name"] == selected["name"]
    return not one.get("opt_in")


def cases_of(preset, seed):
    from keys import make_key
    for index, scheme in enumerate(preset["schemes"]):
        for is_published in (False, True):
            if is_published and "location" not in scheme.get("key", {}):
                continue
            random = randomness.Random(f"{seed} {preset['name']} {index} {is_published}")
            case = Case(preset, scheme, make_key(scheme, random), is_published)
            case.random, case.count = random, 0
            yield case


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True)
    parser.add_argument("--presets", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--seed", default="20240501")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    enter_environment(options.work)
    sys.path.insert(0, str(HERE))
    run = Run(Judge(options.judge), options)
    print(f"naive: seed {options.seed}, {options.rounds} rounds")
    print(f"{'preset':26} | schemes | cases")
    totals = [0, 0, 0]
    for file in sorted(pathlib.Path(options.presets).glob("*.json")):
        if options.only not in file.stem:
            continue
        preset = {**json.loads(file.read_text()), "name": file.stem}
        computed = [one["computed"] for one in preset.get("challenges", ())
                    if one.get("computed", {}).get("keyed", "computed" in one)
                    and not one.get("signed")]
        for scheme in preset["schemes"]:
            scheme["_computed"] = computed
        cases = list(cases_of(preset, options.seed))
        for case in cases:
            for _ in range(options.rounds):
                run.round(case)
        count = sum(case.count for case in cases)
        print(f"{file.stem:26} | {len(preset['schemes']):7} | {count:5}")
        totals = [totals[0] + 1, totals[1] + len(preset["schemes"]), totals[2] + count]
    for name, scheme, what, complaint, answer, order in run.failures[:20 if options.verbose else 5]:
        print(f"\n{name}/{scheme}: {what}: {complaint}\n  {answer}\n  {json.dumps(order)[:1000]}")
    print(f"\ntotals: {totals[0]} presets, {totals[1]} schemes, {totals[2]} cases, "
          f"{len(run.failures)} failures")
    return 0 if not run.failures and totals[0] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
