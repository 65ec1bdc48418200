// Keys are JWKs whose members are decoded when they are used: a token lasts for minutes.
#include "lib/sign/client_assertion.h"

#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/ecdsa.h"
#include "lib/crypto/rsa.h"
#include "lib/json/writer.h"
#include "lib/model/names.h"

namespace convoy::sign {
namespace {

constexpr absl::Duration kLifetime = absl::Minutes(5);

absl::StatusOr<std::string> Decode(std::string_view member, const std::string& text) {
  std::optional<std::string> bytes = base::Base64UrlDecode(text);
  if (text.empty() || !bytes.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(member, ":must be given in base64url"));
  }
  return *std::move(bytes);
}

absl::StatusOr<crypto::RsaPrivateKey> RsaKeyOf(const SigningJwk& key) {
  const std::pair<std::string_view, const std::string*> members[] = {
      {"n", &key.n}, {"e", &key.e},   {"d", &key.d},   {"p", &key.p},
      {"q", &key.q}, {"dp", &key.dp}, {"dq", &key.dq}, {"qi", &key.qi}};
  std::array<std::string, std::size(members)> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    CONVOY_ASSIGN_OR_RETURN(bytes[i], Decode(members[i].first, *members[i].second));
  }
  auto made = crypto::RsaPrivateKey::FromNumbers(
      {bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]});
  if (made.ok()) return made;
  return absl::InvalidArgumentError(absl::StrCat("n:", made.status().message()));
}

absl::StatusOr<crypto::EcdsaPrivateKey> EcKeyOf(const SigningJwk& key) {
  if (key.crv != "P-256") return absl::InvalidArgumentError("crv:must be P-256");
  CONVOY_ASSIGN_OR_RETURN(const std::string x, Decode("x", key.x));
  CONVOY_ASSIGN_OR_RETURN(const std::string y, Decode("y", key.y));
  CONVOY_ASSIGN_OR_RETURN(const std::string d, Decode("d", key.d));
  auto made = crypto::EcdsaPrivateKey::FromNumbers(x, y, d);
  if (made.ok()) return made;
  return absl::InvalidArgumentError(absl::StrCat("d:", made.status().message()));
}

absl::StatusOr<std::string> SignWith(const SigningJwk& key, OAuth2Algorithm algorithm,
                                     std::string_view message) {
  if (algorithm == OAuth2Algorithm::kRs256) {
    CONVOY_ASSIGN_OR_RETURN(const crypto::RsaPrivateKey rsa, RsaKeyOf(key));
    return rsa.SignPkcs1(message);
  }
  CONVOY_ASSIGN_OR_RETURN(const crypto::EcdsaPrivateKey ecdsa, EcKeyOf(key));
  return ecdsa.SignRaw(message);
}

}  // namespace

absl::Status CheckSigningKey(const SigningJwk& key, OAuth2Algorithm algorithm) {
  const bool is_rsa = algorithm == OAuth2Algorithm::kRs256;
  if (key.kty != (is_rsa ? "RSA" : "EC")) {
    return absl::InvalidArgumentError(absl::StrCat("kty:must be RSA for RS256 and EC for ES256"));
  }
  return is_rsa ? RsaKeyOf(key).status() : EcKeyOf(key).status();
}

absl::StatusOr<std::string> SignAssertion(const OAuth2Auth& auth, std::string_view id,
                                          absl::Time now) {
  json::Writer header, claims;
  header.BeginObject()
      .Field("alg", model::Name(auth.algorithm))
      .Field("typ", "JWT")
      .FieldIfSet("kid", auth.signing_key.kid)
      .EndObject();
  claims.BeginObject()
      .Field("iss", auth.issuer)
      .Field("sub", auth.subject)
      .Field("aud", auth.audience.empty() ? auth.url : auth.audience)
      .Field("iat", absl::ToUnixSeconds(now))
      .Field("exp", absl::ToUnixSeconds(now + kLifetime))
      .Field("jti", id)
      .EndObject();
  std::string token = absl::StrCat(base::Base64UrlEncode(header.TakeText()), ".",
                                   base::Base64UrlEncode(claims.TakeText()));
  CONVOY_ASSIGN_OR_RETURN(const std::string signature,
                          SignWith(auth.signing_key, auth.algorithm, token));
  absl::StrAppend(&token, ".", base::Base64UrlEncode(signature));
  return token;
}

}  // namespace convoy::sign
