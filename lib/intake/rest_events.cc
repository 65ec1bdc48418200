// Events of the REST API: to one endpoint, to an owner's endpoints, or to all that match.
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/body/body_view.h"
#include "lib/intake/audience.h"
#include "lib/intake/deliveries.h"
#include "lib/intake/event_batch.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/idempotency.h"
#include "lib/intake/intake.h"
#include "lib/json/document.h"

namespace convoy::intake {
namespace {

using body::BodyView;
using route::EventContent;
using route::ProjectSnapshot;

// An event of the REST API; `event` has been checked.
Event MakeRestEvent(const Project& project, RestEvent event, absl::Time now, std::string id) {
  Event made{.id = std::move(id),
             .project_id = project.id,
             .event_type = std::move(event.event_type),
             .body = *std::move(event.data),
             .content_type = "application/json",
             .idempotency_key = std::move(event.idempotency_key),
             .created_at = now,
             .acknowledged_at = now};
  for (Header& header : event.custom_headers) {
    if (base::EqualsIgnoreCase(header.name, "Content-Type")) {
      made.content_type = std::move(header.value);
    } else {
      made.headers.push_back(std::move(header));
    }
  }
  return made;
}

std::optional<DedupeKey> RestDedupeKey(const Event& event, const GatewayOptions& options) {
  if (event.idempotency_key.empty()) return std::nullopt;
  return MakeRestDedupeKey(event.project_id, event.idempotency_key,
                           event.created_at + options.dedupe_window);
}

}  // namespace

absl::StatusOr<WriteBatch> Intake::PrepareSingle(const ProjectSnapshot& project, RestEvent input,
                                                 std::string_view endpoint_id) const {
  absl::Status wrong = CheckRestEvent(options_, project.project(), input);
  if (endpoint_id.empty()) {
    json::AddProblem(absl::InvalidArgumentError("please provide an endpoint ID"), &wrong);
  }
  CONVOY_RETURN_IF_ERROR(wrong);
  const Endpoint* const endpoint = project.FindEndpoint(endpoint_id);
  if (endpoint == nullptr) return absl::InvalidArgumentError("endpoint not found");

  Event event = MakeRestEvent(project.project(), std::move(input), clock_->Now(), ulids_->Next());
  event.endpoint_ids = {endpoint->id};
  std::optional<DedupeKey> dedupe = RestDedupeKey(event, options_);

  if (!project.SubscriptionsOfEndpoint(endpoint->id).empty()) {
    std::vector<const Subscription*> wanting;
    BodyView body(event.content_type, event.headers, event.body);
    AddWanting(project, event, ContentOf(event, body), endpoint->id, wanting);
    return BatchOf(MakeSubmission(project, std::move(event), wanting, *ulids_), std::move(dedupe));
  }

  // The endpoint's first event: its subscription is created with it. If the project changes
  // meanwhile, the batch is aborted and the caller prepares it again.
  const Subscription implicit = MakeImplicitSubscription(*endpoint, event.created_at, *ulids_);
  WriteBatch batch =
      BatchOf(MakeSubmission(project, std::move(event), {&implicit}, *ulids_), std::move(dedupe));
  batch.config.push_back(
      {.scope = project.project().id, .expected_revision = project.revision(), .puts = {implicit}});
  return batch;
}

absl::StatusOr<WriteBatch> Intake::PrepareFanout(const ProjectSnapshot& project, RestEvent input,
                                                 std::string_view owner_id) const {
  absl::Status wrong = CheckRestEvent(options_, project.project(), input);
  if (owner_id.empty()) {
    json::AddProblem(absl::InvalidArgumentError("owner_id:please provide an owner id"), &wrong);
  }
  json::AddProblem(CheckText("owner_id", owner_id, kOwnerIdBytesMax), &wrong);
  CONVOY_RETURN_IF_ERROR(wrong);

  Event event = MakeRestEvent(project.project(), std::move(input), clock_->Now(), ulids_->Next());
  std::optional<DedupeKey> dedupe = RestDedupeKey(event, options_);
  BodyView body(event.content_type, event.headers, event.body);
  const EventContent content = ContentOf(event, body);
  const AudiencePiece audience =
      FindBeginning(limits_, [&](const AudiencePlace& from, size_t looks_max) {
        return FindOfOwner(project, event, owner_id, from, looks_max, content);
      });
  if (audience.has_more) {
    return DeferDeliveries(
        project, std::move(event),
        {.audience = model::JobAudience::kOwner, .owner_id = std::string(owner_id)},
        std::move(dedupe));
  }
  for (const Endpoint* endpoint : project.EndpointsOfOwner(owner_id)) {
    event.endpoint_ids.push_back(endpoint->id);
  }
  return BatchOf(MakeSubmission(project, std::move(event), audience.wanting, *ulids_),
                 std::move(dedupe));
}

absl::StatusOr<WriteBatch> Intake::PrepareBroadcast(const ProjectSnapshot& project,
                                                    RestEvent input) const {
  CONVOY_RETURN_IF_ERROR(CheckRestEvent(options_, project.project(), input));
  Event event = MakeRestEvent(project.project(), std::move(input), clock_->Now(), ulids_->Next());
  std::optional<DedupeKey> dedupe = RestDedupeKey(event, options_);
  BodyView body(event.content_type, event.headers, event.body);
  const EventContent content = ContentOf(event, body);
  const AudiencePiece audience =
      FindBeginning(limits_, [&](const AudiencePlace& from, size_t looks_max) {
        return FindMatching(project, event, /*source_id=*/"", from, looks_max, content);
      });
  if (audience.has_more) {
    return DeferDeliveries(project, std::move(event), {.audience = model::JobAudience::kMatching},
                           std::move(dedupe));
  }
  return BatchOf(MakeSubmission(project, std::move(event), audience.wanting, *ulids_),
                 std::move(dedupe));
}

}  // namespace convoy::intake
