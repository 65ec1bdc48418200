// The DER structures that say what kind of key they carry: SubjectPublicKeyInfo, PKCS#8, and an
// X.509 certificate around the former.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace convoy::crypto {

enum class KeyType : uint8_t { kEd25519, kEcdsaP256, kRsa };

inline constexpr size_t kKeyDerBytesMax = 16 * 1024;

// Views into the DER that was read.
struct KeyEnvelope {
  KeyType type;
  // Public: 32 raw bytes (Ed25519), a SEC 1 point (P-256), PKCS#1 RSAPublicKey (RSA).
  // Private: an OCTET STRING of 32 bytes, SEC 1 ECPrivateKey, PKCS#1 RSAPrivateKey.
  std::string_view key;
};

absl::StatusOr<KeyEnvelope> ReadSpki(std::string_view der);
absl::StatusOr<KeyEnvelope> ReadPkcs8(std::string_view der);

// The SubjectPublicKeyInfo inside a certificate. Judges neither signature, issuer nor validity: a
// caller that trusts a certificate must have another reason to.
absl::StatusOr<std::string_view> ReadCertificateSpki(std::string_view der);

}  // namespace convoy::crypto
