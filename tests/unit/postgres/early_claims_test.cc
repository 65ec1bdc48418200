// Deliveries that are stored as claimed: who gets them, and what becomes of those that are not
// handed out.
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

// A store whose last claim has left room for `room` deliveries of endpoint 1, whose lane is open.
class StoreWithRoom {
 public:
  explicit StoreWithRoom(uint32_t room) : storage(stores.OpenEmpty().value()) {
    REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
    Submit(1);
    REQUIRE(ClaimWith(room + 1).deliveries.size() == 1);  // learns that the lane is open
    REQUIRE(ClaimWith(room).deliveries.empty());
  }

  std::string Submit(int number, DeliveryMode mode = DeliveryMode::kAtLeastOnce,
                     absl::Duration delay = absl::ZeroDuration()) {
    const Event event = MakeEvent(Id('P', 1), number);
    Delivery delivery = MakeDelivery(event, Id('E', 1), number, event.created_at + delay);
    delivery.mode = mode;
    REQUIRE(testing::Submit(*storage, event, {delivery}).status.ok());
    return delivery.id;
  }

  Claim ClaimWith(uint32_t room, const LanePolicy& policy = {}, Storage* opener = nullptr) {
    ClaimRequest request{.now = SampleEpoch() + absl::Minutes(10)};
    request.items_max_of_endpoint[Id('E', 1)] = room;
    request.policy_of = [&policy](std::string_view, std::string_view) { return policy; };
    return (opener == nullptr ? *storage : *opener).ClaimDue(request).value();
  }

  DeliveryStatus StatusOf(const std::string& id) {
    return storage->GetDelivery(Id('P', 1), id).value().status;
  }

  PostgresStores stores;
  std::unique_ptr<Storage> storage;
};

TEST_CASE("early_claims: what there is room for is stored as claimed, and handed out once") {
  StoreWithRoom store(2);
  const auto other = store.stores.OpenAgain().value();
  const std::string first = store.Submit(2), second = store.Submit(3), third = store.Submit(4);
  CHECK(store.StatusOf(first) == DeliveryStatus::kProcessing);
  CHECK(store.StatusOf(second) == DeliveryStatus::kProcessing);
  CHECK(store.StatusOf(third) == DeliveryStatus::kScheduled);
  // Another opener may have the third.
  const Claim theirs = store.ClaimWith(9, {}, other.get());
  REQUIRE(theirs.deliveries.size() == 1);
  CHECK(theirs.deliveries[0].delivery.id == third);

  const Claim claim = store.ClaimWith(9);
  REQUIRE(claim.deliveries.size() == 2);
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    Delivery stored = store.storage->GetDelivery(Id('P', 1), claimed.delivery.id).value();
    CHECK(claimed.delivery == stored);
    CHECK(*claimed.event == store.storage->GetEvent(Id('P', 1), stored.event_id).value());
    DeliveryUpdate update{.lease = claimed.lease, .delivery = stored};
    update.delivery.status = DeliveryStatus::kSuccess;
    CHECK(Update(*store.storage, update).updates_applied == std::vector<bool>{true});
  }
  CHECK(store.ClaimWith(9).deliveries.empty());
}

TEST_CASE("early_claims: a lane that holds back, a later delivery and at_most_once take no part") {
  StoreWithRoom store(9);
  CHECK(store.StatusOf(store.Submit(2, DeliveryMode::kAtMostOnce)) == DeliveryStatus::kScheduled);
  CHECK(store.StatusOf(store.Submit(3, DeliveryMode::kAtLeastOnce, absl::Hours(1))) ==
        DeliveryStatus::kScheduled);
  LanePolicy policy{.revision = store.storage->ConfigRevision(Id('P', 1)).value()};
  SECTION("paused") { policy.is_paused = true; }
  SECTION("fifo") { policy.is_fifo = true; }
  SECTION("limited") { policy.rate_limit = {.count = 100, .window = absl::Seconds(1)}; }
  store.ClaimWith(9, policy);
  CHECK(store.StatusOf(store.Submit(4)) == DeliveryStatus::kScheduled);
}

TEST_CASE("early_claims: what has been due for long is not overtaken") {
  StoreWithRoom store(9);
  for (const int number : {602, 603}) {
    const Event event = MakeEvent(Id('P', 1), number);
    const Delivery delivery = MakeDelivery(event, Id('E', 2), number, event.created_at);
    REQUIRE(Submit(*store.storage, event, {delivery}).status.ok());
  }
  // Leaves one of endpoint 2.
  const auto claim_after = [&store](absl::Duration wait) {
    ClaimRequest request{.now = MakeEvent(Id('P', 1), 603).created_at + wait,
                         .items_per_endpoint_max = 1};
    request.items_max_of_endpoint[Id('E', 1)] = 9;
    REQUIRE(store.storage->ClaimDue(request).value().deliveries.size() == 1);
  };
  SECTION("for long") {
    claim_after(absl::Seconds(1));
    CHECK(store.StatusOf(store.Submit(4)) == DeliveryStatus::kScheduled);
  }
  SECTION("since a moment ago") {
    claim_after(absl::Milliseconds(20));
    CHECK(store.StatusOf(store.Submit(4)) == DeliveryStatus::kProcessing);
  }
}

TEST_CASE("early_claims: what the next claim may not hand out is given back") {
  StoreWithRoom store(9);
  const std::string id = store.Submit(2);
  REQUIRE(store.StatusOf(id) == DeliveryStatus::kProcessing);
  SECTION("the endpoint is paused since") {
    const LanePolicy paused{.is_paused = true,
                            .revision = store.storage->ConfigRevision(Id('P', 1)).value()};
    CHECK(store.ClaimWith(9, paused).deliveries.empty());
  }
  SECTION("the process was held up") {
    absl::SleepFor(absl::Milliseconds(1100));
    const Claim claim = store.ClaimWith(9);  // given back, and claimed anew
    REQUIRE(claim.deliveries.size() == 1);
    CHECK(store.storage->ReleaseClaims().ok());
  }
  SECTION("the last claim asks for nothing, and leaves no room") {
    const auto other = store.stores.OpenAgain().value();
    const ClaimRequest nothing{.now = SampleEpoch() + absl::Minutes(10), .items_max = 0};
    CHECK(store.storage->ClaimDue(nothing).value().deliveries.empty());
    CHECK(store.StatusOf(store.Submit(3)) == DeliveryStatus::kScheduled);
    CHECK(store.ClaimWith(9, {}, other.get()).deliveries.size() == 2);
    CHECK(other->ReleaseClaims().ok());
  }
  SECTION("the gateway closes") {
    CHECK(store.storage->ReleaseClaims().ok());
    CHECK(store.ClaimWith(9).deliveries.size() == 2);  // with the one that was claimed before
    CHECK(store.storage->ReleaseClaims().ok());
  }
  CHECK(store.StatusOf(id) == DeliveryStatus::kScheduled);
}

TEST_CASE("early_claims: those of an opener that dies are given back") {
  PostgresServer::Get().WaitUntilSettled();
  StoreWithRoom store(9);
  const auto other = store.stores.OpenAgain().value();
  const std::string id = store.Submit(2);
  REQUIRE(store.StatusOf(id) == DeliveryStatus::kProcessing);
  store.storage = nullptr;
  Claim claim;
  for (int i = 1; i < 100 && claim.deliveries.empty(); ++i) {
    ClaimRequest request{.now = SampleEpoch() + absl::Minutes(10) + absl::Seconds(i)};
    claim = other->ClaimDue(request).value();
    absl::SleepFor(absl::Milliseconds(50));
  }
  REQUIRE_FALSE(claim.deliveries.empty());
  CHECK(claim.deliveries[0].delivery.attempts_count == 0);
}

TEST_CASE("early_claims: a write that is refused leaves none") {
  StoreWithRoom store(9);
  const DedupeKey key{.scope = Id('P', 1), .key = "k"};
  const Event first = MakeEvent(Id('P', 1), 2), second = MakeEvent(Id('P', 1), 3);
  REQUIRE(Submit(*store.storage, first, {MakeDelivery(first, Id('E', 1), 2, first.created_at)}, key)
              .status.ok());
  CHECK(
      Submit(*store.storage, second, {MakeDelivery(second, Id('E', 1), 3, second.created_at)}, key)
          .submissions == std::vector{SubmissionOutcome::kDuplicate});
  CHECK(store.ClaimWith(9).deliveries.size() == 1);
}

TEST_CASE("early_claims: deliveries of one transaction have their own events") {
  StoreWithRoom store(9);
  const auto batch_of = [](int number) {
    const Event event = MakeEvent(Id('P', 1), number);
    WriteBatch batch{.submissions = {{.event = event}}};
    for (int delivery = 0; delivery < 2; ++delivery) {
      batch.submissions[0].deliveries.push_back(
          MakeDelivery(event, Id('E', 1), 2 * number + delivery, event.created_at));
    }
    // Ends the stretch that is written together.
    batch.requeues = {{.project_id = Id('P', 1), .delivery_id = Id('D', 99)}};
    return batch;
  };
  WriteBatch first = batch_of(2), second = batch_of(3);
  WriteBatch* const batches[] = {&first, &second};
  CommitResult results[2];
  REQUIRE(store.storage->Commit(batches, results).ok());
  const Claim claim = store.ClaimWith(9);
  REQUIRE(claim.deliveries.size() == 4);
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    CHECK(claimed.event->id == claimed.delivery.event_id);
    CHECK(claimed.delivery == store.storage->GetDelivery(Id('P', 1), claimed.delivery.id).value());
    CHECK(*claimed.event == store.storage->GetEvent(Id('P', 1), claimed.event->id).value());
  }
}

}  // namespace
}  // namespace convoy::testing
