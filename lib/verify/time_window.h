// Time window of a verdict.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

#include "convoy/verifier.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

// Strict: plain digits, an RFC 3339 instant, or an IMF-fixdate (RFC 9110, section 5.6.7). nullopt
// for anything else and for what no clock will show.
std::optional<absl::Time> ParseTimestamp(TimeUnit unit, std::string_view text);

VerifyReason CheckTime(const TimestampField& field, absl::Time signed_at, absl::Time now);

}  // namespace convoy::verify
