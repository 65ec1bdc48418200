// ECDSA on P-256 over BoringSSL. The EC_KEY is built once, checked to be on the curve, and from
// then on only read. Raw signatures go through the same verification as DER ones.
#include "lib/crypto/ecdsa.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/mem.h>
#include <openssl/nid.h>

#include "lib/base/status_macros.h"
#include "lib/crypto/boringssl.h"
#include "lib/crypto/key_envelope.h"
#include "lib/crypto/pem.h"

namespace convoy::crypto {
namespace {

constexpr size_t kScalarBytes = 32;
constexpr size_t kCompressedPointBytes = 33;
constexpr size_t kPointBytes = 65;
// SEQUENCE of two INTEGERs of at most 33 bytes, each with its two-byte header.
constexpr size_t kDerSignatureBytesMax = 72;

using EcKey = Handle<EC_KEY, EC_KEY_free>;
using EcPoint = Handle<EC_POINT, EC_POINT_free>;
using Signature = Handle<ECDSA_SIG, ECDSA_SIG_free>;
using BigNumber = Handle<BIGNUM, BN_free>;

absl::Status OutOfMemory() { return absl::ResourceExhaustedError("out of memory"); }

// Takes r || s apart. The range of r and s is the verification's business.
Signature FromRaw(std::string_view bytes) {
  Signature signature(ECDSA_SIG_new());
  BigNumber r(BN_bin2bn(BytesOf(bytes), kScalarBytes, nullptr));
  BigNumber s(BN_bin2bn(BytesOf(bytes) + kScalarBytes, kScalarBytes, nullptr));
  if (!signature || !r || !s || !ECDSA_SIG_set0(signature.get(), r.get(), s.get())) return nullptr;
  r.release();  // both belong to the signature now
  s.release();
  return signature;
}

}  // namespace

struct EcdsaPublicKey::State {
  EcKey key;
};

EcdsaPublicKey::EcdsaPublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

absl::StatusOr<EcdsaPublicKey> EcdsaPublicKey::FromPoint(std::string_view bytes) {
  if (bytes.size() != kPointBytes && bytes.size() != kCompressedPointBytes) {
    return absl::InvalidArgumentError("a P-256 public key has 65 bytes, or 33 compressed");
  }
  const ErrorQueueCleaner cleaner;
  EcKey key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  if (!key) return OutOfMemory();
  const EC_GROUP* group = EC_KEY_get0_group(key.get());
  const EcPoint point(EC_POINT_new(group));
  if (!point) return OutOfMemory();
  if (!EC_POINT_oct2point(group, point.get(), BytesOf(bytes), bytes.size(), nullptr) ||
      !EC_KEY_set_public_key(key.get(), point.get()) || !EC_KEY_check_key(key.get())) {
    return absl::InvalidArgumentError("the P-256 public key is not a point of the curve");
  }
  return EcdsaPublicKey(std::make_shared<const State>(State{std::move(key)}));
}

absl::StatusOr<EcdsaPublicKey> EcdsaPublicKey::FromCoordinates(std::string_view x,
                                                               std::string_view y) {
  if (x.size() != kScalarBytes || y.size() != kScalarBytes) {
    return absl::InvalidArgumentError("a coordinate of a P-256 public key has 32 bytes");
  }
  return FromPoint(absl::StrCat("\x04", x, y));
}

bool EcdsaPublicKey::VerifyDer(std::string_view message, std::string_view signature,
                               HashAlgorithm hash) const {
  if (hash == HashAlgorithm::kMd5 || signature.size() > kDerSignatureBytesMax) return false;
  const ErrorQueueCleaner cleaner;
  const Digest digest = Hash(hash, message);
  return ECDSA_verify(0, digest.bytes().data(), digest.bytes().size(), BytesOf(signature),
                      signature.size(), state_->key.get()) == 1;
}

bool EcdsaPublicKey::VerifyRaw(std::string_view message, std::string_view signature,
                               HashAlgorithm hash) const {
  if (hash == HashAlgorithm::kMd5 || signature.size() != kEcdsaRawSignatureBytes) return false;
  const ErrorQueueCleaner cleaner;
  const Signature parsed = FromRaw(signature);
  const Digest digest = Hash(hash, message);
  return parsed && ECDSA_do_verify(digest.bytes().data(), digest.bytes().size(), parsed.get(),
                                   state_->key.get()) == 1;
}

EcdsaPrivateKey::EcdsaPrivateKey(std::shared_ptr<const EcdsaPublicKey::State> state)
    : state_(std::move(state)) {}

absl::StatusOr<EcdsaPrivateKey> EcdsaPrivateKey::FromPem(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const PemBlock block, ReadPem(text, {"EC PRIVATE KEY", "PRIVATE KEY"}));
  std::string_view der = block.der();
  if (block.label() == "PRIVATE KEY") {
    CONVOY_ASSIGN_OR_RETURN(const KeyEnvelope envelope, ReadPkcs8(der));
    if (envelope.type != KeyType::kEcdsaP256) {
      return absl::InvalidArgumentError("the key is not an ECDSA key");
    }
    der = envelope.key;
  }
  if (der.size() > kKeyDerBytesMax) {
    return absl::InvalidArgumentError("the ECDSA private key is too long");
  }
  const ErrorQueueCleaner cleaner;
  const EcKey curve(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  if (!curve) return OutOfMemory();
  CBS reader = ReaderOf(der);
  EcKey key(EC_KEY_parse_private_key(&reader, EC_KEY_get0_group(curve.get())));
  if (!key || CBS_len(&reader) != 0) {
    return absl::InvalidArgumentError("the ECDSA private key is malformed or not on P-256");
  }
  return EcdsaPrivateKey(
      std::make_shared<const EcdsaPublicKey::State>(EcdsaPublicKey::State{std::move(key)}));
}

absl::StatusOr<EcdsaPrivateKey> EcdsaPrivateKey::FromNumbers(std::string_view x, std::string_view y,
                                                             std::string_view d) {
  for (const std::string_view number : {x, y, d}) {
    if (number.size() != kScalarBytes) {
      return absl::InvalidArgumentError("a number of a P-256 key does not have 32 bytes");
    }
  }
  const ErrorQueueCleaner cleaner;
  const auto number_of = [](std::string_view bytes) {
    return BigNumber(BN_bin2bn(BytesOf(bytes), bytes.size(), nullptr));
  };
  EcKey key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  const BigNumber abscissa = number_of(x), ordinate = number_of(y), secret = number_of(d);
  if (!key || !abscissa || !ordinate || !secret) return OutOfMemory();
  // The last of them says whether the point is that of the number.
  if (!EC_KEY_set_public_key_affine_coordinates(key.get(), abscissa.get(), ordinate.get()) ||
      !EC_KEY_set_private_key(key.get(), secret.get()) || !EC_KEY_check_key(key.get())) {
    return absl::InvalidArgumentError("the numbers are not those of a P-256 key");
  }
  return EcdsaPrivateKey(
      std::make_shared<const EcdsaPublicKey::State>(EcdsaPublicKey::State{std::move(key)}));
}

absl::StatusOr<std::string> EcdsaPrivateKey::SignDer(std::string_view message) const {
  const ErrorQueueCleaner cleaner;
  const Digest digest = Hash(HashAlgorithm::kSha256, message);
  std::string signature(kDerSignatureBytesMax, '\0');
  unsigned size = 0;
  if (!ECDSA_sign(0, digest.bytes().data(), digest.bytes().size(),
                  reinterpret_cast<uint8_t*>(signature.data()), &size, state_->key.get())) {
    return absl::InternalError("signing with ECDSA failed");
  }
  signature.resize(size);
  return signature;
}

absl::StatusOr<std::string> EcdsaPrivateKey::SignRaw(std::string_view message) const {
  const ErrorQueueCleaner cleaner;
  const Digest digest = Hash(HashAlgorithm::kSha256, message);
  const Signature parsed(
      ECDSA_do_sign(digest.bytes().data(), digest.bytes().size(), state_->key.get()));
  std::string signature(kEcdsaRawSignatureBytes, '\0');
  auto* out = reinterpret_cast<uint8_t*>(signature.data());
  if (!parsed || !BN_bn2bin_padded(out, kScalarBytes, ECDSA_SIG_get0_r(parsed.get())) ||
      !BN_bn2bin_padded(out + kScalarBytes, kScalarBytes, ECDSA_SIG_get0_s(parsed.get()))) {
    return absl::InternalError("signing with ECDSA failed");
  }
  return signature;
}

EcdsaPublicKey EcdsaPrivateKey::public_key() const { return EcdsaPublicKey(state_); }

}  // namespace convoy::crypto
