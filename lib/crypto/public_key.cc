// Parser of the published forms of public keys, down to the inputs of the three key classes. Every
// text is measured before it is decoded.
#include "lib/crypto/public_key.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/pem.h"

namespace convoy::crypto {
namespace {

// Decodes a member of a JWK into `buffer`; refuses one that does not fit.
absl::StatusOr<std::string_view> DecodeMember(std::string_view name, std::string_view text,
                                              std::span<uint8_t> buffer) {
  const std::optional<size_t> size = base::Base64UrlDecodeTo(text, buffer);
  if (!size.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the JWK member ", name, " is not base64url or too long"));
  }
  return std::string_view(reinterpret_cast<const char*>(buffer.data()), *size);
}

}  // namespace

absl::StatusOr<PublicKey> PublicKey::FromPem(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const PemBlock block,
                          ReadPem(text, {"PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"}));
  if (block.label() == "RSA PUBLIC KEY") {
    CONVOY_ASSIGN_OR_RETURN(RsaPublicKey key, RsaPublicKey::FromPkcs1Der(block.der()));
    return PublicKey(std::move(key));
  }
  if (block.label() == "CERTIFICATE") {
    CONVOY_ASSIGN_OR_RETURN(const std::string_view spki, ReadCertificateSpki(block.der()));
    return FromSpkiDer(spki);
  }
  return FromSpkiDer(block.der());
}

absl::StatusOr<PublicKey> PublicKey::FromSpkiDer(std::string_view der) {
  CONVOY_ASSIGN_OR_RETURN(const KeyEnvelope envelope, ReadSpki(der));
  if (envelope.type == KeyType::kEd25519) {
    CONVOY_ASSIGN_OR_RETURN(Ed25519PublicKey key, Ed25519PublicKey::FromRaw(envelope.key));
    return PublicKey(std::move(key));
  }
  if (envelope.type == KeyType::kEcdsaP256) {
    CONVOY_ASSIGN_OR_RETURN(EcdsaPublicKey key, EcdsaPublicKey::FromPoint(envelope.key));
    return PublicKey(std::move(key));
  }
  CONVOY_ASSIGN_OR_RETURN(RsaPublicKey key, RsaPublicKey::FromPkcs1Der(envelope.key));
  return PublicKey(std::move(key));
}

absl::StatusOr<PublicKey> PublicKey::FromSpkiBase64(std::string_view text) {
  if (text.size() > kKeyDerBytesMax * 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("the key is longer than ", kKeyDerBytesMax, " bytes"));
  }
  const std::optional<std::string> der = base::Base64Decode(text);
  if (!der.has_value()) return absl::InvalidArgumentError("the key is not base64");
  return FromSpkiDer(*der);
}

absl::StatusOr<PublicKey> PublicKey::FromRsaJwk(std::string_view n, std::string_view e) {
  // One byte to spare: some issuers write the sign byte of DER into the modulus.
  std::array<uint8_t, kRsaModulusBitsMax / 8 + 1> modulus;
  std::array<uint8_t, 8> exponent;
  CONVOY_ASSIGN_OR_RETURN(const std::string_view n_bytes, DecodeMember("n", n, modulus));
  CONVOY_ASSIGN_OR_RETURN(const std::string_view e_bytes, DecodeMember("e", e, exponent));
  CONVOY_ASSIGN_OR_RETURN(RsaPublicKey key, RsaPublicKey::FromComponents(n_bytes, e_bytes));
  return PublicKey(std::move(key));
}

absl::StatusOr<PublicKey> PublicKey::FromP256Jwk(std::string_view x, std::string_view y) {
  std::array<uint8_t, 32> x_buffer, y_buffer;
  CONVOY_ASSIGN_OR_RETURN(const std::string_view x_bytes, DecodeMember("x", x, x_buffer));
  CONVOY_ASSIGN_OR_RETURN(const std::string_view y_bytes, DecodeMember("y", y, y_buffer));
  CONVOY_ASSIGN_OR_RETURN(EcdsaPublicKey key, EcdsaPublicKey::FromCoordinates(x_bytes, y_bytes));
  return PublicKey(std::move(key));
}

absl::StatusOr<PublicKey> PublicKey::FromEd25519Jwk(std::string_view x) {
  std::array<uint8_t, 32> buffer;
  CONVOY_ASSIGN_OR_RETURN(const std::string_view bytes, DecodeMember("x", x, buffer));
  CONVOY_ASSIGN_OR_RETURN(Ed25519PublicKey key, Ed25519PublicKey::FromRaw(bytes));
  return PublicKey(std::move(key));
}

}  // namespace convoy::crypto
