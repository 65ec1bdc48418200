// Self-signed tokens of a Google service account.
#include "lib/broker/pubsub/service_account.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"

namespace convoy::broker {
namespace {

absl::Status Refuse(std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("google.service_account", why));
}

bool IsDomain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '.';
  });
}

}  // namespace

absl::StatusOr<ServiceAccount> ServiceAccount::Parse(std::string_view text) {
  constexpr json::Limits kLimits = {.bytes_max = 64 * 1024, .depth_max = 8, .values_max = 256};
  const auto document = json::Parse(text, kLimits);
  if (!document.ok() || !document->IsObject()) return Refuse(" is not the JSON of a key file");
  json::ObjectReader reader(*document);
  std::string type, email, key_id, key_pem;
  std::string universe_domain = "googleapis.com";
  reader.Read("type", &type);
  reader.Read("client_email", &email);
  reader.Read("private_key_id", &key_id);
  reader.Read("private_key", &key_pem);
  reader.Read("universe_domain", &universe_domain);
  if (!reader.status().ok()) return Refuse(" has a field that is not a string");
  if (type != "service_account") return Refuse(".type is not \"service_account\"");
  if (email.empty()) return Refuse(".client_email is missing");
  if (!IsDomain(universe_domain)) return Refuse(".universe_domain is not a domain");
  auto key = crypto::RsaPrivateKey::FromPem(key_pem);
  if (!key.ok()) return Refuse(absl::StrCat(".private_key: ", key.status().message()));
  return ServiceAccount(std::move(email), std::move(key_id), std::move(universe_domain),
                        *std::move(key));
}

absl::StatusOr<std::string> ServiceAccount::MakeToken(std::string_view audience,
                                                      absl::Time now) const {
  json::Writer header;
  header.BeginObject().Field("alg", "RS256").Field("typ", "JWT");
  header.FieldIfSet("kid", key_id_).EndObject();
  json::Writer claims;
  claims.BeginObject()
      .Field("iss", email_)
      .Field("sub", email_)
      .Field("aud", audience)
      .Field("iat", absl::ToUnixSeconds(now))
      .Field("exp", absl::ToUnixSeconds(now + kLifetime))
      .EndObject();
  const std::string text =
      absl::StrCat(base::Base64UrlEncode(header.text()), ".", base::Base64UrlEncode(claims.text()));
  CONVOY_ASSIGN_OR_RETURN(const std::string signature, key_.SignPkcs1(text));
  return absl::StrCat(text, ".", base::Base64UrlEncode(signature));
}

}  // namespace convoy::broker
