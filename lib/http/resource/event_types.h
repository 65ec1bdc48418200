// Event types that a change of the configuration brings with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "convoy/storage.h"
#include "lib/http/request/api_parts.h"

namespace convoy::http {

// Adds to `write` those of `names` that the project does not have yet.
absl::Status AddEventTypes(const ApiParts& parts, std::string_view project_id,
                           const std::vector<std::string>& names, ConfigWrite* write);

// The event type that every project has: of all events.
EventType MakeEventType(const ApiParts& parts, std::string_view project_id, std::string_view name);

// kNotFound if the project has none of this name; "*" is always there.
absl::Status FindEventType(Storage& storage, std::string_view project_id, std::string_view name);

}  // namespace convoy::http
