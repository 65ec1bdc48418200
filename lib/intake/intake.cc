// The pipeline from a request to the batch that accepts it, one step after the other:
//
//   limits → verify → idempotency key → event → match subscriptions → deliveries → batch
//
// In: a project's snapshot and what came from outside. Out: a batch with one submission, which is
// all or nothing once committed. Nothing is written here, nothing is remembered between two calls,
// and a refusal leaves no trace. Whether a submission is a duplicate is not this file's question
// (intake.h).

#include "lib/intake/intake.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/intake/admission.h"
#include "lib/intake/deliveries.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/event_headers.h"
#include "lib/intake/idempotency.h"
#include "lib/intake/json_view.h"
#include "lib/intake/locations.h"

namespace convoy::intake {
namespace {

using route::EventContent;
using route::ProjectSnapshot;

absl::StatusOr<std::string> FindEventType(const Source& source, const HttpRequest& request,
                                          const JsonView& body) {
  if (source.event_type_location.empty()) return source.mask_id;
  std::optional<std::string> type = FindAtLocation(source.event_type_location, request, body);
  if (!type.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("no event type found at ", source.event_type_location));
  }
  CONVOY_RETURN_IF_ERROR(CheckText("event_type", *type, kEventTypeBytesMax));
  return *std::move(type);
}

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

EventContent ContentOf(const Event& event, const JsonView& body) {
  return {.body = body.text(),
          .headers = &event.headers,
          .query = event.url_query,
          .path = event.url_path};
}

// Those subscriptions of `endpoint_id` that want the event.
void AddWanting(const ProjectSnapshot& project, const Event& event, const EventContent& content,
                std::string_view endpoint_id, std::vector<const Subscription*>& out_wanting) {
  for (const Subscription* subscription : project.SubscriptionsOfEndpoint(endpoint_id)) {
    if (project.Wants(*subscription, event.event_type, content))
      out_wanting.push_back(subscription);
  }
}

std::optional<DedupeKey> RestDedupeKey(const Event& event, const GatewayOptions& options) {
  if (event.idempotency_key.empty()) return std::nullopt;
  return MakeRestDedupeKey(event.project_id, event.idempotency_key,
                           event.created_at + options.dedupe_window);
}

WriteBatch BatchOf(Submission submission, std::optional<DedupeKey> dedupe) {
  submission.dedupe = std::move(dedupe);
  WriteBatch batch;
  batch.submissions.push_back(std::move(submission));
  return batch;
}

}  // namespace

std::string PublicUrlOf(const HttpRequest& request, std::string_view public_url) {
  return absl::StrCat(public_url, request.path, request.query.empty() ? "" : "?", request.query);
}

Intake::Intake(const GatewayOptions& options, Clock* clock, base::UlidGenerator* ulids,
               Observer* observer)
    : options_(options), clock_(clock), ulids_(ulids), observer_(observer) {}

absl::Status Intake::CheckRequest(const ProjectSnapshot& project, const config::SourceEntry& entry,
                                  const HttpRequest& request) const {
  CONVOY_RETURN_IF_ERROR(CheckSource(entry));
  CONVOY_RETURN_IF_ERROR(CheckBodySize(options_, project.project().config, request.body.size()));
  return CheckUrlText(request.path, request.query);
}

absl::StatusOr<WriteBatch> Intake::PrepareIngest(const ProjectSnapshot& project,
                                                 const config::SourceEntry& entry,
                                                 const HttpRequest& request,
                                                 std::optional<Hold>* out_hold) const {
  CONVOY_RETURN_IF_ERROR(CheckRequest(project, entry, request));
  const absl::Time now = clock_->Now();
  const Verdict verdict = Judge(entry, request, options_.public_url, now);
  const absl::Status admitted = Admit(entry, verdict, observer_);
  if (!admitted.ok()) {
    if (out_hold != nullptr && IsKept(entry, request, verdict)) {
      *out_hold = MakeHold(options_, entry, request, verdict, now, ulids_->Next());
    }
    return admitted;
  }
  return AcceptRequest(project, entry.source, request, now);
}

absl::StatusOr<WriteBatch> Intake::PrepareHeldRequest(const ProjectSnapshot& project,
                                                      const config::SourceEntry& entry,
                                                      const HeldInput& input,
                                                      std::string* out_reason) const {
  std::vector<HeaderView> headers;
  headers.reserve(input.headers.size());
  for (const Header& header : input.headers) headers.push_back({header.name, header.value});
  const HttpRequest request{.method = input.method,
                            .path = input.path,
                            .query = input.query,
                            .headers = headers,
                            .body = input.body};
  *out_reason = "source_unusable";
  CONVOY_RETURN_IF_ERROR(CheckSource(entry));
  *out_reason = "unusable";
  CONVOY_RETURN_IF_ERROR(CheckRequest(project, entry, request));
  // The clock of the receipt is used: by the current one every input would be too old.
  const Verdict verdict = Judge(entry, request, options_.public_url, input.received_at);
  *out_reason = VerifyReasonName(verdict.reason);
  // That it is refused was reported when it came in; that it is accepted all the same, was not.
  const bool is_observed = entry.source.verify_mode == VerifyMode::kObserve;
  CONVOY_RETURN_IF_ERROR(Admit(entry, verdict, is_observed ? observer_ : nullptr));
  *out_reason = "unusable";
  return AcceptRequest(project, entry.source, request, clock_->Now());
}

absl::StatusOr<WriteBatch> Intake::AcceptRequest(const ProjectSnapshot& project,
                                                 const Source& source, const HttpRequest& request,
                                                 absl::Time now) const {
  Event event{.project_id = source.project_id,
              .source_id = source.id,
              .body = request.body.empty() ? "{}" : std::string(request.body),
              .url_query = std::string(request.query),
              .url_path = std::string(request.path),
              .created_at = now,
              .acknowledged_at = now};
  event.content_type = base::FindHeader(request.headers, "Content-Type").value_or("");
  if (!base::IsHeaderValue(event.content_type)) {
    return absl::InvalidArgumentError("Content-Type: malformed");
  }
  const JsonView body(event.content_type, event.body);

  std::optional<DedupeKey> dedupe;
  if (!source.idempotency_keys.empty()) {
    CONVOY_ASSIGN_OR_RETURN(IngestKeys keys,
                            MakeIngestKeys(source, request, body, now + options_.dedupe_window));
    event.idempotency_key = std::move(keys.idempotency_key);
    dedupe = std::move(keys.dedupe);
  }

  CONVOY_ASSIGN_OR_RETURN(event.event_type, FindEventType(source, request, body));
  CONVOY_ASSIGN_OR_RETURN(event.headers, KeepIngestHeaders(source, request.headers));
  event.id = ulids_->Next();

  const std::vector<const Subscription*> matches =
      project.Match(event.event_type, source.id, ContentOf(event, body));
  return BatchOf(MakeSubmission(project, std::move(event), matches, *ulids_), std::move(dedupe));
}

absl::StatusOr<WriteBatch> Intake::PrepareSingle(const ProjectSnapshot& project, RestEvent input,
                                                 std::string_view endpoint_id) const {
  CONVOY_RETURN_IF_ERROR(CheckRestEvent(options_, project.project(), input));
  if (endpoint_id.empty()) return absl::InvalidArgumentError("please provide an endpoint ID");
  const Endpoint* const endpoint = project.FindEndpoint(endpoint_id);
  if (endpoint == nullptr) return absl::InvalidArgumentError("endpoint not found");

  Event event = MakeRestEvent(project.project(), std::move(input), clock_->Now(), ulids_->Next());
  event.endpoint_ids = {endpoint->id};
  std::optional<DedupeKey> dedupe = RestDedupeKey(event, options_);

  if (!project.SubscriptionsOfEndpoint(endpoint->id).empty()) {
    std::vector<const Subscription*> wanting;
    const JsonView body(event.content_type, event.body);
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
  CONVOY_RETURN_IF_ERROR(CheckRestEvent(options_, project.project(), input));
  if (owner_id.empty()) return absl::InvalidArgumentError("owner_id:please provide an owner id");
  CONVOY_RETURN_IF_ERROR(CheckText("owner_id", owner_id, kOwnerIdBytesMax));

  Event event = MakeRestEvent(project.project(), std::move(input), clock_->Now(), ulids_->Next());
  std::optional<DedupeKey> dedupe = RestDedupeKey(event, options_);
  std::vector<const Subscription*> wanting;
  const JsonView body(event.content_type, event.body);
  const EventContent content = ContentOf(event, body);
  for (const Endpoint* endpoint : project.EndpointsOfOwner(owner_id)) {
    AddWanting(project, event, content, endpoint->id, wanting);
    event.endpoint_ids.push_back(endpoint->id);
  }
  return BatchOf(MakeSubmission(project, std::move(event), wanting, *ulids_), std::move(dedupe));
}

absl::StatusOr<WriteBatch> Intake::PrepareBroadcast(const ProjectSnapshot& project,
                                                    RestEvent input) const {
  CONVOY_RETURN_IF_ERROR(CheckRestEvent(options_, project.project(), input));
  Event event = MakeRestEvent(project.project(), std::move(input), clock_->Now(), ulids_->Next());
  std::optional<DedupeKey> dedupe = RestDedupeKey(event, options_);
  const JsonView body(event.content_type, event.body);
  const std::vector<const Subscription*> matches =
      project.Match(event.event_type, /*source_id=*/"", ContentOf(event, body));
  return BatchOf(MakeSubmission(project, std::move(event), matches, *ulids_), std::move(dedupe));
}

absl::StatusOr<WriteBatch> Intake::PrepareReplay(const ProjectSnapshot& project,
                                                 const Event& event) const {
  const JsonView body(event.content_type, event.body);
  const EventContent content = ContentOf(event, body);
  std::vector<const Subscription*> wanting;
  if (!event.source_id.empty() && !event.url_path.empty()) {
    wanting = project.Match(event.event_type, event.source_id, content);
  } else {
    for (const std::string& endpoint_id : event.endpoint_ids) {
      AddWanting(project, event, content, endpoint_id, wanting);
    }
  }
  WriteBatch batch;
  batch.extra_deliveries = MakeDeliveries(project, event, wanting, clock_->Now(), *ulids_);
  return batch;
}

}  // namespace convoy::intake
