// Parser of Retry-After headers.
#include "lib/dispatch/retry_after.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"

#include "lib/base/text.h"

namespace convoy::dispatch {
namespace {

const int64_t kSecondsMax = absl::ToInt64Seconds(kRetryAfterMax);
constexpr size_t kDateSizeMax = 64;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

// "120", "1.5", "99999999999999999999".
std::optional<absl::Duration> ParseSeconds(std::string_view text) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals = text.substr(std::min(point + 1, text.size()));
  const bool has_decimals = point < text.size();
  if (whole.empty() || !std::all_of(whole.begin(), whole.end(), IsDigit)) return std::nullopt;
  if (has_decimals && (decimals.empty() || !std::all_of(decimals.begin(), decimals.end(), IsDigit)))
    return std::nullopt;
  int64_t seconds = 0;
  for (const char c : whole) seconds = std::min(seconds * 10 + (c - '0'), kSecondsMax);
  if (decimals.find_first_not_of('0') != std::string_view::npos) ++seconds;
  return absl::Seconds(seconds);
}

// A date of RFC 9110, section 5.6.7, in the form to be used or one of the obsolete two.
std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  constexpr const char* kForms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                    "%a %b %e %H:%M:%S %Y"};
  // The parser would take "infinite-future", too.
  if (text.size() > kDateSizeMax || text.starts_with("infinite")) return std::nullopt;
  for (const char* form : kForms) {
    absl::Time date;
    std::string error;
    if (absl::ParseTime(form, text, &date, &error)) return date;
  }
  return std::nullopt;
}

}  // namespace

std::optional<absl::Duration> ParseRetryAfter(std::string_view value, absl::Time now) {
  value = absl::StripAsciiWhitespace(value);
  std::optional<absl::Duration> wait = ParseSeconds(value);
  if (!wait.has_value()) {
    const std::optional<absl::Time> date = ParseHttpDate(value);
    if (!date.has_value()) return std::nullopt;
    wait = *date - now;
  }
  return std::clamp(*wait, absl::ZeroDuration(), absl::Seconds(kSecondsMax));
}

std::optional<absl::Duration> RetryAfterOf(const Headers& headers, absl::Time now) {
  std::optional<absl::Duration> longest;
  for (const Header& header : headers) {
    if (!base::EqualsIgnoreCase(header.name, "Retry-After")) continue;
    // An empty optional is less than any duration.
    longest = std::max(longest, ParseRetryAfter(header.value, now));
  }
  return longest;
}

}  // namespace convoy::dispatch
