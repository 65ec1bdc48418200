// Filters of single event types of a subscription that comes from Convoy.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "convoy/model.h"
#include "lib/http/request/api_parts.h"
#include "lib/json/document.h"

namespace convoy::http {

// Reads the member "filters" of `object`, rows of Convoy's table, into `out`, whose event types and
// own filter have been read. The filter for "*" of a subscription that names its types is that of
// each type without one. `without_effect` gets the event types of filters that are left out,
// because the subscription does not want them. `out` is in any state after an error.
absl::Status ReadImportedFilters(const json::Value& object, const ApiParts& parts,
                                 Subscription* out, std::vector<std::string>* without_effect);

}  // namespace convoy::http
