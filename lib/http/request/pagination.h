// Lists: their query parameters and the answer, which is a page.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/json/writer.h"

namespace convoy::http {

// perPage, direction, sort and the cursors. Values that cannot be read get their defaults, as
// clients expect.
PageRequest ParsePage(std::string_view query);

// One query parameter, decoded; empty if it is absent, as clients send unset ones empty.
std::string ParameterOf(std::string_view query, std::string_view name);
// All values of a repeatable one, without the empty ones. kInvalidArgument if there are too many.
absl::StatusOr<std::vector<std::string>> ParameterList(std::string_view query,
                                                       std::string_view name);
// A list that ignored a condition would show what was not asked for.
absl::Status RefuseParameters(std::string_view query,
                              std::initializer_list<std::string_view> names);

struct TimeRange {
  absl::Time from = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
};
// startDate and endDate, with or without a zone (then UTC).
absl::StatusOr<TimeRange> ParseTimeRange(std::string_view query);

// {"content": […], "pagination": {…}}; `write_item` writes one item.
template <typename T, typename WriteItem>
std::string PageToJson(const Page<T>& page, const PageRequest& request, WriteItem write_item) {
  json::Writer writer;
  writer.BeginObject().Key("content").BeginArray();
  for (const T& item : page.items) write_item(writer, item);
  writer.EndArray();
  writer.Key("pagination")
      .BeginObject()
      .Field("per_page", request.items_max)
      .Field("has_next_page", page.has_next)
      .Field("has_prev_page", page.has_prev)
      .Field("prev_page_cursor", page.prev_cursor)
      .Field("next_page_cursor", page.next_cursor)
      .EndObject()
      .EndObject();
  return writer.TakeText();
}

}  // namespace convoy::http
