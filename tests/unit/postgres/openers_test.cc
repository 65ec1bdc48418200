// Several openers of one database at the same time.
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/postgres/server.h"
#include "tests/unit/storage/stores.h"

namespace convoy::testing {
namespace {

TEST_CASE("openers: changes of another opener are noticed within a second") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  const uint64_t before = second->ConfigGeneration().value();
  CHECK(second->ConfigGeneration().value() == before);
  REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
  CHECK(first->ConfigGeneration().value() != before);
  const absl::Time began_at = absl::Now();
  while (second->ConfigGeneration().value() == before) {
    REQUIRE(absl::Now() < began_at + absl::Seconds(1));
    absl::SleepFor(absl::Milliseconds(1));
  }
  WARN("noticed after " << absl::FormatDuration(absl::Now() - began_at));
}

TEST_CASE("openers: two openers that write and claim at once share the work") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
  constexpr int kEvents = 400;
  std::atomic<int> failures_count = 0;
  std::mutex mutex;
  std::multiset<std::string> claimed_ids;
  const auto work = [&](Storage& storage, int offset) {
    for (int i = 0; i < kEvents; ++i) {
      const Event event = MakeEvent(project, 1 + offset + i);
      const Delivery delivery = MakeDelivery(event, Id('E', i % 3), 1 + offset + i, SampleEpoch());
      failures_count += !Submit(storage, event, {delivery}).status.ok();
      const auto claim = storage.ClaimDue({.now = SampleEpoch() + absl::Hours(1)});
      failures_count += !claim.ok();
      if (!claim.ok()) continue;
      std::lock_guard lock(mutex);
      for (const ClaimedDelivery& claimed : claim->deliveries) {
        claimed_ids.insert(claimed.delivery.id);
      }
    }
  };
  std::thread other([&] { work(*second, 10'000); });
  work(*first, 0);
  other.join();
  for (int i = 0; i < 100; ++i) {
    const Claim claim = first->ClaimDue({.now = SampleEpoch() + absl::Hours(1)}).value();
    for (const ClaimedDelivery& claimed : claim.deliveries) {
      claimed_ids.insert(claimed.delivery.id);
    }
  }
  CHECK(failures_count == 0);
  CHECK(claimed_ids.size() == 2 * kEvents);
  CHECK(std::set<std::string>(claimed_ids.begin(), claimed_ids.end()).size() == 2 * kEvents);
}

TEST_CASE("openers: of equal keys that several submit at once one is accepted") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
  constexpr int kGroups = 60;
  constexpr int kGroupSize = 16;
  std::atomic<int> accepted_count = 0, duplicates_count = 0, failures_count = 0;
  // The same keys in another order, so that the two meet in each group.
  const auto work = [&](Storage& storage, bool is_reversed, int first_number) {
    for (int group = 0; group < kGroups; ++group) {
      std::vector<WriteBatch> batches(kGroupSize);
      std::vector<WriteBatch*> pointers;
      for (int i = 0; i < kGroupSize; ++i) {
        const int key = group * kGroupSize + (is_reversed ? kGroupSize - 1 - i : i);
        batches[i].submissions.push_back(
            {.event = MakeEvent(project, first_number + key),
             .dedupe = DedupeKey{.scope = project, .key = absl::StrCat(key)}});
        pointers.push_back(&batches[i]);
      }
      std::vector<CommitResult> results(kGroupSize);
      failures_count += !storage.Commit(pointers, results).ok();
      for (const CommitResult& result : results) {
        const bool is_new = result.submissions == std::vector{SubmissionOutcome::kAccepted};
        ++(is_new ? accepted_count : duplicates_count);
      }
    }
  };
  std::thread other([&] { work(*second, true, 100'000); });
  work(*first, false, 1);
  other.join();
  CHECK(failures_count == 0);
  CHECK(accepted_count == kGroups * kGroupSize);
  CHECK(duplicates_count == kGroups * kGroupSize);
}

TEST_CASE("openers: what two write at once is summed up exactly") {
  PostgresStores stores;
  const auto first = stores.OpenEmpty().value();
  const auto second = stores.OpenAgain().value();
  const std::string project = Id('P', 1);
  REQUIRE(PutNow(*first, "", {MakeProject(1)}).status.ok());
  REQUIRE(PutNow(*first, project, {MakeSource(project, 1), MakeSource(project, 2)}).status.ok());
  constexpr int kRounds = 150;
  constexpr uint64_t kHeldMax = 10;
  std::atomic<int> failures_count = 0, dropped_count = 0;
  // Each begins with the source that the other ends with. Every third delivery is sent.
  const auto work = [&](Storage& storage, int offset) {
    for (int i = 0; i < kRounds; ++i) {
      const int number = 1 + offset + i;
      const Event event = MakeEvent(project, number);
      WriteBatch batch{.submissions = {{.event = event}}};
      Delivery delivery = MakeDelivery(event, Id('E', number), number, SampleEpoch());
      if (i % 3 == 0) delivery.status = DeliveryStatus::kSuccess;
      batch.submissions[0].deliveries.push_back(std::move(delivery));
      for (int k = 0; k < 2; ++k) {
        const int source = offset == 0 ? 1 + k : 2 - k;
        batch.holds.push_back(
            {.input = MakeHeld(project, 2 * number + k, source), .use_max = {.inputs = kHeldMax}});
      }
      const CommitResult result = CommitOne(storage, std::move(batch));
      failures_count += !result.status.ok();
      dropped_count += static_cast<int>(result.held_dropped_count);
      failures_count += storage.ReadHeldUse().value().inputs > kHeldMax;
    }
  };
  std::thread other([&] { work(*second, 10'000); });
  work(*first, 0);
  other.join();
  CHECK(failures_count == 0);
  CHECK(first->ReadHeldUse().value().inputs == kHeldMax);
  CHECK(dropped_count == 4 * kRounds - static_cast<int>(kHeldMax));
  CHECK(BacklogsOf(*second).at(project).first == 2 * kRounds * 2 / 3);
  // One ends all that both have begun.
  int ended_count = 0;
  for (int i = 0; i < 100; ++i) {
    WriteBatch batch;
    Claim claim = first->ClaimDue({.now = SampleEpoch() + absl::Hours(1)}).value();
    for (ClaimedDelivery& claimed : claim.deliveries) {
      claimed.delivery.status = DeliveryStatus::kSuccess;
      batch.updates.push_back({.lease = claimed.lease, .delivery = std::move(claimed.delivery)});
      ++ended_count;
    }
    REQUIRE(CommitOne(*first, std::move(batch)).status.ok());
  }
  CHECK(ended_count == 2 * kRounds * 2 / 3);
  CHECK(BacklogsOf(*second).empty());
}

TEST_CASE("openers: a namespace that many create at once is created once") {
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  const std::string schema = stores.options().connection.schema;
  PostgresServer::Get().Execute(absl::StrCat("DROP SCHEMA ", schema, " CASCADE"));
  std::atomic<int> opened_count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] { opened_count += stores.OpenAgain().ok(); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(opened_count == 6);
}

TEST_CASE("openers: a role that owns nothing but its namespace is enough") {
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  const std::string schema = stores.options().connection.schema;
  PostgresServer::Get().Execute(absl::StrCat(
      "DROP SCHEMA ", schema, " CASCADE; CREATE ROLE modest LOGIN; CREATE SCHEMA ", schema,
      " AUTHORIZATION modest; REVOKE ALL ON DATABASE postgres FROM PUBLIC; "
      "GRANT CONNECT ON DATABASE postgres TO modest"));
  storage::postgres::PostgresOptions options = stores.options();
  options.connection.dsn += " user=modest";
  {
    const auto storage = storage::postgres::OpenPostgres(options);
    INFO(storage.status());
    REQUIRE(storage.ok());
    CHECK(PutNow(**storage, "", {MakeProject(1)}).status.ok());
  }
  options.connection.schema = "elsewhere";
  CHECK(absl::IsPermissionDenied(storage::postgres::OpenPostgres(options).status()));
  options.connection.schema = "Bad-Name";
  CHECK(absl::IsInvalidArgument(storage::postgres::OpenPostgres(options).status()));
}

TEST_CASE("openers: tables of a newer library are left alone") {
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  PostgresServer::Get().Execute(absl::StrCat("UPDATE ", stores.options().connection.schema,
                                             ".schema_version SET version = 99"));
  CHECK(absl::IsFailedPrecondition(stores.OpenAgain().status()));
}

}  // namespace
}  // namespace convoy::testing
