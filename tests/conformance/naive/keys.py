"""Secrets and key pairs: what the signer signs with, and what the verifier is told."""
import base64
import datetime
import hashlib
import hmac
import json

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HASHES = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512}


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Shared:
    """A shared secret: `text` is what the user pastes, `key` what the provider computes with."""

    def __init__(self, scheme, random):
        rules = scheme.get("key", {})
        raw = bytes(random.randrange(256) for _ in range(random.randint(16, 64)))
        form = rules.get("format", "text")
        prefixes = rules.get("strip_prefix", [])
        prefixes = [prefixes] if isinstance(prefixes, str) else prefixes
        alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/ü"
        text = "".join(random.choice(alphabet[:-1] if rules.get("ascii_only") else alphabet)
                       for _ in range(random.randint(8, 80)))
        prefix = random.choice(prefixes + [""])
        is_text = form == "text" or (not prefix and rules.get("without_prefix") == "text")
        if is_text:
            prefix, self.key = "" if form != "text" else prefix, text.encode()
        else:
            self.key = raw
            text = raw.hex() if form == "hex" else base64.b64encode(raw).decode()
            if form == "hex" and random.random() < 0.5:
                text = text.upper()
            if form == "base64" and random.random() < 0.5:
                text = text.rstrip("=")
        self.text = prefix + text
        if rules.get("derive") == "sha1":
            self.key = hashlib.sha1(self.key).digest()

    def sign(self, message, algorithm):
        return hmac.new(self.key, message, algorithm).digest()

    def verify(self, message, signature, algorithm):
        return hmac.compare_digest(self.sign(message, algorithm), signature)


class Password:
    """Secret that is sent as it is."""

    def __init__(self, kind, random):
        self.text = "".join(random.choice("abcdefghijkLMNOP0123456789-_.~") for _ in range(24))
        if kind == "basic":
            self.text = f"user{random.randrange(100)}:{self.text}:é"


_rsa_pool = []


class Pair:
    """A key pair; `raw` signatures are those of JSON Web Tokens."""

    def __init__(self, kind, random, other=None):
        self.kind = kind
        if kind == "rsa":  # the few that are drawn serve all
            while len(_rsa_pool) < 3:
                _rsa_pool.append(rsa.generate_private_key(65537, 2048))
            self.private = random.choice([one for one in _rsa_pool
                                          if other is None or one is not other.private])
        elif kind == "ec":
            self.private = ec.derive_private_key(random.getrandbits(250) + 1, ec.SECP256R1())
        else:
            seed = bytes(random.randrange(256) for _ in range(32))
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key()

    def sign(self, message, algorithm, is_raw=False):
        if self.kind == "ed":
            return self.private.sign(message)
        hash_of = HASHES[algorithm]()
        if self.kind == "rsa":
            return self.private.sign(message, padding.PKCS1v15(), hash_of)
        der = self.private.sign(message, ec.ECDSA(hash_of))
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") if is_raw else der

    def verify(self, message, signature, algorithm, is_raw=False):
        try:
            if self.kind == "ed":
                self.public.verify(signature, message)
            elif self.kind == "rsa":
                self.public.verify(signature, message, padding.PKCS1v15(), HASHES[algorithm]())
            else:
                if is_raw:
                    if len(signature) != 64:
                        return False
                    signature = utils.encode_dss_signature(
                        int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
                self.public.verify(signature, message, ec.ECDSA(HASHES[algorithm]()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def pem(self):
        return self.public.public_bytes(serialization.Encoding.PEM,
                                        serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def spki(self):
        return self.public.public_bytes(serialization.Encoding.DER,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)

    def jwk(self, key_id):
        if self.kind == "ed":
            raw = self.public.public_bytes_raw()
            return {"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": b64url(raw)}
        numbers = self.public.public_numbers()
        if self.kind == "ec":
            return {"kty": "EC", "crv": "P-256", "kid": key_id,
                    "x": b64url(numbers.x.to_bytes(32, "big")),
                    "y": b64url(numbers.y.to_bytes(32, "big"))}
        return {"kty": "RSA", "kid": key_id, "n": b64url(numbers.n.to_bytes(256, "big")),
                "e": b64url(numbers.e.to_bytes(3, "big"))}

    def certificate(self):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider.example")])
        start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
        made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
                .public_key(self.public).not_valid_before(start)
                .not_valid_after(start + datetime.timedelta(days=3650)))
        return made.sign(self.private, None if self.kind == "ed" else hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM).decode()

    def text(self, rules, random):
        """As the provider shows it to its user."""
        form = rules.get("format", "text")
        if form == "pem":
            location = rules.get("location", {}).get("kind")
            if location == "jwks" and random.random() < 0.5:
                return json.dumps({"keys": [self.jwk("k1")]})
            if location == "certificate" and random.random() < 0.5:
                return self.certificate()
            return self.pem()
        raw = self.public.public_bytes_raw() if self.kind == "ed" else self.spki()
        prefixes = rules.get("strip_prefix", [])
        prefix = random.choice(prefixes) if prefixes else ""
        return prefix + (raw.hex() if form == "hex" else base64.b64encode(raw).decode())

    def document(self, location, key_id):
        """The document that the provider publishes."""
        if location["kind"] == "jwks":
            return json.dumps({"keys": [{"kty": "oct", "k": "x"}, self.jwk(key_id)]})
        if location["kind"] == "certificate":
            return self.certificate()
        tree = self.pem()
        for step in reversed(location["path"].split(".")):
            tree = {step: tree}
        return json.dumps(tree)


def make_key(scheme, random, other=None):
    """A key that the scheme takes, and that is not `other`."""
    kind = scheme["type"]
    if kind in ("token", "basic", "none"):
        return Password(kind, random)
    if kind == "jwt":
        family = scheme["jwt"]["algs"][0][:2]
        kind = {"HS": "hmac", "RS": "rsa-pkcs1", "ES": "ecdsa-p256", "Ed": "ed25519"}[family]
    if kind in ("hmac", "digest"):
        return Shared(scheme, random)
    return Pair({"ed25519": "ed", "ecdsa-p256": "ec", "rsa-pkcs1": "rsa"}[kind], random, other)
