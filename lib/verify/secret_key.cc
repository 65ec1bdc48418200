// Decoding of secrets into keys; see secret_key.h.
#include "lib/verify/secret_key.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"

namespace convoy::verify {
namespace {

// Takes off the first of `prefixes` that `secret` has; false if it has none of them.
bool StripPrefix(const std::vector<std::string>& prefixes, std::string_view& secret) {
  constexpr std::string_view kVersion = "v1,";
  const std::string_view unversioned =
      secret.starts_with(kVersion) ? secret.substr(kVersion.size()) : secret;
  for (const std::string_view text : {secret, unversioned}) {
    for (const std::string& prefix : prefixes) {
      if (!text.starts_with(prefix)) continue;
      secret = text.substr(prefix.size());
      return true;
    }
  }
  return false;
}

// Copied lines are wrapped, and fingerprints have spaces between their groups.
std::string WithoutSpaces(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) bare.push_back(c);
  }
  return bare;
}

std::optional<std::string> Decode(KeyFormat format, std::string_view secret) {
  switch (format) {
    case KeyFormat::kHex:
      return base::HexDecode(WithoutSpaces(secret));
    case KeyFormat::kBase64:
      return base::Base64DecodeKey(WithoutSpaces(secret));
    case KeyFormat::kText:
    case KeyFormat::kPem:
      break;
  }
  return std::string(secret);
}

std::string_view NameOf(KeyFormat format) { return format == KeyFormat::kHex ? "hex" : "base64"; }

}  // namespace

std::string_view TrimSecret(std::string_view text) {
  // U+00A0, U+200B to U+200D, U+2060, U+FEFF.
  constexpr std::string_view kSpaces[] = {"\xC2\xA0",     "\xE2\x80\x8B", "\xE2\x80\x8C",
                                          "\xE2\x80\x8D", "\xE2\x81\xA0", "\xEF\xBB\xBF"};
  text = absl::StripAsciiWhitespace(text);
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    for (const std::string_view space : kSpaces) {
      const bool is_first = absl::ConsumePrefix(&text, space);
      const bool is_last = absl::ConsumeSuffix(&text, space);
      is_changed = is_changed || is_first || is_last;
    }
    if (is_changed) text = absl::StripAsciiWhitespace(text);
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> DecodeSecret(const KeyRules& rules,
                                                      std::string_view secret) {
  std::string_view trimmed = TrimSecret(secret);
  const bool had_prefix = StripPrefix(rules.prefixes, trimmed);
  const bool is_ascii = std::all_of(trimmed.begin(), trimmed.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (rules.is_ascii_only && !is_ascii) {
    return absl::InvalidArgumentError(
        "the secret must be ASCII for this scheme: the provider normalises other characters "
        "(NFKD), which is not done here");
  }
  const bool is_text = rules.format == KeyFormat::kText || rules.format == KeyFormat::kPem ||
                       (rules.is_text_without_prefix && !had_prefix);
  std::vector<std::string> keys;
  // A prefix says where the secret begins.
  if (is_text && !had_prefix && trimmed.size() < secret.size()) keys.emplace_back(secret);
  std::optional<std::string> key = Decode(is_text ? KeyFormat::kText : rules.format, trimmed);
  if (!key.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the secret is not in the encoding that the scheme asks for: it must be ",
                     NameOf(rules.format)));
  }
  if (key->empty()) return absl::InvalidArgumentError("the secret must not be empty");
  keys.push_back(*std::move(key));
  if (rules.is_sha1_of_secret) {
    for (std::string& each : keys) {
      each = std::string(crypto::Hash(crypto::HashAlgorithm::kSha1, each).view());
    }
  }
  return keys;
}

}  // namespace convoy::verify
