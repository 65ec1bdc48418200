// The pipeline from an ingest request to the batch that accepts it, one step after the other:
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
#include <variant>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/body/body_view.h"
#include "lib/intake/admission.h"
#include "lib/intake/audience.h"
#include "lib/intake/deliveries.h"
#include "lib/intake/event_batch.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/event_headers.h"
#include "lib/intake/idempotency.h"
#include "lib/intake/locations.h"

namespace convoy::intake {
namespace {

using body::BodyView;
using route::EventContent;
using route::ProjectSnapshot;

// ": why", where a body cannot be looked into.
std::string Because(body::Opacity opacity) {
  if (opacity == body::Opacity::kNone) return "";
  return absl::StrCat(": ", body::OpacityText(opacity));
}

// The provider's id of the event, where the scheme has a time window: within it a request that came
// in once could be sent again, by its provider or by a stranger who saw it.
std::optional<DedupeKey> ReplayKeyOf(const config::SourceEntry& entry, const HttpRequest& request,
                                     const Verdict& verdict) {
  if (!verdict.accepted() || !verdict.replayable_until.has_value()) return std::nullopt;
  const std::string id = entry.verifier->EventId({.method = request.method,
                                                  .path = request.path,
                                                  .query = request.query,
                                                  .headers = request.headers,
                                                  .body = request.body});
  if (id.empty()) return std::nullopt;
  return MakeReplayKey(entry.source, id, *verdict.replayable_until + absl::Seconds(1));
}

absl::StatusOr<std::string> FindEventType(const Source& source, const HttpRequest& request,
                                          BodyView& body) {
  if (source.event_type_location.empty()) return source.mask_id;
  std::optional<std::string> type = FindAtLocation(source.event_type_location, request, body);
  const auto refuse = [](std::string_view reason, std::string_view message) {
    return RefuseIngest(absl::StatusCode::kInvalidArgument, reason, message);
  };
  if (!type.has_value()) {
    const bool is_opaque = body.opacity() != body::Opacity::kNone;
    return refuse(is_opaque ? ingest_refusal::kUnreadableBody : ingest_refusal::kMissingEventType,
                  absl::StrCat("no event type found at ", source.event_type_location,
                               Because(body.opacity())));
  }
  const absl::Status checked = CheckText("event_type", *type, kEventTypeBytesMax);
  if (!checked.ok()) return refuse(ingest_refusal::kMissingEventType, checked.message());
  return *std::move(type);
}

// The event of a request whose source has functions: `event` has the headers that are kept, and has
// no body yet; it has none afterwards if no function changes it.
absl::Status ApplyFunctions(SourceFunctions& functions, BodyView& received, Event* event) {
  const auto refuse = [](const absl::Status& status) {
    if (absl::IsUnavailable(status)) return status;
    return RefuseIngest(status.code(), ingest_refusal::kFunctionFailed, status.message());
  };
  auto body = functions.ChangeBody(received);
  if (!body.ok()) return refuse(body.status());
  Header source_id = std::move(event->headers.back());  // not for functions to choose
  event->headers.pop_back();
  if (const absl::Status status = functions.ChangeHeaders(event->headers); !status.ok()) {
    return refuse(status);
  }
  if (body->has_value()) {
    event->body = **std::move(body);
    event->content_type = "application/json";
  }
  std::erase_if(event->headers, [&](Header& header) {
    const auto is = [&](std::string_view name) {
      return base::EqualsIgnoreCase(header.name, name);
    };
    if (is("Content-Type")) event->content_type = std::move(header.value);
    return is("Content-Type") || is(source_id.name) ||
           (is("Content-Encoding") && body->has_value());
  });
  event->headers.push_back(std::move(source_id));
  return absl::OkStatus();
}

}  // namespace

std::string PublicUrlOf(const HttpRequest& request, std::string_view public_url) {
  return absl::StrCat(public_url, request.path, request.query.empty() ? "" : "?", request.query);
}

Intake::Intake(const GatewayOptions& options, Clock* clock, base::UlidGenerator* ulids,
               Observer* observer, AudienceLimits limits)
    : options_(options),
      clock_(clock),
      ulids_(ulids),
      limits_(limits),
      report_(std::make_unique<IngestReport>(clock, observer)),
      receptions_(options, clock, observer) {}

absl::Status Intake::CheckRequest(const ProjectSnapshot& project, const config::SourceEntry& entry,
                                  const HttpRequest& request) const {
  CONVOY_RETURN_IF_ERROR(CheckSource(entry));
  if (!CarriesEvent(request.method)) {
    return RefuseIngest(absl::StatusCode::kUnimplemented, ingest_refusal::kMethodNotAllowed,
                        "method not allowed: events come by POST, PUT or PATCH");
  }
  CONVOY_RETURN_IF_ERROR(CheckBodySize(options_, project.project().config, request.body.size()));
  CONVOY_RETURN_IF_ERROR(CheckUrlText(request.path, request.query));
  CONVOY_RETURN_IF_ERROR(CheckHeaderSize(request.headers));
  if (!base::IsHeaderValue(base::FindHeader(request.headers, "Content-Type").value_or(""))) {
    return RefuseIngest(absl::StatusCode::kInvalidArgument, ingest_refusal::kMalformedRequest,
                        "Content-Type: malformed");
  }
  return absl::OkStatus();
}

absl::Status Intake::RefuseIngestOf(const config::SourceEntry& entry, const HttpRequest& request,
                                    const absl::Status& refusal, std::string_view scheme,
                                    absl::Time now, std::optional<HeldInputWrite>* out_hold) const {
  ReportRefusal(entry.source, refusal, scheme, report_.get());
  if (out_hold != nullptr && IsKept(entry, request, refusal)) {
    *out_hold = MakeHeldInputWrite(options_, entry, request, refusal, now, ulids_->Next());
  }
  return refusal;
}

absl::StatusOr<WriteBatch> Intake::PrepareIngest(const ProjectSnapshot& project,
                                                 const config::SourceEntry& entry,
                                                 const HttpRequest& request,
                                                 std::optional<HeldInputWrite>* out_hold,
                                                 std::string* out_remark) const {
  CONVOY_ASSIGN_OR_RETURN(const VerifiedRequest verified,
                          VerifyIngest(project, entry, request, out_hold));
  return AcceptIngest(project, entry, request, verified, nullptr, out_hold, out_remark);
}

absl::StatusOr<VerifiedRequest> Intake::VerifyIngest(
    const ProjectSnapshot& project, const config::SourceEntry& entry, const HttpRequest& request,
    std::optional<HeldInputWrite>* out_hold) const {
  const absl::Time now = clock_->Now();
  const absl::Status checked = CheckRequest(project, entry, request);
  if (!checked.ok()) return RefuseIngestOf(entry, request, checked, "", now, out_hold);
  Verdict verdict = RunVerifier(entry, request, options_.public_url, now);
  const absl::Status admitted = ApplyVerifyMode(entry, verdict, report_.get());
  if (!admitted.ok()) {
    return RefuseIngestOf(entry, request, admitted, verdict.scheme, now, out_hold);
  }
  return VerifiedRequest{.verdict = std::move(verdict), .now = now};
}

absl::StatusOr<WriteBatch> Intake::AcceptIngest(const ProjectSnapshot& project,
                                                const config::SourceEntry& entry,
                                                const HttpRequest& request,
                                                const VerifiedRequest& verified, FunctionRuns* runs,
                                                std::optional<HeldInputWrite>* out_hold,
                                                std::string* out_remark) const {
  const bool may_keep = entry.source.verify_mode == VerifyMode::kQuarantine && out_hold != nullptr;
  absl::StatusOr<WriteBatch> batch =
      AcceptRequest(project, entry, request, verified,
                    may_keep ? KeyRule::kRefuse : KeyRule::kAccept, runs, out_remark);
  if (batch.ok() || (runs != nullptr && runs->wanted() != nullptr)) return batch;
  return RefuseIngestOf(entry, request, batch.status(), verified.verdict.scheme, verified.now,
                        out_hold);
}

absl::StatusOr<WriteBatch> Intake::PrepareHeldRequest(const ProjectSnapshot& project,
                                                      const config::SourceEntry& entry,
                                                      const HeldInput& input,
                                                      std::string* out_reason,
                                                      FunctionRuns* runs) const {
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
  const Verdict verdict = RunVerifier(entry, request, options_.public_url, input.received_at);
  *out_reason = VerifyReasonName(verdict.reason);
  // That it is refused was reported when it came in; that it is accepted all the same, was not.
  const bool is_observed =
      entry.source.verify_mode == VerifyMode::kObserve && !HasFunctions(entry.source);
  CONVOY_RETURN_IF_ERROR(ApplyVerifyMode(entry, verdict, is_observed ? report_.get() : nullptr));
  *out_reason = "unusable";
  // An input that is released without an idempotency key is wanted without one.
  absl::StatusOr<WriteBatch> batch =
      AcceptRequest(project, entry, request, {.verdict = verdict, .now = clock_->Now()},
                    KeyRule::kAccept, runs, nullptr);
  if (IngestReasonOf(batch.status()) == ingest_refusal::kFunctionFailed) {
    *out_reason = ingest_refusal::kFunctionFailed;
  }
  return batch;
}

absl::StatusOr<WriteBatch> Intake::AcceptRequest(const ProjectSnapshot& project,
                                                 const config::SourceEntry& entry,
                                                 const HttpRequest& request,
                                                 const VerifiedRequest& verified, KeyRule key_rule,
                                                 FunctionRuns* runs,
                                                 std::string* out_remark) const {
  const Source& source = entry.source;
  Event event{.project_id = source.project_id,
              .source_id = source.id,
              .url_query = KeepQuery(entry.credentials, request.query),
              .url_path = std::string(request.path),
              .created_at = verified.now,
              .acknowledged_at = verified.now};
  event.content_type = base::FindHeader(request.headers, "Content-Type").value_or("");
  CONVOY_ASSIGN_OR_RETURN(event.headers,
                          KeepIngestHeaders(source, entry.credentials, request.headers));
  const std::string_view received_text = request.body.empty() ? "{}" : request.body;
  BodyView received(request.headers, received_text);
  SourceFunctions functions(options_, source, verified.now, runs);
  CONVOY_RETURN_IF_ERROR(ApplyFunctions(functions, received, &event));
  // Places and keys are those of the request; what is behind them sees the event.
  std::optional<BodyView> changed;
  if (event.body.empty()) {
    event.body = received_text;
  } else {
    changed.emplace(event.content_type, event.headers, event.body);
  }
  BodyView& body = changed.has_value() ? *changed : received;

  CONVOY_ASSIGN_OR_RETURN(
      std::optional<DedupeKey> dedupe,
      KeyOf(entry, request, verified.verdict, key_rule, received, &event, out_remark));
  CONVOY_ASSIGN_OR_RETURN(event.event_type, FindEventType(source, request, received));
  event.id = ulids_->Next();

  bool is_unfiltered = false;
  EventContent content = ContentOf(event, body);
  content.out_is_unreadable = &is_unfiltered;
  const AudiencePiece audience =
      FindBeginning(limits_, [&](const AudiencePlace& from, size_t looks_max) {
        return FindMatching(project, event, source.id, from, looks_max, content);
      });
  if (is_unfiltered) {
    event.failure_reason = absl::StrCat("a filter could not be applied", Because(body.opacity()));
    report_->Accepted({.level = LogLevel::kWarning,
                       .event = "a filter could not be applied to an event",
                       .source_id = source.id,
                       .reason = body::OpacityName(body.opacity()),
                       .detail = body::OpacityText(body.opacity())});
  }
  if (audience.has_more) {
    return DeferDeliveries(project, std::move(event),
                           {.audience = model::JobAudience::kMatching, .source_id = source.id},
                           std::move(dedupe));
  }
  return BatchOf(MakeSubmission(project, std::move(event), audience.wanting, *ulids_),
                 std::move(dedupe));
}

// Whether any of the audience wants the event is not known yet: it counts as accepted. Its
// endpoints are not listed with it; its deliveries tell them.
WriteBatch Intake::DeferDeliveries(const ProjectSnapshot& project, Event event, model::Job job,
                                   std::optional<DedupeKey> dedupe) const {
  job.id = ulids_->Next();
  job.project_id = event.project_id;
  job.event_id = event.id;
  job.expected_count = job.audience == model::JobAudience::kOwner
                           ? project.CountEndpointsOfOwner(job.owner_id)
                           : project.EstimateEndpoints(event.event_type, job.source_id);
  job.deliveries_at = job.created_at = job.updated_at = event.created_at;
  event.status = EventStatus::kSuccess;
  event.endpoint_ids.clear();
  WriteBatch batch = BatchOf({.event = std::move(event)}, std::move(dedupe));
  batch.config.push_back(model::NewJobWrite(job));
  return batch;
}

absl::StatusOr<std::optional<DedupeKey>> Intake::KeyOf(const config::SourceEntry& entry,
                                                       const HttpRequest& request,
                                                       const Verdict& verdict, KeyRule key_rule,
                                                       BodyView& body, Event* event,
                                                       std::string* out_remark) const {
  const Source& source = entry.source;
  if (source.idempotency_keys.empty()) return ReplayKeyOf(entry, request, verdict);
  auto found = MakeIngestKeys(source, request, body, event->created_at + options_.dedupe_window);
  if (auto* keys = std::get_if<IngestKeys>(&found)) {
    event->idempotency_key = std::move(keys->idempotency_key);
    return std::move(keys->dedupe);
  }
  const auto& missing = std::get<MissingKey>(found);
  const std::string remark =
      absl::StrCat("no idempotency key at ", missing.location, Because(missing.opacity));
  if (key_rule == KeyRule::kRefuse) {
    return RefuseIngest(absl::StatusCode::kFailedPrecondition,
                        ingest_refusal::kMissingIdempotencyKey, remark);
  }
  report_->Accepted({.level = LogLevel::kWarning,
                     .event = "event accepted without its idempotency key",
                     .source_id = source.id,
                     .reason = ingest_refusal::kMissingIdempotencyKey,
                     .detail = remark});
  if (out_remark != nullptr) *out_remark = remark;
  return std::optional<DedupeKey>();
}

}  // namespace convoy::intake
