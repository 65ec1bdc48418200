// Fields of endpoints that hold credentials; see endpoint_credentials.h. Refusals are worded as
// Convoy words them, where it has a rule.
#include "lib/http/shape/endpoint_credentials.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/crypto/certificate.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/pub_sub.h"
#include "lib/model/oauth2_codec.h"
#include "lib/sign/client_assertion.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kCertificateBytesMax = 64 * 1024;
constexpr size_t kKeyBytesMax = 16 * 1024;
constexpr size_t kAuthoritiesBytesMax = 64 * 1024;
constexpr size_t kJwkMemberBytesMax = 2048;

absl::Status Required(std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("oauth2 ", what));
}

// Puts the stored secret in the place of its placeholder.
absl::Status Restore(std::string_view field, const std::string& stored, bool may_keep,
                     std::string* secret) {
  if (*secret != kRedactedSecret) return absl::OkStatus();
  if (stored.empty()) {
    return FieldError(field,
                      "must be given: [REDACTED] stands for a stored one, and there is none");
  }
  if (!may_keep) return FieldError(field, "must be given anew, because it would go elsewhere");
  *secret = stored;
  return absl::OkStatus();
}

// The stored credentials if they are of this kind, else those of nothing.
template <typename T>
T StoredOr(const KeptAuth& kept) {
  const T* stored = std::get_if<T>(&kept.auth);
  return stored == nullptr ? T() : *stored;
}

absl::StatusOr<EndpointAuth> ReadApiKey(const json::Value* object, const KeptAuth& kept) {
  ApiKeyAuth auth;
  if (object != nullptr) {
    ObjectReader fields(*object, "authentication.api_key");
    fields.Read("header_name", &auth.header_name);
    fields.Read("header_value", &auth.header_value);
    CONVOY_RETURN_IF_ERROR(fields.status());
  }
  CONVOY_RETURN_IF_ERROR(Restore("authentication.api_key.header_value",
                                 StoredOr<ApiKeyAuth>(kept).header_value, kept.is_same_server,
                                 &auth.header_value));
  if (auth.header_value.empty()) return absl::InvalidArgumentError("api key field is required");
  if (auth.header_name.empty()) {
    return absl::InvalidArgumentError("api key header_name is required");
  }
  CONVOY_RETURN_IF_ERROR(CheckHeaderToSend("authentication.api_key.header_name", auth.header_name));
  if (!base::IsHeaderValue(auth.header_value)) {
    return FieldError("authentication.api_key.header_value", "must be a header value");
  }
  CONVOY_RETURN_IF_ERROR(CheckText("authentication.api_key.header_value", auth.header_value));
  return EndpointAuth(std::move(auth));
}

absl::StatusOr<EndpointAuth> ReadBasic(const json::Value* object, const KeptAuth& kept) {
  BasicAuth auth;
  if (object != nullptr) {
    ObjectReader fields(*object, "authentication.basic_auth");
    fields.Read("username", &auth.username);
    fields.Read("password", &auth.password);
    CONVOY_RETURN_IF_ERROR(fields.status());
  }
  CONVOY_RETURN_IF_ERROR(Restore("authentication.basic_auth.password",
                                 StoredOr<BasicAuth>(kept).password, kept.is_same_server,
                                 &auth.password));
  if (auth.username.empty() || auth.username.find(':') != std::string::npos) {
    return FieldError("authentication.basic_auth.username", "must be given, without a colon");
  }
  CONVOY_RETURN_IF_ERROR(CheckText("authentication.basic_auth.username", auth.username));
  CONVOY_RETURN_IF_ERROR(CheckText("authentication.basic_auth.password", auth.password));
  return EndpointAuth(std::move(auth));
}

absl::Status ReadFieldMapping(ObjectReader& parent, OAuth2Auth* auth) {
  const json::Value* object = parent.Object("field_mapping");
  if (object == nullptr) return parent.status();
  ObjectReader fields(*object, parent.PathOf("field_mapping"));
  const std::pair<const char*, std::string*> names[] = {{"access_token", &auth->token_field},
                                                        {"token_type", &auth->type_field},
                                                        {"expires_in", &auth->expiry_field}};
  for (const auto& [field, name] : names) {
    fields.Read(field, name);
    CONVOY_RETURN_IF_ERROR(CheckText(fields.PathOf(field), *name));
  }
  return fields.status();
}

absl::Status ReadSigningKey(ObjectReader& parent, const OAuth2Auth& stored, OAuth2Auth* auth) {
  const json::Value* object = parent.Object("signing_key");
  if (object == nullptr) {
    CONVOY_RETURN_IF_ERROR(parent.status());
    return Required("signing_key is required for client_assertion authentication");
  }
  ObjectReader fields(*object, parent.PathOf("signing_key"));
  for (const model::JwkMember& member : model::JwkMembers()) {
    std::string* const text = &(auth->signing_key.*member.text);
    fields.Read(member.name, text);
    if (member.is_secret) {  // it goes nowhere: it signs
      CONVOY_RETURN_IF_ERROR(
          Restore(fields.PathOf(member.name), stored.signing_key.*member.text, true, text));
    }
    CONVOY_RETURN_IF_ERROR(CheckText(fields.PathOf(member.name), *text, kJwkMemberBytesMax));
  }
  CONVOY_RETURN_IF_ERROR(fields.status());
  // The algorithm follows from the key if it is not given.
  auth->algorithm =
      auth->signing_key.kty == "EC" ? OAuth2Algorithm::kEs256 : OAuth2Algorithm::kRs256;
  ReadEnum(parent, "signing_algorithm", "must be RS256 or ES256", &auth->algorithm);
  CONVOY_RETURN_IF_ERROR(parent.status());
  const absl::Status key = sign::CheckSigningKey(auth->signing_key, auth->algorithm);
  if (key.ok()) return key;
  return absl::InvalidArgumentError(absl::StrCat(parent.PathOf("signing_key"), ".", key.message()));
}

// The fields that the way of authenticating needs.
absl::Status ReadClient(ObjectReader& reader, const OAuth2Auth& stored, OAuth2Auth* auth) {
  std::string type;
  reader.Read("authentication_type", &type);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (type.empty()) return Required("authentication_type is required");
  ReadEnum(reader, "authentication_type", "must be shared_secret or client_assertion",
           &auth->client);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (auth->client == OAuth2Client::kSharedSecret) {
    reader.Read("client_secret", &auth->client_secret);
    CONVOY_RETURN_IF_ERROR(reader.status());
    CONVOY_RETURN_IF_ERROR(Restore(reader.PathOf("client_secret"), stored.client_secret,
                                   IsSameServer(stored.url, auth->url), &auth->client_secret));
    if (auth->client_secret.empty()) {
      return Required("client_secret is required for shared_secret authentication");
    }
    return CheckText(reader.PathOf("client_secret"), auth->client_secret);
  }
  CONVOY_RETURN_IF_ERROR(ReadSigningKey(reader, stored, auth));
  reader.Read("issuer", &auth->issuer);
  reader.Read("subject", &auth->subject);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (auth->issuer.empty())
    return Required("issuer is required for client_assertion authentication");
  if (auth->subject.empty()) {
    return Required("subject is required for client_assertion authentication");
  }
  CONVOY_RETURN_IF_ERROR(CheckText(reader.PathOf("issuer"), auth->issuer));
  return CheckText(reader.PathOf("subject"), auth->subject);
}

}  // namespace

bool IsSameServer(std::string_view one, std::string_view other) {
  const auto server = [](std::string_view url) {
    const size_t host = url.find("://");
    return host == std::string_view::npos ? url : url.substr(0, url.find_first_of("/?#", host + 3));
  };
  return base::EqualsIgnoreCase(server(one), server(other));
}

absl::StatusOr<OAuth2Auth> ReadOAuth2(const json::Value& object, std::string_view path,
                                      bool is_https_required, const OAuth2Auth& stored) {
  ObjectReader reader(object, std::string(path));
  OAuth2Auth auth;
  std::string grant_type;
  reader.Read("url", &auth.url);
  reader.Read("client_id", &auth.client_id);
  reader.Read("grant_type", &grant_type);
  reader.Read("scope", &auth.scope);
  reader.Read("audience", &auth.audience);
  ReadEnum(reader, "expiry_time_unit", "must be seconds, milliseconds, minutes or hours",
           &auth.expiry_unit);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (auth.url.empty()) return Required("url is required");
  if (auth.client_id.empty()) return Required("client_id is required");
  const absl::Status url = CheckEndpointUrl(auth.url, is_https_required);
  if (!url.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ".", url.message()));
  }
  if (!grant_type.empty() && grant_type != "client_credentials") {
    return FieldError(reader.PathOf("grant_type"), "must be client_credentials");
  }
  CONVOY_RETURN_IF_ERROR(CheckText(reader.PathOf("client_id"), auth.client_id));
  CONVOY_RETURN_IF_ERROR(CheckText(reader.PathOf("scope"), auth.scope));
  CONVOY_RETURN_IF_ERROR(CheckText(reader.PathOf("audience"), auth.audience));
  CONVOY_RETURN_IF_ERROR(ReadFieldMapping(reader, &auth));
  CONVOY_RETURN_IF_ERROR(ReadClient(reader, stored, &auth));
  return auth;
}

absl::StatusOr<EndpointAuth> ReadAuthentication(const json::Value& object, bool is_https_required,
                                                const KeptAuth& kept) {
  ObjectReader reader(object, "authentication");
  std::string type;
  reader.Read("type", &type);
  const json::Value* key = reader.Object("api_key");
  const json::Value* basic = reader.Object("basic_auth");
  const json::Value* oauth2 = reader.Object("oauth2");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (type.empty() && AsksForNothing(object)) return EndpointAuth();
  if (type == "api_key") return ReadApiKey(key, kept);
  if (type == "basic_auth") return ReadBasic(basic, kept);
  if (type == "oauth2") {
    if (oauth2 == nullptr) return Required("configuration is required");
    return ReadOAuth2(*oauth2, "authentication.oauth2", is_https_required,
                      StoredOr<OAuth2Auth>(kept));
  }
  return FieldError("authentication.type", "must be api_key, basic_auth or oauth2");
}

absl::Status ReadTls(const json::Value& document, absl::Time now, EndpointTls* out) {
  ObjectReader reader(document);
  if (reader.Read("tls_ca_bundle", &out->ca_bundle) && !out->ca_bundle.empty()) {
    CONVOY_RETURN_IF_ERROR(CheckText("tls_ca_bundle", out->ca_bundle, kAuthoritiesBytesMax));
    const absl::Status authorities = crypto::CheckAuthorities(out->ca_bundle);
    if (!authorities.ok()) return FieldError("tls_ca_bundle", authorities.message());
  }
  const json::Value* object = reader.Object("mtls_client_cert");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (object == nullptr) return absl::OkStatus();
  ObjectReader fields(*object, "mtls_client_cert");
  std::string certificate, key;
  fields.Read("client_cert", &certificate);
  fields.Read("client_key", &key);
  CONVOY_RETURN_IF_ERROR(fields.status());
  CONVOY_RETURN_IF_ERROR(Restore("mtls_client_cert.client_key", out->client_key, true, &key));
  if (certificate.empty() != key.empty()) {
    return absl::InvalidArgumentError("mtls_client_cert requires both client_cert and client_key");
  }
  CONVOY_RETURN_IF_ERROR(
      CheckText("mtls_client_cert.client_cert", certificate, kCertificateBytesMax));
  CONVOY_RETURN_IF_ERROR(CheckText("mtls_client_cert.client_key", key, kKeyBytesMax));
  if (!certificate.empty()) {
    const absl::Status pair = crypto::CheckClientCertificate(certificate, key, now);
    if (!pair.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid mTLS client certificate: mtls_client_cert:", pair.message()));
    }
  }
  out->client_certificate = std::move(certificate);
  out->client_key = std::move(key);
  return absl::OkStatus();
}

}  // namespace convoy::http
