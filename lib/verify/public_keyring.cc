// Public keys: Ed25519, ECDSA on P-256, RSA with PKCS#1 v1.5.
#include <array>
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/verify/key_lookup.h"
#include "lib/verify/keyring.h"

namespace convoy::verify {
namespace {

constexpr size_t kSignatureBytesMax = 1024;  // of RSA with 8192 bits

class PublicKeyring final : public Keyring {
 public:
  PublicKeyring(const Scheme& scheme, KeyLookup lookup)
      : scheme_(scheme), lookup_(std::move(lookup)) {}

  KeyMatch Match(const MessageTemplate& message, Evidence* evidence,
                 std::span<const std::string_view> candidates) const override {
    Text key_id;
    if (scheme_.key.location.has_value() && scheme_.key.location->key_id.has_value()) {
      const Finding finding = evidence->Find(*scheme_.key.location->key_id, &key_id);
      if (finding != Finding::kFound) return {.reason = ReasonOf(finding)};
    }
    std::string text;
    const Finding rendered = message.Render(*evidence, &text);
    if (rendered != Finding::kFound) return {.reason = ReasonOf(rendered)};
    KeyLookup::Result found = lookup_.Find(*evidence, key_id.view());
    if (found.reason != VerifyReason::kAccepted) {
      return {.reason = found.reason, .missing_key_url = std::move(found.missing_url)};
    }
    return Match(found, text, candidates);
  }

 private:
  KeyMatch Match(const KeyLookup::Result& found, std::string_view message,
                 std::span<const std::string_view> candidates) const {
    KeyMatch match{.reason = VerifyReason::kMalformed};
    for (const std::string_view candidate : candidates) {
      std::array<uint8_t, kSignatureBytesMax> bytes;
      const auto size = DecodeSignature(scheme_.encoding, candidate, bytes);
      if (!size.has_value()) continue;
      match.reason = VerifyReason::kSignatureMismatch;
      const std::string_view signature(reinterpret_cast<const char*>(bytes.data()), *size);
      for (const NamedKey* named : found.keys) {
        if (!IsSignedBy(named->key, message, signature)) continue;
        return {.reason = VerifyReason::kAccepted, .key_index = named->secret_index};
      }
    }
    return match;
  }

  // The scheme's type decides; a key of another kind made no signature.
  bool IsSignedBy(const crypto::PublicKey& key, std::string_view message,
                  std::string_view signature) const {
    switch (scheme_.type) {
      case SchemeType::kEd25519:
        return key.ed25519() != nullptr && key.ed25519()->Verify(message, signature);
      case SchemeType::kEcdsaP256:
        return key.ecdsa() != nullptr &&
               key.ecdsa()->VerifyDer(message, signature, scheme_.algorithm);
      default:
        return key.rsa() != nullptr &&
               key.rsa()->Verify(crypto::RsaPadding::kPkcs1, scheme_.algorithm, message, signature);
    }
  }

  const Scheme scheme_;
  const KeyLookup lookup_;
};

crypto::KeyType KeyTypeOf(SchemeType type) {
  switch (type) {
    case SchemeType::kEd25519:
      return crypto::KeyType::kEd25519;
    case SchemeType::kEcdsaP256:
      return crypto::KeyType::kEcdsaP256;
    default:
      return crypto::KeyType::kRsa;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Keyring>> MakePublicKeyring(const Scheme& scheme,
                                                           const std::vector<std::string>& secrets,
                                                           std::shared_ptr<KeySource> source) {
  CONVOY_ASSIGN_OR_RETURN(KeyLookup lookup, KeyLookup::Make(scheme.key, KeyTypeOf(scheme.type),
                                                            secrets, std::move(source)));
  return std::make_unique<PublicKeyring>(scheme, std::move(lookup));
}

}  // namespace convoy::verify
