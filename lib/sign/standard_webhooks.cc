// Signed is "<id>.<timestamp>.<body>"; the header carries one signature for each live key.
#include "lib/sign/standard_webhooks.h"

#include <array>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

#include "convoy/signer.h"
#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/digest.h"
#include "lib/crypto/ed25519.h"
#include "lib/sign/live_secrets.h"

namespace convoy {
namespace sign {
namespace {

constexpr std::string_view kSymmetricPrefix = "whsec_";
constexpr std::string_view kPrivatePrefix = "whsk_";
constexpr std::string_view kPublicPrefix = "whpk_";
constexpr size_t kSymmetricBytes = 32;
constexpr size_t kSeedBytes = 32;

absl::StatusOr<crypto::Ed25519PrivateKey> ReadPrivateKey(std::string_view secret) {
  const auto bytes = base::Base64Decode(absl::StripPrefix(secret, kPrivatePrefix));
  if (!bytes.has_value()) return absl::InvalidArgumentError("a whsk_ key must be base64");
  auto key = crypto::Ed25519PrivateKey::FromRaw(*bytes);
  if (!key.ok()) {
    return absl::InvalidArgumentError(
        "a whsk_ key must be the 32 bytes of an Ed25519 seed, with its public key or without");
  }
  return key;
}

std::string RandomBytes(Random& random, size_t size) {
  std::vector<uint8_t> bytes(size);
  random.Fill(bytes);
  return std::string(bytes.begin(), bytes.end());
}

// The bytes that a symmetric secret stands for: what a receiver decodes, or the text itself.
absl::StatusOr<std::string> SymmetricKeyOf(std::string_view secret) {
  if (!absl::StartsWith(secret, kSymmetricPrefix)) return std::string(secret);
  auto bytes = base::Base64Decode(absl::StripPrefix(secret, kSymmetricPrefix));
  if (!bytes.has_value() || bytes->empty()) {
    return absl::InvalidArgumentError("a whsec_ secret must be base64");
  }
  return *std::move(bytes);
}

}  // namespace

bool IsPrivateKey(std::string_view secret) { return absl::StartsWith(secret, kPrivatePrefix); }

std::string MakeKey(StandardSignature signature, Random& random) {
  if (signature != StandardSignature::kV1a) {
    return absl::StrCat(kSymmetricPrefix, base::Base64Encode(RandomBytes(random, kSymmetricBytes)));
  }
  const std::string seed = RandomBytes(random, kSeedBytes);
  const auto key = crypto::Ed25519PrivateKey::FromRaw(seed);
  // Every 32 bytes are a seed.
  const std::string public_key = key.ok() ? std::string(key->public_key().bytes()) : "";
  return absl::StrCat(kPrivatePrefix, base::Base64Encode(absl::StrCat(seed, public_key)));
}

std::optional<std::string> PublicKeyOf(std::string_view secret) {
  if (!IsPrivateKey(secret)) return std::nullopt;
  const auto key = ReadPrivateKey(secret);
  if (!key.ok()) return std::nullopt;
  return absl::StrCat(kPublicPrefix, base::Base64Encode(key->public_key().bytes()));
}

absl::Status CheckKey(std::string_view secret) {
  if (IsPrivateKey(secret)) return ReadPrivateKey(secret).status();
  return SymmetricKeyOf(secret).status();
}

}  // namespace sign

absl::StatusOr<Headers> SignStandard(const SignatureConfig& config, const Endpoint& endpoint,
                                     std::string_view id, std::string_view body, absl::Time now) {
  const StandardSignature wanted = sign::StandardSignatureOf(config, endpoint);
  Headers headers;
  if (wanted == StandardSignature::kNone) return headers;
  const bool is_asymmetric = wanted == StandardSignature::kV1a;
  const std::string timestamp = absl::StrCat(absl::ToUnixSeconds(now));
  const std::string prefix = absl::StrCat(id, ".", timestamp, ".");
  std::vector<std::string_view> keys;
  for (const Secret* secret : sign::LiveSecrets(endpoint, now)) {
    if (sign::IsPrivateKey(secret->value) == is_asymmetric) keys.push_back(secret->value);
  }
  if (keys.empty() && is_asymmetric && !config.signing_key.empty()) {
    keys.push_back(config.signing_key);
  }
  if (keys.empty()) {
    return absl::FailedPreconditionError("the endpoint has no live key for its webhook-signature");
  }
  std::vector<std::string> signatures;
  for (const std::string_view key : keys) {
    if (is_asymmetric) {
      CONVOY_ASSIGN_OR_RETURN(const auto private_key, sign::ReadPrivateKey(key));
      signatures.push_back(
          absl::StrCat("v1a,", base::Base64Encode(private_key.Sign(absl::StrCat(prefix, body)))));
    } else {
      CONVOY_ASSIGN_OR_RETURN(const std::string bytes, sign::SymmetricKeyOf(key));
      const crypto::HmacKey hmac_key(crypto::HashAlgorithm::kSha256, bytes);
      crypto::Hmac hmac(hmac_key);
      hmac.Update(prefix);
      hmac.Update(body);
      signatures.push_back(absl::StrCat("v1,", base::Base64Encode(hmac.Finish().view())));
    }
  }
  headers.push_back({"webhook-id", std::string(id)});
  headers.push_back({"webhook-timestamp", timestamp});
  headers.push_back({"webhook-signature", absl::StrJoin(signatures, " ")});
  return headers;
}

}  // namespace convoy
