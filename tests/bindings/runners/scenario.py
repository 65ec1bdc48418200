"""Scenario through the Python binding: scenario.py SCENARIO FOLDER

The other runners of this folder do the same steps in the same order, each in its language.
"""
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import convoy

FAILED_S = 30  # for so long a step waits


def fill(step, saved):
    """A step with {name} replaced by what was saved under that name."""
    text = json.dumps(step)
    for name, value in saved.items():
        text = text.replace("{" + name + "}", value)
    return json.loads(text)


def expect(step, seen, expected):
    if seen != expected:
        raise SystemExit(f"{json.dumps(step)}: {seen!r} instead of {expected!r}")


def pick(value, path):
    for name in path.split("."):
        value = value[name]
    return value


def threads_count():
    return len(os.listdir("/proc/self/task"))


def descriptors_count():
    return len(os.listdir("/proc/self/fd"))


class Scenario:
    def __init__(self, scenario, folder):
        self.scenario, self.saved, self.gateway = scenario, {"folder": folder}, None

    def run(self):
        for step in self.scenario["steps"]:
            step = fill(step, self.saved)
            getattr(self, {"run": "run_command"}.get(step["do"], step["do"]))(step)

    def presets(self, step):
        names = [preset["name"] for preset in convoy.presets()]
        expect(step, step["includes"] in names, True)

    def request(self, step):
        fields = step["request"]
        return {"method": fields["method"], "path": fields["path"], "query": fields.get("query", ""),
                "headers": list(fields["headers"].items()), "body": fields["body"].encode()}

    def verify(self, step):
        verdict = convoy.Verifier(step["preset"], step["secrets"]).verify(
            **self.request(step), now_us=time.time_ns() // 1000)
        expect(step, {name: getattr(verdict, name) for name in step["expect"]}, step["expect"])

    def answer(self, step):
        answer = convoy.Verifier(step["preset"], step["secrets"]).answer(
            **self.request(step), now_us=time.time_ns() // 1000)
        seen = {"status": answer.reply.status if answer else 0,
                "body": answer.reply.body.decode() if answer else ""}
        expect(step, seen, step["expect"])

    def open(self, _):
        settings = fill(self.scenario["settings"], self.saved)
        self.gateway = convoy.Gateway(convoy.Config(settings))
        self.gateway.start()

    def call(self, step):
        try:
            data = self.gateway.call(step["method"], step["target"], step["body"])
        except convoy.ApiError as error:
            expect(step, error.status, step.get("refused"))
            return
        expect(step, None, step.get("refused"))
        for name, path in step.get("save", {}).items():
            self.saved[name] = pick(data, path)
        expected = step.get("expect", {})
        expect(step, {name: data[name] for name in expected}, expected)

    def handle(self, step):
        reply = self.gateway.handle(**self.request(step))
        expect(step, reply.status if reply else 0, step["status"])

    def event(self, step):
        event = step["event"]
        return (event["project_id"], event["type"],
                json.dumps(event["data"], separators=(",", ":")).encode())

    def ingest(self, step):
        try:
            receipt = self.gateway.ingest(*self.event(step),
                                          idempotency_key=step["event"]["idempotency_key"])
        except convoy.ConvoyError:
            expect(step, True, step.get("refused"))
            return
        expect(step, receipt.is_duplicate, step["is_duplicate"])

    def deliver(self, step):
        """Handles until as many outcomes of deliveries are there as are expected."""
        outcomes, bodies = [], []

        def handle(delivery):
            bodies.append(delivery.body.decode())
            behaviours = step["attempts"].get(delivery.event_type, ["done"])
            behaviour = behaviours[delivery.attempt_number - 1]
            if behaviour == "crash":
                raise ValueError("crash")
            if behaviour == "retry":
                raise convoy.Retry("again")
            if behaviour == "refuse":
                raise convoy.Refuse("no")

        end = time.monotonic() + FAILED_S
        while len(outcomes) < len(step["outcomes"]) and time.monotonic() < end:
            for delivery in self.gateway.take(step["name"], wait_s=0.05):
                convoy._local.handle(delivery, handle)
            outcomes += [{"kind": int(outcome.kind), "event_type": outcome.event_type,
                          "outcome": outcome.outcome} for outcome in self.gateway.outcomes()
                         if outcome.kind == convoy.OutcomeKind.DELIVERY]
        expect(step, sorted(outcomes, key=str), sorted(step["outcomes"], key=str))
        expect(step, sorted(bodies), sorted(step["bodies"]))

    def calls(self, step):
        futures = [self.gateway.call_async(each["method"], each["target"]) for each in step["calls"]]
        for future, each in zip(futures, step["calls"]):
            try:
                future.result(FAILED_S)
                status = 200
            except convoy.ApiError as error:
                status = error.status
            expect(each, status, each["status"])

    def log_lines(self, step):
        with convoy.Gateway(convoy.Config(step["settings"])) as gateway:
            expect(step, step["line"] in [line.event for line in gateway.log_lines()], True)

    def refuse(self, step):
        try:
            convoy.Gateway(convoy.Config(step["settings"]))
        except convoy.ConvoyError as error:
            expect(step, step["message"] in str(error), True)
            return
        expect(step, "opened", "refused")

    def run_command(self, step):
        subprocess.run(step["command"].split(), check=True)

    def in_flight(self, step):
        """Asynchronous calls, while this thread calls synchronously."""
        futures: list[Future] = []
        for _ in range(step["count"]):
            futures.append(self.gateway.ingest_async(*self.event(step)))
            self.gateway.call(step["method"], step["target"])
        receipts = {future.result(FAILED_S).event_id for future in futures}
        expect(step, len(receipts), step["count"])

    def close(self, _):
        self.gateway.close()
        self.gateway = None


def cycle(scenario, folder):
    """Opens, starts and closes a gateway: nothing of it may stay."""
    other = Scenario(scenario, folder)
    other.open(None)
    other.close(None)


def check_leftovers(scenario, folder):
    cycle(scenario, folder)
    threads, descriptors = threads_count(), descriptors_count()
    for _ in range(scenario["cycles"]):
        cycle(scenario, folder)
    more = threads_count() - threads
    expect("threads left", more <= scenario["threads_more_max"], True)
    expect("descriptors left", descriptors_count(), descriptors)
    print(f"after {scenario['cycles']} gateways: {more} threads and 0 descriptors more")


def measure(scenario, saved):
    step = next(step for step in scenario["steps"] if step["do"] == "verify")
    verifier, fields = convoy.Verifier(step["preset"], step["secrets"]), step["request"]
    headers, body = list(fields["headers"].items()), fields["body"].encode()
    now_us, begun = time.time_ns() // 1000, time.perf_counter()
    for _ in range(scenario["verify_count"]):
        verifier.verify(headers, body, now_us)
    verify_us = (time.perf_counter() - begun) / scenario["verify_count"] * 1e6

    each = Scenario(scenario, saved["folder"])
    each.open(None)
    futures = [each.gateway.ingest_async(saved["out"], "order.good", b"{}")
               for _ in range(scenario["deliver_count"])]
    for future in futures:
        future.result(FAILED_S)
    left, done = scenario["deliver_count"], threading.Event()

    def handle(_):
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    begun = time.perf_counter()
    each.gateway.on("orders", batch=64)(handle)
    expect("deliveries", done.wait(FAILED_S), True)
    rate = scenario["deliver_count"] / (time.perf_counter() - begun)
    each.close(None)
    print(f"verify {verify_us:.1f} µs, local delivery {rate:.0f}/s")


def main():
    scenario, folder = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2]
    played = Scenario(scenario, folder)
    played.run()
    check_leftovers(scenario, folder)
    measure(scenario, played.saved)
    print("scenario passed")


if __name__ == "__main__":
    main()
