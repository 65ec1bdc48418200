// Shared secrets: HMAC, and plain digests that have the secret within the message.
#include "lib/verify/keyring.h"

#include <array>
#include <utility>

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/digest.h"
#include "lib/verify/body_stream.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/signature_reader.h"

namespace convoy::verify {
namespace {

// The candidates decoded; those that are not of a digest's form are left out.
class DecodedCandidates {
 public:
  DecodedCandidates(const Scheme& scheme, std::span<const std::string_view> candidates)
      : digest_size_(crypto::DigestSize(scheme.algorithm)) {
    for (const std::string_view candidate : candidates) {
      if (DecodeSignature(scheme.encoding, candidate, bytes_[count_]) == digest_size_) ++count_;
    }
  }

  bool empty() const { return count_ == 0; }

  // Compares with all of them, in constant time each.
  bool Contains(const crypto::Digest& expected) const {
    bool is_found = false;
    for (size_t i = 0; i < count_; ++i) {
      const std::string_view candidate(reinterpret_cast<const char*>(bytes_[i].data()),
                                       digest_size_);
      is_found |= crypto::ConstantTimeEquals(candidate, expected.view());
    }
    return is_found;
  }

 private:
  const size_t digest_size_;
  std::array<std::array<uint8_t, crypto::kDigestBytesMax>, kCandidatesMax> bytes_;
  size_t count_ = 0;
};

// A key and the index of the secret that it was made of.
template <typename Key>
struct OwnedKey {
  Key key;
  int32_t secret_index;
};

class HmacKeyring final : public Keyring {
 public:
  HmacKeyring(const Scheme& scheme, std::vector<OwnedKey<crypto::HmacKey>> keys)
      : scheme_(scheme), keys_(std::move(keys)) {}

  KeyMatch Match(const MessageTemplate& message, Evidence* evidence,
                 std::span<const std::string_view> candidates) const override {
    const DecodedCandidates decoded(scheme_, candidates);
    if (decoded.empty()) return {.reason = VerifyReason::kMalformed};
    if (evidence->stream != nullptr) return MatchStream(message, *evidence, decoded);
    for (const auto& [key, secret_index] : keys_) {
      crypto::Hmac mac(key);
      const Finding fed =
          message.Feed(*evidence, [&mac](std::string_view piece) { mac.Update(piece); });
      if (fed != Finding::kFound) return {.reason = ReasonOf(fed)};
      if (decoded.Contains(mac.Finish())) {
        return {.reason = VerifyReason::kAccepted, .key_index = secret_index};
      }
    }
    return {};
  }

 private:
  // The same with a body that goes by. Before it nothing can match, so every key is begun.
  KeyMatch MatchStream(const MessageTemplate& message, const Evidence& evidence,
                       const DecodedCandidates& decoded) const {
    for (const auto& [key, secret_index] : keys_) {
      BodyStream::Computation* computation = evidence.stream->is_complete()
                                                 ? evidence.stream->Find(key, evidence)
                                                 : BeginComputation(message, evidence, key);
      if (computation == nullptr) return {.reason = VerifyReason::kMalformed};
      if (computation->finding != Finding::kFound)
        return {.reason = ReasonOf(computation->finding)};
      if (!evidence.stream->is_complete()) continue;
      if (!computation->digest.has_value()) {
        message.FeedAfterBody(evidence,
                              [&](std::string_view piece) { computation->mac.Update(piece); });
        computation->digest = computation->mac.Finish();
      }
      if (decoded.Contains(*computation->digest)) {
        return {.reason = VerifyReason::kAccepted, .key_index = secret_index};
      }
    }
    return {};
  }

  static BodyStream::Computation* BeginComputation(const MessageTemplate& message,
                                                   const Evidence& evidence,
                                                   const crypto::HmacKey& key) {
    BodyStream::Computation* computation = evidence.stream->Begin(key, evidence);
    computation->finding = message.FeedBeforeBody(
        evidence, [&](std::string_view piece) { computation->mac.Update(piece); });
    if (computation->finding == Finding::kFound) {
      computation->finding = message.FeedAfterBody(evidence, [](std::string_view) {});
    }
    return computation;
  }

  const Scheme scheme_;
  const std::vector<OwnedKey<crypto::HmacKey>> keys_;
};

class DigestKeyring final : public Keyring {
 public:
  DigestKeyring(const Scheme& scheme, std::vector<OwnedKey<std::string>> secrets)
      : scheme_(scheme), secrets_(std::move(secrets)) {}

  KeyMatch Match(const MessageTemplate& message, Evidence* evidence,
                 std::span<const std::string_view> candidates) const override {
    const DecodedCandidates decoded(scheme_, candidates);
    if (decoded.empty()) return {.reason = VerifyReason::kMalformed};
    for (const auto& [secret, secret_index] : secrets_) {
      evidence->secret = secret;
      std::string text;
      const Finding fed = message.Render(*evidence, &text);
      if (fed != Finding::kFound) return {.reason = ReasonOf(fed)};
      if (decoded.Contains(crypto::Hash(scheme_.algorithm, text))) {
        return {.reason = VerifyReason::kAccepted, .key_index = secret_index};
      }
    }
    return {};
  }

 private:
  const Scheme scheme_;
  const std::vector<OwnedKey<std::string>> secrets_;
};

}  // namespace

std::optional<size_t> DecodeSignature(SignatureEncoding encoding, std::string_view text,
                                      std::span<uint8_t> out) {
  switch (encoding) {
    case SignatureEncoding::kHex:
      return base::HexDecodeTo(text, out);
    case SignatureEncoding::kBase64:
      return base::Base64DecodeTo(text, out);
    case SignatureEncoding::kBase64Url:
      return base::Base64UrlDecodeTo(text, out);
    case SignatureEncoding::kBase64Hex:
      break;
  }
  std::array<uint8_t, 2 * crypto::kDigestBytesMax> hex;
  const std::optional<size_t> size = base::Base64DecodeTo(text, hex);
  if (!size.has_value()) return std::nullopt;
  return base::HexDecodeTo({reinterpret_cast<const char*>(hex.data()), *size}, out);
}

absl::StatusOr<std::unique_ptr<Keyring>> MakeKeyring(const Scheme& scheme,
                                                     const std::vector<std::string>& secrets,
                                                     std::shared_ptr<KeySource> source) {
  if (scheme.type != SchemeType::kHmac && scheme.type != SchemeType::kDigest) {
    return MakePublicKeyring(scheme, secrets, std::move(source));
  }
  std::vector<OwnedKey<std::string>> decoded;
  std::vector<OwnedKey<crypto::HmacKey>> keys;
  for (size_t i = 0; i < secrets.size(); ++i) {
    CONVOY_ASSIGN_OR_RETURN(std::vector<std::string> found, DecodeSecret(scheme.key, secrets[i]));
    for (std::string& key : found) {
      const auto index = static_cast<int32_t>(i);
      keys.push_back({crypto::HmacKey(scheme.algorithm, key), index});
      decoded.push_back({std::move(key), index});
    }
  }
  if (scheme.type == SchemeType::kDigest) {
    return std::make_unique<DigestKeyring>(scheme, std::move(decoded));
  }
  return std::make_unique<HmacKeyring>(scheme, std::move(keys));
}

}  // namespace convoy::verify
