// Keys of Standard Webhooks (https://www.standardwebhooks.com): symmetric ones, "whsec_" and
// base64, and private Ed25519 keys, "whsk_" and base64, whose public part is "whpk_" and base64.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/clock.h"
#include "convoy/model.h"

namespace convoy::sign {

// Whether a secret is a private Ed25519 key. Such a secret makes no HMAC.
bool IsPrivateKey(std::string_view secret);

// A new key: "whsk_…" for v1a, "whsec_…" otherwise.
std::string MakeKey(StandardSignature signature, Random& random);

// "whpk_…"; nullopt for what is no private key.
std::optional<std::string> PublicKeyOf(std::string_view secret);

// kInvalidArgument says what is wrong: a "whsec_" or "whsk_" that cannot be read.
absl::Status CheckKey(std::string_view secret);

// Which signature an endpoint gets beside Convoy's.
inline StandardSignature StandardSignatureOf(const SignatureConfig& config,
                                             const Endpoint& endpoint) {
  return endpoint.standard_signature.value_or(config.standard);
}

}  // namespace convoy::sign
