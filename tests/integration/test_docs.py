"""Examples of the documentation. Of docs/brokers*.md: requests succeed, messages are events, answers have
these fields; no server listens at the addresses in them, and a source is made all the same, since a broker
that is away may come back. Of docs/quickstart.md: every command and response. Of docs/reference.md: that it
is generated from this code. Of README.md: the commands that run convoyd, and the first requests."""
import base64
import copy
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import unittest

import case
import host

PAGES = sorted((host.ROOT / "docs").glob("brokers*.md"))
NOWHERE = "http://127.0.0.1:1"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.M | re.S)


def make_key_file(path):
    """A key file in Google's form, with a key made here."""
    key = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True, text=True)
    path.write_text(json.dumps({
        "type": "service_account", "project_id": "shop-1234", "private_key_id": "1",
        "private_key": key.stdout, "client_email": "convoy@shop-1234.iam.gserviceaccount.com"}))


class BrokerPagesTest(case.HostCase):
    flags = ("--sqs-credentials", "environment")
    env = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret",
           "AWS_ENDPOINT_URL": NOWHERE}

    def setUp(self):
        self.outgoing = self.project("outgoing")
        self.endpoint = self.outgoing.endpoint("e", self.inbox.url)
        folder = host.Folder()
        self.folder = pathlib.Path(folder.__enter__())
        self.addCleanup(folder.__exit__, None, None, None)
        make_key_file(self.folder / "key.json")

    def run_shell(self, block):
        """The page's own function `api` is the first thing on the first page."""
        function = re.search(r"^api\(\) \{.*?^\}$", (host.ROOT / "docs/brokers.md").read_text(),
                             re.M | re.S)[0]
        done = subprocess.run(
            ["bash", "-euc", f"{function}\n{block}"], cwd=self.folder, capture_output=True, timeout=300,
            check=False, env={**os.environ, "URL": f"http://{self.convoyd.address}",
                              "KEY": self.outgoing.key, "PROJECT": self.outgoing.id})
        self.assertEqual(done.returncode, 0, (block, done.stdout, done.stderr))

    def make_source(self, pub_sub):
        settings = pub_sub[pub_sub["type"]]
        if "access_key_id" in settings or "project_id" in settings:  # Amazon and Google would answer
            settings.setdefault("endpoint", NOWHERE)
        if "service_account" in settings:
            settings["service_account"] = base64.b64encode(
                (self.folder / "key.json").read_bytes()).decode()
        return self.outgoing.ok("POST", "/sources",
                                {"name": "s", "type": "pub_sub", "pub_sub": pub_sub})

    def check_message(self, message):
        """The form of a message is that of the REST API."""
        self.outgoing.ok("POST", "/events", {**message, "endpoint_id": self.endpoint["uid"]})

    def check_consumer(self, example):
        source = self.make_source({"type": "sqs", "sqs": {
            "queue_name": "q", "default_region": "eu-west-1", "access_key_id": "a",
            "secret_key": "b"}})
        consumer = self.outgoing.ok("GET", f"/sources/{source['uid']}/consumer")
        self.assertEqual(example.keys(), consumer.keys())
        self.assertLessEqual(example["workers"][0].keys(), consumer["workers"][0].keys())

    def test_every_example(self):
        counts = dict.fromkeys(("shell", "source", "message", "consumer"), 0)
        for page in PAGES:
            for block in blocks(page, "sh"):
                with self.subTest(page=page.name, block=block):
                    counts["shell"] += 1
                    self.run_shell(block)
            for block in blocks(page, "json"):
                with self.subTest(page=page.name, block=block):
                    example = json.loads(block)
                    kind = ("source" if "type" in example else
                            "message" if "event_type" in example else "consumer")
                    counts[kind] += 1
                    {"source": self.make_source, "message": self.check_message,
                     "consumer": self.check_consumer}[kind](example)
        self.assertGreaterEqual(min(counts.values()), 1, counts)

    def test_pages_are_known_and_say_where_to_go_on(self):
        first = (host.ROOT / "docs/brokers.md").read_text()
        for page in PAGES:
            if page.name != "brokers.md":
                self.assertIn(f"({page.name})", first)
                self.assertIn("(brokers.md)", page.read_text())


class QuickstartTest(case.HostCase):
    """The commands of docs/quickstart.md in one shell; each response has the fields of its example."""

    SEPARATOR = "\x1e"

    def check(self, example, actual, path="response"):
        if isinstance(example, dict):
            self.assertLessEqual(example.keys(), actual.keys(), path)
            for key, value in example.items():
                self.check(value, actual[key], f"{path}.{key}")
        elif isinstance(example, list):
            self.assertGreaterEqual(len(actual), len(example), path)
            for index, value in enumerate(example):
                self.check(value, actual[index], f"{path}.{index}")
        elif path in ("response.status", "response.message"):
            self.assertEqual(example, actual, path)
        else:
            self.assertIs(type(example), type(actual), path)

    def test_every_command_and_response(self):
        page = host.ROOT / "docs" / "quickstart.md"
        found = re.findall(r"^```(sh|json)\n(.*?)^```$", page.read_text(), re.M | re.S)
        commands = [text for language, text in found if language == "sh"]
        script = f"printf '{self.SEPARATOR}'\n".join(commands)
        done = subprocess.run(
            ["bash", "-euc", script], capture_output=True, text=True, timeout=300, check=False,
            env={**os.environ, "URL": f"http://{self.convoyd.address}", "KEY": self.key,
                 "RECEIVER": self.inbox.url})
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        outputs = iter(done.stdout.split(self.SEPARATOR))
        checked = 0
        for language, text in found:
            if language == "sh":
                output = next(outputs)
            else:
                with self.subTest(example=text):
                    self.check(json.loads(text), json.loads(output))
                checked += 1
        self.assertGreaterEqual(checked, 5)
        self.inbox.wait_for("/orders", 1)
        self.assertEqual(self.inbox.wait_for("/acme", 1)[0].body, b'{"invoice": 7, "total": 19.90}')


@case.unsanitized
class ReferenceTest(unittest.TestCase):
    def test_the_page_is_what_the_code_says(self):
        done = subprocess.run(
            [str(host.ROOT / "script" / "reference"), "--check"], capture_output=True, text=True,
            env={**os.environ, "CONVOY_BIN_DIR": str(pathlib.Path(host.binary()).parent)})
        self.assertEqual(done.returncode, 0, done.stderr)


class FieldsTest(case.HostCase):
    """docs/fields.json against the server: defaults, allowed values, wrong values, wrong types."""

    # A value of another type than the field's, for each type.
    WRONG = {"text": 7, "number": "x", "boolean": "x", "seconds": True, "list of texts": [7],
             "object": [1]}
    made = 0

    def setUp(self):
        self.projects = {kind: self.project(kind, multiple_endpoint_subscriptions=True)
                         for kind in ("incoming", "outgoing")}
        self.endpoint = self.projects["outgoing"].endpoint("e", "https://example.com/")["uid"]

    def body(self, resource):
        FieldsTest.made += 1
        text = json.dumps(resource["least"]).replace("NEW", f"n{self.made}")
        return json.loads(text.replace("ENDPOINT", self.endpoint))

    def send(self, resource, body):
        if resource["path"]:
            return self.projects[resource["project"]].send("POST", resource["path"], body)
        return self.admin.send("POST", "/api/v1/projects", body)

    def put(self, body, path, value, also=None):
        """`body` with `value` at a path such as "config.ssl.x", and with what must go with it."""
        def merge(into, more):
            for key, inner in more.items():
                if isinstance(inner, dict) and isinstance(into.get(key), dict):
                    merge(into[key], inner)
                else:
                    into[key] = copy.deepcopy(inner)
        merge(body, also or {})
        *parents, last = path.split(".")
        holder = body
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = value
        return body

    def shown(self, resource, data, path):
        value = data[resource["answer"]] if "answer" in resource else data
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def check_values(self, resource, field):
        path = field["name"]
        for value in field["values"]:
            response = self.send(resource, self.put(self.body(resource), path, value, field.get("with")))
            self.assertEqual(response.status, 201, response)
            if value != field.get("hidden"):
                self.assertEqual(self.shown(resource, response.data, field.get("shown", path)), value)
        response = self.send(resource, self.put(self.body(resource), path, "wrong", field.get("with")))
        self.assertEqual(response.status, 400, response)
        self.assertIn(path + ":", response.message)
        for value in field.get("told", field["values"]):
            self.assertIn(value, response.message)

    def test_each_field(self):
        resources = json.loads((host.ROOT / "docs" / "fields.json").read_text())
        for name, resource in resources.items():
            least = self.send(resource, self.body(resource))
            self.assertEqual(least.status, 201, least)
            for field in resource["fields"]:
                with self.subTest(resource=name, field=field["name"]):
                    if "default" in field:
                        self.assertEqual(self.shown(resource, least.data, field["name"]), field["default"])
                    if field.get("required"):
                        body = self.body(resource)
                        body.pop(field["name"])
                        response = self.send(resource, body)
                        self.assertEqual(response.status, 400, response)
                    if "values" in field:
                        self.check_values(resource, field)
                    if field["type"] in self.WRONG:
                        wrong = self.put(self.body(resource), field["name"], self.WRONG[field["type"]],
                                         field.get("with"))
                        response = self.send(resource, wrong)
                        self.assertEqual(response.status, 400, response)
                        self.assertIn(f'type for field "{field["name"]}"', response.message)


class SendersTest(unittest.TestCase):
    """The list of the most used senders in docs/verification.md: each has a preset."""

    def test_each_has_a_preset(self):
        text = (host.ROOT / "docs" / "verification.md").read_text()
        section = text.split("\n## The most used senders\n")[1].split("\n## ")[0]
        rows = [line.strip("| ").split(" | ") for line in section.splitlines()
                if line.startswith("| ") and "---" not in line and "sender" not in line]
        senders = [half for row in rows for half in (row[:3], row[3:])]
        self.assertEqual(len({name for name, _, _ in senders}), 60)
        listing = subprocess.run([host.binary(), "presets"], check=True, capture_output=True, text=True)
        known = {line.split()[0] for line in listing.stdout.splitlines()}
        for name, demand, presets in senders:
            with self.subTest(sender=name):
                self.assertGreater(float(demand), 0)
                named = re.findall(r"`(\w+)`", presets)
                self.assertTrue(named)
                self.assertLessEqual(set(named), known)


class ReadmeTest(unittest.TestCase):
    PROGRAM = "build/release/bin/convoyd"

    def test_the_number_of_presets(self):
        presets = subprocess.run([host.binary(), "presets"], check=True, capture_output=True, text=True)
        self.assertIn(f"one of {len(presets.stdout.splitlines())} presets",
                      (host.ROOT / "README.md").read_text())

    def test_the_commands_that_run_convoyd(self):
        lines = [line for line in (host.ROOT / "README.md").read_text().splitlines()
                 if line.startswith(self.PROGRAM)]
        self.assertEqual([line.split()[1] for line in lines], ["bootstrap", "serve", "--help", "serve"])
        with host.Folder() as folder:
            for line in lines:
                command = shlex.split(line.replace(self.PROGRAM, host.binary()), comments=True)
                command = [word.replace(":5005", ":0") for word in command]
                if "--dev" in command:
                    command += ["--listen", "127.0.0.1:0"]
                process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE)
                try:
                    first = process.stdout.readline()
                    if command[1] == "serve":
                        process.terminate()
                    process.stdout.read()
                    self.assertEqual(process.wait(60), 0)
                finally:
                    process.kill()
                    process.stdout.close()
                if command[1] != "--help":
                    self.assertIn({"bootstrap": "api_key", "serve": "listening"}[command[1]],
                                  json.loads(first))

    def test_the_first_requests_work_as_printed(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        done = subprocess.run(
            [str(host.ROOT / "script" / "newcomer"), "--port", str(port)], capture_output=True, text=True,
            timeout=120, env={**os.environ, "CONVOY_BIN_DIR": str(pathlib.Path(host.binary()).parent)})
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        self.assertRegex(done.stdout, r"received and sent in \d+\.\d s")


if __name__ == "__main__":
    unittest.main()
