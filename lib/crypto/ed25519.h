// Ed25519 signatures (RFC 8032). Keys are immutable values, cheap to copy; any number of threads
// may use one at once. Needs the whole message in one piece: the scheme reads it twice to sign.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace convoy::crypto {

inline constexpr size_t kEd25519SignatureBytes = 64;

class Ed25519PublicKey {
 public:
  static absl::StatusOr<Ed25519PublicKey> FromRaw(std::string_view bytes);        // 32 bytes
  static absl::StatusOr<Ed25519PublicKey> FromPem(std::string_view text);         // PUBLIC KEY
  static absl::StatusOr<Ed25519PublicKey> FromSpkiBase64(std::string_view text);  // padded

  // False also for a signature that is not 64 bytes or not canonical. Does not allocate.
  [[nodiscard]] bool Verify(std::string_view message, std::string_view signature) const;

  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

 private:
  friend class Ed25519PrivateKey;
  Ed25519PublicKey() = default;
  static absl::StatusOr<Ed25519PublicKey> FromSpkiDer(std::string_view der);

  std::array<uint8_t, 32> bytes_ = {};
};

class Ed25519PrivateKey {
 public:
  // The 32-byte seed, or the seed followed by its public key (64 bytes), which must match.
  static absl::StatusOr<Ed25519PrivateKey> FromRaw(std::string_view bytes);
  static absl::StatusOr<Ed25519PrivateKey> FromPem(std::string_view text);  // PRIVATE KEY (PKCS#8)

  std::string Sign(std::string_view message) const;  // 64 bytes
  Ed25519PublicKey public_key() const;

 private:
  struct State;  // wipes itself
  explicit Ed25519PrivateKey(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

}  // namespace convoy::crypto
