// One class for each type of scheme. The order of judgement is always the same: is everything there
// and well-formed, is the signature right, and only then the time window, so that a forger learns
// nothing from the clock.
#include "lib/verify/scheme_verifier.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"
#include "lib/verify/message_template.h"
#include "lib/verify/signature_reader.h"

namespace convoy::verify {
namespace {

// The event's id, for schemes that name a header for it.
std::string_view EventIdOf(const Scheme& scheme, const VerifyRequest& request) {
  if (scheme.event_id_header.empty()) return {};
  return base::FindHeader(request.headers, scheme.event_id_header).value_or(std::string_view());
}

std::optional<size_t> DecodeTo(SignatureEncoding encoding, std::string_view text,
                               std::span<uint8_t> out) {
  switch (encoding) {
    case SignatureEncoding::kHex:
      return base::HexDecodeTo(text, out);
    case SignatureEncoding::kBase64:
      return base::Base64DecodeTo(text, out);
    case SignatureEncoding::kBase64Url:
      break;
  }
  return base::Base64UrlDecodeTo(text, out);
}

absl::StatusOr<std::string> DecodeKey(const Scheme& scheme, std::string_view secret) {
  if (!scheme.key_prefix.empty() && secret.starts_with(scheme.key_prefix)) {
    secret.remove_prefix(scheme.key_prefix.size());
  }
  std::optional<std::string> key;
  switch (scheme.key_format) {
    case KeyFormat::kText:
      key = std::string(secret);
      break;
    case KeyFormat::kHex:
      key = base::HexDecode(secret);
      break;
    case KeyFormat::kBase64:
      key = base::Base64Decode(secret);
      break;
  }
  if (!key.has_value()) {
    return absl::InvalidArgumentError("the secret is not in the encoding that the scheme asks for");
  }
  if (key->empty()) return absl::InvalidArgumentError("the secret must not be empty");
  return *std::move(key);
}

// Strict decimal digits; nullopt for anything else and for what no clock will show.
std::optional<absl::Time> ParseTimestamp(const TimestampField& field, std::string_view text) {
  constexpr int64_t kUnixMsMax = 253'402'300'799'999;  // the end of the year 9999
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text[0] == '-' || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  if (!field.is_milliseconds && value > kUnixMsMax / 1000) return std::nullopt;
  const int64_t milliseconds = field.is_milliseconds ? value : value * 1000;
  if (milliseconds > kUnixMsMax) return std::nullopt;
  return absl::FromUnixMillis(milliseconds);
}

class HmacVerifier final : public Verifier {
 public:
  HmacVerifier(Scheme scheme, MessageTemplate message, std::vector<crypto::HmacKey> keys)
      : scheme_(std::move(scheme)), message_(std::move(message)), keys_(std::move(keys)) {}

  Verdict Verify(const VerifyRequest& request, absl::Time now) const override {
    Verdict verdict{.scheme = scheme_.name};
    const SignatureFields fields = ReadSignatureFields(scheme_, request);
    verdict.reason = fields.reason;
    if (fields.reason != VerifyReason::kAccepted) return verdict;
    if (scheme_.timestamp.has_value()) {
      verdict.signed_at = ParseTimestamp(*scheme_.timestamp, fields.timestamp);
      if (!verdict.signed_at.has_value()) {
        verdict.reason = VerifyReason::kMalformed;
        return verdict;
      }
    }
    verdict.reason = Match(request, fields, &verdict.secret_index);
    if (verdict.accepted() && scheme_.timestamp.has_value()) {
      verdict.reason = JudgeTime(*verdict.signed_at, now);
    }
    if (verdict.accepted()) {
      verdict.integrity = message_.covers_body() ? Integrity::kFull : Integrity::kPartial;
      verdict.event_id = EventIdOf(scheme_, request);
    }
    return verdict;
  }

 private:
  // Tries every key against every candidate.
  VerifyReason Match(const VerifyRequest& request, const SignatureFields& fields,
                     int32_t* secret_index) const {
    std::array<std::array<uint8_t, crypto::kDigestBytesMax>, kCandidatesMax> decoded;
    std::array<size_t, kCandidatesMax> sizes;
    const size_t digest_size = crypto::DigestSize(scheme_.algorithm);
    size_t usable_count = 0;
    for (size_t i = 0; i < fields.candidates_count; ++i) {
      const auto size = DecodeTo(scheme_.encoding, fields.candidates[i], decoded[i]);
      sizes[i] = size.value_or(0);
      usable_count += sizes[i] == digest_size;
    }
    if (usable_count == 0) return VerifyReason::kMalformed;
    for (size_t k = 0; k < keys_.size(); ++k) {
      crypto::Hmac mac(keys_[k]);
      if (!message_.Feed(request, fields.timestamp, mac)) return VerifyReason::kMissingHeader;
      const crypto::Digest expected = mac.Finish();
      for (size_t i = 0; i < fields.candidates_count; ++i) {
        const std::string_view candidate(reinterpret_cast<const char*>(decoded[i].data()),
                                         sizes[i]);
        if (crypto::ConstantTimeEquals(candidate, expected.view())) {
          *secret_index = static_cast<int32_t>(k);
          return VerifyReason::kAccepted;
        }
      }
    }
    return VerifyReason::kSignatureMismatch;
  }

  VerifyReason JudgeTime(absl::Time signed_at, absl::Time now) const {
    if (now - signed_at > scheme_.timestamp->past_max) return VerifyReason::kTooOld;
    if (signed_at - now > scheme_.timestamp->future_max) return VerifyReason::kTooFarInFuture;
    return VerifyReason::kAccepted;
  }

  const Scheme scheme_;
  const MessageTemplate message_;
  const std::vector<crypto::HmacKey> keys_;
};

// Digests of equal size are compared, so that not even the length of a secret shows in the time
// taken.
bool SecretEquals(std::string_view given, const crypto::Digest& expected) {
  return crypto::ConstantTimeEquals(crypto::Hash(crypto::HashAlgorithm::kSha256, given).view(),
                                    expected.view());
}

class TokenVerifier final : public Verifier {
 public:
  TokenVerifier(Scheme scheme, const std::vector<std::string>& tokens)
      : scheme_(std::move(scheme)) {
    for (const std::string& token : tokens) {
      digests_.push_back(crypto::Hash(crypto::HashAlgorithm::kSha256, token));
    }
  }

  Verdict Verify(const VerifyRequest& request, absl::Time) const override {
    Verdict verdict{.scheme = scheme_.name};
    const SignatureFields fields = ReadSignatureFields(scheme_, request);
    verdict.reason = fields.reason;
    if (fields.reason != VerifyReason::kAccepted) return verdict;
    verdict.reason = VerifyReason::kSignatureMismatch;
    for (size_t i = 0; i < digests_.size(); ++i) {
      if (SecretEquals(fields.candidates[0], digests_[i])) {
        verdict.reason = VerifyReason::kAccepted;
        verdict.secret_index = static_cast<int32_t>(i);
        verdict.event_id = EventIdOf(scheme_, request);
      }
    }
    return verdict;
  }

 private:
  const Scheme scheme_;
  std::vector<crypto::Digest> digests_;
};

// RFC 7617. A secret is "user:password"; the password may hold colons.
class BasicVerifier final : public Verifier {
 public:
  BasicVerifier(Scheme scheme, const std::vector<std::string>& credentials)
      : scheme_(std::move(scheme)) {
    for (const std::string& pair : credentials) {
      digests_.push_back(crypto::Hash(crypto::HashAlgorithm::kSha256, pair));
    }
  }

  Verdict Verify(const VerifyRequest& request, absl::Time) const override {
    Verdict verdict{.reason = VerifyReason::kMissingHeader, .scheme = scheme_.name};
    const size_t count = base::CountHeader(request.headers, "Authorization");
    if (count == 0) return verdict;
    verdict.reason = VerifyReason::kMalformed;
    constexpr std::string_view kPrefix = "Basic ";
    const std::string_view value = *base::FindHeader(request.headers, "Authorization");
    if (count > 1 || value.size() > kFieldBytesMax ||
        !base::EqualsIgnoreCase(value.substr(0, kPrefix.size()), kPrefix)) {
      return verdict;
    }
    const std::optional<std::string> pair = base::Base64Decode(value.substr(kPrefix.size()));
    if (!pair.has_value() || pair->find(':') == std::string::npos) return verdict;
    verdict.reason = VerifyReason::kSignatureMismatch;
    for (size_t i = 0; i < digests_.size(); ++i) {
      if (SecretEquals(*pair, digests_[i])) {
        verdict.reason = VerifyReason::kAccepted;
        verdict.secret_index = static_cast<int32_t>(i);
        verdict.event_id = EventIdOf(scheme_, request);
      }
    }
    return verdict;
  }

 private:
  const Scheme scheme_;
  std::vector<crypto::Digest> digests_;
};

class NoVerifier final : public Verifier {
 public:
  explicit NoVerifier(Scheme scheme) : scheme_(std::move(scheme)) {}

  Verdict Verify(const VerifyRequest& request, absl::Time) const override {
    return {.reason = VerifyReason::kAccepted,
            .scheme = scheme_.name,
            .event_id = EventIdOf(scheme_, request)};
  }

 private:
  const Scheme scheme_;
};

class AnyOfVerifier final : public Verifier {
 public:
  explicit AnyOfVerifier(std::vector<std::shared_ptr<const Verifier>> alternatives)
      : alternatives_(std::move(alternatives)) {}

  Verdict Verify(const VerifyRequest& request, absl::Time now) const override {
    Verdict furthest = alternatives_.front()->Verify(request, now);
    for (size_t i = 1; i < alternatives_.size() && !furthest.accepted(); ++i) {
      const Verdict verdict = alternatives_[i]->Verify(request, now);
      if (verdict.accepted() || Progress(verdict.reason) > Progress(furthest.reason)) {
        furthest = verdict;
      }
    }
    return furthest;
  }

 private:
  static int Progress(VerifyReason reason) {
    switch (reason) {
      case VerifyReason::kMissingHeader:
        return 0;
      case VerifyReason::kMalformed:
        return 1;
      case VerifyReason::kSignatureMismatch:
      case VerifyReason::kUnknownKey:
        return 2;
      default:
        return 3;
    }
  }

  const std::vector<std::shared_ptr<const Verifier>> alternatives_;
};

absl::StatusOr<std::shared_ptr<const Verifier>> CompileHmac(
    Scheme scheme, const std::vector<std::string>& secrets) {
  CONVOY_ASSIGN_OR_RETURN(MessageTemplate message, MessageTemplate::Compile(scheme.message));
  if (message.covers_timestamp() && !scheme.timestamp.has_value()) {
    return absl::InvalidArgumentError(
        "scheme field \"message\" uses {ts}, but there is no field \"timestamp\"");
  }
  std::vector<crypto::HmacKey> keys;
  for (const std::string& secret : secrets) {
    CONVOY_ASSIGN_OR_RETURN(const std::string key, DecodeKey(scheme, secret));
    keys.emplace_back(scheme.algorithm, key);
  }
  return std::make_shared<HmacVerifier>(std::move(scheme), std::move(message), std::move(keys));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Verifier>> Compile(Scheme scheme,
                                                        std::vector<std::string> secrets) {
  constexpr size_t kSecretsMax = 32;
  if (scheme.type == SchemeType::kNone) return std::make_shared<NoVerifier>(std::move(scheme));
  if (secrets.empty()) return absl::InvalidArgumentError("the scheme needs a secret");
  if (secrets.size() > kSecretsMax) return absl::InvalidArgumentError("there are too many secrets");
  for (const std::string& secret : secrets) {
    if (secret.empty()) return absl::InvalidArgumentError("the secret must not be empty");
    if (scheme.type == SchemeType::kBasic && secret.find(':') == std::string::npos) {
      return absl::InvalidArgumentError("the secret must be user:password");
    }
  }
  switch (scheme.type) {
    case SchemeType::kHmac:
      return CompileHmac(std::move(scheme), secrets);
    case SchemeType::kToken:
      return std::make_shared<TokenVerifier>(std::move(scheme), secrets);
    default:
      return std::make_shared<BasicVerifier>(std::move(scheme), secrets);
  }
}

std::shared_ptr<const Verifier> AnyOf(std::vector<std::shared_ptr<const Verifier>> alternatives) {
  return std::make_shared<AnyOfVerifier>(std::move(alternatives));
}

}  // namespace convoy::verify
