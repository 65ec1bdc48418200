"""Moving from Convoy: a PostgreSQL database as Convoy writes it, the document that docs/convoy-export.sql
makes of it, and `convoyd import`. A webhook to the old link, a client with the old key and a receiver with
the old secret notice nothing."""
import base64
import hashlib
import json
import os
import pathlib
import pwd
import subprocess
import unittest

import host

HERE = pathlib.Path(__file__).resolve().parent
EXPORT = host.ROOT / "docs" / "convoy-export.sql"
# Convoy's key is "CO.", a mask of 16 and a secret of 64 letters and digits; it stores the base64url of
# PBKDF2-HMAC-SHA256 of the whole with a salt of 25 letters and digits, 4,096 rounds.
MASK = "5DadVCTi3q0RUTUZ"
OLD_KEY = f"CO.{MASK}." + "k7" * 32
SALT = "hVUVlEi5MMo2PIT6JGr45QAU5"
HASH = base64.urlsafe_b64encode(
    hashlib.pbkdf2_hmac("sha256", OLD_KEY.encode(), SALT.encode(), 4096, 32)).decode()
SHOP, BILLING = "01HYWQJJ5ZH4H158E4RYHGNSDC", "01HYWQJJ5ZH4H158E4RYHGNSDD"
SOURCE, GITHUB = "01HYWQJJ5ZH4H158E4RYHGNSS1", "01HYWQJJ5ZH4H158E4RYHGNSS2"
ORDERS, ACME = "01HYWQJJ5ZH4H158E4RYHGNSE1", "01HYWQJJ5ZH4H158E4RYHGNSE2"


def postgres_programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def secret(value, **more):
    return {"uid": "01HYWQJJ5ZH4H158E4RYHGN" + value[:3].upper(), "value": value, "expires_at": None,
            "created_at": "2024-05-27T09:54:44.577743Z", "updated_at": "2024-05-27T09:54:44.577743Z",
            **more}


class Postgres:
    """A PostgreSQL server in a folder, reached by a socket in it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.programs = postgres_programs()
        self.user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
        if self.user:
            os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)
        self._run("initdb", "-D", self.folder / "data", "-U", "convoy", "-A", "trust", "--no-sync")
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "start", "-o",
                  f"-c listen_addresses='' -k {self.folder} -c fsync=off")

    def _run(self, program, *arguments):
        subprocess.run([self.programs / program, *arguments], check=True, user=self.user, cwd=self.folder,
                       stdout=subprocess.DEVNULL, timeout=120)

    def psql(self, *arguments, sql=None):
        done = subprocess.run(
            [self.programs / "psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "convoy",
             *arguments, "postgres"], input=sql, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def insert(self, table, **columns):
        row = json.dumps(columns)
        names = ", ".join(columns)
        self.psql("-q", sql=f"INSERT INTO convoy.{table} ({names}) SELECT {names} FROM "
                  f"json_populate_record(NULL::convoy.{table}, $row${row}$row$);")

    def close(self):
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "stop")


def fill(postgres, receiver):
    """Two projects as Convoy makes and fills them."""
    versions = [{"uid": "01HYWQJJ5ZH4H158E4RYHGNSV1", "hash": "SHA256", "encoding": "hex",
                 "created_at": "2024-05-27T09:54:44.5Z"}]
    for uid, name, kind in ((SHOP, "shop", "incoming"), (BILLING, "billing", "outgoing")):
        postgres.insert("project_configurations", id="c" + uid, signature_versions=versions)
        postgres.insert("projects", id=uid, name=name, type=kind, logo_url="", organisation_id="o",
                        project_configuration_id="c" + uid)
    postgres.insert("project_configurations", id="gone", signature_versions=versions)
    postgres.insert("projects", id="gone", name="gone", type="incoming", organisation_id="o",
                    project_configuration_id="gone", deleted_at="2024-06-01T00:00:00Z")
    postgres.insert("source_verifiers", id="v1", type="hmac", hmac_hash="SHA256", hmac_header="X-Signature",
                    hmac_secret="shared", hmac_encoding="hex", basic_username="", basic_password="",
                    api_key_header_name="", api_key_header_value="")
    postgres.insert("source_verifiers", id="v2", type="hmac", hmac_hash="SHA256",
                    hmac_header="X-Hub-Signature-256", hmac_secret="hub", hmac_encoding="hex")
    no_broker = {"type": "", "workers": 0, "sqs": None, "google": None, "kafka": None, "amqp": None}
    postgres.insert("sources", id=SOURCE, name="till", type="http", mask_id="J2t9EuXamBrjcQ6y", provider="",
                    is_disabled=False, forward_headers=[], project_id=SHOP, source_verifier_id="v1",
                    pub_sub=no_broker, idempotency_keys=["request.header.X-Id"], custom_response_body="",
                    custom_response_content_type="")
    postgres.insert("sources", id=GITHUB, name="hub", type="http", mask_id="Gh2t9EuXamBrjcQ6",
                    provider="github", is_disabled=False, project_id=SHOP, source_verifier_id="v2")
    for uid, project, name, live in ((ORDERS, SHOP, "orders", "incoming secret"),
                                     (ACME, BILLING, "acme", "outgoing secret")):
        old = secret("old", expires_at="2024-06-01T00:00:00Z")
        postgres.insert("endpoints", id=uid, name=name, status="active", owner_id="acme", project_id=project,
                        url=f"{receiver}/{name}", description="", http_timeout=10, rate_limit=0,
                        rate_limit_duration=0, advanced_signatures=project == BILLING, slack_webhook_url="",
                        support_email="", app_id=uid, teams_webhook_url="",
                        secrets=[old, secret(live)], authentication_type="")
    postgres.insert("subscriptions", id="01HYWQJJ5ZH4H158E4RYHGNSU1", name="all", type="api", project_id=SHOP,
                    endpoint_id=ORDERS, source_id=SOURCE, filter_config_event_types=["*"])
    postgres.insert("filters", id="f1", subscription_id="01HYWQJJ5ZH4H158E4RYHGNSU1", event_type="*")
    condition = {"total": {"$gt": 10}}
    postgres.insert("subscriptions", id="01HYWQJJ5ZH4H158E4RYHGNSU2", name="large", type="api",
                    project_id=BILLING, endpoint_id=ACME, filter_config_event_types=["invoice.paid", "invoice.sent", "invoice.lost"],
                    filter_config_filter_is_flattened=True,
                    filter_config_filter_body={"total.$gt": 10}, filter_config_filter_raw_body=condition,
                    retry_config_type="linear", retry_config_duration=5, retry_config_retry_count=3,
                    delivery_mode="at_most_once")
    postgres.insert("filters", id="f2", subscription_id="01HYWQJJ5ZH4H158E4RYHGNSU2",
                    event_type="invoice.paid", body={"total.$gt": 10}, raw_body=condition)
    postgres.insert("filters", id="f3", subscription_id="01HYWQJJ5ZH4H158E4RYHGNSU2",
                    event_type="invoice.sent", body={"to": "me"}, raw_body={"to": "me"})
    postgres.insert("filters", id="f4", subscription_id="01HYWQJJ5ZH4H158E4RYHGNSU2",
                    event_type="invoice.lost", enabled_at=None)
    postgres.insert("subscriptions", id="01HYWQJJ5ZH4H158E4RYHGNSU3", name="cli", type="cli",
                    project_id=BILLING, device_id="d", filter_config_event_types=["*"])
    postgres.insert("api_keys", id="01HYWQJJ6RFVRF4M1ND9K8W50D", name="billing's default key", key_type="",
                    mask_id=MASK, role_type="admin", role_project=BILLING, hash=HASH, salt=SALT)
    postgres.insert("api_keys", id="01HYWQJJ6RFVRF4M1ND9K8W50E", name="mine", key_type="personal_key",
                    mask_id="PersonalPersonal", role_type="", hash=HASH, salt=SALT, user_id="u")


class ImportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if postgres_programs() is None:
            raise unittest.SkipTest("PostgreSQL is not installed: script/bootstrap installs it")
        folder = host.Folder()
        cls.folder = pathlib.Path(folder.__enter__())
        cls.addClassCleanup(folder.__exit__, None, None, None)
        os.chmod(cls.folder, 0o755)
        server = cls.folder / "postgres"
        server.mkdir()
        cls.postgres = Postgres(server)
        cls.addClassCleanup(cls.postgres.close)
        cls.inbox = host.Inbox()
        cls.addClassCleanup(cls.inbox.close)
        cls.postgres.psql("-q", "-f", HERE / "convoy_schema.sql")
        fill(cls.postgres, cls.inbox.url)
        cls.document = cls.postgres.psql("-f", EXPORT)

    def run_import(self, database, *flags, document=None, code=0):
        file = self.folder / f"{self.id()}.json"
        file.write_text(document or self.document)
        done = subprocess.run([host.binary(), "import", "--database", database, "--file", file, *flags],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines, done.stderr

    def database(self):
        return str(self.folder / f"{self.id()}.db")

    def totals(self, lines, what):
        total = {}
        for line in lines:
            for name, count in line.get("result", {}).get(what, {}).items():
                total[name] = total.get(name, 0) + count
        return total

    WHOLE = {"projects": 2, "sources": 2, "endpoints": 2, "subscriptions": 2, "api_keys": 1}

    def test_old_links_keys_and_secrets_work(self):
        database = self.database()
        lines, _ = self.run_import(database)
        instance_key = lines[0]["api_key"]
        self.assertEqual(self.totals(lines, "created"), self.WHOLE)
        skipped = [note["object"] for line in lines[1:] for note in line["result"]["skipped"]]
        self.assertEqual(len(skipped), 2, skipped)  # the personal key, the subscription of a device
        convoyd = host.Convoyd(database)
        try:
            self.check_webhook(convoyd)
            self.check_client(convoyd)
            self.check_github(convoyd)
        finally:
            self.assertEqual(convoyd.stop(), 0)
        # While nothing runs: once more, and nothing changes.
        key_file = self.folder / "key"
        key_file.write_text(instance_key + "\n")
        again, _ = self.run_import(database, "--key-file", key_file)
        self.assertEqual(self.totals(again, "existing"), self.WHOLE)
        self.assertEqual(set(self.totals(again, "created").values()), {0})

    def check_webhook(self, convoyd):
        """A provider posts to the link it has known for years."""
        client = host.Client(convoyd.address)
        body = b'{"order": 7}'
        signed = {"X-Signature": host.hmac.new(b"shared", body, hashlib.sha256).hexdigest(), "X-Id": "7",
                  "Content-Type": "application/json"}
        answer = client.send("POST", "/ingest/J2t9EuXamBrjcQ6y", body, signed)
        self.assertEqual((answer.status, answer.message), (200, "Event received"))
        again = client.send("POST", "/ingest/J2t9EuXamBrjcQ6y", body, signed)
        self.assertIn("Duplicate", again.message)
        forged = client.send("POST", "/ingest/J2t9EuXamBrjcQ6y", body, {**signed, "X-Signature": "0" * 64})
        self.assertEqual(forged.status, 400)
        delivery = self.inbox.wait_for("/orders", 1)[0]
        self.assertEqual(delivery.body, body)
        signature = delivery.headers["X-Convoy-Signature"]
        self.assertTrue(host.is_signed(signature, "incoming secret", body))
        self.assertFalse(signature.startswith("t="), "the form is not the one that Convoy sent")

    def check_github(self, convoyd):
        answer = host.Client(convoyd.address).send(
            "POST", "/ingest/Gh2t9EuXamBrjcQ6", b"{}",
            {"X-Hub-Signature-256": host.github_signature("hub", b"{}")})
        self.assertEqual(answer.status, 200)

    def check_client(self, convoyd):
        """A client with the old key, and with ids that it has stored."""
        client = host.Client(convoyd.address, OLD_KEY)
        path = f"/api/v1/projects/{BILLING}"
        self.assertEqual(client.ok("GET", path)["name"], "billing")
        self.assertEqual(client.send("GET", f"/api/v1/projects/{SHOP}").status, 403)
        self.assertEqual(client.send("GET", path, headers={
            "Authorization": f"Bearer {OLD_KEY[:-1]}8"}).status, 401)
        for total in (20, 5):  # the filter came along: only one is large enough
            client.ok("POST", path + "/events/broadcast",
                      {"event_type": "invoice.paid", "data": {"total": total}})
        delivery = self.inbox.wait_for("/acme", 1)[0]
        self.assertEqual(delivery.body, b'{"total": 20}')
        self.assertTrue(host.is_signed(delivery.headers["X-Convoy-Signature"], "outgoing secret",
                                       delivery.body))
        # So did those of single types: one that asks for more, and one that is disabled.
        for event_type, data in (("invoice.sent", {"to": "you"}), ("invoice.lost", {"total": 20}),
                                 ("invoice.sent", {"to": "me"})):
            client.ok("POST", path + "/events/broadcast", {"event_type": event_type, "data": data})
        self.assertEqual([each.body for each in self.inbox.wait_for("/acme", 2)][1:], [b'{"to": "me"}'])
        filters = client.ok("GET", f"{path}/subscriptions/01HYWQJJ5ZH4H158E4RYHGNSU2/filters")
        self.assertEqual([(each["uid"], each["enabled_at"] is None) for each in filters],
                         [("f2", False), ("f3", False), ("f4", True)])
        endpoint = client.ok("GET", f"{path}/endpoints/{ACME}")
        self.assertEqual([each["value"] for each in endpoint["secrets"]], ["outgoing secret"])
        subscription = client.ok("GET", f"{path}/subscriptions/01HYWQJJ5ZH4H158E4RYHGNSU2")
        self.assertEqual(subscription["delivery_mode"], "at_most_once")
        self.assertEqual(subscription["retry_config"], {"type": "linear", "retry_count": 3, "duration": 5})
        deliveries = client.pages(path + "/eventdeliveries")
        self.assertEqual([each["endpoint_id"] for each in deliveries], [ACME, ACME])

    def test_a_dry_run_counts_and_leaves_nothing_behind(self):
        database = self.database()
        lines, _ = self.run_import(database, "--dry-run")
        self.assertEqual(self.totals(lines, "created"), self.WHOLE)
        self.assertFalse(pathlib.Path(database).exists())
        # Of an instance that is there: with its key it is looked at, without it is not touched.
        key_file = self.folder / "key3"
        key_file.write_text(host.bootstrap(database))
        self.run_import(database, "--key-file", key_file)
        for flags, existing in (((), 0), (("--key-file", key_file), 2)):
            lines, _ = self.run_import(database, "--dry-run", *flags)
            self.assertEqual(self.totals(lines, "existing")["projects"], existing)

    def test_a_project_is_imported_whole_or_not_at_all(self):
        document = json.loads(self.document)
        for endpoint in document["endpoints"]:
            if endpoint["uid"] == ACME:
                endpoint["slack_webhook_url"] = "slack:services/x"
        database = self.database()
        lines, _ = self.run_import(database, document=json.dumps(document), code=1)
        imported = {line["project"]: line["imported"] for line in lines[1:] if line["project"]}
        self.assertEqual(imported, {SHOP: True, BILLING: False})
        refused = [note for line in lines[1:] for note in line["result"]["refused"]]
        self.assertEqual(len(refused), 1)
        self.assertIn(ACME, refused[0]["object"])
        self.assertIn("slack_webhook_url:must be an http or https URL", refused[0]["reason"])
        # Mended, it goes on from there.
        key_file = self.folder / "key2"
        key_file.write_text(lines[0]["api_key"])
        rest, _ = self.run_import(database, "--key-file", key_file)
        self.assertEqual(self.totals(rest, "created")["endpoints"], 1)
        self.assertEqual(self.totals(rest, "existing")["endpoints"], 1)

    def test_encrypted_secrets_are_refused_by_name(self):
        document = json.loads(self.document)
        document["endpoints"][0].update(is_encrypted=True, secrets=[])
        lines, _ = self.run_import(self.database(), document=json.dumps(document), code=1)
        self.assertIn("secrets:are encrypted", json.dumps(lines))

    def test_an_instance_asks_for_its_key(self):
        database = self.database()
        host.bootstrap(database)
        _, error = self.run_import(database, code=2)
        self.assertIn("--key-file", error)
        wrong = self.folder / "wrong"
        wrong.write_text("CO." + "a" * 16 + "." + "b" * 64)
        _, error = self.run_import(database, "--key-file", wrong, code=1)
        self.assertIn("authorization failed", error)

    def test_versions_without_a_table_of_filters(self):
        self.postgres.psql("-q", sql="ALTER TABLE convoy.filters RENAME TO filters_of_later;")
        try:
            without = json.loads(self.postgres.psql("-f", EXPORT))
        finally:
            self.postgres.psql("-q", sql="ALTER TABLE convoy.filters_of_later RENAME TO filters;")
        for subscription in without["subscriptions"]:
            self.assertEqual(subscription["filters"], [])
        self.assertEqual(len(without["subscriptions"]), 3)


if __name__ == "__main__":
    unittest.main()
