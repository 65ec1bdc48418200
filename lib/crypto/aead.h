// Authenticated encryption of secrets at rest: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha). Its
// 24-byte nonce may be random, so nothing has to be counted or stored beside the key.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/clock.h"

namespace convoy::crypto {

inline constexpr size_t kAeadKeyBytes = 32;
inline constexpr size_t kAeadNonceBytes = 24;
inline constexpr size_t kAeadTagBytes = 16;

// An immutable value, cheap to copy; any number of threads may use one at once.
class Aead {
 public:
  static absl::StatusOr<Aead> FromKey(std::string_view key);  // 32 bytes

  // nonce || ciphertext || tag, with a fresh nonce from `random`. `associated_data` is not part of
  // the result but must be the same to open it: bind there what the secret belongs to.
  absl::StatusOr<std::string> Seal(Random& random, std::string_view plaintext,
                                   std::string_view associated_data) const;

  // The error does not tell a wrong key from a changed byte.
  absl::StatusOr<std::string> Open(std::string_view sealed, std::string_view associated_data) const;

 private:
  struct State;  // wipes itself
  explicit Aead(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

}  // namespace convoy::crypto
