"""Standard Webhooks signatures of a real convoyd, verified by the published libraries (v1) and by the
openssl command line (v1a)."""
import base64
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

import host
from case import HostCase

# The folder of a build for packages from PyPI.
PACKAGES = pathlib.Path(host.binary()).parent.parent / "python-packages"
LIBRARIES = {"standardwebhooks": "standardwebhooks==1.0.0", "svix": "svix==1.45.1"}
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NEW_SECRET = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
# The DER form of an Ed25519 public key up to its 32 bytes (RFC 8410).
ED25519_DER = bytes.fromhex("302a300506032b6570032100")


def verifier_of(library):
    """The class Webhook of a library from PyPI, which is installed once."""
    folder = PACKAGES / LIBRARIES[library]
    path = folder / library / "webhooks.py"
    if not path.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                        "--disable-pip-version-check", "--root-user-action", "ignore", "--target",
                        folder, LIBRARIES[library]], check=True)
    spec = importlib.util.spec_from_file_location(f"{library}_webhooks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Webhook, module.WebhookVerificationError


def openssl_verifies(public_key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        der = ED25519_DER + base64.b64decode(public_key.removeprefix("whpk_"))
        (folder / "key").write_bytes(b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der)
                                     + b"\n-----END PUBLIC KEY-----\n")
        (folder / "message").write_bytes(message)
        (folder / "signature").write_bytes(base64.b64decode(signature))
        return subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey",
                               folder / "key", "-in", folder / "message", "-sigfile",
                               folder / "signature"], capture_output=True).returncode == 0


class StandardWebhooksTest(HostCase):
    def send(self, project, endpoint, path):
        """Sends an event to the endpoint; returns the request that arrives at `path`."""
        count = len(self.inbox.received(path))
        project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                       "data": {"n": count, "text": "\u00fc"}})
        return self.inbox.wait_for(path, count + 1)[-1]

    def check_v1(self, request, secret):
        for library in LIBRARIES:
            webhook, error = verifier_of(library)
            webhook(secret).verify(request.body, dict(request.headers))
            with self.assertRaises(error):
                webhook(secret).verify(request.body + b" ", dict(request.headers))

    def check_v1a(self, request, public_key):
        message = b"%s.%s.%s" % (request.headers["webhook-id"].encode(),
                                 request.headers["webhook-timestamp"].encode(), request.body)
        signatures = [entry.removeprefix("v1a,")
                      for entry in request.headers["webhook-signature"].split(" ")]
        self.assertTrue(any(openssl_verifies(public_key, message, entry) for entry in signatures))
        self.assertFalse(any(openssl_verifies(public_key, message + b" ", entry)
                             for entry in signatures))

    def test_v1_chosen_by_the_project(self):
        project = self.project("outgoing", signature={"standard_webhooks": "v1"})
        endpoint = project.endpoint("e", self.inbox.url + "/v1", secret=SECRET)
        request = self.send(project, endpoint, "/v1")
        self.check_v1(request, SECRET)
        # Convoy's own signature is there as before.
        self.assertTrue(host.is_signed(request.headers["X-Convoy-Signature"], SECRET, request.body))

    def test_a_secret_that_is_made_verifies(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/made", standard_webhooks="v1")
        secret = endpoint["secrets"][0]["value"]
        self.assertTrue(secret.startswith("whsec_"))
        self.check_v1(self.send(project, endpoint, "/made"), secret)
        shown = project.ok("GET", f"/endpoints/{endpoint['uid']}")
        self.assertEqual(shown["standard_webhooks"], "v1")

    def test_both_secrets_sign_while_one_expires(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/two", secret=SECRET,
                                    standard_webhooks="v1")
        project.ok("PUT", f"/endpoints/{endpoint['uid']}/expire_secret",
                   {"secret": NEW_SECRET, "expiration": 3600})
        request = self.send(project, endpoint, "/two")
        self.check_v1(request, SECRET)
        self.check_v1(request, NEW_SECRET)

    def test_v1a_with_a_key_of_the_endpoint(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/v1a", standard_webhooks="v1a")
        keys = [secret["public_key"] for secret in endpoint["secrets"]]
        self.assertEqual(len(keys), 1)
        self.check_v1a(self.send(project, endpoint, "/v1a"), keys[0])
        rotated = project.ok("PUT", f"/endpoints/{endpoint['uid']}/expire_secret",
                             {"expiration": 3600})
        new_key = rotated["secrets"][-1]["public_key"]
        self.assertNotEqual(new_key, keys[0])
        request = self.send(project, endpoint, "/v1a")
        self.check_v1a(request, keys[0])
        self.check_v1a(request, new_key)

    def test_v1a_with_the_key_of_the_project(self):
        project = self.project("outgoing")
        endpoint = project.endpoint("e", self.inbox.url + "/project", secret=SECRET)
        self.assertNotIn("webhook-id", self.send(project, endpoint, "/project").headers)
        changed = project.ok("PUT", "", {"config": {"signature": {"standard_webhooks": "v1a"}}})
        signature = changed["config"]["signature"]
        self.assertNotIn("whsk_", str(changed))  # the private key is never shown
        request = self.send(project, endpoint, "/project")
        self.check_v1a(request, signature["signing_public_key"])
        self.assertTrue(host.is_signed(request.headers["X-Convoy-Signature"], SECRET, request.body))

    def test_keys_that_cannot_sign_are_refused(self):
        project = self.project("outgoing")
        for secret in ("whsec_?", "whsk_AAAA"):
            answer = project.send("POST", "/endpoints", {
                "name": "e", "url": self.inbox.url, "standard_webhooks": "v1", "secret": secret})
            self.assertEqual(answer.status, 400)
            self.assertTrue(answer.message.startswith("secret:"), answer.message)
        answer = project.send("POST", "/endpoints", {
            "name": "e", "url": self.inbox.url, "standard_webhooks": "v2"})
        self.assertEqual((answer.status, answer.message),
                         (400, "standard_webhooks:must be none, v1 or v1a"))


if __name__ == "__main__":
    unittest.main()
