// Construction of deliveries. The retry policy in force when the event is accepted is copied into
// each delivery, which follows it from then on.

#include "lib/intake/deliveries.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace convoy::intake {

std::vector<Delivery> MakeDeliveries(const route::ProjectSnapshot& project, const Event& event,
                                     const std::vector<const Subscription*>& subscriptions,
                                     absl::Time now, base::UlidGenerator& ulids) {
  std::vector<Delivery> deliveries;
  deliveries.reserve(subscriptions.size());
  for (const Subscription* subscription : subscriptions) {
    const Endpoint* const endpoint = project.FindEndpoint(subscription->endpoint_id);
    if (endpoint == nullptr) continue;
    const bool is_inactive = endpoint->status == EndpointStatus::kInactive;
    deliveries.push_back({
        .id = ulids.Next(),
        .project_id = event.project_id,
        .event_id = event.id,
        .endpoint_id = endpoint->id,
        .subscription_id = subscription->id,
        .event_type = event.event_type,
        .idempotency_key = event.idempotency_key,
        .status = is_inactive ? DeliveryStatus::kDiscarded : DeliveryStatus::kScheduled,
        .mode = subscription->delivery_mode,
        .retry = subscription->retry.value_or(project.project().config.retry),
        .due_at = now,
        .description = is_inactive ? "the endpoint is inactive" : "",
        .created_at = now,
        .updated_at = now,
    });
  }
  return deliveries;
}

Submission MakeSubmission(const route::ProjectSnapshot& project, Event event,
                          const std::vector<const Subscription*>& subscriptions,
                          base::UlidGenerator& ulids) {
  Submission submission;
  submission.deliveries = MakeDeliveries(project, event, subscriptions, event.created_at, ulids);
  absl::flat_hash_set<std::string_view> known(event.endpoint_ids.begin(), event.endpoint_ids.end());
  std::vector<std::string> endpoint_ids = event.endpoint_ids;
  for (const Delivery& delivery : submission.deliveries) {
    if (known.insert(delivery.endpoint_id).second) endpoint_ids.push_back(delivery.endpoint_id);
  }
  event.endpoint_ids = std::move(endpoint_ids);
  if (!submission.deliveries.empty()) {
    event.status = EventStatus::kSuccess;
  } else {
    event.status = EventStatus::kFailure;
    const std::string_view why = subscriptions.empty()
                                     ? "no subscription matched this event"
                                     : "subscription matched without an endpoint_id";
    event.failure_reason =
        absl::StrCat(why, event.failure_reason.empty() ? "" : "; ", event.failure_reason);
  }
  submission.event = std::move(event);
  return submission;
}

Subscription MakeImplicitSubscription(const Endpoint& endpoint, absl::Time now,
                                      base::UlidGenerator& ulids) {
  return {.id = ulids.Next(),
          .project_id = endpoint.project_id,
          .name = absl::StrCat(endpoint.name, "-subscription"),
          .endpoint_id = endpoint.id,
          .event_types = {"*"},
          .created_at = now,
          .updated_at = now};
}

}  // namespace convoy::intake
