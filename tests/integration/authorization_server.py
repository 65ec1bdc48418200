"""An authorisation server of OAuth 2.0 for the tests: the client credentials grant, with a shared secret
or an assertion, which it verifies with the package `cryptography`. Shares no code with the library."""
import base64
import http.server
import json
import secrets
import threading
import time
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def unpack(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(unpack(text), "big")


def verify(jwk, algorithm, message, signature):
    """Raises InvalidSignature or ValueError."""
    if algorithm == "RS256" and jwk["kty"] == "RSA":
        key = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key()
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    elif algorithm == "ES256" and jwk["kty"] == "EC" and len(signature) == 64:
        key = ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]),
                                            ec.SECP256R1()).public_key()
        der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                         int.from_bytes(signature[32:], "big"))
        key.verify(der, message, ec.ECDSA(hashes.SHA256()))
    else:
        raise ValueError("the algorithm does not go with the key")


class Refusal(Exception):
    """An error of RFC 6749, section 5.2."""


class AuthorizationServer:
    """Gives tokens at /token. `clients` maps a client's id to its secret, or to a dict with "jwk",
    "issuer" and "subject". What it does with the next requests can be changed: `delay_s`, `lifetime_s`,
    `answer` (status, type and body in the place of a token)."""

    def __init__(self, clients):
        self.clients = clients
        self.delay_s = 0
        self.lifetime_s = 600
        self.answer = None
        self.requests = []  # the forms
        self.refusals = []
        self._ends = {}     # token -> when it is no longer good
        self._ids = set()   # of assertions
        self._lock = threading.Lock()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, kind, answer = server._handle(self.headers, body)
                try:
                    self.wfile.write(b"HTTP/1.1 %d Answer\r\nContent-Type: %s\r\nContent-Length: %d"
                                     b"\r\n\r\n%s" % (status, kind, len(answer), answer))
                except OSError:
                    pass  # the client did not wait, or did not want that much

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/token" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def is_good(self, authorization):
        """Whether a request with this header may pass."""
        with self._lock:
            end = self._ends.get((authorization or "").removeprefix("Bearer "))
            return end is not None and time.monotonic() < end

    def revoke_all(self):
        with self._lock:
            self._ends.clear()

    def tokens(self):
        with self._lock:
            return list(self._ends)

    def _handle(self, headers, body):
        form = {name: values[0] for name, values in urllib.parse.parse_qs(
            body, strict_parsing=True).items()}
        with self._lock:
            self.requests.append(form)
        time.sleep(self.delay_s)
        if self.answer is not None:
            return self.answer
        try:
            self._authenticate(headers, form)
        except Refusal as refusal:
            with self._lock:
                self.refusals.append(str(refusal))
            return 401, b"application/json", json.dumps(
                {"error": "invalid_client", "error_description": str(refusal)}).encode()
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._ends[token] = time.monotonic() + self.lifetime_s
        return 200, b"application/json", json.dumps(
            {"access_token": token, "token_type": "bearer", "expires_in": self.lifetime_s}).encode()

    def _authenticate(self, headers, form):
        client = self.clients.get(form.get("client_id"))
        if form.get("grant_type") != "client_credentials":
            raise Refusal("no grant of client credentials")
        if headers["Content-Type"] != "application/x-www-form-urlencoded" or client is None:
            raise Refusal("no such client")
        if isinstance(client, str):
            if form.get("client_secret") != client:
                raise Refusal("a wrong secret")
            return
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_secret" in form:
            raise Refusal("no assertion")
        self._check_assertion(client, form["client_assertion"])

    def _check_assertion(self, client, assertion):
        header, claims, signature = assertion.split(".")
        head, said = json.loads(unpack(header)), json.loads(unpack(claims))
        try:
            verify(client["jwk"], head["alg"], f"{header}.{claims}".encode(), unpack(signature))
        except (InvalidSignature, ValueError) as error:
            raise Refusal(f"a wrong signature: {error}") from None
        now = time.time()
        wanted = (client["jwk"]["kid"], client["issuer"], client["subject"], self.url)
        if (head.get("kid"), said["iss"], said["sub"], said["aud"]) != wanted:
            raise Refusal("claims of another")
        if not said["iat"] - 60 <= now < said["exp"] <= now + 600:
            raise Refusal("a wrong time")
        with self._lock:
            if said["jti"] in self._ids:
                raise Refusal("an assertion of before")
            self._ids.add(said["jti"])
