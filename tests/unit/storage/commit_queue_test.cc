#include "lib/storage/commit_queue.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"
#include "tests/unit/storage/recording_storage.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using testing::Id;
using testing::MakeEvent;

TEST_CASE("commit_queue: callers that come during a commit share the next one") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  storage.Hold();
  std::atomic<int> failures_count = 0;
  std::thread leader([&] { failures_count += !queue.Commit(BatchOf("a")).status.ok(); });
  storage.AwaitEntry();
  std::atomic<int> done_count = 0;
  for (int i = 0; i < 10; ++i) {
    queue.CommitAsync(BatchOf("b"), [&](const CommitResult& result) {
      failures_count += !result.status.ok();
      ++done_count;
    });
  }
  CHECK_FALSE(queue.Drain());  // there is a leader
  storage.Release();
  leader.join();
  while (done_count < 10) queue.Drain();
  CHECK(failures_count == 0);
  CHECK(storage.sizes == std::vector<size_t>{1, 10});
}

TEST_CASE("commit_queue: groups are written while another one is synced, and share the next sync") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  std::thread servers[] = {std::thread([&] { queue.Serve(); }),
                           std::thread([&] { queue.Serve(); })};
  storage.HoldSync();
  std::atomic<size_t> done_count = 0, failures_count = 0;
  const auto add = [&](size_t number) {
    queue.CommitAsync(BatchOf("x"), [&, number](const CommitResult& result) {
      // A sync that began after its write.
      failures_count += !result.status.ok() || storage.durable_count() <= number;
      ++done_count;
    });
  };
  add(0);
  storage.AwaitSyncs(1);
  for (size_t number = 1; number < 4; ++number) {
    add(number);
    storage.AwaitWrites(number + 1);
  }
  CHECK(done_count == 0);
  storage.ReleaseSync();
  while (done_count < 4) std::this_thread::yield();
  queue.StopServing();
  for (std::thread& server : servers) server.join();
  CHECK(failures_count == 0);
  CHECK(storage.sizes == std::vector<size_t>{1, 1, 1, 1});
  CHECK(storage.syncs_entered_count <= 3);  // the last group may just have missed the second
}

TEST_CASE("commit_queue: while a group is synced, the next one grows to the size of the last") {
  testing::SimClock clock;
  RecordingStorage storage;
  CommitQueue queue(&storage, {.clock = &clock});
  std::thread servers[] = {std::thread([&] { queue.Serve(); }),
                           std::thread([&] { queue.Serve(); })};
  std::atomic<size_t> done_count = 0;
  const auto add = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      queue.CommitAsync(BatchOf("x"), [&](const CommitResult&) { ++done_count; });
    }
  };
  const auto await = [&](size_t count) {
    while (done_count < count) std::this_thread::yield();
  };
  storage.Hold();
  add(1);
  storage.AwaitEntry();
  add(16);  // one group, from which the queue learns
  storage.HoldSync();
  storage.Release();
  storage.AwaitSyncs(1);
  storage.AwaitWrites(2);
  storage.ReleaseSync();
  await(17);
  const int syncs_count = storage.syncs_entered_count;
  const size_t groups_count = storage.sizes.size();

  storage.HoldSync();
  add(1);  // the clock stands still, so that there is no time to wait for others
  storage.AwaitSyncs(syncs_count + 1);
  for (int i = 0; i < 10; ++i) add(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(storage.written_count() == groups_count + 1);  // ten wait for more
  add(6);
  storage.AwaitWrites(groups_count + 2);
  storage.ReleaseSync();
  await(17 + 17);
  // The missing ones are not waited for beyond the sync.
  storage.HoldSync();
  const int later_syncs_count = storage.syncs_entered();
  add(2);
  storage.AwaitSyncs(later_syncs_count + 1);
  add(1);
  storage.ReleaseSync();
  await(17 + 17 + 3);
  queue.StopServing();
  for (std::thread& server : servers) server.join();
}

// A round of `count` callers: written in `write`, synced in `sync`, beside `waiting` others.
void PlayRound(Gathering& gathering, absl::Time now, size_t count, absl::Duration write,
               absl::Duration sync, size_t waiting) {
  gathering.OnWriteBegin(now);
  gathering.OnWriteEnd(now + write, count);
  gathering.OnSyncBegin(now, count);
  gathering.OnSyncEnd(now + sync, waiting);
}

TEST_CASE("gathering: where a sync takes long, all callers share one") {
  constexpr absl::Duration kSync = absl::Milliseconds(4);
  Gathering gathering;
  const absl::Time now = testing::SimEpoch();
  CHECK(gathering.is_complete(0));
  CHECK(gathering.TimeLeft(now) <= absl::ZeroDuration());
  PlayRound(gathering, now, 40, absl::Microseconds(400), kSync, 24);
  CHECK_FALSE(gathering.is_complete(55));
  CHECK(gathering.is_complete(56));
  gathering.OnSyncBegin(now, 40);
  CHECK_FALSE(gathering.is_complete(24));  // they go with those that are being synced
}

TEST_CASE("gathering: where a sync is as quick as writing, there are two groups") {
  constexpr absl::Duration kSync = absl::Microseconds(300);
  Gathering gathering;
  const absl::Time now = testing::SimEpoch();
  PlayRound(gathering, now, 40, absl::Microseconds(400), kSync, 24);
  CHECK_FALSE(gathering.is_complete(27));
  CHECK(gathering.is_complete(28));  // a half, but for an eighth
  gathering.OnSyncBegin(now, 40);
  CHECK_FALSE(gathering.is_complete(20));
  CHECK(gathering.is_complete(21));  // of the 24 that are not being synced
  PlayRound(gathering, now, 1, absl::Microseconds(10), kSync, 0);
  CHECK(gathering.is_complete(1));
}

TEST_CASE("gathering: a group is waited for as long as a share of the last sync") {
  Gathering gathering;
  const absl::Time now = testing::SimEpoch();
  const absl::Time end = now + absl::Milliseconds(4);
  PlayRound(gathering, now, 64, absl::Milliseconds(1), end - now, 0);
  CHECK(gathering.TimeLeft(end) == absl::Milliseconds(1));
  CHECK(gathering.TimeLeft(end + absl::Milliseconds(1)) == absl::ZeroDuration());
  // The clock is set back.
  CHECK(gathering.TimeLeft(end - absl::Hours(2)) == absl::Milliseconds(1));
  PlayRound(gathering, now, 1, absl::Milliseconds(1), absl::Seconds(3), 0);
  CHECK(gathering.TimeLeft(now + absl::Seconds(3)) == absl::Milliseconds(2));
  PlayRound(gathering, now, 1, absl::Milliseconds(1), -absl::Hours(2), 0);
  CHECK(gathering.TimeLeft(now - absl::Hours(2)) == absl::ZeroDuration());
}

TEST_CASE("commit_queue: callers that block write and sync for each other") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  storage.HoldSync();
  std::atomic<int> done_count = 0;
  std::vector<std::thread> callers;
  const auto call = [&] { done_count += queue.Commit(BatchOf("x")).status.ok(); };
  callers.emplace_back(call);
  storage.AwaitSyncs(1);
  callers.emplace_back(call);  // the first one syncs; this one writes
  storage.AwaitWrites(2);
  CHECK(done_count == 0);
  storage.ReleaseSync();
  for (std::thread& caller : callers) caller.join();
  CHECK(done_count == 2);
  CHECK(storage.syncs_entered_count == 2);
}

TEST_CASE("commit_queue: writing waits while too many groups are not durable") {
  RecordingStorage storage;
  CommitQueue queue(&storage, {.batches_max = 1, .groups_max = 2});
  for (int i = 0; i < 5; ++i) queue.CommitAsync(BatchOf("x"), [](const CommitResult&) {});
  CHECK(queue.Drain());
  CHECK(storage.sizes.size() == 5);
  CHECK(storage.syncs_entered_count == 3);  // after two, after four, at the end
}

TEST_CASE("commit_queue: while intake is limited, deliveries come in as outcomes do") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  int done_count = 0, other_count = 0;
  for (int i = 0; i < 100; ++i) {
    WriteBatch batch = BatchOf("x");
    batch.submissions[0].deliveries.resize(2);
    queue.CommitAsync(std::move(batch), [&](const CommitResult&) { ++done_count; });
  }
  queue.LimitIntake(true);
  queue.Drain();
  CHECK(done_count == 8);  // a few pass in any case
  CHECK_FALSE(queue.Drain());
  queue.CommitOutcomes(std::make_shared<WriteBatch>(OutcomesOf(20)), [](const CommitResult&) {});
  queue.Drain();
  CHECK(done_count == 18);
  queue.LimitIntake(true);
  queue.Drain();
  CHECK(done_count == 26);
  // Outcomes that bring as many deliveries, which tell of them, make no room.
  WriteBatch told = OutcomesOf(20);
  told.submissions = BatchOf("x").submissions;
  told.submissions[0].deliveries.resize(20);
  queue.CommitOutcomes(std::make_shared<WriteBatch>(std::move(told)), [](const CommitResult&) {});
  queue.Drain();
  CHECK(done_count == 26);
  queue.LimitIntake(false);
  queue.Drain();
  CHECK(done_count == 100);

  queue.LimitIntake(true);
  for (int i = 0; i < 50; ++i) {
    queue.CommitAsync(BatchOf("x"), [&](const CommitResult&) { ++other_count; });
  }
  queue.Drain();
  CHECK(other_count == 50);  // what brings no delivery is not limited
}

TEST_CASE("commit_queue: a sync that fails fails all that waited for it") {
  RecordingStorage storage;
  storage.sync_status = absl::DataLossError("disk");
  CommitQueue queue(&storage);
  CHECK(absl::IsDataLoss(queue.Commit(BatchOf("x")).status));
  CHECK(queue.counters().commits == 0);
  CHECK(queue.counters().failures == 1);
  CHECK(queue.counters().is_failing);
}

TEST_CASE("commit_queue: a group is bounded by count and by bytes") {
  RecordingStorage storage;
  CommitQueue queue(&storage, {.batches_max = 3, .bytes_max = 10});
  const auto add = [&](std::string body) {
    queue.CommitAsync(BatchOf(std::move(body)), [](auto) {});
  };
  for (int i = 0; i < 4; ++i) add("x");
  add("123456");
  add("123456");
  add(std::string(100, 'x'));
  CHECK(queue.Drain());
  CHECK_FALSE(queue.Drain());
  // Three by count; one and the first that fits; the next alone; a large one goes alone, too.
  CHECK(storage.sizes == std::vector<size_t>{3, 2, 1, 1});
}

TEST_CASE("commit_queue: what is held weighs as much as what is accepted") {
  RecordingStorage storage;
  CommitQueue queue(&storage, {.bytes_max = 10});
  for (int i = 0; i < 3; ++i) {
    WriteBatch batch;
    batch.holds.push_back({.input = {.body = "123456"}});
    queue.CommitAsync(std::move(batch), [](auto) {});
  }
  CHECK(queue.Drain());
  CHECK(storage.sizes == std::vector<size_t>{1, 1, 1});
}

TEST_CASE("commit_queue: a failure reaches everybody in the group") {
  RecordingStorage storage;
  storage.status = absl::DataLossError("disk");
  CommitQueue queue(&storage);
  int failures_count = 0;
  for (int i = 0; i < 3; ++i) {
    queue.CommitAsync(BatchOf("x"), [&](const CommitResult& result) {
      failures_count += absl::IsDataLoss(result.status);
    });
  }
  queue.Drain();
  CHECK(failures_count == 3);
  CHECK(absl::IsDataLoss(queue.Commit(BatchOf("x")).status));
}

TEST_CASE("commit_queue: what became of commits and submissions is counted") {
  // Says of each batch what its bodies say.
  class Storage final : public testing::NullStorage {
   public:
    absl::Status Write(std::span<WriteBatch* const> batches,
                       std::span<CommitResult> results) override {
      for (size_t i = 0; i < batches.size(); ++i) {
        for (const Submission& submission : batches[i]->submissions) {
          const std::string& body = submission.event.body;
          if (body == "aborted") results[i].status = absl::AbortedError("moved");
          results[i].submissions.push_back(body == "duplicate"     ? SubmissionOutcome::kDuplicate
                                           : body == "redelivered" ? SubmissionOutcome::kRedelivered
                                                                   : SubmissionOutcome::kAccepted);
        }
      }
      return status;
    }
    absl::Status status;
  };
  Storage storage;
  CommitQueue queue(&storage);
  const auto add = [&](std::string body) {
    queue.CommitAsync(BatchOf(std::move(body)), [](auto) {});
  };
  for (const char* body :
       {"a", "b", "c", "duplicate", "duplicate", "redelivered", "aborted", "aborted"}) {
    add(body);
  }
  queue.Drain();  // all in one
  CommitCounters counters = queue.counters();
  CHECK(counters.commits == 1);
  CHECK(counters.failures == 0);
  CHECK_FALSE(counters.is_failing);
  CHECK(counters.accepted == 3);
  CHECK(counters.duplicates == 2);
  CHECK(counters.redelivered == 1);

  storage.status = absl::UnavailableError("busy");
  queue.Commit(BatchOf("a"));
  queue.Commit(BatchOf("a"));
  counters = queue.counters();
  CHECK(counters.failures == 2);
  CHECK(counters.is_failing);
  CHECK(counters.accepted == 3);
  storage.status = absl::OkStatus();
  queue.Commit(BatchOf("a"));
  counters = queue.counters();
  CHECK(counters.commits == 2);
  CHECK(counters.failures == 2);
  CHECK_FALSE(counters.is_failing);
  CHECK(counters.accepted == 4);
}

TEST_CASE("commit_queue: a full queue refuses") {
  RecordingStorage storage;
  CommitQueue queue(&storage, {.queued_max = 2});
  absl::Status status;
  queue.CommitAsync(BatchOf("x"), [](auto) {});
  queue.CommitAsync(BatchOf("x"), [](auto) {});
  queue.CommitAsync(BatchOf("x"), [&](const CommitResult& result) { status = result.status; });
  CHECK(absl::IsResourceExhausted(status));
  CHECK(absl::IsResourceExhausted(queue.Commit(BatchOf("x")).status));
  queue.Drain();
  CHECK(queue.Commit(BatchOf("x")).status.ok());
}

TEST_CASE("commit_queue: asynchronous work wakes the driver once for each idle queue") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  int wakes_count = 0;
  queue.set_wake([&] { ++wakes_count; });
  queue.CommitAsync(BatchOf("x"), [](auto) {});
  queue.CommitAsync(BatchOf("x"), [](auto) {});
  CHECK(wakes_count == 1);
  queue.Drain();
  queue.CommitAsync(BatchOf("x"), [](auto) {});
  CHECK(wakes_count == 2);
  queue.Drain();
}

TEST_CASE("commit_queue: a completion may queue more") {
  RecordingStorage storage;
  CommitQueue queue(&storage);
  int done_count = 0;
  queue.CommitAsync(BatchOf("x"), [&](const CommitResult&) {
    ++done_count;
    queue.CommitAsync(BatchOf("y"), [&](const CommitResult&) { ++done_count; });
  });
  queue.Drain();
  CHECK(done_count == 2);
}

TEST_CASE("commit_queue: many threads, blocking and not, each get their own result") {
  auto storage = NewMemoryStorage();
  CommitQueue queue(storage.get(), {.batches_max = 8});
  std::atomic<int> accepted_count = 0, duplicate_count = 0, async_count = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        WriteBatch batch;
        Event event = MakeEvent("p", t * 1000 + i);
        batch.submissions.push_back(
            {.event = event, .dedupe = DedupeKey{.scope = "p", .key = std::to_string(i)}});
        const auto count = [&](const CommitResult& result) {
          const bool is_new = result.submissions.at(0) == SubmissionOutcome::kAccepted;
          ++(is_new ? accepted_count : duplicate_count);
        };
        if (t % 2 == 0) {
          count(queue.Commit(std::move(batch)));
        } else {
          ++async_count;
          queue.CommitAsync(std::move(batch), [&, count](const CommitResult& result) {
            count(result);
            --async_count;
          });
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (async_count > 0) queue.Drain();
  CHECK(accepted_count == 200);
  CHECK(duplicate_count == 1400);
}

}  // namespace
}  // namespace convoy::storage
