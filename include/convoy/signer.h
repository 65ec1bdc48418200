// Signatures of outgoing requests in Convoy's two forms, which its client libraries verify.
//
//   simple    HMAC(secret, body) with the last configured version and the newest secret
//   advanced  "t=<unix seconds>" and then, for the n-th version and every live secret, ",v<n>=" and
//             HMAC(secret, "<t>,<body>")
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy {

// The value of the signature header for `body` as of `now`. Secrets that have expired by then do
// not sign. kFailedPrecondition if no secret is live or `config` has no version.
absl::StatusOr<std::string> Sign(const SignatureConfig& config, const Endpoint& endpoint,
                                 std::string_view body, absl::Time now);

// The headers of Standard Webhooks for `body`, as `config` or the endpoint chooses: webhook-id
// (`id`, equal for every attempt), webhook-timestamp, and webhook-signature with an entry for every
// live key. None if neither chooses them. kFailedPrecondition if no key for them is live.
absl::StatusOr<Headers> SignStandard(const SignatureConfig& config, const Endpoint& endpoint,
                                     std::string_view id, std::string_view body, absl::Time now);

}  // namespace convoy
