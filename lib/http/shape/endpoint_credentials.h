// Reading the fields of endpoints that hold credentials. Every error names its field.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "lib/json/document.h"

namespace convoy::http {

// Stored credentials of an endpoint. The placeholder that answers show for a secret means the
// stored one of the same kind, as long as that would go to the same server as before.
struct KeptAuth {
  EndpointAuth auth;
  bool is_same_server = false;  // the endpoint's URL
};

// Whether two URLs have the same scheme, host and port as they are written.
bool IsSameServer(std::string_view one, std::string_view other);

// The object "authentication"; an object of nothing is no authentication.
absl::StatusOr<EndpointAuth> ReadAuthentication(const json::Value& object, bool is_https_required,
                                                const KeptAuth& kept);

// Settings of OAuth 2.0; `path` is that of `object`.
absl::StatusOr<OAuth2Auth> ReadOAuth2(const json::Value& object, std::string_view path,
                                      bool is_https_required, const OAuth2Auth& stored);

// "tls_ca_bundle" and "mtls_client_cert" of a request over what `out` holds: a field that is absent
// changes nothing, one that is empty removes; the key's placeholder means the key of `out`.
// Certificates must be valid at `now`.
absl::Status ReadTls(const json::Value& document, absl::Time now, EndpointTls* out);

}  // namespace convoy::http
