// Searches in lists of events and deliveries.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/http/request/context.h"
#include "lib/http/resource/payload_search.h"

namespace convoy::http {

// The query parameter "query"; `created_from` is set forth to where the project's search_policy
// lets a search begin. kInvalidArgument, with the parameter's name, if it is too long.
//
// With `payload` an object at the end of the text, and the one of the parameter "body", is to be
// searched for in payloads; without it such an object is refused.
absl::StatusOr<SearchText> ReadSearch(const Context& context, absl::Time* created_from,
                                      PayloadSearch* payload = nullptr);

}  // namespace convoy::http
