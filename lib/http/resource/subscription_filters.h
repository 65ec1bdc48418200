// Rules of the filters of a subscription for single event types, for all requests that change them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "convoy/model.h"
#include "lib/http/request/api_parts.h"

namespace convoy::http {

inline constexpr size_t kEventTypesMax = 256;                // of a subscription, and filters of it
inline constexpr size_t kTypeFiltersBytesMax = 1024 * 1024;  // of a subscription, in all

// To be called when a subscription was made or changed: each of its event types gets a filter,
// which is at first its own one. Those that were the same as `previous`, its own filter before,
// follow it; those of types that it does not want any more go. Refused if the filters would be
// larger than kTypeFiltersBytesMax; `out` is in any state then.
absl::Status KeepTypeFilters(const ApiParts& parts, const ContentFilter& previous,
                             Subscription* out);

// Whether the subscription wants events of the type, or of the types of a pattern that it names.
bool CoversType(const Subscription& subscription, std::string_view event_type);

// kInvalidArgument if those of a subscription are larger than kTypeFiltersBytesMax in all.
absl::Status CheckFiltersBytes(const std::vector<TypeFilter>& filters);

// The filter with the id; end() if there is none.
std::vector<TypeFilter>::iterator FindTypeFilter(std::vector<TypeFilter>& filters,
                                                 std::string_view id);
// The filter of the event type; null if there is none.
const TypeFilter* FindFilterOfType(const std::vector<TypeFilter>& filters,
                                   std::string_view event_type);

// The filter's event type must be one of the project's (otherwise kNotFound with `unknown`) and
// have no other filter (otherwise kInvalidArgument with `repeated`).
absl::Status CheckFilterType(const ApiParts& parts, const Subscription& subscription,
                             const TypeFilter& filter, std::string_view unknown,
                             std::string_view repeated);

// Adds the event type to those of the subscription unless it covers it: a filter of the type would
// have no effect otherwise.
absl::Status AddFilterType(const std::string& event_type, Subscription& subscription);

// Adds a filter, and its event type. A filter without an id gets one.
absl::Status AddTypeFilter(TypeFilter filter, const ApiParts& parts, Subscription& subscription);

}  // namespace convoy::http
