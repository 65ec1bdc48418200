"""Soak of convoyd under everything that docs/security.md bounds, at once, on loopback.

  soak.py [--minutes N] [--subscriptions N] [--idle N] [--resident-mib N] [--strict]
          [--attacks NAMES]

Intake is measured when all is quiet, before and after. Between the two slow readers, floods of headers,
chunk extensions and trailers, idle connections beyond the limit, 32 viewers, broadcasts, forged
requests, bodies for paths that are not served and large bodies go on for N minutes (default 30), beside
a provider that posts events and a load balancer that asks for /healthz. Prints the figures and fails if
memory grows beyond --resident-mib (default 200), if a delivery is recorded as failed that its receiver
did not fail, or, with --strict, which needs a machine of its own, if intake is more than 3 times as
slow as when all is quiet or /healthz takes more than 50 ms, at the 99th percentile.

The attackers and the receiver share the processors and the disk with the gateway. How much of the delay
is theirs shows a neighbour: another gateway, on the same machine at the same time, whose intake is
measured and that is not attacked. Where it is slower than when all is quiet, it is what intake is
compared with. The probe "machine" only sleeps, and tells how late it wakes.

--attacks takes names of ATTACKS, with commas between them, to find the one that does harm.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import host  # noqa: E402


# Attackers and receivers are programs of other machines: here they get what the gateway leaves, and
# give way as soon as one of its threads wakes.
ELSEWHERE = ["chrt", "--idle", "0"]
ATTACKS = ["slow", "heads", "chunks", "trailers", "idle", "lists", "forged", "foreign", "large",
           "broadcasts"]


def measure(targets, seconds, watch=lambda: None):
    """The calls that probes.py made in so many seconds to pairs of an address and a link."""
    words = [word for target in targets for word in target]
    probes = subprocess.Popen([sys.executable, str(HERE / "probes.py"), *words],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            watch()
            time.sleep(0.5)
        return json.loads(probes.communicate(timeout=60)[0])
    finally:
        probes.kill()
        probes.wait()


def both(before, after):
    """The calls of two quiet stretches, as a machine may become slower or faster in half an hour."""
    return {name: {"took_ms": before[name]["took_ms"] + after[name]["took_ms"],
                   "statuses": dict(collections.Counter(before[name]["statuses"])
                                    + collections.Counter(after[name]["statuses"]))}
            for name in before}


def p99(seen):
    return sorted(seen["took_ms"])[int(len(seen["took_ms"]) * 0.99)]


def resident_mib(convoyd):
    status = pathlib.Path(f"/proc/{convoyd.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


class Scene:
    """The projects of the soak."""

    def __init__(self, admin, receiver_url, subscriptions):
        self.incoming = host.Project(admin, "incoming", "incoming")
        self.source = self.incoming.source("open")
        self.signed = self.incoming.source("signed", {
            "type": "preset", "preset": {"name": "github", "secrets": ["a secret of the soak"]}})
        self.incoming.subscribe("all", self.incoming.endpoint("e", receiver_url + "/in"), self.source)
        self.outgoing = host.Project(admin, "outgoing", "outgoing",
                                     max_payload_read_size=16 << 20)
        made = self.outgoing.ok("POST", "/api-keys", {"name": "v", "role": "project_viewer"})
        self.viewer = made["key"]

        for number in range(subscriptions):
            endpoint = self.outgoing.endpoint(f"e{number}", f"{receiver_url}/out/{number}")
            self.outgoing.subscribe(f"s{number}", endpoint)

        # Something to list: a page is some MiB.
        for number in range(1000):
            self.outgoing.ok("POST", "/events", {
                "endpoint_id": endpoint["uid"], "event_type": "t",
                "data": {"number": number, "text": "x" * 4000}})

    def attack(self, convoyd, idle, attacks):
        settings = {"attacks": [name for name in attacks if name != "broadcasts"],
                    "link": f"/ingest/{self.source['mask_id']}", "viewer": self.viewer,
                    "signed_link": f"/ingest/{self.signed['mask_id']}",
                    "project": self.outgoing.id, "idle": idle}
        return subprocess.Popen(ELSEWHERE + [sys.executable, str(HERE / "attackers.py"),
                                             convoyd.address, json.dumps(settings)])

    def broadcast(self):
        self.outgoing.ok("POST", "/events/broadcast", {"event_type": "t", "data": {"a": "x" * 500}})


def wait_until_delivered(admin):
    deadline = time.monotonic() + 120
    while True:
        text = admin.send("GET", "/metrics").body.decode()
        backlogs = re.findall(r"^convoy_delivery_backlog\{[^}]*\} (\d+)", text, re.M)
        if not any(map(int, backlogs)):
            return text
        if time.monotonic() > deadline:
            raise AssertionError(f"deliveries wait still: {backlogs}")
        time.sleep(1)


def failed_deliveries(scene):
    found = []
    for project in (scene.incoming, scene.outgoing):
        for status in ("Failure", "Discarded"):
            found += project.deliveries(status=status)
    return found


class Neighbour:
    """A gateway that is not attacked, with one source and one endpoint."""

    def __init__(self, folder, receiver_url):
        key = host.bootstrap(folder + "/neighbour.db")
        self.convoyd = host.Convoyd(folder + "/neighbour.db", "--log-level", "error")
        project = host.Project(self.convoyd.client(key), "neighbour", "incoming")
        source = project.source("open")
        project.subscribe("all", project.endpoint("e", receiver_url + "/in"), source)
        self.target = (self.convoyd.address, f"/ingest/{source['mask_id']}")


def run(words, folder):
    key = host.bootstrap(folder + "/convoy.db")
    convoyd = host.Convoyd(folder + "/convoy.db", "--connections-max", "1000",
                           "--connections-per-address-max", "900", "--log-level", "error",
                           "--metrics-access", "anyone")
    receiver = subprocess.Popen(ELSEWHERE + [sys.executable, str(HERE / "receiver.py")],
                                stdout=subprocess.PIPE, text=True)
    attackers = neighbour = None
    try:
        admin = convoyd.client(key)
        receiver_url = receiver.stdout.readline().strip()
        scene = Scene(admin, receiver_url, words.subscriptions)
        neighbour = Neighbour(folder, receiver_url)
        targets = [(convoyd.address, f"/ingest/{scene.source['mask_id']}"), neighbour.target]
        quiet_s = min(60, words.minutes * 20)
        quiet_before = measure(targets, quiet_s)
        attackers = scene.attack(convoyd, words.idle, words.attacks)
        most = [0.0]
        next_broadcast = [time.monotonic() + 5]

        def watch():
            most[0] = max(most[0], resident_mib(convoyd))
            if time.monotonic() >= next_broadcast[0]:
                next_broadcast[0] = time.monotonic() + 60
                if "broadcasts" in words.attacks:
                    scene.broadcast()
        loud = measure(targets, words.minutes * 60, watch)
        if attackers.poll() is not None:
            raise AssertionError("the attackers ended by themselves")
        attackers.kill()
        text = wait_until_delivered(admin)
        quiet = both(quiet_before, measure(targets, quiet_s))
        print("\n".join(line for line in text.splitlines()
                        if re.match(r"convoy_(server|answer)", line)))
        refused = sum(int(count) for count in re.findall(
            r"convoy_server_request_refused_total\{[^}]*\} (\d+)", text))
        if words.attacks == ATTACKS and refused < words.minutes * 60:
            raise AssertionError(f"the attacks did not arrive: {refused} requests were refused")
        return report(words, quiet, loud, most[0], failed_deliveries(scene))
    finally:
        if attackers is not None:
            attackers.kill()
            attackers.wait()
        if neighbour is not None:
            neighbour.convoyd.stop()
        code = convoyd.stop()
        receiver.kill()
        receiver.wait()
        receiver.stdout.close()
        if code != 0:
            raise AssertionError(f"convoyd ended with {code}: {convoyd.log()[-2000:]}")


def report(words, quiet, loud, resident, failed):
    for name, before in quiet.items():
        after = loud[name]
        print(f"{name}: p99 {p99(before):.1f} ms quiet, {p99(after):.1f} ms under attack, answers "
              f"{after['statuses']}")
    baseline = max(p99(quiet["intake"]), p99(loud["neighbour"]))
    print(f"intake under attack: {p99(loud['intake']) / p99(quiet['intake']):.1f} times as long as when quiet, "
          f"{p99(loud['intake']) / p99(loud['neighbour']):.1f} times the neighbour meanwhile")
    print(f"resident memory: at most {resident:.0f} MiB")
    print(f"deliveries recorded as failed: {len(failed)}")
    problems = []
    if resident > words.resident_mib:
        problems.append("memory")
    if failed:
        problems.append("deliveries")
    intake, health = loud["intake"], loud["/healthz"]
    if "200" not in intake["statuses"] or set(intake["statuses"]) - {"200", "503"}:
        problems.append("intake was refused")
    if set(health["statuses"]) != {"200"}:
        problems.append("/healthz was not answered")
    if words.strict and p99(intake) > 3 * baseline:
        problems.append("intake latency")
    if words.strict and p99(health) > 50:
        problems.append("/healthz latency")
    if problems:
        print("FAILED: " + ", ".join(problems))
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--subscriptions", type=int, default=20_000)
    parser.add_argument("--idle", type=int, default=1200)
    parser.add_argument("--resident-mib", type=int, default=200)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--attacks", type=lambda names: [name for name in names.split(",") if name],
                        default=ATTACKS)
    words = parser.parse_args()
    with host.Folder() as folder:
        return run(words, folder)


if __name__ == "__main__":
    sys.exit(main())
