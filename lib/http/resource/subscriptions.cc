// Handlers of subscriptions, which route events to endpoints.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "convoy/filter.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/portal_scope.h"
#include "lib/http/request/viewer.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/config_fields.h"
#include "lib/http/resource/event_types.h"
#include "lib/http/resource/functions.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/subscription_filters.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_checks.h"
#include "lib/json/raw.h"
#include "lib/route/event_pattern.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

// Of a trial of filters. Headers go by either name, as in Convoy.
constexpr const char* kTestedParts[] = {"header", "headers", "body", "query", "path"};

absl::Status ReadFilter(const json::Value& document, std::string_view body, Subscription* out) {
  ObjectReader root(document);
  const json::Value* config = root.Object("filter_config");
  CONVOY_RETURN_IF_ERROR(root.status());
  if (config == nullptr) return absl::OkStatus();
  ObjectReader reader(*config, "filter_config");
  std::vector<std::string> types;
  if (reader.Read("event_types", &types) && !types.empty()) out->event_types = std::move(types);
  if (const json::Value* filter = reader.Object("filter")) {
    // A filter is one thing: the parts that are not given are reset.
    out->filter = {};
    reader.Fail(ReadConditions(*filter, RawMember(body, "filter_config.filter"),
                               "filter_config.filter", &out->filter));
  }
  if (out->event_types.size() > kEventTypesMax) {
    reader.FailField("event_types", absl::StrCat("must have at most ", kEventTypesMax, " entries"));
    out->event_types.clear();
  }
  for (const std::string& type : out->event_types) {
    reader.Fail(CheckText("filter_config.event_types", type, intake::kEventTypeBytesMax));
    const absl::Status status = route::CheckEventPattern(type);
    if (!status.ok()) reader.FailField("event_types", status.message());
  }
  return reader.status();
}

constexpr uint32_t kAlertCountMax = 1000;

// {"count", "duration"}, in seconds; a count of 0 is no limit.
absl::Status ReadRateLimit(const json::Value& document, std::optional<RateLimit>* out) {
  ObjectReader parent(document);
  const json::Value* object = parent.Object("rate_limit_config");
  if (object == nullptr) return parent.status();
  ObjectReader reader(*object, "rate_limit_config");
  RateLimit limit = out->value_or(RateLimit{.count = 0, .window = absl::ZeroDuration()});
  reader.Read("count", &limit.count);
  ReadSeconds(reader, "duration", &limit.window);
  if (limit.count > 0 && limit.window <= absl::ZeroDuration()) {
    reader.FailField("duration", "must be at least one second");
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  out->reset();
  if (limit.count > 0) *out = limit;
  return absl::OkStatus();
}

// {"count", "threshold"}; what asks for nothing is none.
absl::Status ReadAlert(const json::Value& document, std::optional<AlertConfig>* out) {
  ObjectReader parent(document);
  const json::Value* object = parent.Object("alert_config");
  if (object == nullptr) return parent.status();
  if (AsksForNothing(*object)) {
    out->reset();
    return absl::OkStatus();
  }
  ObjectReader reader(*object, "alert_config");
  AlertConfig alert = out->value_or(AlertConfig());
  reader.Read("count", &alert.count);
  ReadSeconds(reader, "threshold", &alert.window);
  if (alert.count == 0 || alert.count > kAlertCountMax) {
    reader.FailField("count", absl::StrCat("must be between 1 and ", kAlertCountMax));
  }
  if (alert.window <= absl::ZeroDuration()) {
    reader.FailField("threshold", "must be at least one second");
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  *out = alert;
  return absl::OkStatus();
}

// Endpoints whose traffic is limited in another way once `after` takes the place of `before`, of
// which either may be null.
std::vector<std::string> ChangedLanes(const Subscription* before, const Subscription* after) {
  std::vector<std::string> ids;
  const bool had_limit = before != nullptr && before->rate_limit.has_value();
  const bool has_limit = after != nullptr && after->rate_limit.has_value();
  if (had_limit) ids.push_back(before->endpoint_id);
  if (has_limit && (!had_limit || after->endpoint_id != before->endpoint_id)) {
    ids.push_back(after->endpoint_id);
  }
  return ids;
}

}  // namespace

absl::Status ReadSubscription(const json::Value& document, std::string_view body,
                              const ProjectConfig& project, const Scripting* scripting,
                              Subscription* out) {
  ObjectReader reader(document);
  ReadFunction(reader, document, "function", FunctionRemoval::kByNull, scripting, &out->function);
  reader.Fail(ReadRateLimit(document, &out->rate_limit));
  reader.Fail(ReadAlert(document, &out->alert));
  std::string name, source_id, endpoint_id;
  if (reader.Read("name", &name) && !name.empty()) out->name = name;
  if (reader.Read("source_id", &source_id) && !source_id.empty()) out->source_id = source_id;
  if (reader.Read("endpoint_id", &endpoint_id) && !endpoint_id.empty()) {
    out->endpoint_id = endpoint_id;
  }
  ReadEnum(reader, "delivery_mode",
           "invalid delivery mode value, must be either 'at_least_once' or 'at_most_once'",
           &out->delivery_mode);
  const json::Value* retry = reader.Object("retry_config");
  if (retry != nullptr && !AsksForNothing(*retry)) {
    // Fields that are left out keep the value in force.
    RetryPolicy policy = out->retry.value_or(project.retry);
    reader.Fail(ReadRetry(*retry, "retry_config", &policy));
    out->retry = policy;
  }
  if (out->name.empty()) reader.FailField("name", "please provide a valid subscription name");
  reader.Fail(CheckText("name", out->name));
  if (out->endpoint_id.empty()) {
    reader.FailField("endpoint_id", "please provide a valid endpoint id");
  }
  reader.Fail(ReadFilter(document, body, out));
  return reader.status();
}

namespace {

// Referenced objects must exist, and an endpoint belongs to one subscription unless it may be
// shared.
absl::Status CheckReferences(const Subscription& subscription,
                             const route::ProjectSnapshot& project, Storage& storage) {
  if (project.FindEndpoint(subscription.endpoint_id) == nullptr) {
    return absl::InvalidArgumentError("failed to find endpoint by id");
  }
  const bool is_incoming = project.project().type == ProjectType::kIncoming;
  if (is_incoming && subscription.source_id.empty()) {
    return absl::InvalidArgumentError("source_id is required for incoming projects");
  }
  if (!subscription.source_id.empty()) {
    const absl::Status found =
        GetConfig<Source>(storage, project.project().id, subscription.source_id).status();
    if (absl::IsNotFound(found)) return absl::InvalidArgumentError("failed to find source by id");
    CONVOY_RETURN_IF_ERROR(found);
  }
  if (is_incoming || project.project().config.has_multiple_endpoint_subscriptions)
    return absl::OkStatus();
  for (const Subscription* other : project.SubscriptionsOfEndpoint(subscription.endpoint_id)) {
    if (other->id != subscription.id) {
      return absl::InvalidArgumentError("a subscription for this endpoint already exists");
    }
  }
  return absl::OkStatus();
}

Storage* StorageFor(const Context& context) {
  return context.portal == nullptr ? context.parts->storage : nullptr;
}

// Without `storage` nothing is told of the source: its link is no business of a portal's.
std::string SubscriptionJson(const Subscription& subscription,
                             const route::ProjectSnapshot* project, Storage* storage,
                             ApiVersion version) {
  const Endpoint* endpoint =
      project == nullptr ? nullptr : project->FindEndpoint(subscription.endpoint_id);
  std::optional<Source> source;
  if (project != nullptr && storage != nullptr && !subscription.source_id.empty()) {
    auto found = GetConfig<Source>(*storage, subscription.project_id, subscription.source_id);
    if (found.ok()) source = *std::move(found);
  }
  return ToJson([&](json::Writer& writer) {
    WriteSubscription(writer, subscription, endpoint, source.has_value() ? &*source : nullptr,
                      version);
  });
}

Reply StoreNew(const Context& context, const Subscription& subscription) {
  const ApiParts& parts = *context.parts;
  return ChangeProject(
      context,
      [subscription, &parts](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_RETURN_IF_ERROR(CheckReferences(subscription, *project, *parts.storage));
        ConfigWrite write{.puts = {subscription},
                          .changed_lanes = ChangedLanes(nullptr, &subscription)};
        CONVOY_RETURN_IF_ERROR(
            AddEventTypes(parts, subscription.project_id, subscription.event_types, &write));
        return write;
      },
      [subscription, storage = parts.storage, version = context.version] {
        return Success(201, "Subscription created successfully",
                       SubscriptionJson(subscription, nullptr, storage, version));
      });
}

// `body` is that of the request, which may be gone by now.
Reply StoreUpdated(const Context& context, const std::string& body) {
  auto updated = std::make_shared<Subscription>();
  auto seen = std::make_shared<Snapshot>();
  return ChangeProject(
      context,
      [updated, seen, parts = context.parts, id = context.capture(1),
       body](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Subscription* current = project->FindSubscription(id);
        if (current == nullptr) {
          return absl::InvalidArgumentError("failed to find subscription");
        }
        CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(body, {}));
        *updated = *current;
        *seen = project;
        updated->updated_at = parts->clock->Now();
        CONVOY_RETURN_IF_ERROR(ReadSubscription(fields, body, project->project().config,
                                                parts->scripting, updated.get()));
        CONVOY_RETURN_IF_ERROR(CheckReferences(*updated, *project, *parts->storage));
        CONVOY_RETURN_IF_ERROR(KeepTypeFilters(*parts, current->filter, updated.get()));
        ConfigWrite write{.puts = {*updated},
                          .changed_lanes = ChangedLanes(current, updated.get())};
        CONVOY_RETURN_IF_ERROR(
            AddEventTypes(*parts, updated->project_id, updated->event_types, &write));
        return write;
      },
      [updated, seen, storage = context.parts->storage, version = context.version] {
        return Success(202, "Subscription updated successfully",
                       SubscriptionJson(*updated, seen->get(), storage, version));
      });
}

}  // namespace

Reply CreateSubscription(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const ApiParts& parts = *context.parts;
  Subscription subscription{.id = parts.ulids->Next(),
                            .project_id = context.project->project().id,
                            .created_at = parts.clock->Now()};
  subscription.updated_at = subscription.created_at;
  const absl::Status status =
      ReadSubscription(*document, context.request->body, context.project->project().config,
                       parts.scripting, &subscription);
  if (!status.ok()) return FromStatus(status);
  const absl::Status kept = KeepTypeFilters(parts, {}, &subscription);
  if (!kept.ok()) return FromStatus(kept);
  return CheckFunctions(parts, {{"function", subscription.function}},
                        [context, subscription] { return StoreNew(context, subscription); });
}

Reply ListSubscriptions(const Context& context) {
  const std::string_view query = context.request->query;
  auto endpoint_ids = ParameterList(query, "endpointId");
  if (!endpoint_ids.ok()) return FromStatus(endpoint_ids.status());
  const absl::Status narrowed = NarrowToScope(context, &*endpoint_ids);
  if (!narrowed.ok()) return FromStatus(narrowed);
  const PageRequest page = ParsePage(query);
  const auto subscriptions =
      ListConfig<Subscription>(*context.parts->storage,
                               {.project_id = context.project->project().id,
                                .conditions = {{.field = "endpoint_id", .values = *endpoint_ids}},
                                .name_contains = ParameterOf(query, "name")},
                               page);
  if (!subscriptions.ok()) return FromStatus(subscriptions.status());
  return Success(
      200, "Subscriptions fetched successfully",
      PageToJson(*subscriptions, page, [&](json::Writer& writer, const Subscription& subscription) {
        writer.Raw(SubscriptionJson(Shown(context, subscription), context.project.get(),
                                    StorageFor(context), context.version));
      }));
}

Reply GetSubscription(const Context& context) {
  const Subscription* subscription = context.project->FindSubscription(context.capture(1));
  const bool is_there =
      subscription != nullptr &&
      (context.portal == nullptr || FindEndpointInScope(context, subscription->endpoint_id));
  if (!is_there) return Failure(404, "failed to find subscription");
  return Success(200, "Subscription fetched successfully",
                 SubscriptionJson(Shown(context, *subscription), context.project.get(),
                                  StorageFor(context), context.version));
}

Reply UpdateSubscription(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  // Errors of the function are reported with those of the other fields, below.
  std::string function;
  ObjectReader reader(*document);
  ReadFunction(reader, *document, "function", FunctionRemoval::kByNull, context.parts->scripting,
               &function);
  if (!reader.status().ok()) function.clear();
  return CheckFunctions(
      *context.parts, {{"function", std::move(function)}},
      [context, body = std::string(context.request->body)] { return StoreUpdated(context, body); });
}

Reply DeleteSubscription(const Context& context) {
  return ChangeProject(
      context,
      [id = context.capture(1)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Subscription* current = project->FindSubscription(id);
        if (current == nullptr) return absl::NotFoundError("failed to find subscription");
        return ConfigWrite{.removes = {{.kind = ConfigKind::kSubscription, .id = id}},
                           .changed_lanes = ChangedLanes(current, nullptr)};
      },
      [] { return Success(200, "Subscription deleted successfully"); });
}

// Subscriptions have no status of their own: an endpoint is paused. Convoy's operation of this name
// changes nothing either, and its clients want an object.
Reply ToggleSubscriptionStatus(const Context& context) {
  if (context.project->FindSubscription(context.capture(1)) == nullptr) {
    return Failure(404, "failed to find subscription");
  }
  return Success(202, "Subscription status updated successfully", "{}");
}

// {"request": {header, body, query, path}, "schema": {the same}} to whether one satisfies the
// other.
Reply TestSubscriptionFilter(const Context& context) {
  const std::string_view body = context.request->body;
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  ObjectReader reader(*document);
  reader.Object("request");
  const json::Value* schema = reader.Object("schema");
  if (!reader.status().ok()) return FromStatus(reader.status());
  if (schema != nullptr) {
    ObjectReader conditions(*schema, "schema");
    for (const char* part : kTestedParts) conditions.Object(part);
    if (!conditions.status().ok()) return FromStatus(conditions.status());
  }
  bool is_match = true;
  for (const char* part : kTestedParts) {
    const std::string field = absl::StrCat("schema.", part);
    const std::string condition = RawMember(body, field);
    const auto filter = CompileFilter(condition);
    if (!filter.ok()) return FromStatus(FieldError(field, filter.status().message()));
    const auto value = json::FindPath(body, absl::StrCat("request.", part), {});
    is_match = is_match && (*filter)->Matches(value.has_value() ? value->text : "{}");
  }
  return Success(200, "Filter validated successfully", is_match ? "true" : "false");
}

}  // namespace convoy::http
