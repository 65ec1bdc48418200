// Retry-After: the time for which a receiver asks to be left alone.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

#include "convoy/http.h"

namespace convoy::dispatch {

// A receiver may not silence its endpoint for longer than that.
inline constexpr absl::Duration kRetryAfterMax = absl::Hours(24);

// A Retry-After header (RFC 9110, section 10.2.3), at most a day: seconds, also with decimals,
// rounded up; or a date in one of HTTP's three forms, where one that has passed is no wait. nullopt
// for anything else, negative numbers included.
std::optional<absl::Duration> ParseRetryAfter(std::string_view value, absl::Time now);

// The longest wait that any Retry-After header of a response asks for.
std::optional<absl::Duration> RetryAfterOf(const Headers& headers, absl::Time now);

}  // namespace convoy::dispatch
