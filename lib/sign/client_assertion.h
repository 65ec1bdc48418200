// Client assertions (RFC 7523): the JWT by which a gateway shows an authorisation server that it is
// the client. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy::sign {

// Whether signing_key is a key that `algorithm` signs with: the message names the member that is
// wrong, below "signing_key".
absl::Status CheckSigningKey(const SigningJwk& key, OAuth2Algorithm algorithm);

// A compact JWS: "iss", "sub", "aud", "iat", "exp" five minutes later, and "jti", which is `id` and
// must be new each time.
absl::StatusOr<std::string> SignAssertion(const OAuth2Auth& auth, std::string_view id,
                                          absl::Time now);

}  // namespace convoy::sign
