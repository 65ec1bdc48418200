// Durability of writes: what a loss of power takes and what it leaves, before and after a sync.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/storage/log_upkeep.h"
#include "lib/storage/sqlite/sqlite_storage.h"
#include "lib/testing/storage_samples.h"
#include "tests/faults/faulty_vfs.h"

namespace convoy::testing {
namespace {

class Machine {
 public:
  Machine()
      : folder_(std::filesystem::temp_directory_path() / absl::StrCat("convoy_sync_", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    FaultyVfs::Get().Arm({});
  }
  ~Machine() {
    FaultyVfs::Get().Arm({});
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Storage> Open() const {
    auto opened =
        storage::OpenSqlite({.path = folder_ / "sync.db", .vfs = FaultyVfs::Get().name()});
    REQUIRE(opened.ok());
    return *std::move(opened);
  }

  // All processes end and all writes that were not synced are lost; then the store is opened.
  template <typename... Stores>
  std::unique_ptr<Storage> LosePower(Stores&... stores) const {
    FaultyVfs::Get().Kill();
    (stores.reset(), ...);
    FaultyVfs::Get().Restart(/*has_lost_power=*/true);
    FaultyVfs::Get().Arm({});
    return Open();
  }

 private:
  const std::filesystem::path folder_;
};

WriteBatch BatchOf(int number, size_t size = 100) {
  WriteBatch batch;
  Event event = MakeEvent("p", number);
  event.body = std::string(size, 'b');
  batch.submissions.push_back({.event = std::move(event)});
  return batch;
}

CommitResult WriteOnly(Storage& storage, WriteBatch batch) {
  WriteBatch* const batches[] = {&batch};
  CommitResult result;
  const absl::Status status = storage.Write(batches, {&result, 1});
  if (!status.ok()) result.status = status;
  return result;
}

bool Has(Storage& storage, int number) {
  return storage.GetEvent("p", MakeEvent("p", number).id).ok();
}

TEST_CASE("sync: a write is lost with the power until a sync that follows it") {
  const Machine machine;
  auto storage = machine.Open();
  REQUIRE(storage->Sync().ok());
  REQUIRE(WriteOnly(*storage, BatchOf(1)).status.ok());
  REQUIRE(storage->Sync().ok());
  REQUIRE(WriteOnly(*storage, BatchOf(2)).status.ok());
  CHECK(Has(*storage, 2));
  storage = machine.LosePower(storage);
  CHECK(Has(*storage, 1));
  CHECK_FALSE(Has(*storage, 2));
}

TEST_CASE(
    "sync: one covers all writes before it, in the log and checkpointed, and costs one call") {
  const Machine machine;
  auto storage = machine.Open();
  for (int number = 1; number <= 8; ++number) {
    REQUIRE(WriteOnly(*storage, BatchOf(number, number == 5 ? 20 << 20 : 100)).status.ok());
  }
  FaultyVfs::Get().Arm({.fault = Fault::kSync, .at = 1'000'000});
  CHECK(storage->Sync().ok());
  CHECK(FaultyVfs::Get().calls_count() == 1);
  CHECK(storage->Sync().ok());  // there is nothing to make durable
  CHECK(FaultyVfs::Get().calls_count() == 1);
  storage = machine.LosePower(storage);
  for (int number = 1; number <= 8; ++number) CHECK(Has(*storage, number));
}

TEST_CASE("sync: an answer that another opener's write decided waits for that write") {
  const Machine machine;
  const DedupeKey key{.scope = "p", .key = "position"};
  auto first = machine.Open();
  auto second = machine.Open();
  REQUIRE(second->Sync().ok());
  WriteBatch batch = BatchOf(1);
  batch.submissions[0].redelivery = key;
  REQUIRE(WriteOnly(*first, std::move(batch)).status.ok());
  WriteBatch again = BatchOf(2);
  again.submissions[0].redelivery = key;
  const CommitResult result = CommitOne(*second, std::move(again));
  CHECK(result.submissions == std::vector{SubmissionOutcome::kRedelivered});
  const auto storage = machine.LosePower(first, second);
  CHECK(Has(*storage, 1));  // its sender was told that it is here
}

TEST_CASE("sync: what was copied out of the log is durable, and a failure to copy poisons") {
  const Machine machine;
  auto storage = machine.Open();
  auto& upkeep = dynamic_cast<storage::LogUpkeep&>(*storage);
  CHECK_FALSE(upkeep.is_log_long());
  REQUIRE(WriteOnly(*storage, BatchOf(1, 20 << 20)).status.ok());
  REQUIRE(upkeep.is_log_long());  // left to ShortenLog
  REQUIRE(upkeep.ShortenLog().ok());
  storage = machine.LosePower(storage);
  CHECK(Has(*storage, 1));

  auto& reopened = dynamic_cast<storage::LogUpkeep&>(*storage);
  CHECK_FALSE(reopened.is_log_long());
  REQUIRE(WriteOnly(*storage, BatchOf(2)).status.ok());
  FaultyVfs::Get().Arm({.fault = Fault::kWrite, .at = 1, .path_end = "sync.db"});
  CHECK(absl::IsUnavailable(reopened.ShortenLog()));
  FaultyVfs::Get().Arm({});
  CHECK(WriteOnly(*storage, BatchOf(3)).status.ok());  // nothing is lost: the log has it all
  FaultyVfs::Get().Arm({.fault = Fault::kSync, .at = 1});
  CHECK(absl::IsDataLoss(reopened.ShortenLog()));
  FaultyVfs::Get().Arm({});
  CHECK(absl::IsDataLoss(WriteOnly(*storage, BatchOf(4)).status));
  CHECK(absl::IsDataLoss(reopened.ShortenLog()));
}

TEST_CASE("sync: after one a claimed delivery is durable") {
  const Machine machine;
  auto storage = machine.Open();
  WriteBatch batch = BatchOf(1);
  const Event event = batch.submissions[0].event;
  batch.submissions[0].deliveries.push_back(MakeDelivery(event, Id('E', 1), 1, SampleEpoch()));
  REQUIRE(WriteOnly(*storage, std::move(batch)).status.ok());
  const auto claim = storage->ClaimDue({.now = SampleEpoch()});
  REQUIRE(claim.ok());
  REQUIRE(claim->deliveries.size() == 1);
  REQUIRE(storage->Sync().ok());
  storage = machine.LosePower(storage);
  CHECK(Has(*storage, 1));
}

}  // namespace
}  // namespace convoy::testing
