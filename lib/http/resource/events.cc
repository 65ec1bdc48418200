// Handlers of events.
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/portal_scope.h"
#include "lib/http/request/prepared_write.h"
#include "lib/http/request/viewer.h"
#include "lib/http/request/written_page.h"
#include "lib/http/resource/dynamic_target.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/meta_project.h"
#include "lib/http/resource/payload_search.h"
#include "lib/http/resource/queries.h"
#include "lib/http/resource/search.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_object.h"
#include "lib/intake/job_room.h"
#include "lib/json/raw.h"
#include "lib/model/job.h"

namespace convoy::http {
namespace {

absl::Status StatusOf(const intake::EventFlaw& flaw) {
  using Kind = intake::EventFlaw::Kind;
  switch (flaw.kind) {
    case Kind::kRepeated:
      return RepeatedKeyError(flaw.field);
    case Kind::kTooManyItems:
      return FieldError(flaw.field, absl::StrCat("must not have more than ",
                                                 intake::kCustomHeadersMax, " entries"));
    case Kind::kWrongType:
      return absl::InvalidArgumentError(
          absl::StrCat("body contains incorrect JSON type for field \"", flaw.field, "\""));
    case Kind::kUnknown:  // older clients send more than there is
      break;
  }
  return absl::OkStatus();
}

absl::StatusOr<intake::AddressedEvent> ReadEvent(const Context& context) {
  const std::string_view body = context.request->body;
  intake::AddressedEvent event;
  std::vector<intake::EventFlaw> flaws;
  CONVOY_RETURN_IF_ERROR(intake::ReadEventObject(body, json::kPayloadLimits, &event, &flaws));
  absl::Status wrong;
  for (const intake::EventFlaw& flaw : flaws) json::AddProblem(StatusOf(flaw), &wrong);
  CONVOY_RETURN_IF_ERROR(wrong);
  intake::TakeTrace(context.project->project().config, *context.options, context.request->headers,
                    event.event.custom_headers);
  return event;
}

using PrepareEvent = std::function<absl::StatusOr<WriteBatch>(const intake::Intake& intake,
                                                              const Snapshot& project)>;
struct Accepted {
  size_t endpoints_count = 0;
  std::string job_id;  // that makes the deliveries; empty: they are made
};
using AnswerEvent =
    std::function<HttpResponse(const CommitResult& result, const Accepted& accepted)>;

// How many endpoints the event of a batch goes to, which is the first; meta events come behind it.
// Where a job finds out, the estimate.
size_t CountEndpoints(const WriteBatch& batch, const std::optional<model::Job>& job) {
  if (job.has_value()) return job->expected_count;
  absl::flat_hash_set<std::string_view> ids;
  if (batch.submissions.empty()) return 0;
  for (const Delivery& delivery : batch.submissions.front().deliveries) {
    if (delivery.status != DeliveryStatus::kDiscarded) ids.insert(delivery.endpoint_id);
  }
  return ids.size();
}

// Accepts an event. Its batch may create a subscription, too.
Reply Accept(const Context& context, PrepareEvent prepare, AnswerEvent answer) {
  return WritePrepared([&parts = *context.parts, &options = *context.options,
                        project_id = context.project->project().id, prepare = std::move(prepare),
                        answer = std::move(answer)]() -> absl::StatusOr<Reply> {
    CONVOY_ASSIGN_OR_RETURN(const Snapshot project, parts.configuration->FindProject(project_id));
    CONVOY_ASSIGN_OR_RETURN(WriteBatch batch, prepare(*parts.intake, project));
    CONVOY_RETURN_IF_ERROR(intake::CheckJobRoom(*parts.storage, options.open_jobs_max, batch));
    const std::optional<model::Job> job = model::FindJob(batch);
    const Accepted accepted{.endpoints_count = CountEndpoints(batch, job),
                            .job_id = job.has_value() ? job->id : ""};
    intake::Receptions receptions = parts.intake->receptions().Begin(project->project(), batch);
    return PendingWrite{.batch = std::move(batch),
                        .finish = [answer, accepted, receptions = std::move(receptions),
                                   intake = parts.intake](const CommitResult& result) -> Reply {
                          intake->receptions().End(receptions, SpanKind::kServer, result);
                          return answer(result, accepted);
                        },
                        .has_deliveries = true};
  });
}

AnswerEvent Answer(std::string message, std::string duplicate_message) {
  return [message = std::move(message), duplicate_message = std::move(duplicate_message)](
             const CommitResult& result, const Accepted& accepted) {
    const bool is_duplicate = result.submissions.front() == SubmissionOutcome::kDuplicate;
    // Strict clients read data as an object or as nothing.
    return Success(201, is_duplicate ? duplicate_message : message,
                   ToJson([&](json::Writer& writer) {
                     writer.BeginObject()
                         .Field("endpoint_count", is_duplicate ? 0 : accepted.endpoints_count)
                         .FieldIfSet("job_id", is_duplicate ? "" : accepted.job_id)
                         .EndObject();
                   }));
  };
}

constexpr const char* kDuplicate = "Duplicate event received, but will not be sent";

}  // namespace

Reply CreateEvent(const Context& context) {
  absl::StatusOr<intake::AddressedEvent> request = ReadEvent(context);
  if (!request.ok()) return FromStatus(request.status());
  return Accept(
      context,
      [request = *std::move(request)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareSingle(*project, request.event, request.endpoint_id);
      },
      Answer("Event queued successfully", kDuplicate));
}

Reply CreateFanoutEvent(const Context& context) {
  absl::StatusOr<intake::AddressedEvent> request = ReadEvent(context);
  if (!request.ok()) return FromStatus(request.status());
  return Accept(
      context,
      [request = *std::move(request)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareFanout(*project, request.event, request.owner_id);
      },
      Answer("Endpoint fanout event queued successfully", kDuplicate));
}

Reply CreateBroadcastEvent(const Context& context) {
  absl::StatusOr<intake::AddressedEvent> request = ReadEvent(context);
  if (!request.ok()) return FromStatus(request.status());
  return Accept(
      context,
      [request = *std::move(request)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareBroadcast(*project, request.event);
      },
      Answer("Broadcast event created successfully", kDuplicate));
}

// The endpoint and the subscription are made in the event's transaction, if they are not there.
Reply CreateDynamicEvent(const Context& context) {
  absl::StatusOr<intake::AddressedEvent> request = ReadEvent(context);
  if (!request.ok()) return FromStatus(request.status());
  absl::StatusOr<DynamicTarget> target = ReadDynamicTarget(context.request->body);
  if (!target.ok()) return FromStatus(target.status());
  return Accept(
      context,
      [event = std::move(request->event), target = *std::move(target), parts = context.parts](
          const intake::Intake& intake, const Snapshot& project) -> absl::StatusOr<WriteBatch> {
        CONVOY_ASSIGN_OR_RETURN(PlannedTarget planned,
                                PlanTarget(*parts, project, target, event.event_type));
        CONVOY_ASSIGN_OR_RETURN(WriteBatch batch,
                                intake.PrepareSingle(*planned.project, event, planned.endpoint_id));
        if (planned.write.has_value()) {
          CONVOY_RETURN_IF_ERROR(TellOfEndpoints(*parts, *project, *planned.write, &batch));
          batch.config.push_back(*std::move(planned.write));
        }
        return batch;
      },
      Answer("Dynamic event created successfully", kDuplicate));
}

absl::StatusOr<EventQuery> ReadEventQuery(const Context& context) {
  const std::string_view query = context.request->query;
  CONVOY_ASSIGN_OR_RETURN(const TimeRange range, ParseTimeRange(query));
  CONVOY_RETURN_IF_ERROR(RefuseParameters(query, {"ownerId", "brokerMessageId"}));
  EventQuery wanted{.project_id = context.project->project().id,
                    .idempotency_key = ParameterOf(query, "idempotencyKey"),
                    .event_type = ParameterOf(query, "event_type"),
                    .created_from = range.from,
                    .created_until = range.until};
  CONVOY_ASSIGN_OR_RETURN(wanted.endpoint_ids, ParameterList(query, "endpointId"));
  CONVOY_RETURN_IF_ERROR(NarrowToScope(context, &wanted.endpoint_ids));
  CONVOY_ASSIGN_OR_RETURN(wanted.source_ids, ParameterList(query, "sourceId"));
  return wanted;
}

bool WantsData(const Context& context) {
  return ParameterOf(context.request->query, "withoutData") != "true";
}

Reply ListEvents(const Context& context) {
  absl::StatusOr<EventQuery> wanted = ReadEventQuery(context);
  if (!wanted.ok()) return FromStatus(wanted.status());
  PayloadSearch payload;
  absl::StatusOr<SearchText> search = ReadSearch(context, &wanted->created_from, &payload);
  if (!search.ok()) return FromStatus(search.status());
  wanted->search = *std::move(search);
  const PageRequest request = ParsePage(context.request->query);
  const auto list = [&](const PageRequest& part) {
    return context.parts->storage->ListEvents(*wanted, part);
  };
  const auto write = [&](const Event& event) {
    return ToJson([&](json::Writer& writer) {
      WriteEvent(writer, Shown(context, InScope(context, event)), WantsData(context));
    });
  };
  const auto page = payload.is_empty()
                        ? WritePage(request, list,
                                    [&](const Event& event) -> absl::StatusOr<std::string> {
                                      return write(event);
                                    })
                        : SearchPage(payload, request, list, write);
  if (!page.ok()) return FromStatus(page.status());
  return Success(200, "App events fetched successfully", WrittenPageToJson(*page, request));
}

namespace {

// Whether something of the event went to an endpoint in scope. The endpoints of an event are not
// listed with it if a job made its deliveries.
absl::StatusOr<bool> IsSeen(const Context& context, const Event& event) {
  if (context.portal == nullptr) return true;
  if (!InScope(context, event).endpoint_ids.empty()) return true;
  if (!event.endpoint_ids.empty()) return false;
  DeliveryQuery query{.project_id = event.project_id, .event_id = event.id};
  CONVOY_RETURN_IF_ERROR(NarrowToScope(context, &query.endpoint_ids));
  CONVOY_ASSIGN_OR_RETURN(const auto page,
                          context.parts->storage->ListDeliveries(query, {.items_max = 1}));
  return !page.items.empty();
}

}  // namespace

Reply GetEvent(const Context& context) {
  const auto event =
      context.parts->storage->GetEvent(context.project->project().id, context.capture(1));
  if (!event.ok()) return FromStatus(event.status());
  const absl::StatusOr<bool> is_seen = IsSeen(context, *event);
  if (!is_seen.ok()) return FromStatus(is_seen.status());
  if (!*is_seen) return Failure(404, "event not found");
  return Success(200, "Endpoint event fetched successfully", ToJson([&](json::Writer& writer) {
                   WriteEvent(writer, Shown(context, InScope(context, *event)));
                 }));
}

Reply ReplayEvent(const Context& context) {
  auto event = context.parts->storage->GetEvent(context.project->project().id, context.capture(1));
  if (absl::IsNotFound(event.status())) return Failure(400, "event not found");
  if (!event.ok()) return FromStatus(event.status());
  const std::string data = ToJson([&](json::Writer& writer) { WriteEvent(writer, *event); });
  return Accept(
      context,
      [event = *std::move(event)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareReplay(*project, event);
      },
      [data](const CommitResult&, const Accepted&) {
        return Success(200, "Endpoint event replayed successfully", data);
      });
}

}  // namespace convoy::http
