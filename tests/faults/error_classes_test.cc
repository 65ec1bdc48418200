// A sweep over the result codes of SQLite, each at every place where it can come up: the answer
// must agree with what is found afterwards, and a refusal must leave a store that works.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/storage/sqlite/failure.h"
#include "lib/storage/sqlite/sqlite_storage.h"
#include "lib/testing/storage_samples.h"
#include "tests/faults/faulty_vfs.h"

namespace convoy::testing {
namespace {

using storage::ClassOf;
using storage::FailureClass;
using storage::Place;

constexpr int kCodes[] = {SQLITE_ERROR,
                          SQLITE_PERM,
                          SQLITE_BUSY,
                          SQLITE_LOCKED,
                          SQLITE_NOMEM,
                          SQLITE_READONLY,
                          SQLITE_INTERRUPT,
                          SQLITE_IOERR,
                          SQLITE_CORRUPT,
                          SQLITE_FULL,
                          SQLITE_CANTOPEN,
                          SQLITE_PROTOCOL,
                          SQLITE_NOTADB,
                          SQLITE_IOERR_READ,
                          SQLITE_IOERR_WRITE,
                          SQLITE_IOERR_FSYNC,
                          SQLITE_IOERR_DIR_FSYNC,
                          SQLITE_IOERR_TRUNCATE,
                          SQLITE_IOERR_FSTAT,
                          SQLITE_IOERR_UNLOCK,
                          SQLITE_IOERR_RDLOCK,
                          SQLITE_IOERR_NOMEM,
                          SQLITE_IOERR_ACCESS,
                          SQLITE_IOERR_LOCK,
                          SQLITE_IOERR_SHMOPEN,
                          SQLITE_IOERR_SHMSIZE,
                          SQLITE_IOERR_SHMLOCK,
                          SQLITE_IOERR_SHMMAP,
                          SQLITE_IOERR_SEEK,
                          SQLITE_READONLY_DIRECTORY,
                          SQLITE_CANTOPEN_FULLPATH};

struct Spot {
  const char* name;
  Fault fault;
  const char* path_end;
  bool is_persistent;
};

constexpr Spot kSpots[] = {
    {"begin: the write lock", Fault::kLock, "", false},
    {"begin: the write lock, for good", Fault::kLock, "", true},
    {"statement: a page", Fault::kRead, ".db", false},
    {"statement: a frame of the log", Fault::kRead, "-wal", false},
    {"commit: a write to the log", Fault::kWrite, "-wal", false},
    {"commit: all writes to the log", Fault::kWrite, "-wal", true},
    {"commit: half a frame", Fault::kShortWrite, "-wal", false},
    {"commit: the index of the log", Fault::kSharedMemory, "", false},
    {"sync: the log", Fault::kSync, "-wal", false},
    {"checkpoint: a sync of the log", Fault::kSync, "-wal", false},
    {"checkpoint: a write", Fault::kWrite, ".db", true},
    {"checkpoint: a sync", Fault::kSync, ".db", false},
};

class Store {
 public:
  Store()
      : folder_(std::filesystem::temp_directory_path() / absl::StrCat("convoy_codes_", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    FaultyVfs::Get().Arm({});
    Open();
  }
  ~Store() {
    FaultyVfs::Get().Arm({});
    storage_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ / "codes.db"; }

  void Open() {
    storage_.reset();
    auto opened = storage::OpenSqlite({.path = path(), .vfs = FaultyVfs::Get().name()});
    REQUIRE(opened.ok());
    storage_ = *std::move(opened);
  }

  // The process dies, or the machine; then it is opened again.
  void Crash(bool has_lost_power) {
    FaultyVfs::Get().Kill();
    storage_.reset();
    FaultyVfs::Get().Restart(has_lost_power);
    FaultyVfs::Get().Arm({});
    Open();
  }

  // One event with a body of `size`.
  absl::Status Put(int number, size_t size) {
    WriteBatch batch;
    Event event = MakeEvent("p", number);
    event.body = std::string(size, 'b');
    batch.submissions.push_back({.event = std::move(event)});
    return CommitOne(*storage_, std::move(batch)).status;
  }

  bool Has(int number) const { return storage_->GetEvent("p", MakeEvent("p", number).id).ok(); }
  Storage& operator*() const { return *storage_; }

 private:
  const std::filesystem::path folder_;
  std::unique_ptr<Storage> storage_;
};

// A body that makes a checkpoint due.
constexpr size_t kLarge = 20 << 20;

TEST_CASE("error_classes: what is answered is what is found, for every code at every place") {
  int recovered_count = 0, poisoned_count = 0, unharmed_count = 0;
  for (const Spot& spot : kSpots) {
    const bool is_checkpoint = std::string_view(spot.name).starts_with("checkpoint");
    for (const int code : kCodes) {
      INFO(spot.name << ", code " << code);
      Store store;
      REQUIRE(store.Put(1, 100).ok());
      if (spot.fault == Fault::kRead) store.Open();  // no page is in memory
      FaultyVfs::Get().Arm({.fault = spot.fault,
                            .at = 1,
                            .is_persistent = spot.is_persistent,
                            .code = code,
                            .path_end = spot.path_end});
      const absl::Status answer = store.Put(2, is_checkpoint ? kLarge : 5000);
      const bool has_fired = FaultyVfs::Get().has_fired();
      FaultyVfs::Get().Arm({});

      const absl::Status next = store.Put(3, 100);
      const bool is_poisoned = absl::IsDataLoss(next);
      CHECK(absl::IsDataLoss((*store).CheckAlive()) == is_poisoned);
      CHECK((next.ok() || is_poisoned));
      if (!answer.ok() && !is_poisoned) CHECK_FALSE(store.Has(2));
      if (!answer.ok()) CHECK(answer.message().find(store.path()) != std::string::npos);
      store.Open();
      CHECK(store.Has(1));
      CHECK(store.Has(3) == next.ok());
      if (answer.ok()) CHECK(store.Has(2));
      if (!answer.ok() && !is_poisoned) CHECK_FALSE(store.Has(2));
      CHECK(store.Put(4, 100).ok());
      if (has_fired)
        ++(answer.ok() ? unharmed_count : is_poisoned ? poisoned_count : recovered_count);
    }
  }
  std::printf("refused and recovered: %d, poisoned: %d, answered all the same: %d\n",
              recovered_count, poisoned_count, unharmed_count);
  CHECK(recovered_count > 0);
  CHECK(poisoned_count > 0);
}

TEST_CASE("error_classes: a full disk is left by itself") {
  Store store;
  REQUIRE(store.Put(1, 100).ok());
  FaultyVfs::Get().Arm({.fault = Fault::kDiskFull, .at = 1, .is_persistent = true});
  for (int number = 2; number < 6; ++number) {
    CHECK(absl::IsResourceExhausted(store.Put(number, 5000)));
    CHECK_FALSE((*store).CheckWritable().ok());
    CHECK((*store).CheckAlive().ok());
  }
  FaultyVfs::Get().Arm({});
  CHECK((*store).CheckWritable().ok());
  CHECK(store.Put(7, 5000).ok());
  store.Open();
  CHECK(store.Has(1));
  CHECK_FALSE(store.Has(2));
  CHECK(store.Has(7));
}

// A commit whose last frame is in the log and that was answered with an error must not come back.
TEST_CASE("error_classes: a commit that was refused does not come back with a crash") {
  for (const int code : {SQLITE_IOERR_SHMMAP, SQLITE_NOMEM, SQLITE_IOERR_NOMEM}) {
    for (const bool has_lost_power : {false, true}) {
      Store store;
      REQUIRE(store.Put(1, 100).ok());
      // So large that the index of the log has to be extended for it.
      FaultyVfs::Get().Arm({.fault = Fault::kSharedMemory, .at = 1, .code = code});
      const absl::Status answer = store.Put(2, kLarge);
      CHECK(FaultyVfs::Get().has_fired());
      CHECK_FALSE(answer.ok());
      store.Crash(has_lost_power);
      CHECK(store.Has(1));
      if (!absl::IsDataLoss(answer)) CHECK_FALSE(store.Has(2));
    }
  }
}

TEST_CASE("error_classes: the table") {
  CHECK(ClassOf(Place::kCommit, SQLITE_FULL) == FailureClass::kRefused);
  CHECK(ClassOf(Place::kCommit, SQLITE_BUSY) == FailureClass::kRefused);
  CHECK(ClassOf(Place::kBegin, SQLITE_BUSY) == FailureClass::kRefused);
  CHECK(ClassOf(Place::kStatement, SQLITE_NOMEM) == FailureClass::kRefused);
  CHECK(ClassOf(Place::kCommit, SQLITE_NOMEM) == FailureClass::kUnsettled);
  CHECK(ClassOf(Place::kCommit, SQLITE_IOERR_SHMMAP) == FailureClass::kUnsettled);
  CHECK(ClassOf(Place::kCommit, SQLITE_IOERR_WRITE) == FailureClass::kRefused);
  CHECK(ClassOf(Place::kCommit, SQLITE_IOERR_FSYNC) == FailureClass::kUnknown);
  CHECK(ClassOf(Place::kCheckpoint, SQLITE_IOERR_FSYNC) == FailureClass::kUnknown);
  CHECK(ClassOf(Place::kCheckpoint, SQLITE_FULL) == FailureClass::kRefused);
  CHECK(ClassOf(Place::kSync, SQLITE_FULL) == FailureClass::kUnknown);
  for (const Place place : {Place::kOpen, Place::kBegin, Place::kStatement, Place::kCommit,
                            Place::kCheckpoint, Place::kSync}) {
    CHECK(ClassOf(place, SQLITE_CORRUPT_INDEX) == FailureClass::kDamaged);
    CHECK(ClassOf(place, SQLITE_NOTADB) == FailureClass::kDamaged);
  }
}

}  // namespace
}  // namespace convoy::testing
