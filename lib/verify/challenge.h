// Handshakes that providers make before, or between, their events: compiled from data.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/crypto/digest.h"
#include "lib/verify/conditions.h"
#include "lib/verify/message_template.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

// Immutable and safe to share between threads.
class ChallengeResponder {
 public:
  // `key_rules` say how secrets become the keys of what is computed.
  static absl::StatusOr<ChallengeResponder> Compile(const Challenge& challenge,
                                                    const KeyRules& key_rules,
                                                    const std::vector<std::string>& secrets);

  // nullopt if the request is not this challenge. `is_accepted` is asked only if the challenge must
  // be signed.
  std::optional<ChallengeAnswer> Answer(const Evidence& given,
                                        absl::FunctionRef<bool()> is_accepted) const;

 private:
  struct HeaderTemplate {
    std::string name;
    MessageTemplate value;
  };

  // False if what is to be computed cannot or must not be.
  bool Compute(Evidence* evidence, std::string* out) const;

  Challenge challenge_;
  Conditions when_;
  MessageTemplate computed_message_;
  std::shared_ptr<const crypto::HmacKey> key_;  // null: nothing keyed is computed
  std::vector<HeaderTemplate> headers_;
  MessageTemplate body_;
};

}  // namespace convoy::verify
