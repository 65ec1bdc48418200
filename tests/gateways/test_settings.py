"""`nginx -t`: each mistake is told at its place, and nothing is made while the configuration is read."""
import os
import pathlib
import subprocess
import unittest

import nginx
from nginx import host

# Directive -> what `nginx -t` must say.
WRONG = {
    "convoy_verify no_such_preset {folder}/secret;": "no_such_preset",
    "convoy_verify github {folder}/missing;":
        '"{folder}/missing" cannot be opened (2: No such file or directory)',
    "convoy_verify github {folder}/empty;": '"{folder}/empty" is empty',
    "convoy_verify github {folder}/newline;": '"{folder}/newline" is empty',
    "convoy_verify github {folder};": '"{folder}" cannot be read (21: Is a directory)',
    "convoy_verify github {folder}/large;": '"{folder}/large" is too large for a secret',
    "convoy_verify github;": "secret",
    "convoy_verify google_pubsub audience=a service_account=b;": "key document (JWKS or PEM)",
    "convoy_verify discord {folder}/secret;": "convoy_verify: ",
    "convoy_verify solidgate {folder}/secret;": "public_key",
    "convoy_verify github {folder}/secret no_such=1;": "no_such",
    "convoy_verify paypal {folder}/secret;": "the key is not valid DER",
    "convoy_verify github {folder}/secret; convoy_verify off;": "is duplicate",
    "convoy_verify;": "invalid number of arguments",
    "convoy_public_url hooks.example.com;": "is not a scheme and a host",
    "convoy_public_url https://hooks.example.com/path;": "is not a scheme and a host",
    "convoy_mount {folder}/no_folder/events.db;": 'folder "{folder}/no_folder/" cannot be opened',
    "convoy_mount {folder};": '"{folder}" is a folder',
    'convoy_mount "";': "is not a file",
    "convoy_mount {folder}/events.db no.such=1;": "no.such",
    "convoy_mount {folder}/events.db deliver.in_flight_per_endpoint_max=0;": "deliver.in_flight_per_endpoint_max",
    "convoy_mount {folder}/events.db gateway.public_url=ftp://x;": "gateway.public_url",
    "convoy_mount {folder}/events.db word;": '"word" is not NAME=VALUE',
    "convoy_mount {folder}/events.db storage.path=x;": "is not to be set in nginx",
    "convoy_mount {folder}/events.db gateway.outcomes_max=5;": "is not to be set in nginx",
    "convoy_mount {folder}/events.db local.names=a;": "is not to be set in nginx",
    "convoy_mount {folder}/a.db; convoy_mount {folder}/b.db;": "is duplicate",
}
RIGHT = (
    "convoy_verify github {folder}/secret;",
    "convoy_verify github secret;",  # beside nginx.conf
    "convoy_verify github {folder}/secret {folder}/other;",
    "convoy_verify off;",
    "convoy_mount {folder}/events.db;",
    "convoy_mount events.db gateway.public_url=https://hooks.example.com deliver.in_flight_max=8;",
    "convoy_public_url https://hooks.example.com:8443; convoy_verify twilio {folder}/secret;",
)


class SettingsTest(unittest.TestCase):
    def setUp(self):
        folder = host.Folder()
        self.folder = pathlib.Path(folder.__enter__())
        self.addCleanup(folder.__exit__, None, None, None)
        for name, text in (("secret", "s3cret\n"), ("other", "s3cret2"), ("empty", ""),
                           ("newline", "\n"), ("large", "x" * 70_000)):
            (self.folder / name).write_text(text)

    def check(self, server):
        return nginx.Nginx(str(self.folder), server).check()

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_mistakes(self):
        for directive, expected in WRONG.items():
            with self.subTest(directive=directive):
                code, text = self.check("location / { %s }" % directive)
                self.assertEqual(code, 1, text)
                self.assertIn(expected.replace("{folder}", str(self.folder)), text)
                self.assertIn(f"{self.folder}/nginx.conf:", text)
                self.assertNotIn("s3cret", text)

    def test_what_is_right(self):
        before = None
        for directive in RIGHT:
            with self.subTest(directive=directive):
                code, text = self.check("location / { %s }" % directive)
                self.assertEqual((code, "emerg" in text), (0, False), text)
                before = before or self.files()
                self.assertEqual(self.files(), before)  # nothing was made

    def test_several_locations_share_a_database(self):
        once = "location /%s { convoy_mount {folder}/e.db %s; }"
        code, text = self.check(once % ("a", "") + once % ("b", "gateway.hops_max=3"))
        self.assertEqual(code, 0, text)
        code, text = self.check(once % ("a", "gateway.hops_max=3") +
                                once % ("b", "gateway.hops_max=3"))
        self.assertEqual(code, 1)
        self.assertIn("has settings already", text)

    @unittest.skipIf(os.geteuid() == 0 and not pathlib.Path("/usr/bin/setpriv").exists(), "no setpriv")
    def test_a_secret_that_may_not_be_read(self):
        """By a user who is not root, if this is root."""
        secret = self.folder / "secret"
        secret.chmod(0)
        os.chmod(self.folder, 0o777)
        server = nginx.Nginx(str(self.folder), "location / { convoy_verify github {folder}/secret; }")
        words = server.command("-t")
        if os.geteuid() == 0:
            words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f'"{secret}" cannot be opened (13: Permission denied)', done.stderr)


if __name__ == "__main__":
    unittest.main()
