// The store over an ordered table: it passes the suite of stores, does what the one in memory does
// also when it is opened anew in between, and keeps to the table's refusals.
#include "lib/storage/table/table_storage.h"

#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "convoy/testing/storage_conformance.h"
#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/storage/clock_step.h"
#include "lib/storage/forwarding_storage.h"
#include "lib/storage/table/row_text.h"
#include "tests/unit/storage/fake_table.h"
#include "tests/unit/storage/stores.h"
#include "tests/unit/storage/twins.h"

namespace convoy::testing {
namespace {

using storage::TableStorage;

std::unique_ptr<TableStorage> Open(const std::shared_ptr<FakeRows>& rows) {
  return TableStorage::Open(std::make_unique<FakeTable>(rows)).value();
}

class TableStores : public StorageFactory {
 public:
  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override {
    rows_ = std::make_shared<FakeRows>();
    return OpenAgain();
  }
  absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override {
    if (rows_->is_open) return absl::FailedPreconditionError("it is in use");
    return TableStorage::Open(std::make_unique<FakeTable>(rows_));
  }

 private:
  std::shared_ptr<FakeRows> rows_;
};

TEST_CASE("table_storage: it passes the suite of stores") {
  TableStores stores;
  const ConformanceReport report = CheckStorage(stores);
  for (const ConformanceFailure& failure : report.failures) {
    UNSCOPED_INFO(failure.requirement << "\n    " << failure.detail);
  }
  CHECK(report.failures.empty());
  CHECK(report.checked.size() == 79);
  CHECK(report.skipped.size() == 5);
}

// Where the other store gives its claims back, this one is closed and opened anew.
class Reopening : public storage::ForwardingStorage {
 public:
  Reopening() : ForwardingStorage(nullptr) { Reopen(); }

  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    latest_now_ = request.now;
    return ForwardingStorage::ClaimDue(request);
  }
  absl::Status ReleaseClaims() override {
    if (HasIdsOfTheFuture()) return ForwardingStorage::ReleaseClaims();
    Reopen();
    ++openings_count;
    // The instant of the latest claim is not kept; that the clock is set back later is to be
    // noticed.
    return store_
        ->ClaimDue({.now = latest_now_,
                    .items_max = 0,
                    .policy_of = [](auto, auto) { return std::nullopt; }})
        .status();
  }

  static inline int openings_count = 0;

 private:
  // A new opener takes them for a sign that the clock was set back.
  bool HasIdsOfTheFuture() const {
    const auto key = static_cast<uint64_t>(LeastKeyAt(latest_now_ + storage::kIdTolerance));
    const auto event = rows_->rows.lower_bound("E" + storage::BigEndian(key));
    return event != rows_->rows.end() && event->first.starts_with("E");
  }
  void Reopen() {
    store_.reset();
    store_ = Open(rows_);
    set_target(store_.get());
  }

  const std::shared_ptr<FakeRows> rows_ = std::make_shared<FakeRows>();
  std::unique_ptr<TableStorage> store_;
  absl::Time latest_now_ = absl::UnixEpoch();
};

TEST_CASE("table_storage: memory and a table answer alike, also when it is opened anew") {
  for (int seed = 1; seed <= 60; ++seed) {
    Twins twins(static_cast<uint64_t>(seed), std::make_unique<Reopening>());
    for (int step = 0; step < 250; ++step) {
      INFO("seed " << seed << ", step " << step);
      twins.Step();
    }
  }
  CHECK(Reopening::openings_count > 100);
}

WriteBatch SomeEvent(int number) {
  const Event event = MakeEvent(MakeProject(1).id, number);
  WriteBatch batch;
  batch.submissions.push_back(
      {.event = event,
       .deliveries = {MakeDelivery(event, Id('E', 1), number, SampleEpoch())},
       .dedupe = DedupeKey{.scope = event.project_id, .key = "key"}});
  return batch;
}

TEST_CASE("table_storage: what the table refuses is undone, and can be tried again") {
  const auto rows = std::make_shared<FakeRows>();
  const auto store = Open(rows);
  REQUIRE(PutNow(*store, "", {MakeProject(1)}).status.ok());
  const auto before = rows->rows;
  const absl::StatusCode code =
      GENERATE(absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted);
  rows->write_answer = absl::Status(code, "not now");
  WriteBatch batch = SomeEvent(1);
  batch.config.push_back({.scope = "", .expected_revision = 1, .puts = {MakeProject(2)}});
  WriteBatch* const pointer = &batch;
  CommitResult result;
  const absl::Status refused = store->Write({&pointer, 1}, {&result, 1});
  CHECK(refused.code() == code);
  CHECK(refused.message() == "storage fake: not now");
  CHECK(store->CheckWritable().code() == code);
  CHECK(store->CheckAlive().ok());
  CHECK(absl::IsNotFound(store->GetEvent(MakeProject(1).id, EventId(1)).status()));
  CHECK(store->ConfigRevision("").value() == 1);
  CHECK(absl::IsNotFound(LoadProject(*store, MakeProject(2).id).status()));
  CHECK(rows->rows == before);

  rows->write_answer = absl::OkStatus();
  REQUIRE(store->Commit({&pointer, 1}, {&result, 1}).ok());
  CHECK(result.status.ok());
  CHECK(result.submissions == std::vector{SubmissionOutcome::kAccepted});
  CHECK(store->GetEvent(MakeProject(1).id, EventId(1)).value().body ==
        MakeEvent(MakeProject(1).id, 1).body);
}

TEST_CASE("table_storage: a claim, a prune and a release that the table refuses change nothing") {
  const auto rows = std::make_shared<FakeRows>();
  const auto store = Open(rows);
  WriteBatch batch = SomeEvent(1);
  batch.submissions[0].deliveries[0].mode = DeliveryMode::kAtMostOnce;
  WriteBatch* const pointer = &batch;
  CommitResult result;
  REQUIRE(store->Commit({&pointer, 1}, {&result, 1}).ok());
  const ClaimRequest request{.now = SampleEpoch()};
  rows->write_answer = absl::UnavailableError("busy");
  CHECK(absl::IsUnavailable(store->ClaimDue(request).status()));
  rows->write_answer = absl::OkStatus();
  const Claim claim = store->ClaimDue(request).value();
  REQUIRE(claim.deliveries.size() == 1);
  CHECK(claim.needs_sync);  // it may be sent once
  rows->write_answer = absl::UnavailableError("busy");
  CHECK(absl::IsUnavailable(store->ReleaseClaims()));
  CHECK(store->GetDelivery(MakeProject(1).id, Id('D', 1)).value().status ==
        DeliveryStatus::kProcessing);
  rows->write_answer = absl::OkStatus();
  REQUIRE(store->ReleaseClaims().ok());
  const PruneRequest prune{.events_before = absl::InfiniteFuture()};
  rows->write_answer = absl::UnavailableError("busy");
  CHECK(absl::IsUnavailable(store->Prune(prune).status()));
  CHECK(store->GetEvent(MakeProject(1).id, EventId(1)).ok());
  rows->write_answer = absl::OkStatus();
  CHECK(store->Prune(prune).value().events_count == 1);
}

TEST_CASE("table_storage: after a failure in doubt nothing is written until it is opened anew") {
  const auto rows = std::make_shared<FakeRows>();
  auto store = Open(rows);
  const bool is_sync = GENERATE(false, true);
  (is_sync ? rows->sync_answer : rows->write_answer) = absl::InternalError("input/output error");
  WriteBatch batch = SomeEvent(1);
  WriteBatch* const pointer = &batch;
  CommitResult result;
  CHECK(absl::IsDataLoss(store->Commit({&pointer, 1}, {&result, 1})));
  rows->sync_answer = rows->write_answer = absl::OkStatus();
  batch = SomeEvent(2);
  const absl::Status later = store->Commit({&pointer, 1}, {&result, 1});
  CHECK(absl::IsDataLoss(later));
  CHECK(later.message().find("storage fake: input/output error") != std::string::npos);
  CHECK(absl::IsDataLoss(store->CheckAlive()));
  CHECK(absl::IsDataLoss(store->ClaimDue({.now = SampleEpoch()}).status()));
  store.reset();
  store = Open(rows);
  CHECK(store->CheckAlive().ok());
}

TEST_CASE("table_storage: a claim that need not be durable writes nothing") {
  const auto rows = std::make_shared<FakeRows>();
  const auto store = Open(rows);
  WriteBatch batch = SomeEvent(1);
  batch.submissions[0].deliveries.push_back(
      MakeDelivery(batch.submissions[0].event, Id('E', 1), 2, SampleEpoch()));
  WriteBatch* const pointer = &batch;
  CommitResult result;
  REQUIRE(store->Commit({&pointer, 1}, {&result, 1}).ok());
  REQUIRE(store->ClaimDue({.now = SampleEpoch(), .items_max = 1}).ok());  // it makes the lane
  const uint64_t batches_count = rows->batches_count;
  const Claim claim = store->ClaimDue({.now = SampleEpoch()}).value();
  CHECK(claim.deliveries.size() == 1);
  CHECK_FALSE(claim.needs_sync);
  CHECK(rows->batches_count == batches_count);
}

TEST_CASE("table_storage: a table of another's, or of a later version, is left alone") {
  const auto rows = std::make_shared<FakeRows>();
  rows->rows["apple"] = "tree";
  const auto foreign = TableStorage::Open(std::make_unique<FakeTable>(rows)).status();
  CHECK(absl::IsFailedPrecondition(foreign));
  CHECK(rows->rows.size() == 1);
  rows->rows = {{"convoy", std::string(7, '\0') + "\x02" + std::string(8, '\0')}};
  const auto later = TableStorage::Open(std::make_unique<FakeTable>(rows)).status();
  CHECK(absl::IsFailedPrecondition(later));
  CHECK(later.message().find("later version") != std::string::npos);
}

TEST_CASE("table_storage: a row that was cut is found when the table is opened") {
  const auto rows = std::make_shared<FakeRows>();
  {
    const auto store = Open(rows);
    WriteBatch batch = SomeEvent(1);
    WriteBatch* const pointer = &batch;
    CommitResult result;
    REQUIRE(store->Commit({&pointer, 1}, {&result, 1}).ok());
  }
  const auto whole = rows->rows;
  for (const auto& [key, value] : whole) {
    INFO(key.substr(0, 1));
    rows->rows = whole;
    rows->rows[key].pop_back();
    const absl::Status opened = TableStorage::Open(std::make_unique<FakeTable>(rows)).status();
    CHECK(absl::IsDataLoss(opened));
  }
}

}  // namespace
}  // namespace convoy::testing
