// Ed25519 over BoringSSL. A public key is judged once, when it is made (ed25519_point.h); what
// remains for each message is the verification itself.
#include "lib/crypto/ed25519.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include <openssl/curve25519.h>
#include <openssl/mem.h>

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/boringssl.h"
#include "lib/crypto/digest.h"
#include "lib/crypto/ed25519_point.h"
#include "lib/crypto/key_envelope.h"
#include "lib/crypto/pem.h"

namespace convoy::crypto {
namespace {

constexpr size_t kSeedBytes = 32;
constexpr size_t kPublicBytes = 32;

absl::Status NotEd25519() { return absl::InvalidArgumentError("the key is not an ed25519 key"); }

}  // namespace

absl::StatusOr<Ed25519PublicKey> Ed25519PublicKey::FromRaw(std::string_view bytes) {
  CONVOY_RETURN_IF_ERROR(CheckEd25519Point(bytes));
  Ed25519PublicKey key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.begin());
  return key;
}

absl::StatusOr<Ed25519PublicKey> Ed25519PublicKey::FromPem(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const PemBlock block, ReadPem(text, {"PUBLIC KEY"}));
  return FromSpkiDer(block.der());
}

absl::StatusOr<Ed25519PublicKey> Ed25519PublicKey::FromSpkiBase64(std::string_view text) {
  std::array<uint8_t, 64> der;  // the structure has 44 bytes
  const std::optional<size_t> size = base::Base64DecodeTo(text, der);
  if (!size.has_value()) return NotEd25519();
  return FromSpkiDer({reinterpret_cast<const char*>(der.data()), *size});
}

absl::StatusOr<Ed25519PublicKey> Ed25519PublicKey::FromSpkiDer(std::string_view der) {
  CONVOY_ASSIGN_OR_RETURN(const KeyEnvelope envelope, ReadSpki(der));
  if (envelope.type != KeyType::kEd25519) return NotEd25519();
  return FromRaw(envelope.key);
}

bool Ed25519PublicKey::Verify(std::string_view message, std::string_view signature) const {
  return signature.size() == kEd25519SignatureBytes &&
         ED25519_verify(BytesOf(message), message.size(), BytesOf(signature), bytes_.data()) == 1;
}

struct Ed25519PrivateKey::State {
  std::array<uint8_t, kSeedBytes + kPublicBytes> keypair;

  ~State() { OPENSSL_cleanse(keypair.data(), keypair.size()); }
};

Ed25519PrivateKey::Ed25519PrivateKey(std::shared_ptr<const State> state)
    : state_(std::move(state)) {}

absl::StatusOr<Ed25519PrivateKey> Ed25519PrivateKey::FromRaw(std::string_view bytes) {
  if (bytes.size() != kSeedBytes && bytes.size() != kSeedBytes + kPublicBytes) {
    return absl::InvalidArgumentError("an ed25519 private key has 32 or 64 bytes");
  }
  auto state = std::make_shared<State>();
  std::array<uint8_t, kPublicBytes> public_bytes;
  ED25519_keypair_from_seed(public_bytes.data(), state->keypair.data(), BytesOf(bytes));
  const std::string_view given = bytes.substr(kSeedBytes);
  if (!given.empty() &&
      !ConstantTimeEquals(
          given, {reinterpret_cast<const char*>(public_bytes.data()), public_bytes.size()})) {
    return absl::InvalidArgumentError("the halves of the ed25519 key do not belong together");
  }
  return Ed25519PrivateKey(std::move(state));
}

absl::StatusOr<Ed25519PrivateKey> Ed25519PrivateKey::FromPem(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const PemBlock block, ReadPem(text, {"PRIVATE KEY"}));
  CONVOY_ASSIGN_OR_RETURN(const KeyEnvelope envelope, ReadPkcs8(block.der()));
  if (envelope.type != KeyType::kEd25519) return NotEd25519();
  CBS reader = ReaderOf(envelope.key);
  CBS seed;
  if (!CBS_get_asn1(&reader, &seed, CBS_ASN1_OCTETSTRING) || CBS_len(&reader) != 0 ||
      CBS_len(&seed) != kSeedBytes) {
    return absl::InvalidArgumentError("the key is not valid DER");
  }
  return FromRaw(ViewOf(seed));
}

std::string Ed25519PrivateKey::Sign(std::string_view message) const {
  std::string signature(kEd25519SignatureBytes, '\0');
  ED25519_sign(reinterpret_cast<uint8_t*>(signature.data()), BytesOf(message), message.size(),
               state_->keypair.data());
  return signature;
}

Ed25519PublicKey Ed25519PrivateKey::public_key() const {
  Ed25519PublicKey key;
  std::copy_n(state_->keypair.begin() + kSeedBytes, kPublicBytes, key.bytes_.begin());
  return key;
}

}  // namespace convoy::crypto
