// Handlers of event deliveries and their attempts.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/portal_scope.h"
#include "lib/http/request/viewer.h"
#include "lib/http/request/written_page.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/resource/queries.h"
#include "lib/http/resource/search.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

constexpr size_t kResendsMax = 1000;

// Spellings that no delivery has select nothing; they are an error rather than ignored.
absl::StatusOr<std::vector<DeliveryStatus>> ParseStatuses(std::string_view query) {
  std::vector<DeliveryStatus> statuses;
  CONVOY_ASSIGN_OR_RETURN(const std::vector<std::string> names, ParameterList(query, "status"));
  for (const std::string& name : names) {
    const auto status = model::Parse<DeliveryStatus>(name);
    if (!status.has_value()) return FieldError("status", "is not a status of deliveries");
    statuses.push_back(*status);
  }
  return statuses;
}

absl::StatusOr<std::string> DeliveryJson(const Context& context, const Delivery& delivery,
                                         bool has_data = true) {
  CONVOY_ASSIGN_OR_RETURN(Event stored,
                          context.parts->storage->GetEvent(delivery.project_id, delivery.event_id));
  const Event event = Shown(context, std::move(stored));
  return ToJson([&](json::Writer& writer) {
    WriteDelivery(writer, delivery, event, context.project->FindEndpoint(delivery.endpoint_id),
                  has_data);
  });
}

// The delivery of the path, if it is in scope.
absl::StatusOr<Delivery> FindDelivery(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(
      Delivery delivery,
      context.parts->storage->GetDelivery(context.project->project().id, context.capture(1)));
  if (context.portal != nullptr && FindEndpointInScope(context, delivery.endpoint_id) == nullptr) {
    return absl::NotFoundError("event delivery not found");
  }
  return delivery;
}

// Why a delivery may not be sent again to its endpoint now, if so.
absl::Status CheckEndpointAccepts(const Context& context, const Delivery& delivery) {
  const Endpoint* endpoint = context.project->FindEndpoint(delivery.endpoint_id);
  if (endpoint == nullptr) return absl::InvalidArgumentError("endpoint not found");
  if (endpoint->status == EndpointStatus::kPaused) {
    return absl::InvalidArgumentError("the endpoint is currently paused");
  }
  if (endpoint->status == EndpointStatus::kInactive) {
    return absl::InvalidArgumentError("the endpoint is currently inactive");
  }
  return absl::OkStatus();
}

absl::Status CheckMayResend(const Context& context, const Delivery& delivery) {
  switch (delivery.status) {
    case DeliveryStatus::kSuccess:
      return absl::InvalidArgumentError("event already sent");
    case DeliveryStatus::kFailure:
    case DeliveryStatus::kDiscarded:
      return CheckEndpointAccepts(context, delivery);
    default:
      return absl::InvalidArgumentError("cannot resend event that did not fail previously");
  }
}

}  // namespace

absl::StatusOr<DeliveryQuery> ReadDeliveryQuery(const Context& context) {
  const std::string_view query = context.request->query;
  CONVOY_ASSIGN_OR_RETURN(const TimeRange range, ParseTimeRange(query));
  DeliveryQuery wanted{.project_id = context.project->project().id,
                       .event_id = ParameterOf(query, "eventId"),
                       .subscription_id = ParameterOf(query, "subscriptionId"),
                       .idempotency_key = ParameterOf(query, "idempotencyKey"),
                       .event_type = ParameterOf(query, "event_type"),
                       .created_from = range.from,
                       .created_until = range.until};
  CONVOY_ASSIGN_OR_RETURN(wanted.statuses, ParseStatuses(query));
  CONVOY_RETURN_IF_ERROR(RefuseParameters(query, {"brokerMessageId"}));
  CONVOY_ASSIGN_OR_RETURN(wanted.endpoint_ids, ParameterList(query, "endpointId"));
  CONVOY_RETURN_IF_ERROR(NarrowToScope(context, &wanted.endpoint_ids));
  // The contract and Convoy's server spell this key differently; clients use either.
  if (wanted.event_type.empty()) wanted.event_type = ParameterOf(query, "eventType");
  return wanted;
}

Reply ListDeliveries(const Context& context) {
  absl::StatusOr<DeliveryQuery> wanted = ReadDeliveryQuery(context);
  if (!wanted.ok()) return FromStatus(wanted.status());
  absl::StatusOr<SearchText> search = ReadSearch(context, &wanted->created_from);
  if (!search.ok()) return FromStatus(search.status());
  wanted->search = *std::move(search);
  const PageRequest request = ParsePage(context.request->query);
  const auto page = WritePage(
      request,
      [&](const PageRequest& part) {
        return context.parts->storage->ListDeliveries(*wanted, part);
      },
      [&](const Delivery& delivery) {
        return DeliveryJson(context, delivery, WantsData(context));
      });
  if (!page.ok()) return FromStatus(page.status());
  return Success(200, "Event deliveries fetched successfully", WrittenPageToJson(*page, request));
}

Reply GetDelivery(const Context& context) {
  const auto delivery = FindDelivery(context);
  if (!delivery.ok()) return FromStatus(delivery.status());
  const absl::StatusOr<std::string> data = DeliveryJson(context, *delivery);
  if (!data.ok()) return FromStatus(data.status());
  return Success(200, "Event Delivery fetched successfully", *data);
}

Reply ResendDelivery(const Context& context) {
  const std::string& project_id = context.project->project().id;
  auto delivery = FindDelivery(context);
  if (!delivery.ok()) return FromStatus(delivery.status());
  if (const absl::Status status = CheckMayResend(context, *delivery); !status.ok()) {
    return FromStatus(status);
  }
  const absl::Time now = context.parts->clock->Now();
  PendingWrite pending{.has_deliveries = true};
  pending.batch.requeues.push_back({.project_id = project_id,
                                    .delivery_id = delivery->id,
                                    .from = {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded},
                                    .due_at = now});
  Delivery scheduled = *std::move(delivery);
  scheduled.status = DeliveryStatus::kScheduled;
  scheduled.attempts_count = 0;
  scheduled.due_at = now;
  const absl::StatusOr<std::string> data = DeliveryJson(context, scheduled);
  if (!data.ok()) return FromStatus(data.status());
  pending.finish = [data = *data](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    if (!result.requeues_applied.front()) {
      return Failure(400, "cannot resend event that did not fail previously");
    }
    return Success(200, "App event processed for retry successfully", data);
  };
  return pending;
}

Reply ForceResendDeliveries(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  json::ObjectReader reader(*document);
  std::vector<std::string> ids;
  reader.Read("ids", &ids);
  if (!reader.status().ok()) return FromStatus(reader.status());
  if (ids.empty() || ids.size() > kResendsMax) {
    return FromStatus(
        FieldError("ids", absl::StrCat("must name 1 to ", kResendsMax, " deliveries")));
  }
  // Naming one twice does not make two of it.
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());

  const std::string& project_id = context.project->project().id;
  PendingWrite pending{.has_deliveries = true};
  size_t refused_count = 0;
  for (const std::string& id : ids) {
    const auto delivery = context.parts->storage->GetDelivery(project_id, id);
    if (absl::IsNotFound(delivery.status())) continue;
    if (!delivery.ok()) return FromStatus(delivery.status());
    if (delivery->status != DeliveryStatus::kSuccess) {
      return Failure(400, "only successful events can be force resent");
    }
    if (!CheckEndpointAccepts(context, *delivery).ok()) {
      ++refused_count;
      continue;
    }
    pending.batch.requeues.push_back({.project_id = project_id,
                                      .delivery_id = id,
                                      .from = {DeliveryStatus::kSuccess},
                                      .due_at = context.parts->clock->Now()});
  }
  pending.finish = [refused_count](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    size_t applied_count = 0;
    for (const bool is_applied : result.requeues_applied) applied_count += is_applied;
    const size_t failed_count = refused_count + result.requeues_applied.size() - applied_count;
    return Success(200, absl::StrCat(applied_count, " successful, ", failed_count, " failed"));
  };
  return pending;
}

Reply ListAttempts(const Context& context) {
  const absl::Status found = FindDelivery(context).status();
  if (!found.ok()) return FromStatus(found);
  const auto attempts =
      context.parts->storage->ListAttempts(context.project->project().id, context.capture(1));
  if (!attempts.ok()) return FromStatus(attempts.status());
  return Success(200, "Event delivery attempts fetched successfully",
                 ToJson([&](json::Writer& writer) {
                   writer.BeginArray();
                   for (const Attempt& attempt : *attempts) {
                     WriteAttempt(writer, Shown(context, attempt));
                   }
                   writer.EndArray();
                 }));
}

Reply GetAttempt(const Context& context) {
  if (context.portal != nullptr) {
    const absl::Status found = FindDelivery(context).status();
    if (!found.ok()) return FromStatus(found);
  }
  const auto attempt = context.parts->storage->GetAttempt(context.project->project().id,
                                                          context.capture(1), context.capture(2));
  if (!attempt.ok()) return FromStatus(attempt.status());
  return Success(
      200, "Event delivery attempt fetched successfully",
      ToJson([&](json::Writer& writer) { WriteAttempt(writer, Shown(context, *attempt)); }));
}

}  // namespace convoy::http
