// Reading of X-Convoy-Version.
#include "lib/http/shape/api_version.h"

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"

#include "lib/base/text.h"

namespace convoy::http {
namespace {

// Strictly YYYY-MM-DD, a day that exists. Years begin at 1: Go's zero time is 0001-01-01.
std::optional<absl::CivilDay> ParseDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int numbers[3] = {};
  int part = 0;
  for (const char c : text) {
    if (c == '-') {
      ++part;
    } else if (c < '0' || c > '9') {
      return std::nullopt;
    } else {
      numbers[part] = numbers[part] * 10 + (c - '0');
    }
    if (part > 2) return std::nullopt;
  }
  const absl::CivilDay day(numbers[0], numbers[1], numbers[2]);
  const bool exists =
      day.year() == numbers[0] && day.month() == numbers[1] && day.day() == numbers[2];
  return exists && numbers[0] > 0 ? std::optional(day) : std::nullopt;
}

}  // namespace

absl::StatusOr<ApiVersion> ApiVersionOf(std::span<const HeaderView> headers) {
  const auto text = base::FindHeader(headers, "X-Convoy-Version");
  if (!text.has_value() || text->empty()) return ApiVersion();
  const std::optional<absl::CivilDay> day = ParseDay(*text);
  if (!day.has_value()) {
    return absl::InvalidArgumentError(
        "Invalid API version: X-Convoy-Version must be a date such as 2025-11-24");
  }
  return ApiVersion{.has_text_durations = *day < absl::CivilDay(2024, 1, 1),
                    .has_old_names = *day < absl::CivilDay(2024, 4, 1),
                    .has_text_retry = true};
}

}  // namespace convoy::http
