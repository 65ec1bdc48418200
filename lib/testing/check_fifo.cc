// Checks of lanes that give one delivery at a time, in the order of acceptance.
#include <memory>
#include <utility>

#include "convoy/lane.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

constexpr absl::Duration kLease = absl::Seconds(60);

std::string ProjectId() { return MakeProject(1).id; }

ClaimRequest RequestAt(absl::Duration time, bool is_fifo = true, uint64_t revision = 0) {
  return {.now = SampleEpoch() + time,
          .lease = kLease,
          .policy_of = [is_fifo, revision](std::string_view, std::string_view) {
            return LanePolicy{.is_fifo = is_fifo, .revision = revision};
          }};
}

// D1, D2, … of one event to one endpoint, accepted one after the other, all of them due.
std::vector<Delivery> MakeLine(int count, DeliveryMode mode = DeliveryMode::kAtLeastOnce) {
  std::vector<Delivery> deliveries;
  for (int number = 1; number <= count; ++number) {
    deliveries.push_back(MakeDelivery(MakeEvent(ProjectId(), 1), Id('E', 1), number,
                                      SampleEpoch() - absl::Seconds(count - number)));
    deliveries.back().mode = mode;
  }
  return deliveries;
}

// The ids that a claim hands out.
std::vector<std::string> ClaimAt(Expectations& expect, Storage& storage,
                                 const ClaimRequest& request, Claim* out = nullptr) {
  Claim claim = CONVOY_VALUE(storage.ClaimDue(request));
  std::vector<std::string> ids;
  for (const ClaimedDelivery& claimed : claim.deliveries) ids.push_back(claimed.delivery.id);
  if (out != nullptr) *out = std::move(claim);
  return ids;
}

void End(Expectations& expect, Storage& storage, const Claim& claim, DeliveryStatus status,
         absl::Time due_at = SampleEpoch()) {
  CONVOY_REQUIRE(claim.deliveries.size() == 1);
  DeliveryUpdate update{.lease = claim.deliveries[0].lease,
                        .delivery = claim.deliveries[0].delivery};
  update.delivery.status = status;
  update.delivery.due_at = due_at;
  update.delivery.attempts_count += 1;
  CONVOY_EXPECT(Update(storage, update).updates_applied == std::vector<bool>{true});
}

void CheckLine(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), MakeLine(4)).status);
  const absl::Duration now = absl::ZeroDuration();
  Claim claim;
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now), &claim), {Id('D', 1)});
  CONVOY_EXPECT(claim.next_due_at == SampleEpoch() + kLease);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now)), {});
  // The head waits for its second try, and the others with it; more of them change nothing.
  const absl::Time retry_at = SampleEpoch() + absl::Seconds(30);
  End(expect, storage, claim, DeliveryStatus::kRetry, retry_at);
  const Event event = MakeEvent(ProjectId(), 2);
  CONVOY_REQUIRE_OK(
      Submit(storage, event, {MakeDelivery(event, Id('E', 1), 5, SampleEpoch())}).status);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(absl::Seconds(29)), &claim), {});
  CONVOY_EXPECT(claim.next_due_at == retry_at);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(absl::Seconds(30)), &claim), {Id('D', 1)});
  End(expect, storage, claim, DeliveryStatus::kFailure);
  for (int number = 2; number <= 5; ++number) {
    CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(absl::Seconds(30)), &claim),
                       {Id('D', number)});
    End(expect, storage, claim, DeliveryStatus::kSuccess);
  }
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(absl::Hours(9)), &claim), {});
  CONVOY_EXPECT(claim.next_due_at == absl::InfiniteFuture());
}

void CheckLeaseOfHead(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), MakeLine(2)).status);
  const absl::Duration now = absl::ZeroDuration();
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now)), {Id('D', 1)});
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(kLease)), {Id('D', 1)});
  CONVOY_REQUIRE_OK(storage.ReleaseClaims());
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(kLease)), {Id('D', 1)});
  // An operator who resends the head does not wait for its lease.
  WriteBatch batch;
  batch.requeues.push_back({.project_id = ProjectId(),
                            .delivery_id = Id('D', 1),
                            .from = {DeliveryStatus::kProcessing},
                            .due_at = SampleEpoch() + kLease});
  CONVOY_REQUIRE_OK(CommitOne(storage, std::move(batch)).status);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(kLease)), {Id('D', 1)});
}

void CheckModeOfHead(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(
      Submit(storage, MakeEvent(ProjectId(), 1), MakeLine(3, DeliveryMode::kAtMostOnce)).status);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(absl::ZeroDuration())), {Id('D', 1)});
  // It may have been sent: it ends, and the next one is due.
  Claim claim;
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(kLease), &claim), {});
  CONVOY_EXPECT(claim.next_due_at <= SampleEpoch() + kLease);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(kLease)), {Id('D', 2)});
  CONVOY_REQUIRE_OK(storage.ReleaseClaims());
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(kLease)), {Id('D', 3)});
}

void CheckSwitching(Expectations& expect, Storage& storage) {
  CONVOY_REQUIRE_OK(PutNow(storage, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), 1), MakeLine(4)).status);
  const absl::Duration now = absl::ZeroDuration();
  const uint64_t revision = CONVOY_VALUE(storage.ConfigRevision(ProjectId()));
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now, true, revision)), {Id('D', 1)});
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  // A policy of an older revision holds nothing back: it is not known any more.
  Claim claim;
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now, true, revision), &claim), {});
  CONVOY_EXPECT(claim.unknown_lanes.size() == 1);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now, true, revision + 1)), {});
  CONVOY_REQUIRE_OK(PutNow(storage, ProjectId(), {MakeEndpoint(ProjectId(), 1)}).status);
  CONVOY_EXPECT_SAME(ClaimAt(expect, storage, RequestAt(now, false)),
                     {Id('D', 2), Id('D', 3), Id('D', 4)});
}

void CheckOpeners(Expectations& expect, StorageFactory& stores) {
  std::unique_ptr<Storage> first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  const std::unique_ptr<Storage> second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  CONVOY_REQUIRE_OK(Submit(*first, MakeEvent(ProjectId(), 1), MakeLine(3)).status);
  Claim claim;
  CONVOY_EXPECT_SAME(ClaimAt(expect, *first, RequestAt(absl::ZeroDuration())), {Id('D', 1)});
  CONVOY_EXPECT_SAME(ClaimAt(expect, *second, RequestAt(absl::ZeroDuration())), {});
  first.reset();
  CONVOY_EXPECT_SAME(ClaimAt(expect, *second, RequestAt(absl::Seconds(5)), &claim), {Id('D', 1)});
  End(expect, *second, claim, DeliveryStatus::kSuccess);
  CONVOY_EXPECT_SAME(ClaimAt(expect, *second, RequestAt(absl::Seconds(5))), {Id('D', 2)});
}

constexpr StorageRequirement kRequirements[] = {
    {"a lane in order gives one at a time, and none past one that waits for another try",
     CheckLine},
    {"the head of a lane in order stays the head when its claim ends", CheckLeaseOfHead},
    {"a lane in order goes on behind a head that may have been sent", CheckModeOfHead},
    {"a lane in order stays so until its endpoint is changed", CheckSwitching},
    {.sentence = "openers keep to the order of a lane together", .check_openers = CheckOpeners},
};

}  // namespace

std::span<const StorageRequirement> FifoRequirements() { return kRequirements; }

}  // namespace convoy::testing
