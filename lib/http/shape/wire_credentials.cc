// JSON of the credentials of endpoints, as Convoy shows them: passwords and keys of certificates
// are left out for every reader, the others for viewers only (viewer.h).
#include "lib/http/shape/wire.h"
#include "lib/model/names.h"
#include "lib/model/oauth2_codec.h"

namespace convoy::http {
namespace {

using json::Writer;
using model::Name;

constexpr const char* kNeverShown = "[REDACTED]";

void WriteOAuth2(Writer& writer, const OAuth2Auth& auth) {
  writer.Key("oauth2")
      .BeginObject()
      .Field("url", auth.url)
      .Field("client_id", auth.client_id)
      .Field("grant_type", "client_credentials")
      .FieldIfSet("scope", auth.scope)
      .FieldIfSet("audience", auth.audience)
      .Field("authentication_type", Name(auth.client))
      .FieldIfSet("client_secret", auth.client_secret)
      .FieldIfSet("issuer", auth.issuer)
      .FieldIfSet("subject", auth.subject);
  if (auth.client == OAuth2Client::kClientAssertion) {
    writer.Field("signing_algorithm", Name(auth.algorithm)).Key("signing_key").BeginObject();
    for (const model::JwkMember& member : model::JwkMembers()) {
      writer.FieldIfSet(member.name, auth.signing_key.*member.text);
    }
    writer.EndObject();
  }
  writer.Field("expiry_time_unit", Name(auth.expiry_unit));
  if (!auth.token_field.empty() || !auth.type_field.empty() || !auth.expiry_field.empty()) {
    writer.Key("field_mapping")
        .BeginObject()
        .FieldIfSet("access_token", auth.token_field)
        .FieldIfSet("token_type", auth.type_field)
        .FieldIfSet("expires_in", auth.expiry_field)
        .EndObject();
  }
  writer.EndObject();
}

}  // namespace

void WriteAuthentication(Writer& writer, const EndpointAuth& auth) {
  writer.Key("authentication");
  if (std::holds_alternative<std::monostate>(auth)) {
    writer.Null();
    return;
  }
  writer.BeginObject();
  if (const auto* key = std::get_if<ApiKeyAuth>(&auth)) {
    writer.Field("type", "api_key").Key("api_key").BeginObject();
    writer.Field("header_name", key->header_name)
        .Field("header_value", key->header_value)
        .EndObject();
  } else if (const auto* basic = std::get_if<BasicAuth>(&auth)) {
    writer.Field("type", "basic_auth").Key("basic_auth").BeginObject();
    writer.Field("username", basic->username).Field("password", kNeverShown).EndObject();
  } else if (const auto* oauth2 = std::get_if<OAuth2Auth>(&auth)) {
    writer.Field("type", "oauth2");
    WriteOAuth2(writer, *oauth2);
  }
  writer.EndObject();
}

void WriteTls(Writer& writer, const EndpointTls& tls) {
  writer.FieldIfSet("tls_ca_bundle", tls.ca_bundle);
  if (tls.client_certificate.empty()) return;
  writer.Key("mtls_client_cert")
      .BeginObject()
      .Field("client_cert", tls.client_certificate)
      .Field("client_key", kNeverShown)
      .EndObject();
}

}  // namespace convoy::http
