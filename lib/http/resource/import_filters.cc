// Reading of the rows, and what Convoy makes of them: the filter for a type is its own one, or else
// the one for "*".
#include "lib/http/resource/import_filters.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/http/resource/subscription_filters.h"
#include "lib/http/shape/fields.h"
#include "lib/intake/event_checks.h"
#include "lib/route/event_pattern.h"

namespace convoy::http {
namespace {

using json::ObjectReader;
using json::Value;

constexpr std::string_view kEveryType = "*";

// Whether two texts of conditions ask for the same; Convoy writes nothing as an empty object.
bool AsksForSame(const std::string& one, const std::string& other) {
  const auto is_empty = [](const std::string& text) { return text.empty() || text == "{}"; };
  return one == other || (is_empty(one) && is_empty(other));
}

// Conditions that say what the subscription's own filter says are kept in its words, so that they
// follow it when it changes.
void AdoptWords(const ContentFilter& own, ContentFilter& content) {
  const bool is_same = AsksForSame(own.headers, content.headers) &&
                       AsksForSame(own.body, content.body) &&
                       AsksForSame(own.query, content.query) && AsksForSame(own.path, content.path);
  if (is_same) content = own;
}

absl::StatusOr<TypeFilter> ReadRow(const Value& row, const std::string& path,
                                   const ApiParts& parts) {
  ObjectReader reader(row, path);
  TypeFilter filter{.enabled_at = parts.clock->Now()};
  reader.Read("uid", &filter.id);
  if (filter.id.empty()) {
    filter.id = parts.ulids->Next();
  } else if (!MayBeId(filter.id)) {
    reader.FailField("uid", "is malformed");
  }
  reader.Read("event_type", &filter.event_type);
  reader.Fail(
      CheckText(reader.PathOf("event_type"), filter.event_type, intake::kEventTypeBytesMax));
  const absl::Status pattern = route::CheckEventPattern(filter.event_type);
  if (!pattern.ok()) reader.FailField("event_type", pattern.message());
  std::string enabled_at;
  if (reader.HasText("enabled_at")) {
    reader.Read("enabled_at", &enabled_at);
    filter.enabled_at = base::ParseTime(enabled_at);
    if (!filter.enabled_at.has_value()) {
      reader.FailField("enabled_at", "must be an instant such as 2030-01-02T15:04:05Z, or null");
    }
  } else if (reader.Has("enabled_at")) {
    filter.enabled_at.reset();
  }
  reader.Fail(ReadConditions(row, json::ToText(row), path, &filter.content));
  CONVOY_RETURN_IF_ERROR(reader.status());
  return filter;
}

absl::StatusOr<std::vector<TypeFilter>> ReadRows(const Value& rows, const ApiParts& parts) {
  if (rows.Size() > kEventTypesMax) {
    return FieldError("filters", absl::StrCat("must have at most ", kEventTypesMax, " entries"));
  }
  std::vector<TypeFilter> filters;
  std::set<std::string> ids, types;
  for (const Value& row : rows.GetArray()) {
    const std::string path = absl::StrCat("filters[", filters.size(), "]");
    if (!row.IsObject()) return FieldError(path, "must be an object");
    CONVOY_ASSIGN_OR_RETURN(TypeFilter filter, ReadRow(row, path, parts));
    if (!ids.insert(filter.id).second) {
      return FieldError(absl::StrCat(path, ".uid"), "stands in the list twice");
    }
    if (!types.insert(filter.event_type).second) {
      return FieldError(absl::StrCat(path, ".event_type"), "stands in the list twice");
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

bool HasFilterOf(const Subscription& subscription, std::string_view event_type) {
  return std::any_of(subscription.type_filters.begin(), subscription.type_filters.end(),
                     [&](const TypeFilter& filter) { return filter.event_type == event_type; });
}

}  // namespace

absl::Status ReadImportedFilters(const Value& object, const ApiParts& parts, Subscription* out,
                                 std::vector<std::string>* without_effect) {
  ObjectReader reader(object);
  const Value* rows = reader.Array("filters");
  if (rows == nullptr) return reader.status();
  CONVOY_ASSIGN_OR_RETURN(std::vector<TypeFilter> filters, ReadRows(*rows, parts));
  std::optional<TypeFilter> of_others;
  for (TypeFilter& filter : filters) {
    AdoptWords(out->filter, filter.content);
    if (CoversType(*out, filter.event_type)) {
      out->type_filters.push_back(std::move(filter));
    } else if (filter.event_type == kEveryType) {
      of_others = std::move(filter);
    } else {
      without_effect->push_back(std::move(filter.event_type));
    }
  }
  if (of_others.has_value()) {
    for (const std::string& type : out->event_types) {
      if (HasFilterOf(*out, type)) continue;
      TypeFilter filter = *of_others;
      filter.id = parts.ulids->Next();
      filter.event_type = type;
      out->type_filters.push_back(std::move(filter));
    }
  }
  return CheckFiltersBytes(out->type_filters);
}

}  // namespace convoy::http
