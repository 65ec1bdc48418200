// The filters of a subscription for single event types, as changes of the subscription keep them.
#pragma once

#include "absl/status/status.h"

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

}  // namespace convoy::http
