// Contents of the databases of tests/vectors/storage, as the calls that put them there: the
// released library wrote the files by them, and a test makes the same again in a store in memory to
// compare.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/testing/storage_samples.h"

namespace convoy::testing {

// A ULID of the instant `milliseconds` after the epoch. `tail` tells ids of one instant apart, and
// `low` is what their last four characters are.
inline std::string ReleasedId(int milliseconds, int tail, int low) {
  constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string id = base::LeastUlidAt(SampleEpoch() + absl::Milliseconds(milliseconds));
  for (int i = 21; i >= 10; --i, tail = (tail * 7 + 3) & 0xFFFFF) id[i] = kDigits[tail & 31];
  for (int i = 25; i >= 22; --i, low >>= 5) id[i] = kDigits[low & 31];
  return id;
}

inline std::string ReleasedEventId(int number) { return ReleasedId(number * 1000, 7, number); }

// The ids of one event's deliveries are made in one millisecond; two of them differ in their
// random part only where a key that is a number does not tell.
inline std::string ReleasedDeliveryId(int event, int index) {
  return ReleasedId(event * 1000 + 1, index == 3 ? 99 : 11, index == 3 ? 0 : index);
}

inline Delivery ReleasedDelivery(const Event& event, int event_number, int index) {
  // An endpoint is in one project.
  const int endpoint = (event.project_id == Id('P', 2) ? 4 : 1) + index % 3;
  Delivery delivery =
      MakeDelivery(event, Id('E', endpoint), 0, event.created_at + absl::Seconds(index));
  delivery.id = ReleasedDeliveryId(event_number, index);
  delivery.subscription_id = index == 2 ? "" : Id('S', 1 + index % 3);
  delivery.mode = index == 1 ? DeliveryMode::kAtMostOnce : DeliveryMode::kAtLeastOnce;
  return delivery;
}

inline Event ReleasedEvent(int number) {
  Event event = MakeEvent(Id('P', number % 4 == 0 ? 2 : 1), number);
  event.id = ReleasedEventId(number);
  event.event_type = absl::StrCat("type.", number % 5);
  event.source_id = number % 4 == 0 ? Id('O', 1) : "";
  event.idempotency_key = number % 3 == 0 ? absl::StrCat("key \xff", number) : "";
  event.body += std::string(number == 5 ? 9000 : number, 'b');
  event.failure_reason = number == 9 ? "no endpoint" : "";
  event.acknowledged_at = event.created_at + absl::Microseconds(number);
  return event;
}

inline bool FillConfiguration(Storage& storage) {
  Project incoming = MakeProject(2);
  incoming.type = ProjectType::kIncoming;
  Source broker = MakeSource(Id('P', 2), 2);
  broker.type = SourceType::kPubSub;
  broker.broker = AmqpConfig{.host = "broker.test", .queue = "orders"};
  Endpoint paused = MakeEndpoint(Id('P', 1), 3);
  paused.status = EndpointStatus::kPaused;
  paused.secrets = {{.id = Id('T', 1), .value = "secret", .created_at = SampleEpoch()}};
  return PutNow(storage, "", {MakeProject(1), incoming, MakeApiKey(Id('P', 1), 1)}).status.ok() &&
         PutNow(storage, Id('P', 1),
                {MakeEndpoint(Id('P', 1), 1), MakeEndpoint(Id('P', 1), 2), paused,
                 MakeSubscription(Id('P', 1), 1, 1), MakeSubscription(Id('P', 1), 2, 2)})
             .status.ok() &&
         PutNow(storage, Id('P', 2), {MakeSource(Id('P', 2), 1), broker}).status.ok();
}

// Thirteen events. The first eight have up to six deliveries; one of each status is among those of
// the eighth; the others are scheduled. The last event has the millisecond and the last characters
// of the twelfth.
inline bool FillEvents(Storage& storage) {
  for (int number = 1; number <= 13; ++number) {
    Event event = ReleasedEvent(number);
    if (number == 13) event.id = ReleasedId(12'000, 8, 12);
    std::vector<Delivery> deliveries;
    for (int index = 0; number <= 8 && index < number % 7; ++index) {
      deliveries.push_back(ReleasedDelivery(event, number, index));
    }
    for (int index = 0; number == 8 && index < 6; ++index) {
      deliveries.resize(static_cast<size_t>(index));
      deliveries.push_back(ReleasedDelivery(event, number, index));
      deliveries.back().due_at = event.created_at + absl::Hours(1000);
    }
    for (size_t index = 0; number == 8 && index < deliveries.size(); ++index) {
      deliveries[index].status = static_cast<DeliveryStatus>(index);
      deliveries[index].attempts_count = static_cast<uint32_t>(index);
      deliveries[index].description = index == 4 ? "gave up" : "";
      deliveries[index].latency = absl::Milliseconds(index);
    }
    for (const Delivery& delivery : deliveries) event.endpoint_ids.push_back(delivery.endpoint_id);
    std::optional<DedupeKey> dedupe;
    if (!event.idempotency_key.empty()) {
      dedupe = DedupeKey{.scope = event.project_id, .key = event.idempotency_key};
      if (number != 3) dedupe->expires_at = SampleEpoch() + absl::Hours(number);
    }
    if (!Submit(storage, event, deliveries, dedupe).status.ok()) return false;
  }
  Event again = ReleasedEvent(14);
  again.idempotency_key = ReleasedEvent(3).idempotency_key;
  return Submit(storage, again, {}, DedupeKey{.scope = Id('P', 1), .key = again.idempotency_key})
             .submissions == std::vector{SubmissionOutcome::kDuplicate};
}

// Due deliveries are claimed; some of them end, with attempts, some are retried, the rest stay
// claimed.
inline bool FillAttempts(Storage& storage) {
  const absl::Time now = SampleEpoch() + absl::Minutes(10);
  const auto claim = storage.ClaimDue(
      {.now = now, .lease = absl::Minutes(5), .items_max = 1000, .items_per_endpoint_max = 1000});
  if (!claim.ok() || claim->deliveries.size() != 21) return false;
  for (const ClaimedDelivery& claimed : claim->deliveries) {
    const std::string& id = claimed.delivery.id;
    const int index = static_cast<int>(id.back() - '0');
    if (index == 0) continue;
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = index == 1 ? DeliveryStatus::kRetry : DeliveryStatus::kSuccess;
    update.delivery.attempts_count = 1;
    update.delivery.due_at = now + absl::Minutes(index);
    update.delivery.description = index == 1 ? "status 500" : "";
    update.delivery.latency = absl::Milliseconds(250);
    update.delivery.updated_at = now;
    update.attempt = MakeAttempt(claimed.delivery, 0);
    update.attempt->id = id;
    update.attempt->id[9] = 'Z';  // made later
    update.attempt->is_success = index != 1;
    if (!Update(storage, update).status.ok()) return false;
  }
  return true;
}

inline bool FillHeld(Storage& storage) {
  for (int number = 1; number <= 4; ++number) {
    HeldInput input = MakeHeld(Id('P', 2), number, 1 + number % 2);
    input.id = ReleasedId(number, 21, 4 - number);
    input.kind = number == 4 ? HeldKind::kDeadLetter : HeldKind::kQuarantine;
    if (number == 2) input.expires_at = SampleEpoch() + absl::Hours(5);
    if (!HoldOne(storage, input).status.ok()) return false;
  }
  return true;
}

}  // namespace convoy::testing
