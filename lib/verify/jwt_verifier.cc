// JSON Web Tokens (RFC 7519) in compact form (RFC 7515), in a header or as the whole body. The
// algorithms are pinned by the scheme and all of one family: what the token says about itself only
// chooses among them.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/digest.h"
#include "lib/verify/conditions.h"
#include "lib/verify/guarantees.h"
#include "lib/verify/key_lookup.h"
#include "lib/verify/keyring.h"
#include "lib/verify/scheme_verifier.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/signature_reader.h"
#include "lib/verify/signing_guard.h"

namespace convoy::verify {
namespace {

using crypto::HashAlgorithm;

constexpr size_t kTokenBytesMax = 1024 * 1024;
constexpr size_t kPartBytesMax = 8 * 1024;  // of the header and the signature

struct Token {
  std::string header;  // JSON
  std::string claims;  // JSON
  std::string signature;
  std::string_view signed_text;  // header and payload as they were written
};

std::optional<Token> ReadToken(std::string_view text) {
  if (text.size() > kTokenBytesMax) return std::nullopt;
  const size_t first = text.find('.');
  const size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos || text.find('.', second + 1) != text.npos) return std::nullopt;
  const std::string_view header = text.substr(0, first);
  const std::string_view signature = text.substr(second + 1);
  if (header.size() > kPartBytesMax || signature.size() > kPartBytesMax) return std::nullopt;
  auto decoded_header = base::Base64UrlDecode(header);
  auto claims = base::Base64UrlDecode(text.substr(first + 1, second - first - 1));
  auto decoded_signature = base::Base64UrlDecode(signature);
  if (!decoded_header || !claims || !decoded_signature) return std::nullopt;
  return Token{*std::move(decoded_header), *std::move(claims), *std::move(decoded_signature),
               text.substr(0, second)};
}

// A NumericDate; fractions of a second are dropped.
std::optional<absl::Time> ReadTime(std::string_view claims, std::string_view name) {
  const auto value = FindOnlyClaim(claims, name);
  if (!value.has_value() || value->type != json::Type::kNumber) return std::nullopt;
  const size_t point = std::min(value->text.find('.'), value->text.size());
  const std::string_view digits = value->text.substr(0, point);
  // An exponent would change what the digits before it say.
  if (value->text.find_first_of("eE", point) != std::string_view::npos) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  constexpr int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999
  if (error != std::errc() || end != digits.data() + digits.size() || seconds < 0 ||
      seconds > kSecondsMax) {
    return std::nullopt;
  }
  return absl::FromUnixSeconds(seconds);
}

bool Has(std::string_view claims, std::string_view name) {
  return json::FindPath(claims, name, kClaimsLimits).has_value();
}

HashAlgorithm HashOf(std::string_view algorithm) {
  if (algorithm.ends_with("384")) return HashAlgorithm::kSha384;
  return algorithm.ends_with("512") ? HashAlgorithm::kSha512 : HashAlgorithm::kSha256;
}

// Keys that may have signed a token.
class TokenKeys {
 public:
  virtual ~TokenKeys() = default;
  virtual KeyMatch Match(const Token& token, std::string_view algorithm, std::string_view key_id,
                         const Evidence& evidence) const = 0;
};

class SharedTokenKeys final : public TokenKeys {
 public:
  struct Key {
    std::string text;
    int32_t secret_index;
  };
  explicit SharedTokenKeys(std::vector<Key> keys) : keys_(std::move(keys)) {}

  KeyMatch Match(const Token& token, std::string_view algorithm, std::string_view,
                 const Evidence&) const override {
    for (const auto& [text, secret_index] : keys_) {
      const crypto::HmacKey key(HashOf(algorithm), text);
      if (crypto::ConstantTimeEquals(crypto::HmacOf(key, token.signed_text).view(),
                                     token.signature)) {
        return {.reason = VerifyReason::kAccepted, .key_index = secret_index};
      }
    }
    return {};
  }

 private:
  const std::vector<Key> keys_;
};

class PublicTokenKeys final : public TokenKeys {
 public:
  explicit PublicTokenKeys(KeyLookup lookup) : lookup_(std::move(lookup)) {}

  KeyMatch Match(const Token& token, std::string_view algorithm, std::string_view key_id,
                 const Evidence& evidence) const override {
    KeyLookup::Result found = lookup_.Find(evidence, key_id);
    if (found.reason != VerifyReason::kAccepted) {
      return {.reason = found.reason, .missing_key_url = std::move(found.missing_url)};
    }
    for (const NamedKey* named : found.keys) {
      if (IsSignedBy(named->key, algorithm, token)) {
        return {.reason = VerifyReason::kAccepted, .key_index = named->secret_index};
      }
    }
    return {};
  }

 private:
  static bool IsSignedBy(const crypto::PublicKey& key, std::string_view algorithm,
                         const Token& token) {
    if (algorithm == "ES256") {
      return key.ecdsa() != nullptr && key.ecdsa()->VerifyRaw(token.signed_text, token.signature);
    }
    if (algorithm == "EdDSA") {
      return key.ed25519() != nullptr && key.ed25519()->Verify(token.signed_text, token.signature);
    }
    return key.rsa() != nullptr &&
           key.rsa()->Verify(crypto::RsaPadding::kPkcs1, HashAlgorithm::kSha256, token.signed_text,
                             token.signature);
  }

  const KeyLookup lookup_;
};

class JwtVerifier final : public SchemeVerifier {
 public:
  JwtVerifier(Scheme scheme, Conditions checks, std::unique_ptr<TokenKeys> keys)
      : scheme_(std::move(scheme)), checks_(std::move(checks)), keys_(std::move(keys)) {}

  Verdict Verify(const Evidence& given, absl::Time now) const override {
    Verdict verdict{.scheme = scheme_.name};
    Evidence evidence = given;
    FoundSignatures found;
    verdict.reason = ReadSignatures(scheme_, 0, &evidence, &found);
    if (!verdict.accepted()) return verdict;
    verdict.reason = VerifyReason::kMalformed;
    const std::optional<Token> token = ReadToken(found.candidates.front());
    if (!token.has_value()) return verdict;
    if (evidence.guard != nullptr && evidence.guard->Covers(token->signed_text)) return verdict;
    CheckSignature(*token, evidence, &verdict);
    if (!verdict.accepted()) return verdict;
    verdict.reason = CheckTimes(token->claims, now, &verdict.signed_at);
    if (!verdict.accepted()) return verdict;
    evidence.jwt_claims = token->claims;
    verdict.reason = checks_.Evaluate(evidence);
    if (verdict.accepted()) verdict.integrity = JwtIntegrity(scheme_, checks_);
    return verdict;
  }

 private:
  void CheckSignature(const Token& token, const Evidence& evidence, Verdict* verdict) const {
    Text algorithm, key_id;
    const std::vector<std::string>& pinned = scheme_.jwt.algorithms;
    // An extension that must be understood is one that is not (RFC 7515, section 4.1.11).
    if (FindClaim(token.header, "alg", &algorithm) != Finding::kFound ||
        Has(token.header, "crit") ||
        std::find(pinned.begin(), pinned.end(), algorithm.view()) == pinned.end()) {
      return;
    }
    if (FindClaim(token.header, "kid", &key_id) == Finding::kAmbiguous) return;
    KeyMatch match = keys_->Match(token, algorithm.view(), key_id.view(), evidence);
    verdict->reason = match.reason;
    verdict->secret_index = match.key_index;
    verdict->missing_key_url = std::move(match.missing_key_url);
  }

  VerifyReason CheckTimes(std::string_view claims, absl::Time now,
                          std::optional<absl::Time>* signed_at) const {
    const JwtRules& rules = scheme_.jwt;
    const auto expires = ReadTime(claims, "exp"), begins = ReadTime(claims, "nbf");
    *signed_at = ReadTime(claims, "iat");
    // A time that is there but is none makes the token malformed.
    if ((Has(claims, "exp") && !expires) || (Has(claims, "nbf") && !begins) ||
        (Has(claims, "iat") && !*signed_at) || (rules.is_expiry_required && !expires) ||
        (rules.age_max.has_value() && !*signed_at)) {
      return VerifyReason::kMalformed;
    }
    if (expires && now >= *expires + rules.leeway) return VerifyReason::kTooOld;
    if (begins && now < *begins - rules.leeway) return VerifyReason::kTooFarInFuture;
    if (!rules.age_max.has_value()) return VerifyReason::kAccepted;
    if (now - **signed_at > *rules.age_max) return VerifyReason::kTooOld;
    if (**signed_at - now > *rules.age_max) return VerifyReason::kTooFarInFuture;
    return VerifyReason::kAccepted;
  }

  const Scheme scheme_;
  const Conditions checks_;
  const std::unique_ptr<TokenKeys> keys_;
};

absl::StatusOr<std::unique_ptr<TokenKeys>> MakeTokenKeys(const Scheme& scheme,
                                                         const std::vector<std::string>& secrets,
                                                         std::shared_ptr<KeySource> source) {
  const std::string_view family = std::string_view(scheme.jwt.algorithms.front()).substr(0, 2);
  for (const std::string& algorithm : scheme.jwt.algorithms) {
    if (!algorithm.starts_with(family)) {
      return absl::InvalidArgumentError(
          "scheme field \"jwt.algs\" must hold algorithms of one family: one key, one use");
    }
  }
  if (family == "HS") {
    std::vector<SharedTokenKeys::Key> keys;
    for (size_t i = 0; i < secrets.size(); ++i) {
      CONVOY_ASSIGN_OR_RETURN(std::vector<std::string> found, DecodeSecret(scheme.key, secrets[i]));
      for (std::string& key : found) keys.push_back({std::move(key), static_cast<int32_t>(i)});
    }
    return std::make_unique<SharedTokenKeys>(std::move(keys));
  }
  const crypto::KeyType type = family == "RS"   ? crypto::KeyType::kRsa
                               : family == "ES" ? crypto::KeyType::kEcdsaP256
                                                : crypto::KeyType::kEd25519;
  CONVOY_ASSIGN_OR_RETURN(KeyLookup lookup,
                          KeyLookup::Make(scheme.key, type, secrets, std::move(source)));
  return std::make_unique<PublicTokenKeys>(std::move(lookup));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SchemeVerifier>> CompileJwtVerifier(
    Scheme scheme, const std::vector<std::string>& secrets, std::shared_ptr<KeySource> source) {
  CONVOY_ASSIGN_OR_RETURN(Conditions checks, Conditions::Compile(scheme.checks));
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<TokenKeys> keys,
                          MakeTokenKeys(scheme, secrets, std::move(source)));
  return std::make_unique<JwtVerifier>(std::move(scheme), std::move(checks), std::move(keys));
}

}  // namespace convoy::verify
