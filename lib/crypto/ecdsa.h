// ECDSA on P-256 (FIPS 186-4). Keys are immutable values, cheap to copy; any number of threads may
// use one at once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "lib/crypto/digest.h"

namespace convoy::crypto {

inline constexpr size_t kEcdsaRawSignatureBytes = 64;

class EcdsaPublicKey {
 public:
  // A SEC 1 point: 65 bytes uncompressed or 33 compressed.
  static absl::StatusOr<EcdsaPublicKey> FromPoint(std::string_view bytes);
  // Big-endian, 32 bytes each.
  static absl::StatusOr<EcdsaPublicKey> FromCoordinates(std::string_view x, std::string_view y);

  // The signature is strict DER, SEQUENCE { r, s }. False for whatever is malformed or out of
  // range, and for MD5. A signature is malleable, (r, -s) verifies too: it is no identifier of a
  // message.
  [[nodiscard]] bool VerifyDer(std::string_view message, std::string_view signature,
                               HashAlgorithm hash = HashAlgorithm::kSha256) const;
  // The signature is r || s, 32 bytes each (JWS).
  [[nodiscard]] bool VerifyRaw(std::string_view message, std::string_view signature,
                               HashAlgorithm hash = HashAlgorithm::kSha256) const;

 private:
  friend class EcdsaPrivateKey;
  struct State;
  explicit EcdsaPublicKey(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

// Signs SHA-256 digests. The nonce comes from BoringSSL's own generator.
class EcdsaPrivateKey {
 public:
  // EC PRIVATE KEY (SEC 1) or PRIVATE KEY (PKCS#8).
  static absl::StatusOr<EcdsaPrivateKey> FromPem(std::string_view text);
  // Big-endian, 32 bytes each: the public point and the number that it belongs to.
  static absl::StatusOr<EcdsaPrivateKey> FromNumbers(std::string_view x, std::string_view y,
                                                     std::string_view d);

  absl::StatusOr<std::string> SignDer(std::string_view message) const;
  absl::StatusOr<std::string> SignRaw(std::string_view message) const;
  EcdsaPublicKey public_key() const;

 private:
  explicit EcdsaPrivateKey(std::shared_ptr<const EcdsaPublicKey::State> state);

  std::shared_ptr<const EcdsaPublicKey::State> state_;
};

}  // namespace convoy::crypto
