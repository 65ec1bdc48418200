// Subscriptions: which events go to which endpoint.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/filter.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/envelope.h"
#include "lib/http/fields.h"
#include "lib/http/handlers.h"
#include "lib/http/pagination.h"
#include "lib/http/wire.h"
#include "lib/json/raw.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kEventTypesMax = 256;

// The text of an object member as the client wrote it: filters are kept and shown as they are.
std::string RawMember(std::string_view object_json, std::string_view path) {
  const auto value = json::FindPath(object_json, path, {});
  return value.has_value() && value->type == json::Type::kObject ? std::string(value->text) : "";
}

absl::Status ReadFilter(const json::Document& document, std::string_view body, Subscription* out) {
  ObjectReader root(document);
  const json::Value* config = root.Object("filter_config");
  CONVOY_RETURN_IF_ERROR(root.status());
  if (config == nullptr) return absl::OkStatus();
  ObjectReader reader(*config, "filter_config");
  std::vector<std::string> types;
  if (reader.Read("event_types", &types) && !types.empty()) out->event_types = std::move(types);
  const json::Value* filter = reader.Object("filter");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (filter != nullptr) {
    ObjectReader parts(*filter, "filter_config.filter");
    for (const char* field : {"headers", "body", "query", "path"}) parts.Object(field);
    CONVOY_RETURN_IF_ERROR(parts.status());
    out->filter = {.headers = RawMember(body, "filter_config.filter.headers"),
                   .body = RawMember(body, "filter_config.filter.body"),
                   .query = RawMember(body, "filter_config.filter.query"),
                   .path = RawMember(body, "filter_config.filter.path")};
  }
  if (out->event_types.size() > kEventTypesMax) {
    return FieldError("filter_config.event_types", "has too many entries");
  }
  for (const std::string& type : out->event_types) {
    if (type.empty()) return FieldError("filter_config.event_types", "must not be empty");
    CONVOY_RETURN_IF_ERROR(CheckLength("filter_config.event_types", type));
  }
  for (const std::string* condition :
       {&out->filter.headers, &out->filter.body, &out->filter.query, &out->filter.path}) {
    CONVOY_RETURN_IF_ERROR(CompileFilter(*condition).status());
  }
  return absl::OkStatus();
}

absl::Status ReadSubscription(const json::Document& document, std::string_view body,
                              Subscription* out) {
  for (const char* field : {"function", "alert_config", "rate_limit_config"}) {
    CONVOY_RETURN_IF_ERROR(RefuseIfSet(document, field));
  }
  ObjectReader reader(document);
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
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (retry != nullptr && retry->MemberCount() > 0) {
    RetryPolicy policy;
    CONVOY_RETURN_IF_ERROR(ReadRetry(*retry, "retry_config", &policy));
    out->retry = policy;
  }
  if (out->name.empty()) return FieldError("name", "please provide a valid subscription name");
  CONVOY_RETURN_IF_ERROR(CheckLength("name", out->name));
  if (out->endpoint_id.empty()) {
    return FieldError("endpoint_id", "please provide a valid endpoint id");
  }
  return ReadFilter(document, body, out);
}

// What it refers to must exist, and an endpoint belongs to one subscription unless it may be
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
  if (!subscription.source_id.empty() &&
      !storage.GetSource(project.project().id, subscription.source_id).ok()) {
    return absl::InvalidArgumentError("failed to find source by id");
  }
  if (is_incoming || project.project().config.may_share_endpoint) return absl::OkStatus();
  for (const Subscription* other : project.SubscriptionsOfEndpoint(subscription.endpoint_id)) {
    if (other->id != subscription.id) {
      return absl::InvalidArgumentError("a subscription for this endpoint already exists");
    }
  }
  return absl::OkStatus();
}

std::string SubscriptionJson(const Subscription& subscription,
                             const route::ProjectSnapshot* project, Storage& storage) {
  const Endpoint* endpoint =
      project == nullptr ? nullptr : project->FindEndpoint(subscription.endpoint_id);
  std::optional<Source> source;
  if (project != nullptr && !subscription.source_id.empty()) {
    auto found = storage.GetSource(subscription.project_id, subscription.source_id);
    if (found.ok()) source = *std::move(found);
  }
  return ToJson([&](json::Writer& writer) {
    WriteSubscription(writer, subscription, endpoint, source.has_value() ? &*source : nullptr);
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
  const absl::Status status = ReadSubscription(*document, context.request->body, &subscription);
  if (!status.ok()) return FromStatus(status);
  return ChangeProject(
      context,
      [subscription,
       storage = parts.storage](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_RETURN_IF_ERROR(CheckReferences(subscription, *project, *storage));
        return ConfigWrite{.puts = {subscription}};
      },
      [subscription, storage = parts.storage] {
        return Success(201, "Subscription created successfully",
                       SubscriptionJson(subscription, nullptr, *storage));
      });
}

Reply ListSubscriptions(const Context& context) {
  const std::string_view query = context.request->query;
  const PageRequest page = ParsePage(query);
  const auto subscriptions = context.parts->storage->ListSubscriptions(
      {.project_id = context.project->project().id,
       .name_contains = base::FindQueryParameter(query, "name").value_or(""),
       .endpoint_ids = base::FindQueryParameters(query, "endpointId")},
      page);
  if (!subscriptions.ok()) return FromStatus(subscriptions.status());
  return Success(
      200, "Subscriptions fetched successfully",
      PageToJson(*subscriptions, page, [&](json::Writer& writer, const Subscription& subscription) {
        writer.Raw(SubscriptionJson(subscription, context.project.get(), *context.parts->storage));
      }));
}

Reply GetSubscription(const Context& context) {
  const Subscription* subscription = context.project->FindSubscription(context.capture(1));
  if (subscription == nullptr) return Failure(404, "failed to find subscription");
  return Success(200, "Subscription fetched successfully",
                 SubscriptionJson(*subscription, context.project.get(), *context.parts->storage));
}

Reply UpdateSubscription(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  auto updated = std::make_shared<Subscription>();
  auto seen = std::make_shared<Snapshot>();
  return ChangeProject(
      context,
      [updated, seen, parts = context.parts, id = context.capture(1),
       body = std::string(context.request->body)](
          const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Subscription* current = project->FindSubscription(id);
        if (current == nullptr) {
          return absl::InvalidArgumentError("failed to find subscription");
        }
        CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(body, {}));
        *updated = *current;
        *seen = project;
        updated->updated_at = parts->clock->Now();
        CONVOY_RETURN_IF_ERROR(ReadSubscription(fields, body, updated.get()));
        CONVOY_RETURN_IF_ERROR(CheckReferences(*updated, *project, *parts->storage));
        return ConfigWrite{.puts = {*updated}};
      },
      [updated, seen, storage = context.parts->storage] {
        return Success(202, "Subscription updated successfully",
                       SubscriptionJson(*updated, seen->get(), *storage));
      });
}

Reply DeleteSubscription(const Context& context) {
  return ChangeProject(
      context,
      [id = context.capture(1)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        if (project->FindSubscription(id) == nullptr) {
          return absl::NotFoundError("failed to find subscription");
        }
        return ConfigWrite{.removes = {{.kind = ConfigKind::kSubscription, .id = id}}};
      },
      [] { return Success(200, "Subscription deleted successfully"); });
}

// {"request": {header, body, query, path}, "schema": {the same}} to whether one satisfies the
// other.
Reply TestSubscriptionFilter(const Context& context) {
  const std::string_view body = context.request->body;
  if (const auto document = ParseBody(context); !document.ok()) {
    return FromStatus(document.status());
  }
  bool is_match = true;
  for (const char* part : {"header", "body", "query", "path"}) {
    const auto filter = CompileFilter(RawMember(body, absl::StrCat("schema.", part)));
    if (!filter.ok()) return FromStatus(filter.status());
    const auto value = json::FindPath(body, absl::StrCat("request.", part), {});
    is_match = is_match && (*filter)->Matches(value.has_value() ? value->text : "{}");
  }
  return Success(200, "Filter validated successfully", is_match ? "true" : "false");
}

}  // namespace convoy::http
