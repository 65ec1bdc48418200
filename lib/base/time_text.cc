// Instants as RFC 3339 text and as stored microseconds.
#include "lib/base/time_text.h"

#include <limits>
#include <string>

#include "absl/strings/string_view.h"

namespace convoy::base {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The shape "dddd-dd-ddTdd:dd:dd", which Abseil's parser is more lenient about.
bool HasShape(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kShape.size()) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !IsDigit(text[i]) : text[i] != kShape[i]) return false;
  }
  return true;
}

}  // namespace

std::string FormatTime(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", absl::FromUnixMicros(absl::ToUnixMicros(time)),
                          absl::UTCTimeZone());
}

std::optional<absl::Time> ParseTime(std::string_view text) {
  constexpr size_t kSizeMax = 64;
  absl::Time time;
  std::string error;
  if (text.size() > kSizeMax || !HasShape(text) ||
      !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return std::nullopt;
  }
  return time;
}

int64_t ToMicros(absl::Time time) {
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  return absl::ToUnixMicros(time);
}

absl::Time FromMicros(int64_t micros) {
  if (micros == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  if (micros == std::numeric_limits<int64_t>::min()) return absl::InfinitePast();
  return absl::FromUnixMicros(micros);
}

}  // namespace convoy::base
