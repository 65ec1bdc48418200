// Making of meta events. They hold only data that a viewer of the project could read.
#include "lib/model/meta_event.h"

#include <algorithm>
#include <utility>

#include "lib/base/time_text.h"
#include "lib/json/writer.h"
#include "lib/model/names.h"

namespace convoy::model {
namespace {

constexpr std::string_view kTypes[] = {
    "endpoint.created",      "endpoint.updated",     "endpoint.deleted", "eventdelivery.updated",
    "eventdelivery.success", "eventdelivery.failed", "project.updated"};

}  // namespace

std::span<const std::string_view> MetaEventTypes() { return kTypes; }

bool TellsOf(const ProjectConfig& config, std::string_view type) {
  if (!config.meta_events.has_value() || !config.meta_events->is_enabled) return false;
  if (config.meta_events->project_id.empty()) return false;  // of no stored project
  const std::vector<std::string>& types = config.meta_events->event_types;
  return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
}

void AddMetaEvent(const ProjectConfig& config, std::string_view type, std::string_view data,
                  absl::Time now, base::UlidGenerator& ulids, WriteBatch* batch) {
  if (!TellsOf(config, type)) return;
  const MetaEventConfig& meta = *config.meta_events;
  json::Writer writer;
  writer.BeginObject().Field("event_type", type).Key("data").Raw(data).EndObject();
  Submission submission;
  submission.event = {.id = ulids.Next(),
                      .project_id = meta.project_id,
                      .event_type = std::string(type),
                      .endpoint_ids = {meta.endpoint_id},
                      .body = writer.TakeText(),
                      .content_type = "application/json",
                      .status = EventStatus::kSuccess,
                      .created_at = now,
                      .acknowledged_at = now};
  submission.deliveries.push_back({.id = ulids.Next(),
                                   .project_id = meta.project_id,
                                   .event_id = submission.event.id,
                                   .endpoint_id = meta.endpoint_id,
                                   .subscription_id = meta.subscription_id,
                                   .event_type = submission.event.event_type,
                                   .retry = config.retry,
                                   .due_at = now,
                                   .created_at = now,
                                   .updated_at = now});
  batch->submissions.push_back(std::move(submission));
}

std::string MetaDataOf(const Endpoint& endpoint) {
  json::Writer writer;
  writer.BeginObject()
      .Field("uid", endpoint.id)
      .Field("project_id", endpoint.project_id)
      .FieldIfSet("owner_id", endpoint.owner_id)
      .Field("name", endpoint.name)
      .Field("url", endpoint.url)
      .Field("description", endpoint.description)
      .FieldIfSet("support_email", endpoint.support_email)
      .Field("status", Name(endpoint.status))
      .Field("created_at", base::FormatTime(endpoint.created_at))
      .Field("updated_at", base::FormatTime(endpoint.updated_at))
      .EndObject();
  return writer.TakeText();
}

std::string MetaDataOf(const Delivery& delivery) {
  json::Writer writer;
  writer.BeginObject()
      .Field("uid", delivery.id)
      .Field("project_id", delivery.project_id)
      .Field("event_id", delivery.event_id)
      .Field("endpoint_id", delivery.endpoint_id)
      .Field("subscription_id", delivery.subscription_id)
      .Field("event_type", delivery.event_type)
      .Field("idempotency_key", delivery.idempotency_key)
      .Field("status", Name(delivery.status))
      .Field("num_trials", delivery.attempts_count)
      .FieldIfSet("description", delivery.description)
      .Field("created_at", base::FormatTime(delivery.created_at))
      .Field("updated_at", base::FormatTime(delivery.updated_at))
      .EndObject();
  return writer.TakeText();
}

std::string MetaDataOf(const Project& project) {
  json::Writer writer;
  writer.BeginObject()
      .Field("uid", project.id)
      .Field("name", project.name)
      .Field("type", Name(project.type))
      .Field("logo_url", project.logo_url)
      .Field("created_at", base::FormatTime(project.created_at))
      .Field("updated_at", base::FormatTime(project.updated_at))
      .EndObject();
  return writer.TakeText();
}

std::string_view MetaEventTypeOf(DeliveryStatus status) {
  if (status == DeliveryStatus::kSuccess) return "eventdelivery.success";
  if (status == DeliveryStatus::kFailure) return "eventdelivery.failed";
  return "eventdelivery.updated";
}

}  // namespace convoy::model
