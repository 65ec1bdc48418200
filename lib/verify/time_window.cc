// Timestamps and their time window; see time_window.h.
#include "lib/verify/time_window.h"

#include <charconv>
#include <string>

#include "lib/base/time_text.h"

namespace convoy::verify {
namespace {

constexpr int64_t kUnixMsMax = 253'402'300'799'999;  // the end of the year 9999

std::optional<absl::Time> ParseDigits(std::string_view text, int64_t units_in_ms) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text[0] == '-' || error != std::errc() || end != text.data() + text.size() ||
      value > kUnixMsMax / units_in_ms) {
    return std::nullopt;
  }
  return absl::FromUnixMillis(value * units_in_ms);
}

std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  constexpr size_t kSize = sizeof "Sun, 06 Nov 1994 08:49:37 GMT" - 1;
  absl::Time time;
  std::string error;
  if (text.size() != kSize || !text.ends_with(" GMT") ||
      !absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", text, &time, &error)) {
    return std::nullopt;
  }
  return time;
}

}  // namespace

std::optional<absl::Time> ParseTimestamp(TimeUnit unit, std::string_view text) {
  switch (unit) {
    case TimeUnit::kSeconds:
      return ParseDigits(text, 1000);
    case TimeUnit::kMilliseconds:
      return ParseDigits(text, 1);
    case TimeUnit::kRfc3339:
      return base::ParseTime(text);
    case TimeUnit::kHttpDate:
      break;
  }
  return ParseHttpDate(text);
}

VerifyReason CheckTime(const TimestampField& field, absl::Time signed_at, absl::Time now) {
  if (!field.is_enforced) return VerifyReason::kAccepted;
  // A sender that counts whole seconds may take all of the last one: both sides of the comparison
  // have the same grain.
  const bool is_whole = field.unit == TimeUnit::kSeconds || field.unit == TimeUnit::kHttpDate;
  if (is_whole) now = absl::FromUnixSeconds(absl::ToUnixSeconds(now));
  if (now - signed_at > field.past_max) return VerifyReason::kTooOld;
  if (signed_at - now > field.future_max) return VerifyReason::kTooFarInFuture;
  return VerifyReason::kAccepted;
}

}  // namespace convoy::verify
