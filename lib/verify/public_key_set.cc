// Parsers of published keys; see public_key_set.h.
#include "lib/verify/public_key_set.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_replace.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/json/document.h"
#include "lib/verify/evidence.h"

namespace convoy::verify {
namespace {

using crypto::PublicKey;

constexpr json::Limits kDocumentLimits = {
    .bytes_max = 256 * 1024, .depth_max = 16, .values_max = 5'000};
constexpr size_t kKeysMax = 64;

absl::StatusOr<PublicKey> ReadJwk(const json::Value& object, std::string* id) {
  json::ObjectReader reader(object);
  std::string type, curve, n, e, x, y;
  reader.Read("kid", id);
  reader.Read("kty", &type);
  reader.Read("crv", &curve);
  reader.Read("n", &n);
  reader.Read("e", &e);
  reader.Read("x", &x);
  reader.Read("y", &y);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (type == "RSA") return PublicKey::FromRsaJwk(n, e);
  if (type == "EC" && curve == "P-256") return PublicKey::FromP256Jwk(x, y);
  if (type == "OKP" && curve == "Ed25519") return PublicKey::FromEd25519Jwk(x);
  return absl::InvalidArgumentError("the key is of a kind that is not supported");
}

// A JWKS, or one JWK. Keys of kinds that are not known here are passed over (RFC 7517, section 5).
absl::StatusOr<PublicKeySet> ReadJwks(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(text, kDocumentLimits));
  json::ObjectReader reader(document);
  PublicKeySet keys;
  const auto add = [&keys](const json::Value& object) {
    std::string id;
    auto key = ReadJwk(object, &id);
    if (key.ok() && keys.size() < kKeysMax) keys.push_back({std::move(id), *std::move(key)});
  };
  if (const json::Value* list = reader.Array("keys")) {
    for (const json::Value& element : list->GetArray()) add(element);
  } else if (reader.Has("kty")) {
    add(document);
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (keys.empty()) return absl::InvalidArgumentError("the key document holds no usable key");
  return keys;
}

PublicKeySet Alone(PublicKey key) {
  PublicKeySet keys;
  keys.push_back({"", std::move(key)});
  return keys;
}

absl::StatusOr<PublicKey> ReadBytes(std::string_view bytes) {
  constexpr size_t kEd25519Bytes = 32;
  if (bytes.size() != kEd25519Bytes) return PublicKey::FromSpkiDer(bytes);
  return PublicKey::FromEd25519Jwk(base::Base64UrlEncode(bytes));
}

}  // namespace

absl::StatusOr<PublicKeySet> ReadPublicKeys(KeyFormat format, std::string_view text) {
  if (text.starts_with('{')) return ReadJwks(text);
  if (text.find("-----BEGIN") != std::string_view::npos) {
    // Line breaks are often written as in a string of a program, where a key comes from a variable.
    const std::string lines = absl::StrReplaceAll(text, {{"\\n", "\n"}});
    CONVOY_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromPem(lines));
    return Alone(std::move(key));
  }
  const std::optional<std::string> bytes =
      format == KeyFormat::kHex ? base::HexDecode(text) : base::Base64DecodeKey(text);
  if (!bytes.has_value()) {
    return absl::InvalidArgumentError(
        "the secret must be the provider's public key, as PEM or in the scheme's encoding");
  }
  CONVOY_ASSIGN_OR_RETURN(PublicKey key, ReadBytes(*bytes));
  return Alone(std::move(key));
}

absl::StatusOr<PublicKeySet> ReadKeyDocument(const KeyLocation& location, std::string_view text) {
  switch (location.kind) {
    case KeyLocation::Kind::kJwks:
      return ReadJwks(text);
    case KeyLocation::Kind::kCertificate:
      return ReadPublicKeys(KeyFormat::kPem, text);
    case KeyLocation::Kind::kPemInJson:
      break;
  }
  Text pem;
  if (FindJson(text, location.path, &pem) != Finding::kFound) {
    return absl::InvalidArgumentError("the key document has nothing where the key should be");
  }
  return ReadPublicKeys(KeyFormat::kPem, pem.view());
}

}  // namespace convoy::verify
