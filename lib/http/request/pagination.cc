// Cursors and pages of lists; see pagination.h.
#include "lib/http/request/pagination.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/base/time_text.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

constexpr uint32_t kItemsMax = 1000;
constexpr size_t kValuesMax = 1000;

// Clients send an unset date as the year 1: that is no limit.
std::optional<absl::Time> ParseDate(const std::string& text, absl::Time unset) {
  if (text.empty() || text.starts_with("0001-")) return unset;
  std::optional<absl::Time> time = base::ParseTime(text);
  return time.has_value() ? time : base::ParseTime(absl::StrCat(text, "Z"));
}

}  // namespace

std::string ParameterOf(std::string_view query, std::string_view name) {
  return base::FindQueryParameter(query, name).value_or("");
}

absl::StatusOr<std::vector<std::string>> ParameterList(std::string_view query,
                                                       std::string_view name) {
  std::vector<std::string> values = base::FindQueryParameters(query, name);
  std::erase(values, "");
  if (values.size() > kValuesMax) {
    return FieldError(name, absl::StrCat("must not be given more than ", kValuesMax, " times"));
  }
  return values;
}

absl::Status RefuseParameters(std::string_view query,
                              std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (!ParameterOf(query, name).empty()) {
      return FieldError(name, "is not supported by this version, leave it out");
    }
  }
  return absl::OkStatus();
}

PageRequest ParsePage(std::string_view query) {
  PageRequest page;
  uint32_t items = 0;
  if (absl::SimpleAtoi(ParameterOf(query, "perPage"), &items) && items > 0) {
    page.items_max = std::min(items, kItemsMax);
  }
  page.is_ascending = base::EqualsIgnoreCase(ParameterOf(query, "sort"), "ASC");
  page.is_backward = ParameterOf(query, "direction") == "prev";
  page.cursor = ParameterOf(query, page.is_backward ? "prev_page_cursor" : "next_page_cursor");
  return page;
}

absl::StatusOr<TimeRange> ParseTimeRange(std::string_view query) {
  const auto from = ParseDate(ParameterOf(query, "startDate"), absl::InfinitePast());
  const auto until = ParseDate(ParameterOf(query, "endDate"), absl::InfiniteFuture());
  if (!from.has_value()) {
    return absl::InvalidArgumentError(
        "please specify a startDate in the format 2006-01-02T15:04:05");
  }
  if (!until.has_value()) {
    return absl::InvalidArgumentError(
        "please specify a correct endDate in the format 2006-01-02T15:04:05 or none at all");
  }
  if (*from > *until) {
    return absl::InvalidArgumentError("startDate cannot be greater than endDate");
  }
  return TimeRange{.from = *from, .until = *until};
}

}  // namespace convoy::http
