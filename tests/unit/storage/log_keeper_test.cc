// Lengths of SQLite's log, with and without a thread that tends it.
#include "lib/storage/sqlite/log_keeper.h"

#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "lib/storage/log_upkeep.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

constexpr int kEventsOfMiB = 16;

class Log {
 public:
  Log() : storage_(OpenSqliteStorage(file_.path()).value()) {}

  LogUpkeep& upkeep() { return dynamic_cast<LogUpkeep&>(*storage_); }
  const std::string& path() const { return file_.path(); }
  uint64_t bytes() const { return std::filesystem::file_size(file_.path() + "-wal"); }

  void Grow(int mib) {
    for (int i = 0; i < mib * kEventsOfMiB; ++i) {
      Event event = MakeEvent(Id('P', 1), ++count_);
      event.body = std::string((1 << 20) / kEventsOfMiB, 'b');
      REQUIRE(Submit(*storage_, event, {}).status.ok());
    }
  }

 private:
  TemporaryFile file_;
  std::unique_ptr<Storage> storage_;
  int count_ = 0;
};

TEST_CASE("log_keeper: without a thread that tends the log, the writer keeps it short") {
  Log log;
  log.Grow(64);
  CHECK(log.bytes() < 20 << 20);
}

TEST_CASE("log_keeper: with one, the writer leaves a long log to it and then begins it anew") {
  Log log;
  CHECK_FALSE(log.upkeep().is_log_long());
  log.Grow(24);
  CHECK(log.upkeep().is_log_long());
  const uint64_t bytes = log.bytes();
  CHECK(bytes > 24 << 20);  // the writer has not copied it
  REQUIRE(log.upkeep().ShortenLog().ok());
  CHECK_FALSE(log.upkeep().is_log_long());
  log.Grow(8);
  CHECK(log.bytes() == bytes);  // written over from the beginning
  CHECK_FALSE(log.upkeep().is_log_long());
}

TEST_CASE("log_keeper: what the thread does not keep up with, the writer copies") {
  Log log;
  REQUIRE(log.upkeep().is_log_long() == false);
  log.Grow(160);
  CHECK(log.bytes() < 56 << 20);
}

TEST_CASE("log_keeper: while a reader pins the log, it is tried again once it has grown") {
  Log log;
  log.Grow(1);
  const auto reader = Connection::Open({.path = log.path()}).value();
  REQUIRE(reader->Execute("BEGIN").ok());
  REQUIRE(reader->QueryInt("SELECT count(*) FROM event").ok());
  CHECK_FALSE(log.upkeep().is_log_long());
  log.Grow(20);
  REQUIRE(log.upkeep().is_log_long());
  REQUIRE(log.upkeep().ShortenLog().ok());
  log.Grow(6);
  CHECK_FALSE(log.upkeep().is_log_long());
  log.Grow(12);
  CHECK(log.upkeep().is_log_long());
  REQUIRE(reader->Execute("COMMIT").ok());
  REQUIRE(log.upkeep().ShortenLog().ok());
  const uint64_t bytes = log.bytes();
  log.Grow(8);
  CHECK(log.bytes() <= bytes);
}

}  // namespace
}  // namespace convoy::storage
