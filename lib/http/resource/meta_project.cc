// The project of meta events has one endpoint and one subscription. It is made when a URL is first
// given, and goes with the project that it tells of.
#include "lib/http/resource/meta_project.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/status_macros.h"
#include "lib/base/ulid.h"
#include "lib/http/resource/endpoint_secrets.h"
#include "lib/http/shape/fields.h"
#include "lib/model/meta_event.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr std::string_view kTypeField = "config.meta_event.type";
constexpr std::string_view kTypesField = "config.meta_event.event_type";

absl::Status CheckTypes(const std::vector<std::string>& types) {
  const auto known = model::MetaEventTypes();
  for (const std::string& type : types) {
    if (std::find(known.begin(), known.end(), type) != known.end()) continue;
    return FieldError(kTypesField, absl::StrCat("must be of ", absl::StrJoin(known, ", ")));
  }
  return absl::OkStatus();
}

Project MakeProject(const ApiParts& parts, const Project& parent) {
  const absl::Time now = parts.clock->Now();
  Project project{.id = parts.ulids->Next(),
                  .name = absl::StrCat("meta events of ", parent.id),
                  .parent_id = parent.id,
                  .created_at = now,
                  .updated_at = now};
  project.config.signature.versions.push_back({.id = parts.ulids->Next(), .created_at = now});
  return project;
}

}  // namespace

absl::Status ReadMetaEvents(const json::Value& config, const ApiParts& parts,
                            bool is_https_required, std::optional<MetaEventConfig>* out) {
  ObjectReader parent(config, "config");
  const json::Value* const object = parent.Object("meta_event");
  CONVOY_RETURN_IF_ERROR(parent.status());
  if (object == nullptr || (AsksForNothing(*object) && !out->has_value())) return absl::OkStatus();
  ObjectReader reader(*object, "config.meta_event");
  MetaEventConfig meta = out->value_or(MetaEventConfig());
  std::string type, url, secret;
  reader.Read("is_enabled", &meta.is_enabled);
  if (reader.Read("type", &type) && !type.empty() && type != "http") {
    reader.Fail(FieldError(kTypeField, "must be http, others are not supported by this version"));
  }
  if (reader.Read("url", &url) && !url.empty()) meta.url = url;
  if (reader.Read("secret", &secret) && !secret.empty()) meta.secret = secret;
  reader.Read("event_type", &meta.event_types);
  reader.Fail(RefuseIfSet(*object, "pub_sub", "config.meta_event"));
  CONVOY_RETURN_IF_ERROR(reader.status());
  CONVOY_RETURN_IF_ERROR(CheckText("config.meta_event.secret", meta.secret));
  CONVOY_RETURN_IF_ERROR(CheckTypes(meta.event_types));
  if (meta.url.empty()) {
    return meta.is_enabled ? FieldError("config.meta_event.url", "please provide the endpoint url")
                           : absl::OkStatus();
  }
  const absl::Status checked = CheckEndpointUrl(meta.url, is_https_required);
  if (!checked.ok()) return FieldError("config.meta_event.url", checked.message());
  if (meta.secret.empty()) {
    meta.secret = MakeSecret(parts, "", StandardSignature::kNone).value;
  }
  *out = std::move(meta);
  return absl::OkStatus();
}

absl::Status PlanMetaProject(const ApiParts& parts, Project* project, ConfigWrite* write) {
  if (!project->config.meta_events.has_value()) return absl::OkStatus();
  MetaEventConfig& meta = *project->config.meta_events;
  if (!meta.is_enabled && meta.project_id.empty()) return absl::OkStatus();
  Project carrier;
  Endpoint endpoint;
  if (meta.project_id.empty()) {
    carrier = MakeProject(parts, *project);
    meta.project_id = carrier.id;
    endpoint = {.id = parts.ulids->Next(), .created_at = carrier.created_at};
    meta.endpoint_id = endpoint.id;
    Subscription subscription{.id = parts.ulids->Next(),
                              .project_id = carrier.id,
                              .name = "all",
                              .endpoint_id = endpoint.id,
                              .created_at = carrier.created_at,
                              .updated_at = carrier.created_at};
    meta.subscription_id = subscription.id;
    write->puts.push_back(carrier);
    write->puts.push_back(subscription);
  } else {
    CONVOY_ASSIGN_OR_RETURN(const auto known, parts.configuration->FindProject(meta.project_id));
    const Endpoint* const stored = known->FindEndpoint(meta.endpoint_id);
    if (stored == nullptr) return absl::InternalError("the endpoint of meta events is gone");
    endpoint = *stored;
  }
  endpoint.project_id = meta.project_id;
  endpoint.name = "meta events";
  endpoint.url = meta.url;
  endpoint.status = EndpointStatus::kActive;
  endpoint.has_advanced_signatures = false;
  endpoint.updated_at = parts.clock->Now();
  endpoint.secrets = {MakeSecret(parts, meta.secret, StandardSignature::kNone)};
  write->puts.push_back(endpoint);
  return absl::OkStatus();
}

absl::Status TellOfEndpoints(const ApiParts& parts, const route::ProjectSnapshot& project,
                             const ConfigWrite& write, WriteBatch* batch) {
  const ProjectConfig& config = project.project().config;
  if (!config.meta_events.has_value() || !config.meta_events->is_enabled) return absl::OkStatus();
  const absl::Time now = parts.clock->Now();
  for (const ConfigRecord& record : write.puts) {
    if (record.kind != ConfigKind::kEndpoint) continue;
    CONVOY_ASSIGN_OR_RETURN(const Endpoint endpoint, DecodeConfig<Endpoint>(record));
    const bool is_new = project.FindEndpoint(record.id) == nullptr;
    model::AddMetaEvent(config, is_new ? "endpoint.created" : "endpoint.updated",
                        model::MetaDataOf(endpoint), now, *parts.ulids, batch);
  }
  for (const ConfigRef& ref : write.removes) {
    const Endpoint* const endpoint =
        ref.kind == ConfigKind::kEndpoint ? project.FindEndpoint(ref.id) : nullptr;
    if (endpoint == nullptr) continue;
    model::AddMetaEvent(config, "endpoint.deleted", model::MetaDataOf(*endpoint), now, *parts.ulids,
                        batch);
  }
  return absl::OkStatus();
}

}  // namespace convoy::http
