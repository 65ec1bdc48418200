// Handlers of meta events. A meta event is shown as the delivery of its event, in the project that
// carries them.
#include <string>
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/viewer.h"
#include "lib/http/request/written_page.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

// Empty if the project never told of anything.
std::string CarrierOf(const Context& context) {
  const auto& meta = context.project->project().config.meta_events;
  return meta.has_value() ? meta->project_id : std::string();
}

absl::StatusOr<std::string> MetaEventJson(const Context& context, const Delivery& delivery) {
  Storage& storage = *context.parts->storage;
  CONVOY_ASSIGN_OR_RETURN(const Event event,
                          storage.GetEvent(delivery.project_id, delivery.event_id));
  CONVOY_ASSIGN_OR_RETURN(std::vector<Attempt> attempts,
                          storage.ListAttempts(delivery.project_id, delivery.id));
  std::optional<Attempt> last;
  if (!attempts.empty()) last = Shown(context, std::move(attempts.back()));
  return ToJson([&](json::Writer& writer) {
    WriteMetaEvent(writer, context.project->project().id, delivery, event,
                   last.has_value() ? &*last : nullptr);
  });
}

absl::StatusOr<Delivery> FindMetaEvent(const Context& context) {
  const std::string carrier = CarrierOf(context);
  const absl::Status unknown = absl::NotFoundError("meta event not found");
  if (carrier.empty()) return unknown;
  absl::StatusOr<Delivery> delivery =
      context.parts->storage->GetDelivery(carrier, context.capture(1));
  if (absl::IsNotFound(delivery.status())) return unknown;
  return delivery;
}

}  // namespace

Reply ListMetaEvents(const Context& context) {
  const std::string_view query = context.request->query;
  const auto range = ParseTimeRange(query);
  if (!range.ok()) return FromStatus(range.status());
  const PageRequest request = ParsePage(query);
  const DeliveryQuery wanted{
      .project_id = CarrierOf(context), .created_from = range->from, .created_until = range->until};
  absl::StatusOr<Page<std::string>> page = Page<std::string>();
  if (!wanted.project_id.empty()) {
    page = WritePage(
        request,
        [&](const PageRequest& part) {
          return context.parts->storage->ListDeliveries(wanted, part);
        },
        [&](const Delivery& delivery) { return MetaEventJson(context, delivery); });
  }
  if (!page.ok()) return FromStatus(page.status());
  return Success(200, "Meta events fetched successfully", WrittenPageToJson(*page, request));
}

Reply GetMetaEvent(const Context& context) {
  const auto delivery = FindMetaEvent(context);
  if (!delivery.ok()) return FromStatus(delivery.status());
  const absl::StatusOr<std::string> data = MetaEventJson(context, *delivery);
  if (!data.ok()) return FromStatus(data.status());
  return Success(200, "Meta event fetched successfully", *data);
}

// Resends it in any state, unless it is in flight.
Reply ResendMetaEvent(const Context& context) {
  auto delivery = FindMetaEvent(context);
  if (!delivery.ok()) return FromStatus(delivery.status());
  const absl::Time now = context.parts->clock->Now();
  PendingWrite pending{.has_deliveries = true};
  pending.batch.requeues.push_back(
      {.project_id = delivery->project_id,
       .delivery_id = delivery->id,
       .from = {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded, DeliveryStatus::kSuccess},
       .due_at = now});
  delivery->status = DeliveryStatus::kScheduled;
  const absl::StatusOr<std::string> data = MetaEventJson(context, *delivery);
  if (!data.ok()) return FromStatus(data.status());
  pending.finish = [data = *data](const CommitResult& result) -> Reply {
    if (!result.status.ok()) return FromStatus(result.status);
    return Success(200, "Meta event processed for retry successfully", data);
  };
  return pending;
}

}  // namespace convoy::http
