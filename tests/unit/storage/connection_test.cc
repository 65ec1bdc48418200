// Waiting for a lock that another connection holds.
#include "lib/storage/sqlite/connection.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::unique_ptr<Connection> OpenConnection(const std::string& path) {
  auto connection = Connection::Open({.path = path});
  REQUIRE(connection.ok());
  REQUIRE((*connection)->QueryText("PRAGMA journal_mode = WAL").ok());
  return *std::move(connection);
}

TEST_CASE("connection: a lock is taken soon after it was let go") {
  TemporaryFile file;
  const auto holder = OpenConnection(file.path());
  const auto waiter = OpenConnection(file.path());
  // The best of several rounds, as the machine may be busy. SQLite's own handler looks 53 and 78 ms
  // after it began to wait, and so would be 20 ms late each time.
  auto late = Clock::duration::max();
  for (int round = 0; round < 10; ++round) {
    REQUIRE(holder->Execute("BEGIN IMMEDIATE").ok());
    Clock::time_point released;
    absl::Status let_go;
    std::thread thread([&] {
      std::this_thread::sleep_for(milliseconds(58));
      released = Clock::now();
      let_go = holder->Execute("COMMIT");
    });
    const absl::Status begun = waiter->Execute("BEGIN IMMEDIATE");
    const Clock::time_point taken = Clock::now();
    thread.join();
    REQUIRE(let_go.ok());
    REQUIRE(begun.ok());
    REQUIRE(waiter->Execute("COMMIT").ok());
    late = std::min(late, taken - released);
  }
  CHECK(late < milliseconds(10));
}

TEST_CASE("connection: without waiting a lock that is held is refused at once") {
  TemporaryFile file;
  const auto holder = OpenConnection(file.path());
  const auto other = OpenConnection(file.path());
  REQUIRE(holder->Execute("BEGIN IMMEDIATE").ok());
  other->WaitForLocks(false);
  const Clock::time_point before = Clock::now();
  CHECK_FALSE(other->Execute("BEGIN IMMEDIATE").ok());
  CHECK(Clock::now() - before < milliseconds(1000));
  REQUIRE(holder->Execute("COMMIT").ok());
  CHECK(other->Execute("BEGIN IMMEDIATE").ok());
}

}  // namespace
}  // namespace convoy::storage
