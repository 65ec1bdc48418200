// Checks of clocks that are set back: nothing waits for longer than it was to.
#include <memory>
#include <utility>

#include "convoy/lane.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

constexpr absl::Duration kStep = absl::Hours(2);
constexpr int kStepSeconds = 7'200;

std::string ProjectId() { return MakeProject(1).id; }

// Of an event that was made before the clock was set back by kStep, to SampleEpoch().
Delivery MakeLater(int endpoint, int number, DeliveryStatus status, absl::Duration wait) {
  const absl::Time made_at = SampleEpoch() + kStep;
  Delivery delivery =
      MakeDelivery(MakeEvent(ProjectId(), kStepSeconds), Id('E', endpoint), number, made_at + wait);
  delivery.status = status;
  delivery.attempts_count = status == DeliveryStatus::kRetry ? 1 : 0;
  delivery.updated_at = made_at;
  return delivery;
}

// All that is handed out at an instant, by id. A lane whose number ends in 9 is slow.
std::vector<std::string> ClaimAllAt(Expectations& expect, Storage& storage, absl::Time now) {
  ClaimRequest request{.now = now, .lease = absl::Seconds(60)};
  request.policy_of = [](std::string_view, std::string_view endpoint_id) {
    LanePolicy policy;
    if (endpoint_id.back() == '9') policy.rate_limit = {.count = 1, .window = absl::Seconds(10)};
    return policy;
  };
  std::vector<std::string> ids;
  for (int round = 0; round < 100; ++round) {
    const Claim claim = CONVOY_VALUE(storage.ClaimDue(request));
    for (const ClaimedDelivery& claimed : claim.deliveries) ids.push_back(claimed.delivery.id);
    if (claim.next_due_at > now) break;
  }
  return ids;
}

void CheckSetBack(Expectations& expect, Storage& storage) {
  const absl::Time now = SampleEpoch();
  const std::vector<Delivery> deliveries = {
      MakeLater(1, 1, DeliveryStatus::kScheduled, absl::ZeroDuration()),
      MakeLater(2, 2, DeliveryStatus::kScheduled, absl::Seconds(1)),
      MakeLater(2, 3, DeliveryStatus::kRetry, absl::Seconds(30)),
      MakeLater(9, 4, DeliveryStatus::kScheduled, absl::ZeroDuration()),
      MakeLater(9, 5, DeliveryStatus::kScheduled, absl::ZeroDuration()),
  };
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), kStepSeconds), deliveries).status);
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, storage, now + kStep), {Id('D', 1), Id('D', 4)});
  // The clock is set back. Leases, rates and retries last as long as they were to.
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, storage, now), {Id('D', 2)});
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, storage, now + absl::Seconds(9)), {});
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, storage, now + absl::Seconds(12)), {Id('D', 5)});
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, storage, now + absl::Seconds(29)), {});
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, storage, now + absl::Seconds(30)), {Id('D', 3)});
  CONVOY_EXPECT(ClaimAllAt(expect, storage, now + absl::Seconds(61)).size() == 3);
}

// More deliveries than a store may correct at once.
void CheckManySetBack(Expectations& expect, Storage& storage) {
  constexpr int kCount = 700;
  std::vector<Delivery> deliveries;
  for (int i = 0; i < kCount; ++i) {
    deliveries.push_back(MakeLater(i % 2, i, DeliveryStatus::kRetry, absl::Seconds(5)));
  }
  CONVOY_REQUIRE_OK(Submit(storage, MakeEvent(ProjectId(), kStepSeconds), deliveries).status);
  CONVOY_EXPECT(ClaimAllAt(expect, storage, SampleEpoch() + kStep).empty());
  CONVOY_EXPECT(ClaimAllAt(expect, storage, SampleEpoch()).empty());
  CONVOY_EXPECT(ClaimAllAt(expect, storage, SampleEpoch() + absl::Seconds(4)).empty());
  CONVOY_EXPECT(ClaimAllAt(expect, storage, SampleEpoch() + absl::Seconds(5)).size() == kCount);
}

// The clock is set back while the store is closed.
void CheckSetBackBetween(Expectations& expect, StorageFactory& stores) {
  std::unique_ptr<Storage> first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  CONVOY_REQUIRE_OK(Submit(*first, MakeEvent(ProjectId(), kStepSeconds),
                           {MakeLater(1, 1, DeliveryStatus::kScheduled, absl::ZeroDuration()),
                            MakeLater(2, 2, DeliveryStatus::kRetry, absl::Seconds(30))})
                        .status);
  first.reset();
  const std::unique_ptr<Storage> second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, *second, SampleEpoch()), {Id('D', 1)});
  CONVOY_EXPECT_SAME(ClaimAllAt(expect, *second, SampleEpoch() + absl::Seconds(30)), {Id('D', 2)});
}

constexpr StorageRequirement kRequirements[] = {
    {"when the clock is set back, nothing waits for longer than it was to", CheckSetBack},
    {"a clock that is set back concerns all that waits, however much it is", CheckManySetBack},
    {.sentence = "a clock that is set back while no opener runs is noticed",
     .check_reopening = CheckSetBackBetween},
};

}  // namespace

std::span<const StorageRequirement> ClockRequirements() { return kRequirements; }

}  // namespace convoy::testing
