// Handlers of the filters of a subscription, one for each event type. They are kept within the
// subscription: what routing needs is one object, which changes as a whole.
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/filter.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/subscription_filters.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_checks.h"
#include "lib/json/raw.h"
#include "lib/route/event_pattern.h"
#include "lib/route/subscription_filter.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

struct Part {
  std::string_view name;
  std::string_view raw_name;
  std::string ContentFilter::*text;
};
constexpr Part kParts[] = {{"headers", "raw_headers", &ContentFilter::headers},
                           {"body", "raw_body", &ContentFilter::body},
                           {"query", "raw_query", &ContentFilter::query},
                           {"path", "raw_path", &ContentFilter::path}};

void WriteFilter(json::Writer& writer, const std::string& subscription_id,
                 const TypeFilter& filter) {
  writer.BeginObject()
      .Field("uid", filter.id)
      .Field("subscription_id", subscription_id)
      .Field("event_type", filter.event_type);
  if (filter.enabled_at.has_value()) {
    WriteTimeField(writer, "enabled_at", *filter.enabled_at);
  } else {
    WriteNullField(writer, "enabled_at");
  }
  for (const Part& part : kParts) {
    const std::string& text = filter.content.*part.text;
    for (const std::string_view name : {part.name, part.raw_name}) {
      writer.Key(name).Raw(text.empty() ? "{}" : text);
    }
  }
  writer.EndObject();
}

std::string FiltersJson(const std::string& subscription_id,
                        const std::vector<TypeFilter>& filters) {
  return ToJson([&](json::Writer& writer) {
    writer.BeginArray();
    for (const TypeFilter& filter : filters) WriteFilter(writer, subscription_id, filter);
    writer.EndArray();
  });
}

std::string FilterJson(const std::string& subscription_id, const TypeFilter& filter) {
  return ToJson([&](json::Writer& writer) { WriteFilter(writer, subscription_id, filter); });
}

// Fields of a request over what `out` holds. `enabled_at`: null disables.
absl::Status ReadFilterFields(const json::Value& object, std::string_view text,
                              const ApiParts& parts, TypeFilter* out) {
  ObjectReader reader(object);
  std::string enabled_at;
  if (reader.HasText("enabled_at")) {
    reader.Read("enabled_at", &enabled_at);
    out->enabled_at = base::ParseTime(enabled_at);
    if (!out->enabled_at.has_value()) {
      reader.FailField("enabled_at", "must be an instant such as 2030-01-02T15:04:05Z, or null");
    }
  } else if (reader.Has("enabled_at")) {
    const bool is_null = object["enabled_at"].IsNull();
    if (!is_null) reader.FailField("enabled_at", "must be an instant, or null");
    out->enabled_at.reset();
  } else if (out->id.empty()) {
    out->enabled_at = parts.clock->Now();
  }
  std::string event_type;
  if (reader.Read("event_type", &event_type) && !event_type.empty()) {
    reader.Fail(CheckText("event_type", event_type, intake::kEventTypeBytesMax));
    const absl::Status pattern = route::CheckEventPattern(event_type);
    if (!pattern.ok()) reader.FailField("event_type", pattern.message());
    out->event_type = event_type;
  }
  reader.Fail(ReadConditions(object, text, "", &out->content));
  return reader.status();
}

// Changes one subscription: `change` is given the current one, each time anew.
Reply ChangeFilters(const Context& context, std::function<absl::Status(Subscription&)> change,
                    std::function<HttpResponse()> answer) {
  return ChangeProject(
      context,
      [change = std::move(change), id = context.capture(1),
       clock = context.parts->clock](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Subscription* const current = project->FindSubscription(id);
        if (current == nullptr) return absl::NotFoundError("subscription not found");
        Subscription changed = *current;
        changed.updated_at = clock->Now();
        CONVOY_RETURN_IF_ERROR(change(changed));
        return ConfigWrite{.puts = {changed}};
      },
      std::move(answer));
}

// The elements of a body that is an array of objects, each with its text.
absl::StatusOr<std::vector<std::string>> ReadElements(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<json::RawValue> values,
                          json::ScanArray(context.request->body, {}));
  if (values.empty() || values.size() > kEventTypesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("body must be an array of 1 to ", kEventTypesMax, " filters"));
  }
  std::vector<std::string> texts;
  for (const json::RawValue& value : values) {
    if (value.type != json::Type::kObject) {
      return absl::InvalidArgumentError("body must be an array of objects");
    }
    CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(value.text, {}));
    if (const auto key = FindRepeatedKey(document)) return RepeatedKeyError(*key);
    texts.emplace_back(value.text);
  }
  return texts;
}

// The subscription of the path; the message is of its absence.
absl::StatusOr<Subscription> FindSubscription(const Context& context) {
  const Subscription* const found = context.project->FindSubscription(context.capture(1));
  if (found == nullptr) return absl::NotFoundError("subscription not found");
  return *found;
}

using Filters = std::shared_ptr<std::vector<TypeFilter>>;

std::function<HttpResponse()> AnswerOne(int code, std::string message, std::string subscription_id,
                                        Filters filters) {
  return [=] { return Success(code, message, FilterJson(subscription_id, filters->front())); };
}

std::function<HttpResponse()> AnswerAll(int code, std::string message, std::string subscription_id,
                                        Filters filters) {
  return [=] { return Success(code, message, FiltersJson(subscription_id, *filters)); };
}

// The JSON text of a part of a trial's request; headers go by either name.
std::string_view TestedPart(std::string_view body, std::string_view part) {
  auto value = json::FindPath(body, absl::StrCat("request.", part), {});
  if (!value.has_value() && part == "headers") value = json::FindPath(body, "request.header", {});
  if (!value.has_value() && part == "body") value = json::FindPath(body, "payload", {});
  return value.has_value() ? value->text : "{}";
}

}  // namespace

Reply ListFilters(const Context& context) {
  const auto subscription = FindSubscription(context);
  if (!subscription.ok()) return FromStatus(subscription.status());
  return Success(200, "Filters retrieved successfully",
                 FiltersJson(subscription->id, subscription->type_filters));
}

Reply GetFilter(const Context& context) {
  auto subscription = FindSubscription(context);
  if (!subscription.ok()) return FromStatus(subscription.status());
  const auto found = FindTypeFilter(subscription->type_filters, context.capture(2));
  if (found == subscription->type_filters.end()) return Failure(404, "filter not found");
  return Success(200, "Filter retrieved successfully", FilterJson(subscription->id, *found));
}

Reply CreateFilter(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  TypeFilter filter;
  const absl::Status status =
      ReadFilterFields(*document, context.request->body, *context.parts, &filter);
  if (!status.ok()) return FromStatus(status);
  auto added = std::make_shared<std::vector<TypeFilter>>();
  return ChangeFilters(
      context,
      [filter, added, parts = context.parts](Subscription& subscription) -> absl::Status {
        CONVOY_RETURN_IF_ERROR(CheckFilterType(*parts, subscription, filter,
                                               "event type does not exist",
                                               "filter with this event type already exists"));
        CONVOY_RETURN_IF_ERROR(AddTypeFilter(filter, *parts, subscription));
        *added = {subscription.type_filters.back()};
        return absl::OkStatus();
      },
      AnswerOne(201, "Filter created successfully", context.capture(1), added));
}

Reply CreateFilters(const Context& context) {
  const auto texts = ReadElements(context);
  if (!texts.ok()) return FromStatus(texts.status());
  std::vector<TypeFilter> filters;
  for (const std::string& text : *texts) {
    TypeFilter filter;
    const auto fields = json::Parse(text, {});
    if (!fields.ok()) return FromStatus(fields.status());
    const absl::Status status = ReadFilterFields(*fields, text, *context.parts, &filter);
    if (!status.ok()) return FromStatus(status);
    if (FindFilterOfType(filters, filter.event_type) != nullptr) {
      return Failure(400, absl::StrCat("duplicate event type ", filter.event_type, " in request"));
    }
    filters.push_back(std::move(filter));
  }
  auto added = std::make_shared<std::vector<TypeFilter>>();
  return ChangeFilters(
      context,
      [filters = std::move(filters), added,
       parts = context.parts](Subscription& subscription) -> absl::Status {
        added->clear();
        for (const TypeFilter& filter : filters) {
          CONVOY_RETURN_IF_ERROR(CheckFilterType(
              *parts, subscription, filter,
              absl::StrCat("event type ", filter.event_type, " does not exist"),
              absl::StrCat("filter for event type ", filter.event_type, " already exists")));
          CONVOY_RETURN_IF_ERROR(AddTypeFilter(filter, *parts, subscription));
          added->push_back(subscription.type_filters.back());
        }
        return absl::OkStatus();
      },
      AnswerAll(201, "Filters created successfully", context.capture(1), added));
}

namespace {

// Applies the fields of `text` to one filter of the subscription.
absl::Status Update(std::string_view text, std::string_view id, const ApiParts& parts,
                    Subscription& subscription, std::vector<TypeFilter>& updated) {
  const auto found = FindTypeFilter(subscription.type_filters, id);
  if (found == subscription.type_filters.end()) {
    return absl::NotFoundError(absl::StrCat("filter ", id, " not found"));
  }
  CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(text, {}));
  TypeFilter filter = *found;
  CONVOY_RETURN_IF_ERROR(ReadFilterFields(fields, text, parts, &filter));
  if (filter.event_type != found->event_type) {
    CONVOY_RETURN_IF_ERROR(CheckFilterType(parts, subscription, filter, "event type does not exist",
                                           "filter with this event type already exists"));
    CONVOY_RETURN_IF_ERROR(AddFilterType(filter.event_type, subscription));
  }
  *found = filter;
  updated.push_back(std::move(filter));
  return CheckFiltersBytes(subscription.type_filters);
}

}  // namespace

Reply UpdateFilter(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  auto updated = std::make_shared<std::vector<TypeFilter>>();
  return ChangeFilters(
      context,
      [updated, body = std::string(context.request->body), id = context.capture(2),
       parts = context.parts](Subscription& subscription) -> absl::Status {
        updated->clear();
        const bool is_known =
            FindTypeFilter(subscription.type_filters, id) != subscription.type_filters.end();
        if (!is_known) return absl::NotFoundError("filter not found");
        return Update(body, id, *parts, subscription, *updated);
      },
      AnswerOne(200, "Filter updated successfully", context.capture(1), updated));
}

Reply UpdateFilters(const Context& context) {
  auto texts = ReadElements(context);
  if (!texts.ok()) return FromStatus(texts.status());
  auto updated = std::make_shared<std::vector<TypeFilter>>();
  return ChangeFilters(
      context,
      [updated, texts = *std::move(texts),
       parts = context.parts](Subscription& subscription) -> absl::Status {
        updated->clear();
        for (const std::string& text : texts) {
          CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(text, {}));
          ObjectReader reader(fields);
          std::string id;
          reader.Read("uid", &id);
          if (id.empty()) reader.FailField("uid", "please provide the id of a filter");
          CONVOY_RETURN_IF_ERROR(reader.status());
          CONVOY_RETURN_IF_ERROR(Update(text, id, *parts, subscription, *updated));
        }
        return absl::OkStatus();
      },
      AnswerAll(200, "Filters updated successfully", context.capture(1), updated));
}

Reply DeleteFilter(const Context& context) {
  return ChangeFilters(
      context,
      [id = context.capture(2)](Subscription& subscription) -> absl::Status {
        const auto found = FindTypeFilter(subscription.type_filters, id);
        if (found == subscription.type_filters.end()) {
          return absl::NotFoundError("filter not found");
        }
        subscription.type_filters.erase(found);
        return absl::OkStatus();
      },
      [] { return Success(200, "Filter deleted successfully"); });
}

// Whether an event of the type and with this content would pass the subscription's filters.
Reply TestFilter(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  ObjectReader reader(*document);
  reader.Object("request");
  if (!reader.status().ok()) return FromStatus(reader.status());
  const auto subscription = FindSubscription(context);
  if (!subscription.ok()) return FromStatus(subscription.status());
  const ContentFilter* const chosen = route::ChooseFilter(*subscription, context.capture(2));
  bool is_match = chosen != nullptr;
  for (const Part& part : kParts) {
    if (!is_match) break;
    const auto filter = CompileFilter(chosen->*part.text);
    if (!filter.ok()) return FromStatus(filter.status());
    is_match = (*filter)->Matches(TestedPart(context.request->body, part.name));
  }
  return Success(200, "Filter test completed", ToJson([&](json::Writer& writer) {
                   writer.BeginObject().Field("is_match", is_match).EndObject();
                 }));
}

}  // namespace convoy::http
