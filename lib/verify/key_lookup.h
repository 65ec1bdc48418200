// Look-up of the public keys that apply to a request: those given as secrets, or those that a
// document holds.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/verify/evidence.h"
#include "lib/verify/key_source.h"
#include "lib/verify/public_key_set.h"

namespace convoy::verify {

// Immutable and safe to share between threads.
class KeyLookup {
 public:
  // kInvalidArgument: a secret is no public key, or one of another type.
  static absl::StatusOr<KeyLookup> Make(const KeyRules& rules, crypto::KeyType type,
                                        const std::vector<std::string>& secrets,
                                        std::shared_ptr<KeySource> source);

  struct Result {
    VerifyReason reason = VerifyReason::kAccepted;  // why there are no keys, if not kAccepted
    std::vector<const NamedKey*> keys;
    std::shared_ptr<const PublicKeySet> owner;  // of keys from a document
    std::string missing_url;                    // for kKeyUnavailable
  };
  // `key_id` selects within a document, if it is not empty and the document names its keys.
  Result Find(const Evidence& evidence, std::string_view key_id) const;

 private:
  VerifyReason FindUrl(const Evidence& evidence, std::string* out) const;

  KeyRules rules_;
  std::shared_ptr<const PublicKeySet> given_;  // null: ask the source
  std::shared_ptr<KeySource> source_;
};

// Whether an https URL's host is one of `hosts`, where "*" stands for one whole label of three
// characters or more that does not begin with "s3": beside a cloud's regions stand its buckets,
// which anyone can own. A URL with a user, a port or characters that parsers disagree about is
// none.
bool IsHostAllowed(std::string_view url, const std::vector<std::string>& hosts);

}  // namespace convoy::verify
