// Keys of a verifier: find the one, if any, that made one of these signatures over this message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/verify/evidence.h"
#include "lib/verify/key_source.h"
#include "lib/verify/message_template.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

struct KeyMatch {
  VerifyReason reason = VerifyReason::kSignatureMismatch;
  int32_t key_index = -1;
  std::string missing_key_url;  // for kKeyUnavailable
};

// Immutable and safe to share between threads.
class Keyring {
 public:
  virtual ~Keyring() = default;
  // Tries every key against every candidate. `evidence` is changed only in its `secret`.
  virtual KeyMatch Match(const MessageTemplate& message, Evidence* evidence,
                         std::span<const std::string_view> candidates) const = 0;
};

// The keyring that the scheme's type asks for. kInvalidArgument: a secret is not in its format.
absl::StatusOr<std::unique_ptr<Keyring>> MakeKeyring(const Scheme& scheme,
                                                     const std::vector<std::string>& secrets,
                                                     std::shared_ptr<KeySource> source);

// The public keys that secrets or a published document hold; see public_keyring.cc.
absl::StatusOr<std::unique_ptr<Keyring>> MakePublicKeyring(const Scheme& scheme,
                                                           const std::vector<std::string>& secrets,
                                                           std::shared_ptr<KeySource> source);

// Decodes a signature into `out`; nullopt if it is malformed or larger.
std::optional<size_t> DecodeSignature(SignatureEncoding encoding, std::string_view text,
                                      std::span<uint8_t> out);

}  // namespace convoy::verify
