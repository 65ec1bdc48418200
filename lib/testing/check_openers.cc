// Checks of several openers of one store, one after the other or at the same time.
#include <memory>
#include <utility>

#include "convoy/config_read.h"
#include "lib/testing/storage_requirements.h"
#include "lib/testing/storage_samples.h"

namespace convoy::testing {
namespace {

using Opened = std::unique_ptr<Storage>;

void CheckReopening(Expectations& expect, StorageFactory& stores) {
  const std::string project = MakeProject(1).id;
  const Event event = MakeEvent(project, 1);
  const DedupeKey key{.scope = project, .key = "k"};
  Opened first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  CONVOY_REQUIRE_OK(PutNow(*first, "", {MakeProject(1)}).status);
  CONVOY_REQUIRE(
      Submit(*first, event, {MakeDelivery(event, Id('E', 1), 1, SampleEpoch())}, key).status.ok());
  first.reset();

  const Opened second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  CONVOY_EXPECT(CONVOY_VALUE(second->ConfigRevision("")) == 1);
  CONVOY_EXPECT(CONVOY_VALUE(LoadProject(*second, project)).project == MakeProject(1));
  CONVOY_EXPECT(CONVOY_VALUE(second->GetEvent(project, event.id)) == event);
  CONVOY_EXPECT(Submit(*second, MakeEvent(project, 2), {}, key).submissions ==
                std::vector{SubmissionOutcome::kDuplicate});
  CONVOY_EXPECT(CONVOY_VALUE(second->ClaimDue({.now = SampleEpoch()})).deliveries.size() == 1);
}

// One delivery that is due, claimed by `storage` for a minute.
ClaimedDelivery ClaimOne(Expectations& expect, Storage& storage) {
  const Event event = MakeEvent(MakeProject(1).id, 1);
  CONVOY_EXPECT(
      Submit(storage, event, {MakeDelivery(event, Id('E', 1), 1, SampleEpoch())}).status.ok());
  const Claim claim =
      CONVOY_VALUE(storage.ClaimDue({.now = SampleEpoch(), .lease = absl::Seconds(60)}));
  CONVOY_EXPECT(claim.deliveries.size() == 1);
  return claim.deliveries.empty() ? ClaimedDelivery{} : claim.deliveries[0];
}

void CheckDeadOpener(Expectations& expect, StorageFactory& stores) {
  Opened first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  const ClaimedDelivery dead = ClaimOne(expect, *first);
  first.reset();

  const Opened second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  const Claim claim = CONVOY_VALUE(second->ClaimDue({.now = SampleEpoch()}));
  CONVOY_REQUIRE(claim.deliveries.size() == 1);
  CONVOY_EXPECT(claim.deliveries[0].lease != dead.lease);
  DeliveryUpdate stale{.lease = dead.lease, .delivery = dead.delivery};
  stale.delivery.status = DeliveryStatus::kSuccess;
  CONVOY_EXPECT(Update(*second, stale).updates_applied == std::vector<bool>{false});
}

void CheckDeathBesideAnother(Expectations& expect, StorageFactory& stores) {
  Opened first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  const Opened second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  ClaimOne(expect, *first);
  const auto claim_after = [&](absl::Duration time) {
    return second->ClaimDue({.now = SampleEpoch() + time});
  };
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::ZeroDuration())).deliveries.empty());
  // It is alive, however long it is silent.
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::Seconds(20))).deliveries.empty());
  first.reset();
  CONVOY_EXPECT(CONVOY_VALUE(claim_after(absl::Seconds(25))).deliveries.size() == 1);
}

void CheckTwoAtOnce(Expectations& expect, StorageFactory& stores) {
  const std::string project = MakeProject(1).id;
  const Opened first = CONVOY_VALUE(stores.OpenEmpty());
  CONVOY_REQUIRE(first != nullptr);
  const Opened second = CONVOY_VALUE(stores.OpenAgain());
  CONVOY_REQUIRE(second != nullptr);
  CONVOY_REQUIRE_OK(Put(*first, "", 0, {MakeProject(1)}).status);
  CONVOY_EXPECT(absl::IsAborted(Put(*second, "", 0, {MakeProject(2)}).status));

  const Event event = MakeEvent(project, 1);
  const DedupeKey key{.scope = project, .key = "k"};
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 20; ++i) {
    deliveries.push_back(MakeDelivery(event, Id('E', i % 3), i, SampleEpoch()));
  }
  CONVOY_REQUIRE_OK(Submit(*first, event, deliveries, key).status);
  CONVOY_EXPECT(Submit(*second, MakeEvent(project, 2), {}, key).submissions ==
                std::vector{SubmissionOutcome::kDuplicate});
  const Claim mine = CONVOY_VALUE(first->ClaimDue({.now = SampleEpoch(), .items_max = 6}));
  const Claim yours = CONVOY_VALUE(second->ClaimDue({.now = SampleEpoch()}));
  CONVOY_EXPECT(!mine.deliveries.empty());
  CONVOY_EXPECT(mine.deliveries.size() + yours.deliveries.size() == 20);
  // Each gives back what is its own.
  CONVOY_REQUIRE_OK(first->ReleaseClaims());
  const Claim again = CONVOY_VALUE(second->ClaimDue({.now = SampleEpoch()}));
  CONVOY_EXPECT(again.deliveries.size() == mine.deliveries.size());
}

constexpr StorageRequirement kRequirements[] = {
    {.sentence = "what was committed is there after reopening", .check_reopening = CheckReopening},
    {.sentence = "the claims of an opener that has died are due when the store is opened again",
     .check_reopening = CheckDeadOpener},
    {.sentence = "the claims of an opener that has died are due for the others within seconds",
     .check_openers = CheckDeathBesideAnother},
    {.sentence = "two openers share the work and see each other's writes",
     .check_openers = CheckTwoAtOnce},
};

}  // namespace

std::span<const StorageRequirement> OpenerRequirements() { return kRequirements; }

}  // namespace convoy::testing
