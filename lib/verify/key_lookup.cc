// Look-up of published keys for a request; see key_lookup.h.
#include "lib/verify/key_lookup.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/message_template.h"
#include "lib/verify/secret_key.h"

namespace convoy::verify {
namespace {

bool IsHostCharacter(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-'; }

bool IsFreeLabel(std::string_view label) {
  return label.size() >= 3 && !base::EqualsIgnoreCase(label.substr(0, 2), "s3");
}

bool MatchesHost(std::string_view pattern, std::string_view host) {
  while (true) {
    const size_t pattern_end = std::min(pattern.find('.'), pattern.size());
    const size_t host_end = std::min(host.find('.'), host.size());
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view label = host.substr(0, host_end);
    const bool is_same = wanted == "*" ? IsFreeLabel(label) : base::EqualsIgnoreCase(wanted, label);
    if (label.empty() || !is_same) return false;
    const bool is_pattern_done = pattern_end == pattern.size();
    const bool is_host_done = host_end == host.size();
    if (is_pattern_done || is_host_done) return is_pattern_done && is_host_done;
    pattern.remove_prefix(pattern_end + 1);
    host.remove_prefix(host_end + 1);
  }
}

// Of the path: a query could end in anything.
bool HasEnding(std::string_view url, std::string_view ending) {
  return ending.empty() || (url.ends_with(ending) && url.find_first_of("?#") == url.npos);
}

}  // namespace

bool IsHostAllowed(std::string_view url, const std::vector<std::string>& hosts) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return false;
  const bool is_plain = std::all_of(url.begin(), url.end(), [](char c) {
    return c > ' ' && c < '\x7F' && c != '\\' && c != '"' && c != '<' && c != '>';
  });
  url.remove_prefix(kScheme.size());
  const std::string_view host = url.substr(0, url.find('/'));
  if (!is_plain || host.empty() || !std::all_of(host.begin(), host.end(), IsHostCharacter)) {
    return false;
  }
  return std::any_of(hosts.begin(), hosts.end(),
                     [host](const std::string& pattern) { return MatchesHost(pattern, host); });
}

absl::StatusOr<KeyLookup> KeyLookup::Make(const KeyRules& rules, crypto::KeyType type,
                                          const std::vector<std::string>& secrets,
                                          std::shared_ptr<KeySource> source) {
  KeyLookup lookup;
  lookup.rules_ = rules;
  lookup.source_ = std::move(source);
  if (secrets.empty()) return lookup;
  // Prefixes are stripped here; encodings are the key set's matter.
  KeyRules prefix_only = rules;
  prefix_only.format = KeyFormat::kText;
  auto given = std::make_shared<PublicKeySet>();
  for (size_t i = 0; i < secrets.size(); ++i) {
    CONVOY_ASSIGN_OR_RETURN(const std::vector<std::string> texts,
                            DecodeSecret(prefix_only, secrets[i]));
    CONVOY_ASSIGN_OR_RETURN(PublicKeySet keys, ReadPublicKeys(rules.format, texts.back()));
    for (NamedKey& named : keys) {
      if (named.key.type() != type) continue;
      named.secret_index = static_cast<int32_t>(i);
      given->push_back(std::move(named));
    }
  }
  if (given->empty()) {
    return absl::InvalidArgumentError(
        "the secret is a public key of another kind than the scheme verifies with");
  }
  lookup.given_ = std::move(given);
  return lookup;
}

VerifyReason KeyLookup::FindUrl(const Evidence& evidence, std::string* out) const {
  const KeyLocation& location = *rules_.location;
  if (!location.url_from.has_value()) {
    const auto url = MessageTemplate::Compile(location.url);
    const Finding rendered = url.ok() ? url->Render(evidence, out) : Finding::kAmbiguous;
    return rendered == Finding::kFound ? VerifyReason::kAccepted : VerifyReason::kKeyUnavailable;
  }
  Text url;
  const Finding finding = evidence.Find(*location.url_from, &url);
  if (finding != Finding::kFound) return ReasonOf(finding);
  if (!IsHostAllowed(url.view(), location.hosts) || !HasEnding(url.view(), location.url_suffix)) {
    return VerifyReason::kUnknownKey;
  }
  *out = std::string(url.view());
  return VerifyReason::kAccepted;
}

KeyLookup::Result KeyLookup::Find(const Evidence& evidence, std::string_view key_id) const {
  Result result;
  result.owner = given_;
  if (given_ == nullptr) {
    std::string url;
    result.reason = FindUrl(evidence, &url);
    if (result.reason != VerifyReason::kAccepted) return result;
    result.owner = source_->Find(*rules_.location, url, key_id);
    if (result.owner == nullptr) {
      result.reason = VerifyReason::kKeyUnavailable;
      result.missing_url = std::move(url);
      return result;
    }
  }
  for (const NamedKey& named : *result.owner) {
    if (key_id.empty() || named.id.empty() || named.id == key_id) result.keys.push_back(&named);
  }
  if (result.keys.empty()) result.reason = VerifyReason::kUnknownKey;
  return result;
}

}  // namespace convoy::verify
