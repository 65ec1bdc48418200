// Events and early claims, as they would be read from their rows; see stored_for_claims.h.
#include "lib/storage/postgres/stored_for_claims.h"

#include <memory>
#include <utility>

#include "lib/base/time_text.h"

namespace convoy::storage::postgres {
namespace {

// Rows have whole microseconds.
void Round(absl::Time& time) { time = base::FromMicros(base::ToMicros(time)); }

std::shared_ptr<const Event> AsStored(Event&& event) {
  auto stored = std::make_shared<Event>(std::move(event));
  Round(stored->created_at);
  Round(stored->acknowledged_at);
  return stored;
}

// A delivery of the event as a claim would read it.
Delivery AsClaimed(Delivery&& delivery, const Event& event) {
  Delivery claimed = std::move(delivery);
  claimed.event_id = event.id;
  claimed.event_type = event.event_type;
  claimed.idempotency_key = event.idempotency_key;
  claimed.status = DeliveryStatus::kProcessing;
  Round(claimed.due_at);
  Round(claimed.created_at);
  Round(claimed.updated_at);
  return claimed;
}

}  // namespace

void StoredForClaims::Add(const StoredForClaims& other) {
  const size_t events_before = events.size();
  events.insert(events.end(), other.events.begin(), other.events.end());
  for (ClaimedDelivery claim : other.claims) {
    claim.event += events_before;
    claims.push_back(claim);
  }
}

void StoredForClaims::HandOver(Opener& opener) {
  std::vector<std::shared_ptr<const Event>> stored;
  stored.reserve(events.size());
  for (const KeptEvent& kept : events) {
    stored.push_back(AsStored(std::move(*kept.event)));
    if (kept.has_unclaimed) opener.recent_events().Add(stored.back());
  }
  std::vector<EarlyClaim> early;
  early.reserve(claims.size());
  for (const ClaimedDelivery& claim : claims) {
    const std::shared_ptr<const Event>& event = stored[claim.event];
    early.push_back({.key = claim.key,
                     .made_at = claim.made_at,
                     .claimed = {.lease = claim.lease,
                                 .delivery = AsClaimed(std::move(*claim.delivery), *event),
                                 .event = event}});
  }
  opener.early_claims().Add(std::move(early));
}

}  // namespace convoy::storage::postgres
