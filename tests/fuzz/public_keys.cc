// Public keys as they come from providers and as users paste them (PEM, X.509, SPKI, PKCS#1, JWK),
// private keys as they are configured, and signatures in DER.
//
// Input: one byte that chooses the form, then the key or signature. Promises that are checked: no
// key that is accepted verifies a signature that needs no secret, and no signature verifies under
// the test keys, whose owners have signed none of it.
#include <array>
#include <string>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/crypto/ecdsa.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/public_key.h"
#include "lib/crypto/rsa.h"
#include "lib/verify/public_key_set.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/sender.h"

namespace convoy::fuzz {
namespace {

using crypto::HashAlgorithm;
using crypto::PublicKey;
using verify::KeyFormat;
using verify::KeyLocation;

constexpr std::string_view kMessage = "a message without a signature";

void CheckIsNotSigned(const PublicKey& key, std::string_view signature) {
  bool is_signed = false;
  if (const auto* ed25519 = key.ed25519()) is_signed = ed25519->Verify(kMessage, signature);
  if (const auto* ecdsa = key.ecdsa()) {
    for (const auto hash : {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
      is_signed |= ecdsa->VerifyDer(kMessage, signature, hash);
      is_signed |= ecdsa->VerifyRaw(kMessage, signature, hash);
    }
  }
  if (const auto* rsa = key.rsa()) {
    for (const auto padding : {crypto::RsaPadding::kPkcs1, crypto::RsaPadding::kPss}) {
      is_signed |= rsa->Verify(padding, HashAlgorithm::kSha256, kMessage, signature);
    }
  }
  Require(!is_signed, "nothing verifies without the private key");
}

// Signatures that need no private key if a public key is weak: of a small order, with exponent one.
void CheckKey(const PublicKey& key) {
  static const std::string kIdentity = "\x01" + std::string(63, '\0');
  constexpr std::string_view kTinyDer("\x30\x06\x02\x01\x01\x02\x01\x01", 8);
  for (const std::string& signature :
       {std::string(64, '\0'), kIdentity, std::string(kTinyDer), std::string(256, '\0'),
        std::string(255, '\0') + '\1', std::string()}) {
    CheckIsNotSigned(key, signature);
  }
}

void CheckSet(const absl::StatusOr<verify::PublicKeySet>& keys) {
  if (!keys.ok()) {
    Require(!keys.status().message().empty(), "an error says what is wrong");
    return;
  }
  Require(!keys->empty(), "a key set that was read holds a key");
  for (const verify::NamedKey& named : *keys) CheckKey(named.key);
}

void CheckOne(const absl::StatusOr<PublicKey>& key) {
  if (key.ok()) CheckKey(*key);
}

std::string Pem(std::string_view label, std::string_view der) {
  return absl::StrCat("-----BEGIN ", label, "-----\n", base::Base64Encode(der), "\n-----END ",
                      label, "-----\n");
}

// A private key that is accepted signs what its public key verifies.
void ReadPrivate(std::string_view text) {
  if (const auto key = crypto::Ed25519PrivateKey::FromPem(text); key.ok()) {
    Require(key->public_key().Verify(kMessage, key->Sign(kMessage)), "Ed25519 keys sign");
  }
  if (const auto key = crypto::EcdsaPrivateKey::FromPem(text); key.ok()) {
    const auto signature = key->SignDer(kMessage);
    Require(signature.ok() && key->public_key().VerifyDer(kMessage, *signature), "P-256 keys sign");
  }
  if (const auto key = crypto::RsaPrivateKey::FromPem(text); key.ok()) {
    Require(key->SignPkcs1(kMessage).ok(), "RSA keys sign");
  }
}

void CheckSignature(std::string_view signature) {
  static const std::array<PublicKey, 3> keys = {
      PublicKey::FromPem(ReadTestFile("vectors/crypto/ed25519_public.pem")).value(),
      PublicKey::FromPem(ReadTestFile("vectors/crypto/p256_public.pem")).value(),
      PublicKey::FromPem(ReadTestFile("vectors/crypto/rsa_public.pem")).value()};
  for (const PublicKey& key : keys) CheckIsNotSigned(key, signature);
}

void ReadNumbers(Input& input) {
  std::string exponent;
  for (size_t size = input.Byte() % 9; size > 0; --size) {
    exponent.push_back(static_cast<char>(input.Byte()));
  }
  CheckOne(
      PublicKey::FromRsaJwk(base::Base64UrlEncode(input.Rest()), base::Base64UrlEncode(exponent)));
}

void Run(Input& input) {
  switch (const uint8_t form = input.Byte(); form % 11) {
    case 0:
      return CheckSet(verify::ReadPublicKeys(KeyFormat::kPem, input.Rest()));
    case 1:
      return CheckSet(verify::ReadPublicKeys(KeyFormat::kHex, input.Rest()));
    case 2:
      return CheckSet(verify::ReadPublicKeys(KeyFormat::kBase64, input.Rest()));
    case 3:
      return CheckOne(PublicKey::FromSpkiDer(input.Rest()));
    case 4:
      return CheckSet(verify::ReadKeyDocument(
          {.kind = KeyLocation::Kind::kPemInJson, .path = "keys.0.pem"}, input.Rest()));
    case 5:
      return CheckOne(PublicKey::FromPem(Pem("CERTIFICATE", input.Rest())));
    case 6:
      return CheckOne(PublicKey::FromPem(Pem("RSA PUBLIC KEY", input.Rest())));
    case 7:
      return CheckSet(verify::ReadKeyDocument({.kind = KeyLocation::Kind::kJwks}, input.Rest()));
    case 8:
      return ReadNumbers(input);
    case 9:
      return CheckSignature(input.Rest());
    default:
      return ReadPrivate(input.Rest());
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
