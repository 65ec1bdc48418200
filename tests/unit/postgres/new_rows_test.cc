// New rows that are made before it is known what becomes of them.
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

const std::string kProject = Id('P', 1);

CommitResult SubmitKeyed(Storage& storage, int number, const std::string& key) {
  const Event event = MakeEvent(kProject, number);
  return Submit(storage, event, {MakeDelivery(event, Id('E', 1), number, event.created_at)},
                DedupeKey{.scope = kProject, .key = key, .expires_at = absl::InfiniteFuture()});
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

}  // namespace
}  // namespace convoy::testing
