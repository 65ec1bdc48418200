#!/bin/sh
# Makes the files of this folder with the openssl command line tool (3.0), an implementation that is
# not ours. Run it in an empty folder; keys and so all files differ from run to run. The keys protect
# nothing.
set -eu

printf 'the payload as it came in' > message.txt

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa_private.pem
openssl rsa -in rsa_private.pem -traditional -out rsa_private_pkcs1.pem
openssl rsa -in rsa_private.pem -pubout -out rsa_public.pem
openssl rsa -in rsa_private.pem -RSAPublicKey_out -out rsa_public_pkcs1.pem
openssl rsa -in rsa_private.pem -aes-256-cbc -passout pass:open -out rsa_private_encrypted.pem
openssl req -new -x509 -key rsa_private.pem -subj /CN=signer.example -days 3650 \
  -out rsa_certificate.pem
openssl genrsa 1024 | openssl rsa -pubout -out rsa1024_public.pem
openssl genrsa 1024 | openssl rsa -traditional -out rsa1024_private.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 |
  openssl pkey -pubout -out rsa_pss_only_public.pem

openssl ecparam -name prime256v1 -genkey -out p256_private_sec1.pem  # with EC PARAMETERS in front
openssl pkcs8 -topk8 -nocrypt -in p256_private_sec1.pem -out p256_private.pem
openssl ec -in p256_private.pem -pubout -out p256_public.pem
openssl ec -in p256_private.pem -pubout -conv_form compressed -out p256_public_compressed.pem
openssl ec -in p256_private.pem -pubout -param_enc explicit -out p256_public_explicit.pem
openssl req -new -x509 -key p256_private.pem -subj /CN=signer.example -days 3650 \
  -out p256_certificate.pem
openssl ecparam -name secp384r1 -genkey -noout -out p384_private.pem
openssl ec -in p384_private.pem -pubout -out p384_public.pem

openssl genpkey -algorithm ED25519 -out ed25519_private.pem
openssl pkey -in ed25519_private.pem -pubout -out ed25519_public.pem

# One signature of message.txt in each file, raw bytes.
for hash in sha1 sha256 sha512; do
  openssl dgst -$hash -sign rsa_private.pem -out rsa_pkcs1_$hash.sig message.txt
  openssl dgst -$hash -sign rsa_private.pem -sigopt rsa_padding_mode:pss \
    -sigopt rsa_pss_saltlen:digest -out rsa_pss_$hash.sig message.txt
done
openssl dgst -md5 -sign rsa_private.pem -out rsa_pkcs1_md5.sig message.txt
openssl dgst -sha256 -sign rsa_private.pem -sigopt rsa_padding_mode:pss \
  -sigopt rsa_pss_saltlen:20 -out rsa_pss_sha256_salt20.sig message.txt
for hash in sha1 sha256 sha512; do
  openssl dgst -$hash -sign p256_private.pem -out p256_$hash.sig message.txt
done
openssl pkeyutl -sign -inkey ed25519_private.pem -rawin -in message.txt -out ed25519.sig

# Private keys as JWKs. Needs Debian's python3-cryptography.
/usr/bin/python3 - <<'END'
import base64
import json

from cryptography.hazmat.primitives import serialization


def number(value, size=None):
    size = size or (value.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


def write(name, numbers_to_members):
    with open(f"{name}_private.pem", "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    with open(f"{name}_private.jwk", "w") as file:
        file.write(json.dumps(numbers_to_members(key.private_numbers()), indent=1) + "\n")


write("rsa", lambda v: dict(
    kty="RSA", kid="one", n=number(v.public_numbers.n), e=number(v.public_numbers.e),
    d=number(v.d), p=number(v.p), q=number(v.q), dp=number(v.dmp1), dq=number(v.dmq1),
    qi=number(v.iqmp)))
write("p256", lambda v: dict(
    kty="EC", kid="two", crv="P-256", x=number(v.public_numbers.x, 32),
    y=number(v.public_numbers.y, 32), d=number(v.private_value, 32)))
END
