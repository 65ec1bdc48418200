// Fields that are empty or have their default are left out.
#include "lib/model/oauth2_codec.h"

#include "lib/model/codec_pieces.h"
#include "lib/model/names.h"

namespace convoy::model {
namespace {

using json::ObjectReader;
using json::Writer;

constexpr JwkMember kJwkMembers[] = {
    {"kty", &SigningJwk::kty, false}, {"kid", &SigningJwk::kid, false},
    {"crv", &SigningJwk::crv, false}, {"x", &SigningJwk::x, false},
    {"y", &SigningJwk::y, false},     {"n", &SigningJwk::n, false},
    {"e", &SigningJwk::e, false},     {"d", &SigningJwk::d, true},
    {"p", &SigningJwk::p, true},      {"q", &SigningJwk::q, true},
    {"dp", &SigningJwk::dp, true},    {"dq", &SigningJwk::dq, true},
    {"qi", &SigningJwk::qi, true},
};

}  // namespace

std::span<const JwkMember> JwkMembers() { return kJwkMembers; }

void WriteOAuth2(Writer& writer, const OAuth2Auth& auth) {
  writer.Field("kind", "oauth2")
      .Field("url", auth.url)
      .Field("client_id", auth.client_id)
      .FieldIfSet("scope", auth.scope)
      .FieldIfSet("audience", auth.audience)
      .Field("client", Name(auth.client))
      .FieldIfSet("client_secret", auth.client_secret)
      .FieldIfSet("issuer", auth.issuer)
      .FieldIfSet("subject", auth.subject)
      .Field("expiry_unit", Name(auth.expiry_unit))
      .FieldIfSet("token_field", auth.token_field)
      .FieldIfSet("type_field", auth.type_field)
      .FieldIfSet("expiry_field", auth.expiry_field);
  if (auth.client != OAuth2Client::kClientAssertion) return;
  writer.Field("algorithm", Name(auth.algorithm)).Key("signing_key").BeginObject();
  for (const JwkMember& member : kJwkMembers) {
    writer.FieldIfSet(member.name, auth.signing_key.*member.text);
  }
  writer.EndObject();
}

OAuth2Auth ReadOAuth2(ObjectReader& reader) {
  OAuth2Auth auth;
  reader.Read("url", &auth.url);
  reader.Read("client_id", &auth.client_id);
  reader.Read("scope", &auth.scope);
  reader.Read("audience", &auth.audience);
  ReadEnum(reader, "client", &auth.client);
  reader.Read("client_secret", &auth.client_secret);
  ReadEnum(reader, "algorithm", &auth.algorithm);
  reader.Read("issuer", &auth.issuer);
  reader.Read("subject", &auth.subject);
  ReadEnum(reader, "expiry_unit", &auth.expiry_unit);
  reader.Read("token_field", &auth.token_field);
  reader.Read("type_field", &auth.type_field);
  reader.Read("expiry_field", &auth.expiry_field);
  if (const json::Value* key = reader.Object("signing_key")) {
    ObjectReader members(*key);
    for (const JwkMember& member : kJwkMembers) {
      members.Read(member.name, &(auth.signing_key.*member.text));
    }
    reader.Fail(members.status());
  }
  return auth;
}

void WriteTls(Writer& writer, const EndpointTls& tls) {
  if (tls.empty()) return;
  writer.Key("tls")
      .BeginObject()
      .FieldIfSet("ca_bundle", tls.ca_bundle)
      .FieldIfSet("client_certificate", tls.client_certificate)
      .FieldIfSet("client_key", tls.client_key)
      .EndObject();
}

void ReadTls(ObjectReader& parent, EndpointTls* out) {
  const json::Value* object = parent.Object("tls");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  reader.Read("ca_bundle", &out->ca_bundle);
  reader.Read("client_certificate", &out->client_certificate);
  reader.Read("client_key", &out->client_key);
  parent.Fail(reader.status());
}

}  // namespace convoy::model
