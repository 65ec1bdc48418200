// Groups that are written as foreseen before it is known what becomes of them.
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

const std::string kProject = Id('P', 1);

Submission Keyed(int number, const std::string& key) {
  const Event event = MakeEvent(kProject, number);
  return {.event = event,
          .deliveries = {MakeDelivery(event, Id('E', 1), number, event.created_at)},
          .dedupe = DedupeKey{.scope = kProject, .key = key, .expires_at = absl::InfiniteFuture()}};
}

CommitResult SubmitKeyed(Storage& storage, int number, const std::string& key) {
  return CommitOne(storage, {.submissions = {Keyed(number, key)}});
}

TEST_CASE("new_rows: one of a group that turns out a duplicate has no delivery, and no claim") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  ClaimRequest request{.now = SampleEpoch() + absl::Minutes(10)};
  request.items_max_of_endpoint[Id('E', 1)] = 9;
  REQUIRE(storage->ClaimDue(request).value().deliveries.size() == 1);
  REQUIRE(storage->ClaimDue(request).value().deliveries.empty());  // there is room

  const CommitResult duplicate = SubmitKeyed(*storage, 2, "a");
  REQUIRE(duplicate.submissions == std::vector{SubmissionOutcome::kDuplicate});
  CHECK(storage->GetEvent(kProject, EventId(2)).value().is_duplicate);
  CHECK_FALSE(storage->GetDelivery(kProject, Id('D', 2)).ok());
  CHECK(storage->ClaimDue(request).value().deliveries.empty());

  REQUIRE(SubmitKeyed(*storage, 3, "b").submissions == std::vector{SubmissionOutcome::kAccepted});
  const Claim claim = storage->ClaimDue(request).value();
  REQUIRE(claim.deliveries.size() == 1);
  CHECK(claim.deliveries[0].delivery.id == Id('D', 3));
}

TEST_CASE("new_rows: the room of one that turns out a duplicate is free again") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  ClaimRequest request{.now = SampleEpoch() + absl::Minutes(10)};
  request.items_max_of_endpoint[Id('E', 1)] = 1;
  REQUIRE(storage->ClaimDue(request).value().deliveries.size() == 1);
  REQUIRE(storage->ClaimDue(request).value().deliveries.empty());
  REQUIRE(SubmitKeyed(*storage, 2, "a").status.ok());
  REQUIRE(SubmitKeyed(*storage, 3, "b").status.ok());
  const DeliveryStatus status = storage->GetDelivery(kProject, Id('D', 3)).value().status;
  CHECK(status == DeliveryStatus::kProcessing);
}

TEST_CASE("new_rows: they are of the project that has the id now") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  const auto other = stores.OpenAgain().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  REQUIRE(SubmitKeyed(*storage, 2, "b").status.ok());  // the writer knows its number
  REQUIRE(RemoveNow(*other, "", {ConfigKind::kProject, kProject}).status.ok());
  REQUIRE(PutNow(*other, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*other, 3, "c").status.ok());  // it has another one

  REQUIRE(SubmitKeyed(*storage, 4, "d").status.ok());
  CHECK(other->GetEvent(kProject, EventId(4)).ok());
  CHECK(other->GetDelivery(kProject, Id('D', 4)).ok());
  CHECK_FALSE(other->GetEvent(kProject, EventId(1)).ok());
}

TEST_CASE("new_rows: the others of a group with a duplicate are stored once") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  REQUIRE(SubmitKeyed(*storage, 2, "b").status.ok());  // the writer knows all names
  const CommitResult result =
      CommitOne(*storage, {.submissions = {Keyed(3, "c"), Keyed(4, "a"), Keyed(5, "d")}});
  REQUIRE(result.status.ok());
  CHECK(result.submissions == std::vector{SubmissionOutcome::kAccepted,
                                          SubmissionOutcome::kDuplicate,
                                          SubmissionOutcome::kAccepted});
  CHECK(storage->ListEvents({.project_id = kProject}, {.items_max = 9}).value().items.size() == 5);
  CHECK(BacklogsOf(*storage)[kProject].first == 4);
}

TEST_CASE("new_rows: a duplicate behind many stretches of a transaction is one") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  REQUIRE(SubmitKeyed(*storage, 2, "b").status.ok());
  constexpr int kCount = 40;
  std::vector<WriteBatch> batches(kCount);
  std::vector<WriteBatch*> pointers;
  for (int i = 0; i < kCount; ++i) {
    // A repetition ends a stretch.
    const std::string key = i == kCount - 1 ? "a" : "c" + std::to_string(i);
    batches[i] = {.submissions = {Keyed(3 + i, key)},
                  .requeues = {{.project_id = kProject, .delivery_id = Id('D', 1)}}};
    pointers.push_back(&batches[i]);
  }
  std::vector<CommitResult> results(kCount);
  REQUIRE(storage->Commit(pointers, results).ok());
  for (int i = 0; i < kCount; ++i) {
    const bool is_last = i == kCount - 1;
    CHECK(results[i].submissions ==
          std::vector{is_last ? SubmissionOutcome::kDuplicate : SubmissionOutcome::kAccepted});
  }
  CHECK(BacklogsOf(*storage)[kProject].first == kCount + 1);
}

TEST_CASE("new_rows: of two in a group with one key the first is accepted") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  const CommitResult result = CommitOne(*storage, {.submissions = {Keyed(2, "b"), Keyed(3, "b")}});
  CHECK(result.submissions ==
        std::vector{SubmissionOutcome::kAccepted, SubmissionOutcome::kDuplicate});
  CHECK(BacklogsOf(*storage)[kProject].first == 2);
}

TEST_CASE("new_rows: deliveries that are added to events are stored with the rest of a group") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  REQUIRE(SubmitKeyed(*storage, 2, "b").status.ok());
  const Event event = MakeEvent(kProject, 1);
  const CommitResult result = CommitOne(
      *storage, {.submissions = {Keyed(3, "c")},
                 .extra_deliveries = {MakeDelivery(event, Id('E', 1), 9, event.created_at)}});
  REQUIRE(result.status.ok());
  CHECK(storage->GetDelivery(kProject, Id('D', 9)).value().event_id == event.id);
  CHECK(storage->GetDelivery(kProject, Id('D', 3)).ok());
}

TEST_CASE("new_rows: an outcome that has lost its lease changes nothing, and its group is stored") {
  PostgresStores stores;
  const auto storage = stores.OpenEmpty().value();
  REQUIRE(PutNow(*storage, "", {MakeProject(1)}).status.ok());
  REQUIRE(SubmitKeyed(*storage, 1, "a").status.ok());
  REQUIRE(SubmitKeyed(*storage, 2, "b").status.ok());
  const Claim claim =
      storage->ClaimDue({.now = SampleEpoch() + absl::Minutes(10), .items_per_endpoint_max = 9})
          .value();
  REQUIRE(claim.deliveries.size() == 2);
  WriteBatch batch{.submissions = {Keyed(3, "c")}};
  for (const ClaimedDelivery& claimed : claim.deliveries) {
    DeliveryUpdate update{.lease = claimed.lease, .delivery = claimed.delivery};
    update.delivery.status = DeliveryStatus::kSuccess;
    update.attempt = MakeAttempt(claimed.delivery, claimed.delivery.id == Id('D', 1) ? 1 : 2);
    if (claimed.delivery.id == Id('D', 2)) ++update.lease;
    batch.updates.push_back(std::move(update));
  }
  const bool is_first_mine = batch.updates[0].delivery.id == Id('D', 1);
  const CommitResult result = CommitOne(*storage, std::move(batch));
  REQUIRE(result.status.ok());
  CHECK(result.updates_applied == std::vector{is_first_mine, !is_first_mine});
  CHECK(result.submissions == std::vector{SubmissionOutcome::kAccepted});
  CHECK(storage->GetDelivery(kProject, Id('D', 1)).value().status == DeliveryStatus::kSuccess);
  CHECK(storage->GetDelivery(kProject, Id('D', 2)).value().status == DeliveryStatus::kProcessing);
  CHECK(storage->ListAttempts(kProject, Id('D', 2)).value().size() == 1);
  CHECK(BacklogsOf(*storage)[kProject].first == 2);
}

}  // namespace
}  // namespace convoy::testing
