// Rules of the filters of a subscription for single event types.
#include "lib/http/resource/subscription_filters.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/resource/event_types.h"
#include "lib/http/shape/fields.h"
#include "lib/route/event_pattern.h"

namespace convoy::http {
namespace {

size_t BytesOf(const ContentFilter& content) {
  return content.headers.size() + content.body.size() + content.query.size() + content.path.size();
}

absl::Status CheckBytes(size_t bytes) {
  if (bytes <= kTypeFiltersBytesMax) return absl::OkStatus();
  return FieldError("filters", absl::StrCat("those of a subscription's event types must not be ",
                                            "larger than ", kTypeFiltersBytesMax, " bytes in all"));
}

}  // namespace

std::vector<TypeFilter>::iterator FindTypeFilter(std::vector<TypeFilter>& filters,
                                                 std::string_view id) {
  return std::find_if(filters.begin(), filters.end(),
                      [id](const TypeFilter& filter) { return filter.id == id; });
}

const TypeFilter* FindFilterOfType(const std::vector<TypeFilter>& filters,
                                   std::string_view event_type) {
  const auto found = std::find_if(filters.begin(), filters.end(), [&](const TypeFilter& filter) {
    return filter.event_type == event_type;
  });
  return found == filters.end() ? nullptr : &*found;
}

absl::Status CheckFilterType(const ApiParts& parts, const Subscription& subscription,
                             const TypeFilter& filter, std::string_view unknown,
                             std::string_view repeated) {
  const absl::Status found =
      FindEventType(*parts.storage, subscription.project_id, filter.event_type);
  if (absl::IsNotFound(found)) return absl::NotFoundError(unknown);
  CONVOY_RETURN_IF_ERROR(found);
  const TypeFilter* const other = FindFilterOfType(subscription.type_filters, filter.event_type);
  if (other != nullptr && other->id != filter.id) return absl::InvalidArgumentError(repeated);
  return absl::OkStatus();
}

absl::Status AddFilterType(const std::string& event_type, Subscription& subscription) {
  if (CoversType(subscription, event_type)) return absl::OkStatus();
  if (subscription.event_types.size() >= kEventTypesMax) {
    return FieldError("event_type", absl::StrCat("the subscription has ", kEventTypesMax,
                                                 " event types, the most that it may have"));
  }
  subscription.event_types.push_back(event_type);
  return absl::OkStatus();
}

absl::Status AddTypeFilter(TypeFilter filter, const ApiParts& parts, Subscription& subscription) {
  if (subscription.type_filters.size() >= kEventTypesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a subscription must not have more than ", kEventTypesMax, " filters"));
  }
  CONVOY_RETURN_IF_ERROR(AddFilterType(filter.event_type, subscription));
  if (filter.id.empty()) filter.id = parts.ulids->Next();
  subscription.type_filters.push_back(std::move(filter));
  return CheckFiltersBytes(subscription.type_filters);
}

absl::Status CheckFiltersBytes(const std::vector<TypeFilter>& filters) {
  size_t bytes = 0;
  for (const TypeFilter& filter : filters) bytes += BytesOf(filter.content);
  return CheckBytes(bytes);
}

bool CoversType(const Subscription& subscription, std::string_view event_type) {
  const std::vector<std::string>& types = subscription.event_types;
  return std::find(types.begin(), types.end(), event_type) != types.end() ||
         route::WantsType(subscription, event_type);
}

absl::Status KeepTypeFilters(const ApiParts& parts, const ContentFilter& previous,
                             Subscription* out) {
  std::erase_if(out->type_filters,
                [&](const TypeFilter& filter) { return !CoversType(*out, filter.event_type); });
  const size_t bytes_of_each = BytesOf(out->filter);
  size_t bytes = 0;
  for (TypeFilter& filter : out->type_filters) {
    const bool follows = filter.content == previous;
    bytes += follows ? bytes_of_each : BytesOf(filter.content);
    CONVOY_RETURN_IF_ERROR(CheckBytes(bytes));
    if (follows) filter.content = out->filter;
  }
  for (const std::string& type : out->event_types) {
    if (FindFilterOfType(out->type_filters, type) != nullptr) continue;
    if (out->type_filters.size() >= kEventTypesMax) break;
    bytes += bytes_of_each;
    CONVOY_RETURN_IF_ERROR(CheckBytes(bytes));
    out->type_filters.push_back({.id = parts.ulids->Next(),
                                 .event_type = type,
                                 .content = out->filter,
                                 .enabled_at = parts.clock->Now()});
  }
  return absl::OkStatus();
}

}  // namespace convoy::http
