// RSA signatures (RFC 8017): PKCS#1 v1.5 and PSS. Keys are immutable values, cheap to copy; any
// number of threads may use one at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "lib/crypto/digest.h"

namespace convoy::crypto {

// Smaller moduli can be factored; larger ones only cost time.
inline constexpr size_t kRsaModulusBitsMin = 2048;
inline constexpr size_t kRsaModulusBitsMax = 8192;

enum class RsaPadding : uint8_t {
  kPkcs1,
  kPss,  // MGF1 over the same hash, a salt as long as the digest (JWS, RFC 9421)
};

class RsaPublicKey {
 public:
  // Big-endian modulus and exponent; leading zeros are passed over.
  static absl::StatusOr<RsaPublicKey> FromComponents(std::string_view n, std::string_view e);
  static absl::StatusOr<RsaPublicKey> FromPkcs1Der(std::string_view der);  // RSAPublicKey

  // False for whatever is malformed, and for MD5.
  [[nodiscard]] bool Verify(RsaPadding padding, HashAlgorithm hash, std::string_view message,
                            std::string_view signature) const;

  size_t modulus_bits() const;

 private:
  struct State;
  explicit RsaPublicKey(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

// Big-endian numbers of a private key, all of them (RFC 8017, section 3.2).
struct RsaNumbers {
  std::string_view n, e, d, p, q, dp, dq, qi;
};

// Signs SHA-256 digests with PKCS#1 v1.5 (RS256).
class RsaPrivateKey {
 public:
  // RSA PRIVATE KEY (PKCS#1) or PRIVATE KEY (PKCS#8).
  static absl::StatusOr<RsaPrivateKey> FromPem(std::string_view text);
  // kInvalidArgument also if the numbers do not belong together.
  static absl::StatusOr<RsaPrivateKey> FromNumbers(const RsaNumbers& numbers);

  absl::StatusOr<std::string> SignPkcs1(std::string_view message) const;

 private:
  struct State;
  explicit RsaPrivateKey(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

}  // namespace convoy::crypto
