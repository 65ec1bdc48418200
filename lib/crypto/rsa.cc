// RSA over BoringSSL. Sizes are judged on the bytes, before any of them becomes a number, so that a
// key from a stranger's URL costs no more than a key should.
#include "lib/crypto/rsa.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <openssl/bn.h>
#include <openssl/digest.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "lib/base/status_macros.h"
#include "lib/crypto/boringssl.h"
#include "lib/crypto/key_envelope.h"
#include "lib/crypto/pem.h"

namespace convoy::crypto {
namespace {

constexpr size_t kExponentBitsMax = 33;  // what BoringSSL accepts; 65537 is all but universal
constexpr int kSaltAsLongAsDigest = -1;

using Rsa = Handle<RSA, RSA_free>;
using BigNumber = Handle<BIGNUM, BN_free>;

absl::Status Malformed() { return absl::InvalidArgumentError("the RSA key is malformed"); }

std::string_view WithoutLeadingZeros(std::string_view bytes) {
  return bytes.substr(std::min(bytes.find_first_not_of('\0'), bytes.size()));
}

// Of a number without leading zeros.
size_t BitsOf(std::string_view number) {
  if (number.empty()) return 0;
  return (number.size() - 1) * 8 + std::bit_width(static_cast<uint8_t>(number.front()));
}

bool IsOdd(std::string_view number) { return !number.empty() && (number.back() & 1) != 0; }

absl::Status CheckModulus(std::string_view n) {
  const size_t bits = BitsOf(n);
  if (bits < kRsaModulusBitsMin || bits > kRsaModulusBitsMax) {
    return absl::InvalidArgumentError(absl::StrCat("the RSA modulus has ", bits, " bits, not ",
                                                   kRsaModulusBitsMin, " to ", kRsaModulusBitsMax));
  }
  return IsOdd(n) ? absl::OkStatus() : Malformed();
}

absl::Status CheckExponent(std::string_view e) {
  const size_t bits = BitsOf(e);
  if (bits < 2 || bits > kExponentBitsMax || !IsOdd(e)) {
    return absl::InvalidArgumentError(
        "the RSA public exponent is not an odd number of 2 to 33 bits");
  }
  return absl::OkStatus();
}

// An INTEGER that is not negative, without leading zeros.
bool ReadInteger(CBS* reader, std::string_view* number) {
  CBS integer;
  if (!CBS_get_asn1(reader, &integer, CBS_ASN1_INTEGER) ||
      !CBS_is_unsigned_asn1_integer(&integer)) {
    return false;
  }
  *number = WithoutLeadingZeros(ViewOf(integer));
  return true;
}

// Null for MD5. By size, so that a further member of the SHA-2 family needs no change here.
const EVP_MD* HashOf(HashAlgorithm hash) {
  switch (DigestSize(hash)) {
    case SHA_DIGEST_LENGTH:
      return EVP_sha1();
    case SHA256_DIGEST_LENGTH:
      return EVP_sha256();
    case SHA384_DIGEST_LENGTH:
      return EVP_sha384();
    case SHA512_DIGEST_LENGTH:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

}  // namespace

struct RsaPublicKey::State {
  Rsa key;
};

RsaPublicKey::RsaPublicKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

absl::StatusOr<RsaPublicKey> RsaPublicKey::FromComponents(std::string_view n, std::string_view e) {
  n = WithoutLeadingZeros(n);
  e = WithoutLeadingZeros(e);
  CONVOY_RETURN_IF_ERROR(CheckModulus(n));
  CONVOY_RETURN_IF_ERROR(CheckExponent(e));
  const ErrorQueueCleaner cleaner;
  Rsa key(RSA_new());
  BigNumber modulus(BN_bin2bn(BytesOf(n), n.size(), nullptr));
  BigNumber exponent(BN_bin2bn(BytesOf(e), e.size(), nullptr));
  if (!key || !modulus || !exponent ||
      !RSA_set0_key(key.get(), modulus.get(), exponent.get(), nullptr)) {
    return absl::ResourceExhaustedError("out of memory");
  }
  modulus.release();  // both belong to the key now
  exponent.release();
  return RsaPublicKey(std::make_shared<const State>(State{std::move(key)}));
}

absl::StatusOr<RsaPublicKey> RsaPublicKey::FromPkcs1Der(std::string_view der) {
  CBS reader = ReaderOf(der);
  CBS key;
  std::string_view n, e;
  if (!CBS_get_asn1(&reader, &key, CBS_ASN1_SEQUENCE) || CBS_len(&reader) != 0 ||
      !ReadInteger(&key, &n) || !ReadInteger(&key, &e) || CBS_len(&key) != 0) {
    return Malformed();
  }
  return FromComponents(n, e);
}

bool RsaPublicKey::Verify(RsaPadding padding, HashAlgorithm hash, std::string_view message,
                          std::string_view signature) const {
  RSA* const key = state_->key.get();
  const EVP_MD* const md = HashOf(hash);
  if (md == nullptr || signature.size() != RSA_size(key)) return false;
  const ErrorQueueCleaner cleaner;
  const Digest digest = Hash(hash, message);
  const auto bytes = digest.bytes();
  if (padding == RsaPadding::kPss) {
    return RSA_verify_pss_mgf1(key, bytes.data(), bytes.size(), md, md, kSaltAsLongAsDigest,
                               BytesOf(signature), signature.size()) == 1;
  }
  return RSA_verify(EVP_MD_type(md), bytes.data(), bytes.size(), BytesOf(signature),
                    signature.size(), key) == 1;
}

size_t RsaPublicKey::modulus_bits() const { return RSA_bits(state_->key.get()); }

struct RsaPrivateKey::State {
  Rsa key;
};

RsaPrivateKey::RsaPrivateKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

absl::StatusOr<RsaPrivateKey> RsaPrivateKey::FromPem(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const PemBlock block, ReadPem(text, {"RSA PRIVATE KEY", "PRIVATE KEY"}));
  std::string_view der = block.der();
  if (block.label() == "PRIVATE KEY") {
    CONVOY_ASSIGN_OR_RETURN(const KeyEnvelope envelope, ReadPkcs8(der));
    if (envelope.type != KeyType::kRsa) {
      return absl::InvalidArgumentError("the key is not an RSA key");
    }
    der = envelope.key;
  }
  CBS reader = ReaderOf(der);
  CBS fields;
  uint64_t version;
  std::string_view n;
  if (!CBS_get_asn1(&reader, &fields, CBS_ASN1_SEQUENCE) || CBS_len(&reader) != 0 ||
      !CBS_get_asn1_uint64(&fields, &version) || !ReadInteger(&fields, &n)) {
    return Malformed();
  }
  CONVOY_RETURN_IF_ERROR(CheckModulus(n));
  const ErrorQueueCleaner cleaner;
  reader = ReaderOf(der);
  Rsa key(RSA_parse_private_key(&reader));  // checks that the numbers belong together
  if (!key) return Malformed();
  return RsaPrivateKey(std::make_shared<const State>(State{std::move(key)}));
}

absl::StatusOr<RsaPrivateKey> RsaPrivateKey::FromNumbers(const RsaNumbers& numbers) {
  CONVOY_RETURN_IF_ERROR(CheckModulus(WithoutLeadingZeros(numbers.n)));
  CONVOY_RETURN_IF_ERROR(CheckExponent(WithoutLeadingZeros(numbers.e)));
  const ErrorQueueCleaner cleaner;
  const auto number_of = [](std::string_view bytes) {
    return bytes.empty() || bytes.size() > kRsaModulusBitsMax / 8 + 1
               ? nullptr
               : BigNumber(BN_bin2bn(BytesOf(bytes), bytes.size(), nullptr));
  };
  BigNumber n = number_of(numbers.n), e = number_of(numbers.e), d = number_of(numbers.d),
            p = number_of(numbers.p), q = number_of(numbers.q), dp = number_of(numbers.dp),
            dq = number_of(numbers.dq), qi = number_of(numbers.qi);
  Rsa key(RSA_new());
  if (!key || !n || !e || !d || !p || !q || !dp || !dq || !qi) return Malformed();
  // A number that is set belongs to the key.
  if (!RSA_set0_key(key.get(), n.get(), e.get(), d.get())) return Malformed();
  n.release(), e.release(), d.release();
  if (!RSA_set0_factors(key.get(), p.get(), q.get())) return Malformed();
  p.release(), q.release();
  if (!RSA_set0_crt_params(key.get(), dp.get(), dq.get(), qi.get())) return Malformed();
  dp.release(), dq.release(), qi.release();
  if (!RSA_check_key(key.get())) return Malformed();
  return RsaPrivateKey(std::make_shared<const State>(State{std::move(key)}));
}

absl::StatusOr<std::string> RsaPrivateKey::SignPkcs1(std::string_view message) const {
  RSA* const key = state_->key.get();
  const ErrorQueueCleaner cleaner;
  const Digest digest = Hash(HashAlgorithm::kSha256, message);
  std::string signature(RSA_size(key), '\0');
  unsigned size = 0;
  if (!RSA_sign(NID_sha256, digest.bytes().data(), digest.bytes().size(),
                reinterpret_cast<uint8_t*>(signature.data()), &size, key)) {
    return absl::InternalError("signing with RSA failed");
  }
  signature.resize(size);
  return signature;
}

}  // namespace convoy::crypto
