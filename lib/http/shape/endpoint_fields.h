// Fields of endpoints that requests may set.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/options.h"
#include "lib/json/document.h"

namespace convoy::http {

// Context that an endpoint is judged in.
struct EndpointScope {
  const Project& project;
  const GatewayOptions& options;
  // Whether the caller may give an endpoint a URL of the host's own process.
  bool may_be_local;
};

// Reads a request over `out` and checks the whole. Fields that an update resets if they are absent
// are reset first by the caller. Placeholders of secrets stand for those of `stored`, which is null
// for a new endpoint. Certificates must be valid at `now`. `out` is in any state after an error.
absl::Status ReadEndpoint(const json::Value& document, const EndpointScope& scope, absl::Time now,
                          const Endpoint* stored, Endpoint* out);

}  // namespace convoy::http
