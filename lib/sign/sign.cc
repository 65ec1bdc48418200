// Convoy's two signature forms. This is the only place that decides which secrets are live.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "convoy/signer.h"
#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/sign/live_secrets.h"
#include "lib/sign/standard_webhooks.h"

namespace convoy {
namespace {

crypto::HashAlgorithm AlgorithmOf(Hash hash) {
  return hash == Hash::kSha512 ? crypto::HashAlgorithm::kSha512 : crypto::HashAlgorithm::kSha256;
}

std::string Encode(Encoding encoding, const crypto::Digest& mac) {
  return encoding == Encoding::kHex ? base::HexEncode(mac.view()) : base::Base64Encode(mac.view());
}

// HMAC(secret, prefix + body), without putting the two together.
std::string MacOf(const SignatureVersion& version, const Secret& secret, std::string_view prefix,
                  std::string_view body) {
  const crypto::HmacKey key(AlgorithmOf(version.hash), secret.value);
  crypto::Hmac hmac(key);
  hmac.Update(prefix);
  hmac.Update(body);
  return Encode(version.encoding, hmac.Finish());
}

}  // namespace

std::vector<const Secret*> sign::LiveSecrets(const Endpoint& endpoint, absl::Time now) {
  std::vector<const Secret*> live;
  for (const Secret& secret : endpoint.secrets) {
    if (secret.value.empty()) continue;
    if (!secret.expires_at.has_value() || *secret.expires_at > now) live.push_back(&secret);
  }
  return live;
}

absl::StatusOr<std::string> Sign(const SignatureConfig& config, const Endpoint& endpoint,
                                 std::string_view body, absl::Time now) {
  std::vector<const Secret*> live = sign::LiveSecrets(endpoint, now);
  std::erase_if(live, [](const Secret* secret) { return sign::IsPrivateKey(secret->value); });
  if (live.empty()) return absl::FailedPreconditionError("the endpoint has no live secret");
  if (config.versions.empty()) {
    return absl::FailedPreconditionError("the project has no signature version");
  }
  if (!endpoint.has_advanced_signatures) {
    return MacOf(config.versions.back(), *live.back(), "", body);
  }
  const std::string timestamp = absl::StrCat(absl::ToUnixSeconds(now));
  const std::string prefix = absl::StrCat(timestamp, ",");
  std::string signature = absl::StrCat("t=", timestamp);
  for (size_t i = 0; i < config.versions.size(); ++i) {
    for (const Secret* secret : live) {
      absl::StrAppend(&signature, ",v", i + 1, "=",
                      MacOf(config.versions[i], *secret, prefix, body));
    }
  }
  return signature;
}

}  // namespace convoy
