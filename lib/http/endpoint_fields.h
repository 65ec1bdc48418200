// Fields of endpoints that requests may set.
#pragma once

#include "absl/status/status.h"

#include "convoy/model.h"
#include "lib/json/document.h"

namespace convoy::http {

// Reads a request over `out` and checks the whole. What an update overwrites even if it is absent
// is reset first by the caller. `out` is in any state after an error.
absl::Status ReadEndpoint(const json::Value& document, const Project& project, Endpoint* out);

}  // namespace convoy::http
