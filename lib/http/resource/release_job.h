// Release of many held inputs in one call: chunk by chunk, each a write of its own.
#pragma once

#include <string>
#include <vector>

#include "lib/http/request/api_parts.h"
#include "lib/http/request/reply.h"

namespace convoy::http {

struct ReleaseRequest {
  HeldQuery query;               // which inputs; `now` does not matter
  bool has_ids = false;          // only these, of those that the query wants:
  std::vector<std::string> ids;  // ascending
};

// Answers with the results of the inputs and the number of those not tried. Arguments given by
// reference must outlive the reply.
Reply ReleaseInputs(const GatewayOptions& options, const ApiParts& parts, ReleaseRequest request);

}  // namespace convoy::http
