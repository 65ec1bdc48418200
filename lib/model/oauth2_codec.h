// Stored form of the credentials that an endpoint is spoken to with: OAuth 2.0 and TLS.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "convoy/model.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"

namespace convoy::model {

// A member of a private JWK by its name, which is the same on the wire and in the store.
struct JwkMember {
  std::string_view name;
  std::string SigningJwk::*text;
  bool is_secret;
};
std::span<const JwkMember> JwkMembers();

// The members of "auth" apart from its kind.
void WriteOAuth2(json::Writer& writer, const OAuth2Auth& auth);
OAuth2Auth ReadOAuth2(json::ObjectReader& reader);

// The member "tls" of endpoints; left out if it is empty.
void WriteTls(json::Writer& writer, const EndpointTls& tls);
void ReadTls(json::ObjectReader& parent, EndpointTls* out);

}  // namespace convoy::model
