// Reads the envelopes of keys with BoringSSL's strict DER cursor: no recursion, no allocation, size
// checked first. Only the three kinds of key that the library verifies with come out of here.
#include "lib/crypto/key_envelope.h"

#include <array>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/crypto/boringssl.h"

namespace convoy::crypto {
namespace {

// Contents of OBJECT IDENTIFIERs.
constexpr std::array<uint8_t, 9> kRsaEncryption = {0x2A, 0x86, 0x48, 0x86, 0xF7,
                                                   0x0D, 0x01, 0x01, 0x01};
constexpr std::array<uint8_t, 7> kEcPublicKey = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
constexpr std::array<uint8_t, 8> kP256 = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::array<uint8_t, 3> kEd25519 = {0x2B, 0x65, 0x70};

constexpr unsigned kContextConstructed = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED;

absl::Status Malformed() { return absl::InvalidArgumentError("the key is not valid DER"); }

absl::Status CheckSize(std::string_view der) {
  if (der.size() <= kKeyDerBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the key is longer than ", kKeyDerBytesMax, " bytes"));
}

template <size_t kSize>
bool Equals(const CBS& oid, const std::array<uint8_t, kSize>& expected) {
  return CBS_mem_equal(&oid, expected.data(), expected.size()) == 1;
}

absl::StatusOr<KeyType> ReadAlgorithm(CBS* reader) {
  CBS algorithm, oid, parameters;
  if (!CBS_get_asn1(reader, &algorithm, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT)) {
    return Malformed();
  }
  if (Equals(oid, kRsaEncryption)) {
    if (!CBS_get_asn1(&algorithm, &parameters, CBS_ASN1_NULL) || CBS_len(&parameters) != 0 ||
        CBS_len(&algorithm) != 0) {
      return Malformed();
    }
    return KeyType::kRsa;
  }
  if (Equals(oid, kEcPublicKey)) {
    if (!CBS_get_asn1(&algorithm, &parameters, CBS_ASN1_OBJECT) || CBS_len(&algorithm) != 0) {
      return Malformed();
    }
    if (!Equals(parameters, kP256)) {
      return absl::InvalidArgumentError("the key is on a curve other than P-256");
    }
    return KeyType::kEcdsaP256;
  }
  if (Equals(oid, kEd25519)) {
    if (CBS_len(&algorithm) != 0) return Malformed();
    return KeyType::kEd25519;
  }
  return absl::InvalidArgumentError("the key is neither Ed25519, ECDSA P-256 nor RSA");
}

}  // namespace

absl::StatusOr<KeyEnvelope> ReadSpki(std::string_view der) {
  CONVOY_RETURN_IF_ERROR(CheckSize(der));
  CBS reader = ReaderOf(der);
  CBS spki, key;
  if (!CBS_get_asn1(&reader, &spki, CBS_ASN1_SEQUENCE) || CBS_len(&reader) != 0) {
    return Malformed();
  }
  CONVOY_ASSIGN_OR_RETURN(const KeyType type, ReadAlgorithm(&spki));
  uint8_t unused_bits_count;
  if (!CBS_get_asn1(&spki, &key, CBS_ASN1_BITSTRING) || !CBS_get_u8(&key, &unused_bits_count) ||
      unused_bits_count != 0 || CBS_len(&spki) != 0) {
    return Malformed();
  }
  return KeyEnvelope{type, ViewOf(key)};
}

absl::StatusOr<KeyEnvelope> ReadPkcs8(std::string_view der) {
  CONVOY_RETURN_IF_ERROR(CheckSize(der));
  CBS reader = ReaderOf(der);
  CBS pkcs8, key;
  uint64_t version;
  if (!CBS_get_asn1(&reader, &pkcs8, CBS_ASN1_SEQUENCE) || CBS_len(&reader) != 0 ||
      !CBS_get_asn1_uint64(&pkcs8, &version) || version > 1) {
    return Malformed();
  }
  CONVOY_ASSIGN_OR_RETURN(const KeyType type, ReadAlgorithm(&pkcs8));
  // Attributes and a copy of the public key may follow; neither adds anything to the private key.
  if (!CBS_get_asn1(&pkcs8, &key, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_optional_asn1(&pkcs8, nullptr, nullptr, kContextConstructed | 0) ||
      !CBS_get_optional_asn1(&pkcs8, nullptr, nullptr, CBS_ASN1_CONTEXT_SPECIFIC | 1) ||
      CBS_len(&pkcs8) != 0) {
    return Malformed();
  }
  return KeyEnvelope{type, ViewOf(key)};
}

absl::StatusOr<std::string_view> ReadCertificateSpki(std::string_view der) {
  CONVOY_RETURN_IF_ERROR(CheckSize(der));
  CBS reader = ReaderOf(der);
  CBS certificate, body, spki, skipped;
  if (!CBS_get_asn1(&reader, &certificate, CBS_ASN1_SEQUENCE) || CBS_len(&reader) != 0 ||
      !CBS_get_asn1(&certificate, &body, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&certificate, &skipped, CBS_ASN1_SEQUENCE) ||   // signature algorithm
      !CBS_get_asn1(&certificate, &skipped, CBS_ASN1_BITSTRING) ||  // signature
      CBS_len(&certificate) != 0 ||
      !CBS_get_optional_asn1(&body, nullptr, nullptr, kContextConstructed | 0) ||  // version
      !CBS_get_asn1(&body, &skipped, CBS_ASN1_INTEGER) ||                          // serial number
      !CBS_get_asn1(&body, &skipped, CBS_ASN1_SEQUENCE) ||  // signature algorithm
      !CBS_get_asn1(&body, &skipped, CBS_ASN1_SEQUENCE) ||  // issuer
      !CBS_get_asn1(&body, &skipped, CBS_ASN1_SEQUENCE) ||  // validity
      !CBS_get_asn1(&body, &skipped, CBS_ASN1_SEQUENCE) ||  // subject
      !CBS_get_asn1_element(&body, &spki, CBS_ASN1_SEQUENCE)) {
    return absl::InvalidArgumentError("the certificate is not valid DER");
  }
  return ViewOf(spki);
}

}  // namespace convoy::crypto
