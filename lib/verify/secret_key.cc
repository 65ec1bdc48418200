// Decoding of secrets into keys; see secret_key.h.
#include "lib/verify/secret_key.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"

namespace convoy::verify {
namespace {

// Takes off the first of `prefixes` that `secret` has; false if it has none of them.
bool StripPrefix(const std::vector<std::string>& prefixes, std::string_view& secret) {
  for (const std::string& prefix : prefixes) {
    if (secret.starts_with(prefix)) {
      secret.remove_prefix(prefix.size());
      return true;
    }
  }
  return false;
}

std::optional<std::string> Decode(KeyFormat format, std::string_view secret) {
  switch (format) {
    case KeyFormat::kHex:
      return base::HexDecode(secret);
    case KeyFormat::kBase64:
      return base::Base64DecodeKey(secret);
    case KeyFormat::kText:
    case KeyFormat::kPem:
      break;
  }
  return std::string(secret);
}

}  // namespace

absl::StatusOr<std::string> DecodeSecret(const KeyRules& rules, std::string_view secret) {
  const bool had_prefix = StripPrefix(rules.prefixes, secret);
  const bool is_ascii = std::all_of(secret.begin(), secret.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (rules.is_ascii_only && !is_ascii) {
    return absl::InvalidArgumentError("the secret must be ASCII for this scheme");
  }
  const bool is_taken_as_it_is = rules.is_text_without_prefix && !had_prefix;
  std::optional<std::string> key =
      Decode(is_taken_as_it_is ? KeyFormat::kText : rules.format, secret);
  if (!key.has_value()) {
    return absl::InvalidArgumentError("the secret is not in the encoding that the scheme asks for");
  }
  if (key->empty()) return absl::InvalidArgumentError("the secret must not be empty");
  if (rules.is_sha1_of_secret) {
    key = std::string(crypto::Hash(crypto::HashAlgorithm::kSha1, *key).view());
  }
  return *std::move(key);
}

}  // namespace convoy::verify
