// Plans of dynamic targets. The plan, the event and its deliveries are one transaction, which is
// refused if the project has changed meanwhile; then all of it is planned anew.
#include "lib/http/resource/dynamic_target.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/resource/endpoint_secrets.h"
#include "lib/http/resource/event_types.h"
#include "lib/http/resource/subscription_filters.h"
#include "lib/http/shape/fields.h"
#include "lib/intake/deliveries.h"
#include "lib/intake/event_checks.h"
#include "lib/json/raw.h"
#include "lib/route/event_pattern.h"

namespace convoy::http {
namespace {

absl::Status WrongType(std::string_view field) {
  return absl::InvalidArgumentError(
      absl::StrCat("body contains incorrect JSON type for field \"", field, "\""));
}

absl::Status ReadText(const json::RawObject& object, std::string_view field, std::string* out) {
  const json::RawValue* const value = object.Find(field);
  if (value == nullptr || value->type == json::Type::kNull) return absl::OkStatus();
  std::optional<std::string> text = value->AsString();
  if (!text.has_value()) return WrongType(field);
  *out = *std::move(text);
  return CheckText(field, *out, 4 * kFieldBytesMax);
}

absl::Status ReadTypes(const json::RawObject& object, std::vector<std::string>* out) {
  const json::RawValue* const value = object.Find("event_types");
  if (value == nullptr || value->type == json::Type::kNull) return absl::OkStatus();
  if (value->type != json::Type::kArray) return WrongType("event_types");
  CONVOY_ASSIGN_OR_RETURN(const std::vector<json::RawValue> elements,
                          json::ScanArray(value->text, json::kPayloadLimits));
  if (elements.size() > kEventTypesMax) {
    return FieldError("event_types",
                      absl::StrCat("must have at most ", kEventTypesMax, " entries"));
  }
  for (const json::RawValue& element : elements) {
    std::optional<std::string> type = element.AsString();
    if (!type.has_value()) return WrongType("event_types");
    CONVOY_RETURN_IF_ERROR(intake::CheckText("event_types", *type, intake::kEventTypeBytesMax));
    const absl::Status pattern = route::CheckEventPattern(*type);
    if (!pattern.ok()) return FieldError("event_types", pattern.message());
    out->push_back(*std::move(type));
  }
  return absl::OkStatus();
}

absl::Status CheckKnownSecret(const Endpoint& endpoint, const std::string& secret) {
  const bool is_known = std::any_of(endpoint.secrets.begin(), endpoint.secrets.end(),
                                    [&](const Secret& each) { return each.value == secret; });
  if (secret.empty() || is_known) return absl::OkStatus();
  return FieldError("secret",
                    "the endpoint of this URL has another one; leave it out, or use expire_secret");
}

// Adds a subscription for the event type, or a change of one, unless there is one that wants it.
absl::Status PlanSubscription(const ApiParts& parts, const Snapshot& project,
                              const Endpoint& endpoint, const DynamicTarget& target,
                              std::string_view event_type, ConfigWrite& write) {
  const auto subscriptions = project->SubscriptionsOfEndpoint(endpoint.id);
  for (const Subscription* const each : subscriptions) {
    if (route::WantsType(*each, event_type)) return absl::OkStatus();
  }
  const absl::Time now = parts.clock->Now();
  Subscription planned = subscriptions.empty()
                             ? intake::MakeImplicitSubscription(endpoint, now, *parts.ulids)
                             : *subscriptions.front();
  if (subscriptions.empty() && !target.event_types.empty()) planned.event_types.clear();
  for (const std::string& type : target.event_types) {
    const auto& known = planned.event_types;
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      planned.event_types.push_back(type);
    }
  }
  // The event that asks for all this goes to the endpoint, whatever else it asks for.
  if (!route::WantsType(planned, event_type)) {
    const absl::Status pattern = route::CheckEventPattern(event_type);
    if (!pattern.ok()) return FieldError("event_type", pattern.message());
    planned.event_types.emplace_back(event_type);
  }
  if (planned.event_types.size() > kEventTypesMax) {
    return FieldError("event_types", "the subscription of this URL would have too many");
  }
  planned.updated_at = now;
  CONVOY_RETURN_IF_ERROR(KeepTypeFilters(parts, planned.filter, &planned));
  CONVOY_RETURN_IF_ERROR(AddEventTypes(parts, planned.project_id, planned.event_types, &write));
  write.puts.push_back(planned);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DynamicTarget> ReadDynamicTarget(std::string_view body) {
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject object,
                          json::ScanObject(body, json::kPayloadLimits));
  DynamicTarget target;
  absl::Status wrong;
  json::AddProblem(ReadText(object, "url", &target.url), &wrong);
  json::AddProblem(ReadText(object, "secret", &target.secret), &wrong);
  json::AddProblem(ReadTypes(object, &target.event_types), &wrong);
  if (wrong.ok() && target.url.empty()) {
    wrong = FieldError("url", "please provide an endpoint url");
  }
  CONVOY_RETURN_IF_ERROR(wrong);
  return target;
}

absl::StatusOr<PlannedTarget> PlanTarget(const ApiParts& parts, const Snapshot& project,
                                         const DynamicTarget& target, std::string_view event_type) {
  ConfigWrite write{.scope = project->project().id, .expected_revision = project->revision()};
  const Endpoint* endpoint = project->FindUnownedEndpointByUrl(target.url);
  Endpoint made;
  if (endpoint == nullptr) {
    CONVOY_ASSIGN_OR_RETURN(made, MakeEndpoint(parts, project->project(),
                                               absl::StrCat("endpoint-", parts.ulids->Next()),
                                               target.url, target.secret));
    write.puts.push_back(made);
    endpoint = &made;
  } else {
    CONVOY_RETURN_IF_ERROR(CheckKnownSecret(*endpoint, target.secret));
  }
  CONVOY_RETURN_IF_ERROR(PlanSubscription(parts, project, *endpoint, target, event_type, write));
  PlannedTarget planned{.endpoint_id = endpoint->id, .project = project};
  if (write.puts.empty()) return planned;
  CONVOY_ASSIGN_OR_RETURN(planned.project, project->WithChanges({.revision = project->revision(),
                                                                 .is_complete = true,
                                                                 .puts = write.puts}));
  planned.write = std::move(write);
  return planned;
}

}  // namespace convoy::http
