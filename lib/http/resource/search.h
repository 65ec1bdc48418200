// Searches in lists of events and deliveries.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/http/request/context.h"

namespace convoy::http {

// The query parameter "query"; `created_from` is set forth to where the project's search_policy
// lets a search begin. kInvalidArgument, with the parameter's name, if it is too long or asks for a
// search in payloads.
absl::StatusOr<SearchText> ReadSearch(const Context& context, absl::Time* created_from);

}  // namespace convoy::http
