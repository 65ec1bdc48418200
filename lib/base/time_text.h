// Instants as text, and as the microseconds that are stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace convoy::base {

// RFC 3339 in UTC with as many fractional digits as needed (at most six):
// "2026-05-01T10:00:00.25Z".
std::string FormatTime(absl::Time time);
// Any RFC 3339 instant; nullopt otherwise.
std::optional<absl::Time> ParseTime(std::string_view text);

// The store's form. The infinite future and past map to the extremes of int64_t and back.
int64_t ToMicros(absl::Time time);
absl::Time FromMicros(int64_t micros);

}  // namespace convoy::base
