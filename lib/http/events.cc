// Handlers of events.
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/envelope.h"
#include "lib/http/fields.h"
#include "lib/http/handlers.h"
#include "lib/http/pagination.h"
#include "lib/http/prepared_write.h"
#include "lib/http/viewer.h"
#include "lib/http/wire.h"
#include "lib/http/written_page.h"
#include "lib/json/raw.h"

namespace convoy::http {
namespace {

constexpr size_t kCustomHeadersMax = 64;

// Common fields of the three kinds of events, and their recipients.
struct EventRequest {
  intake::RestEvent event;
  std::string endpoint_id;
  std::string owner_id;
};

// Parsers differ in which of two members counts.
absl::Status RefuseRepeatedKeys(const json::RawObject& object) {
  absl::flat_hash_set<std::string_view> keys;
  for (const json::RawMember& member : object.members) {
    if (!keys.insert(member.key).second) return RepeatedKeyError(member.key);
  }
  return absl::OkStatus();
}

absl::Status ReadText(const json::RawObject& object, std::string_view field, std::string* out) {
  const json::RawValue* value = object.Find(field);
  if (value == nullptr || value->type == json::Type::kNull) return absl::OkStatus();
  const std::optional<std::string> text = value->AsString();
  if (!text.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("body contains incorrect JSON type for field \"", field, "\""));
  }
  *out = *text;
  return absl::OkStatus();
}

absl::Status ReadCustomHeaders(const json::RawObject& object, Headers* out) {
  const json::RawValue* value = object.Find("custom_headers");
  if (value == nullptr || value->type == json::Type::kNull) return absl::OkStatus();
  const absl::Status wrong_type =
      absl::InvalidArgumentError("body contains incorrect JSON type for field \"custom_headers\"");
  if (value->type != json::Type::kObject) return wrong_type;
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject headers, json::ScanObject(value->text, {}));
  if (headers.members.size() > kCustomHeadersMax) {
    return FieldError("custom_headers",
                      absl::StrCat("must not have more than ", kCustomHeadersMax, " entries"));
  }
  CONVOY_RETURN_IF_ERROR(RefuseRepeatedKeys(headers));
  for (const json::RawMember& member : headers.members) {
    std::optional<std::string> text = member.value.AsString();
    if (!text.has_value()) return wrong_type;
    out->push_back({.name = member.key, .value = *std::move(text)});
  }
  return absl::OkStatus();
}

// `data` is taken as the bytes it is: nothing of a payload is ever written again.
absl::StatusOr<EventRequest> ReadEvent(std::string_view body) {
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject object,
                          json::ScanObject(body, json::kPayloadLimits));
  CONVOY_RETURN_IF_ERROR(RefuseRepeatedKeys(object));
  EventRequest request;
  absl::Status wrong;
  const auto read = [&](std::string_view field, std::string* out) {
    json::AddProblem(ReadText(object, field, out), &wrong);
  };
  read("event_type", &request.event.event_type);
  read("idempotency_key", &request.event.idempotency_key);
  read("owner_id", &request.owner_id);
  read("endpoint_id", &request.endpoint_id);
  if (request.endpoint_id.empty()) read("app_id", &request.endpoint_id);
  json::AddProblem(ReadCustomHeaders(object, &request.event.custom_headers), &wrong);
  CONVOY_RETURN_IF_ERROR(wrong);
  if (const json::RawValue* data = object.Find("data"))
    request.event.data = std::string(data->text);
  return request;
}

using PrepareEvent = std::function<absl::StatusOr<WriteBatch>(const intake::Intake& intake,
                                                              const Snapshot& project)>;
using AnswerEvent = std::function<HttpResponse(const CommitResult& result, size_t endpoints_count)>;

// How many endpoints the events of a batch go to.
size_t CountEndpoints(const WriteBatch& batch) {
  absl::flat_hash_set<std::string_view> ids;
  for (const Submission& submission : batch.submissions) {
    for (const Delivery& delivery : submission.deliveries) {
      if (delivery.status != DeliveryStatus::kDiscarded) ids.insert(delivery.endpoint_id);
    }
  }
  return ids.size();
}

// Accepts an event. Its batch may create a subscription, too.
Reply Accept(const Context& context, PrepareEvent prepare, AnswerEvent answer) {
  return WritePrepared([&parts = *context.parts, project_id = context.project->project().id,
                        prepare = std::move(prepare),
                        answer = std::move(answer)]() -> absl::StatusOr<PendingWrite> {
    CONVOY_ASSIGN_OR_RETURN(const Snapshot project, parts.configuration->FindProject(project_id));
    CONVOY_ASSIGN_OR_RETURN(WriteBatch batch, prepare(*parts.intake, project));
    const size_t endpoints_count = CountEndpoints(batch);
    return PendingWrite{.batch = std::move(batch),
                        .finish = [answer, endpoints_count](const CommitResult& result) -> Reply {
                          return answer(result, endpoints_count);
                        },
                        .has_deliveries = true};
  });
}

AnswerEvent Answer(std::string message, std::string duplicate_message) {
  return [message = std::move(message), duplicate_message = std::move(duplicate_message)](
             const CommitResult& result, size_t endpoints_count) {
    const bool is_duplicate = result.submissions.front() == SubmissionOutcome::kDuplicate;
    // Strict clients read data as an object or as nothing.
    return Success(201, is_duplicate ? duplicate_message : message,
                   ToJson([&](json::Writer& writer) {
                     writer.BeginObject()
                         .Field("endpoint_count", is_duplicate ? 0 : endpoints_count)
                         .EndObject();
                   }));
  };
}

constexpr const char* kDuplicate = "Duplicate event received, but will not be sent";

}  // namespace

Reply CreateEvent(const Context& context) {
  absl::StatusOr<EventRequest> request = ReadEvent(context.request->body);
  if (!request.ok()) return FromStatus(request.status());
  return Accept(
      context,
      [request = *std::move(request)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareSingle(*project, request.event, request.endpoint_id);
      },
      Answer("Event queued successfully", kDuplicate));
}

Reply CreateFanoutEvent(const Context& context) {
  absl::StatusOr<EventRequest> request = ReadEvent(context.request->body);
  if (!request.ok()) return FromStatus(request.status());
  return Accept(
      context,
      [request = *std::move(request)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareFanout(*project, request.event, request.owner_id);
      },
      Answer("Endpoint fanout event queued successfully", kDuplicate));
}

Reply CreateBroadcastEvent(const Context& context) {
  absl::StatusOr<EventRequest> request = ReadEvent(context.request->body);
  if (!request.ok()) return FromStatus(request.status());
  return Accept(
      context,
      [request = *std::move(request)](const intake::Intake& intake, const Snapshot& project) {
        return intake.PrepareBroadcast(*project, request.event);
      },
      Answer("Broadcast event created successfully", kDuplicate));
}

Reply ListEvents(const Context& context) {
  const std::string_view query = context.request->query;
  const absl::StatusOr<TimeRange> range = ParseTimeRange(query);
  if (!range.ok()) return FromStatus(range.status());
  const absl::Status refused =
      RefuseParameters(query, {"query", "body", "ownerId", "brokerMessageId"});
  if (!refused.ok()) return FromStatus(refused);
  const auto endpoint_ids = ParameterList(query, "endpointId");
  if (!endpoint_ids.ok()) return FromStatus(endpoint_ids.status());
  const auto source_ids = ParameterList(query, "sourceId");
  if (!source_ids.ok()) return FromStatus(source_ids.status());
  const EventQuery wanted{.project_id = context.project->project().id,
                          .endpoint_ids = *endpoint_ids,
                          .source_ids = *source_ids,
                          .idempotency_key = ParameterOf(query, "idempotencyKey"),
                          .event_type = ParameterOf(query, "event_type"),
                          .created_from = range->from,
                          .created_until = range->until};
  const PageRequest request = ParsePage(query);
  const auto page = WritePage(
      request,
      [&](const PageRequest& part) { return context.parts->storage->ListEvents(wanted, part); },
      [&](const Event& event) -> absl::StatusOr<std::string> {
        return ToJson([&](json::Writer& writer) { WriteEvent(writer, Shown(context, event)); });
      });
  if (!page.ok()) return FromStatus(page.status());
  return Success(200, "App events fetched successfully", WrittenPageToJson(*page, request));
}

Reply GetEvent(const Context& context) {
  const auto event =
      context.parts->storage->GetEvent(context.project->project().id, context.capture(1));
  if (!event.ok()) return FromStatus(event.status());
  return Success(200, "Endpoint event fetched successfully",
                 ToJson([&](json::Writer& writer) { WriteEvent(writer, Shown(context, *event)); }));
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
      [data](const CommitResult&, size_t) {
        return Success(200, "Endpoint event replayed successfully", data);
      });
}

}  // namespace convoy::http
