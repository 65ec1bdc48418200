"""A convoyd that reads from a broker, with one outgoing project and one receiver."""
import sys
import json
import pathlib
import urllib.parse

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))  # for servers
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
import host  # pylint: disable=wrong-import-position

#: for everything that has to happen, on a machine that is busy with other things
PATIENCE_S = 120
#: what was on its way at a kill is sent again after that
LEASE_MS = 3000
STRATEGY = {"type": "linear", "duration": 1, "retry_count": 100}
NO_LIMIT = {"count": 0, "duration": 0}


def envelope(data, **fields):
    """A message's body; `data` is JSON text and stays as it is spelt."""
    members = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in fields.items()]
    return ("{" + ", ".join(members + [f'"data": {data}']) + "}").encode()


class Gateway:
    """A process on a database that outlives it. More of them may share `database`."""

    def __init__(self, database, inbox, *flags, env=None):
        self.database = database
        self.inbox = inbox
        self._flags = ("--lease-ms", str(LEASE_MS), *flags)
        self._env = env
        self._admin_key = host.bootstrap(database)
        self.convoyd = None
        self.start()
        admin = self.convoyd.client(self._admin_key)
        self.project = host.Project(admin, "p", "outgoing", strategy=STRATEGY, ratelimit=NO_LIMIT)
        admin.close()

    def start(self):
        self.convoyd = self.new_process()
        if hasattr(self, "project"):
            self.project.client = self.convoyd.client(self.project.key)

    def new_process(self):
        return host.Convoyd(self.database, *self._flags, env=self._env)

    def kill(self):
        self.project.client.close()
        death = self.convoyd.death()
        if death is not None:
            raise AssertionError(f"before it was killed, {death}")
        self.convoyd.kill()

    def close(self):
        """Ends it in an orderly way if it runs; what it said if that went wrong, or if it had died."""
        if not self.convoyd.is_alive():
            return self.convoyd.death()
        code = self.convoyd.stop(60)
        return None if code == 0 else f"convoyd ended with {code}:\n{self.convoyd.log()[-4000:]}"

    # ---- Sources -----------------------------------------------------------------------------

    def try_source(self, pub_sub):
        """The response to the creation of a source."""
        return self.project.send("POST", "/sources",
                                 {"name": "s", "type": "pub_sub", "pub_sub": pub_sub})

    def source(self, pub_sub):
        response = self.try_source(pub_sub)
        if response.status != 201:
            raise AssertionError(f"the source was not made: {response}")
        return response.data["uid"]

    def update_source(self, source, pub_sub):
        self.project.ok("PUT", f"/sources/{source}",
                        {"name": "s", "type": "pub_sub", "pub_sub": pub_sub})

    def consumer(self, source):
        return self.project.ok("GET", f"/sources/{source}/consumer")

    def wait_for_state(self, source, *states):
        """The consumer, once it is in one of these states."""
        def look():
            consumer = self.consumer(source)
            return consumer if consumer["state"] in states else None
        try:
            return host.wait_until(look, f"a consumer that is {states}", PATIENCE_S)
        except host.TimedOut as error:
            raise host.TimedOut(f"{error}; it is {self.consumer(source)}") from None

    def metrics(self):
        return self.project.client.send("GET", "/metrics").body.decode()

    # ---- Events ------------------------------------------------------------------------------

    def endpoint(self, name, **fields):
        return self.project.endpoint(name, f"{self.inbox.url}/{name}", **fields)["uid"]

    def latest_events(self, count=20):
        query = urllib.parse.urlencode({"perPage": count})
        return self.project.ok("GET", f"/events?{query}")["content"]

    def events(self):
        return self.project.events(perPage=1000)

    def held(self):
        return self.project.client.pages(self.project.path + "/held-inputs")

    def held_input(self, uid):
        return self.project.ok("GET", f"/held-inputs/{uid}")

    def release(self):
        return self.project.ok("POST", "/held-inputs/release", {"kind": "dead_letter"})

    def undelivered(self):
        return [(delivery["status"], delivery["uid"])
                for delivery in self.project.deliveries(perPage=1000)
                if delivery["status"] != "Success"]
