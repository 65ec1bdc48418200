"""Pub/Sub that demands credentials: the emulator or pstest behind a proxy that does what Google's own
front does with a service account's token, and Google's auth library is what judges it.
"""
import base64
import datetime
import json
import time

from . import base, front, pubsub

EMAIL = "reader@test-project.iam.gserviceaccount.com"
AUDIENCE = "https://pubsub.googleapis.com/"


class Key:
    """A service account's key: its file, and the certificate that Google keeps."""

    def __init__(self, key_id, email=EMAIL):
        base.python_package("cryptography", pubsub.CLIENT)
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.x509.oid import NameOID
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        certificate = x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now - day, now + day).sign(
                key, hashes.SHA256())
        self.id = key_id
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        self.file = json.dumps({
            "type": "service_account", "project_id": pubsub.PROJECT, "private_key_id": key_id,
            "private_key": private.decode(), "client_email": email,
            "token_uri": "https://oauth2.googleapis.com/token"})

    @property
    def encoded_file(self):
        return base64.b64encode(self.file.encode()).decode()


class Queue(pubsub.Queue):
    @property
    def address(self):
        return ("127.0.0.1", self._server.front_port)

    def pub_sub_at(self, host, port):
        pub_sub = super().pub_sub_at(host, port)
        pub_sub["google"]["service_account"] = self._server.key.encoded_file
        return pub_sub


class Server(pubsub.Server):
    queue_type = Queue

    def __init__(self):
        super().__init__()
        self.key = Key("key-1")
        self._certificates = {self.key.id: self.key.certificate}
        self._tokens_since = 0
        self._front = None
        self.front_port, = base.free_ports(1)

    def start(self):
        super().start()
        self._front = front.Front(self.front_port, self.port, self._refusal,
                                  lambda _: {"Content-Type": "application/json"})

    def stop(self):
        if self._front is not None:
            self._front.close()
            self._front = None
        super().stop()

    def close(self):
        self.stop()
        super().close()

    def _refusal(self, headers, _body):
        why_not = self._why_not(headers.get("Authorization", ""))
        return why_not and (401, "application/json", json.dumps({"error": {
            "code": 401, "message": why_not, "status": "UNAUTHENTICATED"}}).encode())

    def _why_not(self, authorization):
        """The fault of the header, or None."""
        jwt = base.python_package("google.auth.jwt", pubsub.CLIENT)
        try:
            kind, _, token = authorization.partition(" ")
            if kind != "Bearer":
                return "Request is missing required authentication credential."
            claims = jwt.decode(token, certs=self._certificates, audience=AUDIENCE)
            if claims["iss"] != claims["sub"] or claims["iss"] != EMAIL:
                return "Unknown service account."
            if claims["exp"] - claims["iat"] > 3600 or claims["iat"] < self._tokens_since:
                return "The token has expired."
            return None
        except Exception as error:  # pylint: disable=broad-except
            return f"Request had invalid authentication credentials: {error}"

    def expire_tokens(self):
        """Every token made until now has expired."""
        time.sleep(1)  # they carry whole seconds
        self._tokens_since = int(time.time())

    def change_key(self):
        """Another key of the account is good from now on, and only that."""
        self.key = Key(f"{self.key.id}-next")
        self.restore_key()

    def revoke_key(self):
        self._certificates = {"none": self.key.certificate}

    def restore_key(self):
        self._certificates = {self.key.id: self.key.certificate}

    @staticmethod
    def new_unknown_key():
        """A key file that the server does not know, base64."""
        return Key("key-1").encoded_file
