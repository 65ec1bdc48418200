// Order and syncs of claims in the commit queue.
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "lib/storage/commit_queue.h"
#include "tests/unit/storage/recording_storage.h"

namespace convoy::storage {
namespace {

TEST_CASE("commit_queue: outcomes and claims go ahead of what waits") {
  RecordingStorage storage;
  CommitQueue queue(&storage, {.batches_max = 1});
  std::vector<std::string> order;
  for (const char* name : {"first", "second"}) {
    queue.CommitAsync(BatchOf("x"), [&, name](const CommitResult&) { order.emplace_back(name); });
  }
  queue.ClaimAsync({.items_max = 7}, [&](const absl::StatusOr<Claim>& claim) {
    CHECK(claim.ok());
    order.emplace_back("claim");
  });
  queue.CommitOutcomes(std::make_shared<WriteBatch>(OutcomesOf(3)),
                       [&](const CommitResult&) { order.emplace_back("outcomes"); });
  CHECK(queue.Drain());
  CHECK(order == std::vector<std::string>{"claim", "outcomes", "first", "second"});
  CHECK(storage.sizes == std::vector<size_t>{1, 1, 1});
  CHECK(storage.claims == std::vector<size_t>{1});  // after the outcomes were written
}

// How many syncs had begun when a claim was answered that came with `batch`.
int SyncsBeforeClaim(RecordingStorage& storage, WriteBatch batch) {
  CommitQueue queue(&storage);
  int syncs_count = -1;
  queue.CommitOutcomes(std::make_shared<WriteBatch>(std::move(batch)), [](const CommitResult&) {});
  queue.ClaimAsync({}, [&](const absl::StatusOr<Claim>& claim) {
    CHECK(claim.ok());
    syncs_count = storage.syncs_entered();
  });
  queue.Drain();
  return syncs_count;
}

TEST_CASE("commit_queue: a claim waits for a sync only if it needs one") {
  RecordingStorage storage;
  SECTION("outcomes make no new work") { CHECK(SyncsBeforeClaim(storage, OutcomesOf(3)) == 0); }
  SECTION("the store says that it does") {
    storage.claim.needs_sync = true;
    CHECK(SyncsBeforeClaim(storage, OutcomesOf(3)) == 1);
  }
  SECTION("what is claimed may be as new as the group") {
    WriteBatch batch = OutcomesOf(3);
    SECTION("an event") { batch.submissions = BatchOf("x").submissions; }
    SECTION("a replay") { batch.extra_deliveries.resize(1); }
    SECTION("a delivery that is tried again by hand") { batch.requeues.resize(1); }
    SECTION("a change of configuration") { batch.config.resize(1); }
    CHECK(SyncsBeforeClaim(storage, std::move(batch)) == 1);
  }
}

TEST_CASE("commit_queue: a claim waits for the sync of events that were written before it") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  std::thread servers[] = {std::thread([&] { queue.Serve(); }),
                           std::thread([&] { queue.Serve(); })};
  storage.HoldSync();
  queue.CommitAsync(BatchOf("x"), [](const CommitResult&) {});
  storage.AwaitSyncs(1);
  std::atomic<size_t> durable_count = 0;
  std::atomic<bool> is_answered = false, is_next_answered = false;
  queue.ClaimAsync({}, [&](const absl::StatusOr<Claim>&) {
    durable_count = storage.durable_count();
    is_answered = true;
  });
  queue.CommitOutcomes(std::make_shared<WriteBatch>(OutcomesOf(1)), [](const CommitResult&) {});
  storage.AwaitWrites(2);  // it is claimed by then, or with it
  CHECK_FALSE(is_answered);
  storage.ReleaseSync();
  while (!is_answered) std::this_thread::yield();
  CHECK(durable_count >= 1);
  queue.ClaimAsync({}, [&](const absl::StatusOr<Claim>&) { is_next_answered = true; });
  while (!is_next_answered) std::this_thread::yield();
  queue.StopServing();
  for (std::thread& server : servers) server.join();
}

TEST_CASE(
    "commit_queue: outcomes that are refused are as they were, and a claim is refused with them") {
  RecordingStorage storage;
  storage.status = absl::UnavailableError("busy");
  CommitQueue queue(&storage);
  const auto outcomes = std::make_shared<WriteBatch>(OutcomesOf(3));
  absl::Status status, claim_status;
  queue.CommitOutcomes(outcomes, [&](const CommitResult& result) { status = result.status; });
  queue.ClaimAsync({}, [&](const absl::StatusOr<Claim>& claim) { claim_status = claim.status(); });
  queue.Drain();
  CHECK(absl::IsUnavailable(status));
  CHECK(absl::IsUnavailable(claim_status));
  CHECK(storage.claims.empty());
  CHECK(outcomes->updates.size() == 3);
}

}  // namespace
}  // namespace convoy::storage
