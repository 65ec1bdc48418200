// Checks of the effect of attempts and operators on deliveries.
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

// With timings and without.
Attempt AttemptOf(const Delivery& delivery, int number) {
  return number % 2 == 0 ? MakeTimedAttempt(delivery, number) : MakeAttempt(delivery, number);
}

// An update that records attempt `number` and puts the delivery into `status`.
DeliveryUpdate UpdateOf(const ClaimedDelivery& claimed, int number, DeliveryStatus status) {
  DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
  update.delivery.status = status;
  update.delivery.attempts_count += 1;
  update.delivery.due_at = SampleEpoch() + absl::Seconds(30);
  update.delivery.description = "why";
  update.delivery.latency = absl::Microseconds(17);
  update.delivery.updated_at = SampleEpoch() + absl::Microseconds(1);
  update.attempt = AttemptOf(claimed.delivery, number);
  return update;
}

void CheckLostLease(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const std::string project = MakeProject(1).id;
  const Event event = MakeEvent(project, 1);
  CONVOY_REQUIRE_OK(Submit(storage, event, {MakeDelivery(event, Id('E', 1), 1, now)}).status);
  const Claim lost = CONVOY_VALUE(storage.ClaimDue({.now = now, .lease = absl::Seconds(1)}));
  const Claim held = CONVOY_VALUE(storage.ClaimDue({.now = now + absl::Seconds(2)}));
  CONVOY_REQUIRE(lost.deliveries.size() == 1 && held.deliveries.size() == 1);
  CONVOY_EXPECT(
      Update(storage, UpdateOf(lost.deliveries[0], 1, DeliveryStatus::kSuccess)).updates_applied ==
      std::vector<bool>{false});
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(project, Id('D', 1))).status ==
                DeliveryStatus::kProcessing);
  const DeliveryUpdate next = UpdateOf(held.deliveries[0], 2, DeliveryStatus::kRetry);
  CONVOY_EXPECT(Update(storage, next).updates_applied == std::vector<bool>{true});
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(project, Id('D', 1))) == next.delivery);
  CONVOY_EXPECT(
      Update(storage, UpdateOf(held.deliveries[0], 3, DeliveryStatus::kSuccess)).updates_applied ==
      std::vector<bool>{false});
  CONVOY_EXPECT(
      CONVOY_VALUE(storage.ClaimDue({.now = now + absl::Seconds(29)})).deliveries.empty());
  CONVOY_EXPECT(
      CONVOY_VALUE(storage.ClaimDue({.now = now + absl::Seconds(30)})).deliveries.size() == 1);
}

void CheckAttempts(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  const Event event = MakeEvent(project, 1);
  const Delivery delivery = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  CONVOY_REQUIRE_OK(Submit(storage, event, {delivery}).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListAttempts(project, delivery.id)).empty());
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch()}));
  CONVOY_REQUIRE(claim.deliveries.size() == 1);
  ClaimedDelivery stale = claim.deliveries[0];
  ++stale.lease;
  CONVOY_REQUIRE_OK(Update(storage, UpdateOf(stale, 1, DeliveryStatus::kSuccess)).status);
  CONVOY_REQUIRE(
      Update(storage, UpdateOf(claim.deliveries[0], 2, DeliveryStatus::kRetry)).status.ok());
  CONVOY_EXPECT(CONVOY_VALUE(storage.ListAttempts(project, delivery.id)) ==
                std::vector{AttemptOf(delivery, 1), AttemptOf(delivery, 2)});
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetAttempt(project, delivery.id, Id('A', 2))) ==
                AttemptOf(delivery, 2));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetAttempt("other", delivery.id, Id('A', 2)).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetAttempt(project, "other", Id('A', 2)).status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.GetAttempt(project, delivery.id, "other").status()));
  CONVOY_EXPECT(absl::IsNotFound(storage.ListAttempts("other", delivery.id).status()));
}

void CheckAttemptAgain(Expectations& expect, Storage& storage) {
  const std::string project = MakeProject(1).id;
  const Event event = MakeEvent(project, 1);
  const Delivery first = MakeDelivery(event, Id('E', 1), 1, SampleEpoch());
  const Delivery second = MakeDelivery(event, Id('E', 2), 2, SampleEpoch());
  CONVOY_REQUIRE_OK(Submit(storage, event, {first, second}).status);
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch()}));
  CONVOY_REQUIRE(claim.deliveries.size() == 2);
  const auto batch_of = [&](std::initializer_list<int> numbers) {
    WriteBatch batch;
    for (const int number : numbers) {
      batch.updates.push_back(
          UpdateOf(claim.deliveries[number - 1], number, DeliveryStatus::kRetry));
    }
    return batch;
  };
  CONVOY_EXPECT(CommitOne(storage, batch_of({1})).updates_applied == std::vector<bool>{true});
  // The same outcomes again, and one more; then twice in one batch.
  const CommitResult again = CommitOne(storage, batch_of({1, 2}));
  CONVOY_REQUIRE_OK(again.status);
  CONVOY_EXPECT((again.updates_applied == std::vector<bool>{false, true}));
  CONVOY_REQUIRE_OK(CommitOne(storage, batch_of({2, 1, 2})).status);
  for (int i = 0; i < 2; ++i) {
    const Delivery& delivery = claim.deliveries[i].delivery;
    CONVOY_EXPECT(CONVOY_VALUE(storage.ListAttempts(project, delivery.id)) ==
                  std::vector{AttemptOf(delivery, i + 1)});
  }
}

void CheckFinal(Expectations& expect, Storage& storage) {
  const Event event = MakeEvent(MakeProject(1).id, 1);
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 3; ++i) {
    deliveries.push_back(MakeDelivery(event, Id('E', i), i, SampleEpoch()));
  }
  CONVOY_REQUIRE_OK(Submit(storage, event, deliveries).status);
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch()}));
  CONVOY_REQUIRE(claim.deliveries.size() == 3);
  constexpr DeliveryStatus kFinal[] = {DeliveryStatus::kSuccess, DeliveryStatus::kFailure,
                                       DeliveryStatus::kDiscarded};
  for (int i = 0; i < 3; ++i) {
    CONVOY_EXPECT(Update(storage, UpdateOf(claim.deliveries[i], i, kFinal[i])).updates_applied ==
                  std::vector<bool>{true});
  }
  CONVOY_REQUIRE_OK(storage.ReleaseClaims());
  const Claim later = CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch() + absl::Hours(99)}));
  CONVOY_EXPECT(later.deliveries.empty());
  CONVOY_EXPECT(later.next_due_at == absl::InfiniteFuture());
}

void CheckRequeue(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const std::string project = MakeProject(1).id;
  const Event event = MakeEvent(project, 1);
  Delivery failed = MakeDelivery(event, Id('E', 1), 1, now);
  failed.status = DeliveryStatus::kFailure;
  failed.attempts_count = 3;
  failed.description = "exhausted";
  CONVOY_REQUIRE_OK(Submit(storage, event, {failed}).status);
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue({.now = now})).deliveries.empty());
  const auto is_requeued = [&](const std::string& owner, const std::string& id,
                               std::vector<DeliveryStatus> from) {
    WriteBatch batch;
    batch.requeues.push_back({.project_id = owner,
                              .delivery_id = id,
                              .from = std::move(from),
                              .due_at = now + absl::Seconds(1)});
    return CommitOne(storage, std::move(batch)).requeues_applied == std::vector<bool>{true};
  };
  CONVOY_EXPECT(!is_requeued(project, failed.id, {DeliveryStatus::kSuccess}));
  CONVOY_EXPECT(!is_requeued(project, failed.id, {}));
  CONVOY_EXPECT(!is_requeued("other", failed.id, {DeliveryStatus::kFailure}));
  CONVOY_EXPECT(!is_requeued(project, "other", {DeliveryStatus::kFailure}));
  CONVOY_EXPECT(CONVOY_VALUE(storage.GetDelivery(project, failed.id)) == failed);
  CONVOY_EXPECT(
      is_requeued(project, failed.id, {DeliveryStatus::kSuccess, DeliveryStatus::kFailure}));
  CONVOY_EXPECT(!is_requeued(project, failed.id, {DeliveryStatus::kFailure}));
  const Claim claim = CONVOY_VALUE(storage.ClaimDue({.now = now + absl::Seconds(1)}));
  CONVOY_REQUIRE(claim.deliveries.size() == 1);
  CONVOY_EXPECT(claim.deliveries[0].delivery.attempts_count == 0);
  CONVOY_EXPECT(claim.deliveries[0].delivery.description.empty());

  // Even while it is claimed: the claim's lease ends with it.
  CONVOY_EXPECT(is_requeued(project, failed.id, {DeliveryStatus::kProcessing}));
  CONVOY_EXPECT(
      Update(storage, UpdateOf(claim.deliveries[0], 1, DeliveryStatus::kSuccess)).updates_applied ==
      std::vector<bool>{false});
  CONVOY_EXPECT(CONVOY_VALUE(storage.ClaimDue({.now = now + absl::Seconds(1)})).deliveries.size() ==
                1);
}

constexpr StorageRequirement kRequirements[] = {
    {"an outcome counts only while its lease holds", CheckLostLease},
    {"attempts are kept whether or not the lease held, oldest first", CheckAttempts},
    {"an attempt that is recorded already stays as it is and refuses nothing", CheckAttemptAgain},
    {"a delivery in a final status is left alone", CheckFinal},
    {"a delivery is put back on schedule only from the states that are named", CheckRequeue},
};

}  // namespace

std::span<const StorageRequirement> OutcomeRequirements() { return kRequirements; }

}  // namespace convoy::testing
