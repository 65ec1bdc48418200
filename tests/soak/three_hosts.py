"""Three hosts on one PostgreSQL, under load: one is killed every 20 s, one frozen, one cut off, and the
standby is promoted in the middle. Every event that was accepted is stored, once for each key, and
delivered; the rate and the order of endpoints hold at the receiver; changes of configuration are seen
everywhere within a second.

Usage: three_hosts.py [--seconds N] [--no-failover]. Needs root, for the network namespaces.
"""
import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

import fleet
import traffic

LIMIT = 20  # deliveries a second of the paced endpoint
RECEIVER_PORT = 9000
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Admin:
    """Calls of the REST API, to whichever host answers."""

    def __init__(self, hosts, key):
        self._hosts, self._key, self._client = hosts, key, traffic.Client()

    async def call(self, method, path, body=None, host=None, key=None):
        for attempt in range(200):
            address = (host or self._hosts[attempt % len(self._hosts)]).address
            status, answer = await self._client.request(
                address, method, path, b"" if body is None else json.dumps(body).encode(),
                [f"Authorization: Bearer {key or self._key}"], timeout=10)
            if status // 100 == 2:
                return json.loads(answer)["data"]
            if host is not None:
                return None
            await asyncio.sleep(0.1)
        raise AssertionError(f"{method} {path}: {status} {answer[:300]}")


class Scene:
    """The project: ways to a plain, a paced and an ordered endpoint, and a source that is switched."""

    async def make(self, admin):
        made = await admin.call("POST", "/api/v1/projects", {"name": "fleet", "type": "incoming"})
        self.admin, self.key = admin, made["api_key"]["key"]
        self.path = f"/api/v1/projects/{made['project']['uid']}"
        self.plain = await self.way("plain")
        self.paced = await self.way("paced", rate_limit=LIMIT, rate_limit_duration=1)
        self.ordered = await self.way("ordered", fifo=True)
        self.switched = await self.source("switched")

    async def ask(self, method, path, body, host=None):
        return await self.admin.call(method, self.path + path, body, host, self.key)

    async def source(self, name):
        return await self.ask("POST", "/sources", {
            "name": name, "type": "http", "verifier": {"type": "noop"},
            "idempotency_keys": ["request.header.X-Key"]})

    async def way(self, name, **fields):
        source = await self.source(name)
        endpoint = await self.ask("POST", "/endpoints", {
            "name": name, "url": f"http://{fleet.HUB_ADDRESS}:{RECEIVER_PORT}/{name}", **fields})
        await self.ask("POST", "/subscriptions", {
            "name": name, "endpoint_id": endpoint["uid"], "source_id": source["uid"],
            "filter_config": {"event_types": ["*"]}})
        return "/ingest/" + source["mask_id"]

    async def switch(self, host, is_disabled):
        return await self.ask("PUT", f"/sources/{self.switched['uid']}", {
            "name": "switched", "type": "http", "is_disabled": is_disabled,
            "verifier": {"type": "noop"}}, host)


class Changes:
    """Switches a source at one host and waits until the others know, while they are well.

    An answer takes as long as the commit of the event, which is not the change's time: so a request
    counts by when it was sent."""

    def __init__(self, scene, hosts, trouble):
        self._scene, self._hosts, self._trouble = scene, hosts, trouble
        self.seen_count = 0
        self.unseen_for = 0.0  # the latest request, after a change, that the former state answered
        self.answered_after = 0.0  # the slowest first answer of the new state

    async def run(self):
        client, is_disabled = traffic.Client(), False
        while True:
            await asyncio.sleep(0.5)
            well = [host for host in self._hosts if host.is_well_for(4)]
            if len(well) < 2 or self._trouble():
                continue
            is_disabled = not is_disabled
            if await self._scene.switch(well[0], is_disabled) is None:
                continue
            began = time.monotonic()
            for host in well[1:]:
                while host.is_well_for(4) and well[0].is_well_for(4) and not self._trouble():
                    sent_after = time.monotonic() - began
                    status, _ = await client.request(
                        host.address, "POST", f"/ingest/{self._scene.switched['mask_id']}", b"{}")
                    if (status // 100 == 4) == is_disabled and status != 0:
                        self.seen_count += 1
                        self.answered_after = max(self.answered_after, time.monotonic() - began)
                        break
                    if status // 100 in (2, 4) and not self._trouble():
                        self.unseen_for = max(self.unseen_for, sent_after)
                    if time.monotonic() - began > 10:
                        raise AssertionError(f"{host.name} does not learn of a change")
                    await asyncio.sleep(0.005)


class Misfortune:
    """Every 20 s: one host is killed and started again, one frozen for a while, one cut off."""

    ROUND = 20

    def __init__(self, hosts):
        self._hosts = hosts
        self.kills = self.freezes = self.cuts = 0
        self.is_over = False

    async def _start(self, host):
        while not await asyncio.to_thread(host.start):
            await asyncio.sleep(0.5)

    async def run(self):
        turn = 0
        while not self.is_over:
            began = time.monotonic()
            killed, frozen, cut = (self._hosts[(turn + n) % 3] for n in range(3))
            turn += 1
            await asyncio.to_thread(killed.kill)
            self.kills += 1
            await asyncio.sleep(2)
            await self._start(killed)
            frozen.freeze()
            self.freezes += 1
            await asyncio.sleep(4)
            frozen.thaw()
            await asyncio.to_thread(cut.cut)
            self.cuts += 1
            await asyncio.sleep(4)
            await asyncio.to_thread(cut.join)
            await asyncio.sleep(max(0, began + self.ROUND - time.monotonic()))


async def wait_for(condition, what, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return f"{what} took longer than {seconds} s"
        await asyncio.sleep(0.2)
    return None


class Trial:
    def __init__(self, network, database, seconds, has_failover, folder):
        self._database, self._seconds, self._has_failover = database, seconds, has_failover
        self.hosts = [fleet.Host(network, name, database.url, folder)
                      for name in ("h1", "h2", "h3")]
        self._is_failing_over = False
        self.failover_took = None

    async def run(self):
        """The list of what is wrong in the end."""
        self.receiver = traffic.Receiver()
        server = await self.receiver.serve(fleet.HUB_ADDRESS, RECEIVER_PORT)
        key = await asyncio.to_thread(self.hosts[0].bootstrap)
        for host in self.hosts:
            assert await asyncio.to_thread(host.start), host.log()[-2000:]
        scene = Scene()
        await scene.make(Admin(self.hosts, key))
        self.senders = [
            *(traffic.Sender(f"plain{n}", scene.plain, self.hosts, 10, repeats=5)
              for n in range(6)),
            traffic.Sender("paced", scene.paced, self.hosts, 0.6 * LIMIT),
            traffic.Sender("ordered", scene.ordered, self.hosts, 15)]
        self.changes = Changes(scene, self.hosts, lambda: self._is_failing_over)
        self.misfortune = Misfortune(self.hosts)
        sending = [asyncio.create_task(sender.run()) for sender in self.senders]
        others = [asyncio.create_task(self.changes.run()),
                  asyncio.create_task(self.misfortune.run())]
        try:
            await self._watch([*sending, *others])
            await self._end(sending, others)
            return await self.check()
        finally:
            for task in [*sending, *others]:
                task.cancel()
            server.close()

    async def _watch(self, tasks):
        began = time.monotonic()
        while time.monotonic() - began < self._seconds:
            for task in tasks:
                if task.done():
                    task.result()
            is_halfway = time.monotonic() - began > self._seconds / 2
            if self._has_failover and is_halfway and self.failover_took is None:
                await self._fail_over()
            await asyncio.sleep(0.1)

    async def _fail_over(self):
        self._is_failing_over = True
        began = time.monotonic()
        before = sum(len(sender.accepted) for sender in self.senders)
        await asyncio.to_thread(self._database.fail_over)
        while sum(len(sender.accepted) for sender in self.senders) < before + 10:
            await asyncio.sleep(0.05)
        self.failover_took = time.monotonic() - began
        await asyncio.sleep(3)
        self._is_failing_over = False

    async def _end(self, sending, others):
        for sender in self.senders:
            sender.is_stopping = True
        await asyncio.gather(*sending)
        self.misfortune.is_over = True
        await others[1]
        others[0].cancel()

    def accepted(self, name):
        return {key for sender in self.senders if sender.name.startswith(name)
                for key in sender.accepted}

    async def check(self):
        """The figures, and the list of what is wrong."""
        ways = ("plain", "paced", "ordered")
        accepted = {way: self.accepted(way) for way in ways}
        query = self._database.query
        wrong = [await wait_for(lambda w=way: self.receiver.keys(f"/{w}") >= accepted[w],
                                f"delivery of all {way} events", 150) for way in ways]
        wrong.append(await wait_for(
            lambda: query("SELECT count(*) FROM convoy.delivery WHERE status <> 3") == "0",
            "recording of all deliveries", 150))
        # By the bodies: the store has a form of its own for the keys.
        stored = set(query("SELECT string_agg(convert_from(body, 'UTF8')::json->>'key', ' ') FROM "
                           "convoy.event WHERE is_duplicate = 0 AND idempotency_key <> ''").split())
        twice = int(query(
            "SELECT count(*) FROM (SELECT idempotency_key FROM convoy.event WHERE is_duplicate = 0 "
            "AND idempotency_key <> '' GROUP BY project, idempotency_key HAVING count(*) > 1) AS t"))
        sent = set().union(*accepted.values())
        arrivals = sum(len(self.receiver.arrivals.get(f"/{way}", [])) for way in ways)
        received = set().union(*(self.receiver.keys(f"/{way}") for way in ways))
        order = [int(key.split("-")[1]) for key in self.receiver.first_arrivals("/ordered")]
        paced = self.receiver.most_within("/paced", 1.0)
        changes = self.changes
        print(f"in {len(sent)}, stored {len(stored)}, delivered {len(received)}, delivered again "
              f"{arrivals - len(received)}, keys accepted twice {twice}, sent again under their key "
              f"{sum(s.repeated for s in self.senders)}, requests {sum(s.tries for s in self.senders)}\n"
              f"killed {self.misfortune.kills}, frozen {self.misfortune.freezes}, cut off "
              f"{self.misfortune.cuts}, failover "
              f"{'none' if self.failover_took is None else f'{self.failover_took:.1f} s'}\n"
              f"at the receiver: at most {paced} in a second of {LIMIT} allowed, "
              f"{len(order)} in order: {order == sorted(order)}\n"
              f"changes seen {changes.seen_count} times, not yet {changes.unseen_for * 1000:.0f} ms "
              f"after one at most, answered after {changes.answered_after * 1000:.0f} ms at most",
              flush=True)
        checks = {"every accepted event is stored": stored == sent,
                  "every stored event is delivered": received == stored,
                  "no key is accepted twice": twice == 0,
                  "the rate holds": paced <= LIMIT,
                  "the order holds": order == sorted(order),
                  "changes are seen within a second": changes.seen_count > 0
                  and changes.unseen_for < 1.0,
                  "something was tried": min(self.misfortune.kills, self.misfortune.freezes,
                                             self.misfortune.cuts) > 0 and len(sent) > 100}
        return [text for text in wrong if text] + [text for text, holds in checks.items()
                                                  if not holds]


def run_inside(arguments):
    """In the namespace of the hub."""
    network = fleet.Network(["h1", "h2", "h3", "db1", "db2"])
    network.prefix = arguments.inside
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="convoy-hosts-"))
        database = stack.enter_context(fleet.Database(network))
        trial = Trial(network, database, arguments.seconds, not arguments.no_failover, folder)
        for host in trial.hosts:
            stack.callback(host.end)
        wrong = asyncio.run(trial.run())
        for text in wrong:
            print(f"NOT: {text}", file=sys.stderr)
        if wrong:
            for host in trial.hosts:
                print(f"{host.name}: {host.log()[-1500:]}", file=sys.stderr)
        return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--no-failover", action="store_true")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        return run_inside(arguments)
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        return SKIPPED
    with fleet.Network(["h1", "h2", "h3", "db1", "db2"]) as network:
        return subprocess.run([*network.inside("hub"), sys.executable, __file__, *sys.argv[1:],
                               "--inside", network.prefix], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
