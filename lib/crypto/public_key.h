// A public key in any of the forms in which providers publish theirs.
#pragma once

#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"

#include "lib/crypto/ecdsa.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/key_envelope.h"
#include "lib/crypto/rsa.h"

namespace convoy::crypto {

// An immutable value. A scheme asks for the one kind of key it verifies with and refuses the rest:
// the kind of a key must never choose the algorithm.
class PublicKey {
 public:
  // The first block of: PUBLIC KEY (SPKI), RSA PUBLIC KEY (PKCS#1), CERTIFICATE (X.509). The key of
  // a certificate is taken as it stands; its signature, issuer, names and validity are not judged.
  static absl::StatusOr<PublicKey> FromPem(std::string_view text);
  static absl::StatusOr<PublicKey> FromSpkiDer(std::string_view der);
  static absl::StatusOr<PublicKey> FromSpkiBase64(std::string_view text);  // padded

  // Members of a JWK (RFC 7518, RFC 8037), base64url as they stand in it.
  static absl::StatusOr<PublicKey> FromRsaJwk(std::string_view n, std::string_view e);
  static absl::StatusOr<PublicKey> FromP256Jwk(std::string_view x, std::string_view y);
  static absl::StatusOr<PublicKey> FromEd25519Jwk(std::string_view x);

  KeyType type() const { return static_cast<KeyType>(key_.index()); }
  // Null for another type of key. Owned by this object.
  const Ed25519PublicKey* ed25519() const { return std::get_if<Ed25519PublicKey>(&key_); }
  const EcdsaPublicKey* ecdsa() const { return std::get_if<EcdsaPublicKey>(&key_); }
  const RsaPublicKey* rsa() const { return std::get_if<RsaPublicKey>(&key_); }

 private:
  using Variant = std::variant<Ed25519PublicKey, EcdsaPublicKey, RsaPublicKey>;  // as KeyType
  explicit PublicKey(Variant key) : key_(std::move(key)) {}

  Variant key_;
};

}  // namespace convoy::crypto
