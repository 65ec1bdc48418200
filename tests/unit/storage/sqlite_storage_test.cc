// Particulars of the SQLite store: its file.
#include "lib/storage/sqlite/sqlite_storage.h"

#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "convoy/config_read.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/schema.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void RunSql(const std::string& path, const char* sql) {
  auto connection = Connection::Open({.path = path});
  REQUIRE(connection.ok());
  REQUIRE((*connection)->Execute(sql).ok());
}

TEST_CASE("sqlite_storage: what was committed is there after reopening") {
  TemporaryFile file;
  {
    auto storage = OpenSqliteStorage(file.path()).value();
    REQUIRE(Put(*storage, "", 0, {MakeProject(1)}).status.ok());
    const Event event = MakeEvent(Id('P', 1), 1);
    REQUIRE(Submit(*storage, event, {MakeDelivery(event, Id('E', 1), 1, SimEpoch())}).status.ok());
    REQUIRE(storage->ClaimDue({.now = SimEpoch()}).value().deliveries.size() == 1);
  }
  auto storage = OpenSqliteStorage(file.path()).value();
  CHECK(storage->GetEvent(Id('P', 1), EventId(1)).value() == MakeEvent(Id('P', 1), 1));
  CHECK(storage->ClaimDue({.now = SimEpoch()}).value().deliveries.size() == 1);
  CHECK(storage->ClaimDue({.now = SimEpoch()}).value().deliveries.empty());
}

TEST_CASE("sqlite_storage: a claim has the bodies of large events, kept or read again") {
  TemporaryFile file;
  auto storage = OpenSqliteStorage(file.path()).value();
  constexpr int kEvents = 5;  // more than are kept
  const auto large = [](int number) {
    Event event = MakeEvent(Id('P', 1), number);
    event.body = std::string(5 << 20, static_cast<char>('a' + number));
    return event;
  };
  for (int number = 0; number < kEvents; ++number) {
    const Event event = large(number);
    REQUIRE(
        Submit(*storage, event, {MakeDelivery(event, Id('E', 1), number, SimEpoch())}).status.ok());
  }
  int seen_count = 0;
  while (true) {
    const Claim claim = storage->ClaimDue({.now = SimEpoch(), .items_max = 2}).value();
    if (claim.deliveries.empty()) break;
    for (const ClaimedDelivery& claimed : claim.deliveries) {
      CHECK(*claimed.event == storage->GetEvent(Id('P', 1), claimed.event->id).value());
      CHECK(claimed.event->body == large(claimed.event->body.at(0) - 'a').body);
      ++seen_count;
    }
  }
  CHECK(seen_count == kEvents);
}

TEST_CASE("sqlite_storage: a field that a kind was given later is empty in records of before") {
  TemporaryFile file;
  REQUIRE(Put(*OpenSqliteStorage(file.path()).value(), "", 0, {MakeProject(1)}).status.ok());
  // As it was written when projects had one field.
  RunSql(file.path(),
         "UPDATE config SET fields = CAST(substr(CAST(fields AS TEXT), 1, "
         "length(CAST(fields AS TEXT)) - 2) AS BLOB) WHERE kind = 0");
  RunSql(file.path(), "DELETE FROM config_field WHERE kind = 0 AND field = 1");
  auto storage = OpenSqliteStorage(file.path()).value();
  Project project = GetConfig<Project>(*storage, "", Id('P', 1)).value();
  CHECK(project == MakeProject(1));
  const auto with_retention = [&] {
    return ListConfig<Project>(*storage, {.conditions = {{"retention", {"own"}}}}, {})
        .value()
        .items.size();
  };
  CHECK(with_retention() == 0);
  project.config.retention = absl::Hours(1);
  project.config.is_retention_enabled = true;
  REQUIRE(Put(*storage, "", 1, {project}).status.ok());
  CHECK(with_retention() == 1);
  project.config.is_retention_enabled = false;
  REQUIRE(Put(*storage, "", 2, {project}).status.ok());
  CHECK(with_retention() == 0);
}

TEST_CASE("sqlite_storage: a large body is pruned in a transaction of its own") {
  TemporaryFile file;
  auto storage = OpenSqliteStorage(file.path()).value();
  for (int i = 1; i <= 3; ++i) {
    Event event = MakeEvent(Id('P', 1), i);
    event.body = std::string(5 << 20, 'x');
    REQUIRE(Submit(*storage, event, {}).status.ok());
  }
  for (int i = 1; i <= 3; ++i) {
    const Pruned pruned = storage->Prune({.events_before = absl::InfiniteFuture()}).value();
    CHECK(pruned.events_count == 1);
    CHECK(pruned.may_have_more == (i < 3));
  }
}

TEST_CASE("sqlite_storage: a database of another program is refused and left alone") {
  TemporaryFile file;
  RunSql(file.path(), "CREATE TABLE theirs (x)");
  const std::string before = ReadFile(file.path());
  const auto storage = OpenSqliteStorage(file.path());
  CHECK(absl::IsFailedPrecondition(storage.status()));
  CHECK(storage.status().message().find("another program") != std::string::npos);
  CHECK(ReadFile(file.path()) == before);
}

TEST_CASE("sqlite_storage: a newer database is refused with both versions and left alone") {
  TemporaryFile file;
  REQUIRE(OpenSqliteStorage(file.path()).ok());
  RunSql(file.path(), "PRAGMA user_version = 99");
  const std::string before = ReadFile(file.path());
  const auto storage = OpenSqliteStorage(file.path());
  CHECK(absl::IsFailedPrecondition(storage.status()));
  CHECK(storage.status().message().find("99") != std::string::npos);
  CHECK(ReadFile(file.path()) == before);
}

TEST_CASE("sqlite_storage: a damaged file is data loss, not a crash") {
  TemporaryFile file;
  WriteFile(file.path(), std::string(8192, 'x'));
  CHECK(absl::IsDataLoss(OpenSqliteStorage(file.path()).status()));

  TemporaryFile truncated;
  { REQUIRE(OpenSqliteStorage(truncated.path()).ok()); }
  const std::string whole = ReadFile(truncated.path());
  REQUIRE(whole.size() > 8192);
  // The first page tells of tables whose pages are gone.
  WriteFile(truncated.path(), whole.substr(0, 4096));
  const auto storage = OpenSqliteStorage(truncated.path());
  if (storage.ok()) {
    CHECK_FALSE(Put(**storage, "", 0, {MakeProject(1)}).status.ok());
  } else {
    CHECK(absl::IsDataLoss(storage.status()));
  }
}

TEST_CASE("sqlite_storage: a directory that does not exist is named as the reason") {
  const absl::Status status = OpenSqliteStorage("/nonexistent/x.db").status();
  CHECK(absl::IsUnavailable(status));
  CHECK(status.message() ==
        "/nonexistent/x.db: cannot create the database: No such file or directory");
}

TEST_CASE("sqlite_storage: durability is what the store says it is") {
  TemporaryFile file;
  auto connection = Connection::Open({.path = file.path()}).value();
  REQUIRE(PrepareDatabase(*connection).ok());
  CHECK(connection->QueryText("PRAGMA journal_mode").value() == "wal");
  CHECK(connection->QueryInt("PRAGMA synchronous").value() == 2);
}

TEST_CASE("sqlite_storage: two openers of one file share work and see each other's changes") {
  TemporaryFile file;
  auto first = OpenSqliteStorage(file.path()).value();
  auto second = OpenSqliteStorage(file.path()).value();
  REQUIRE(Put(*first, "", 0, {MakeProject(1)}).status.ok());
  CHECK(second->ConfigRevision("").value() == 1);
  CHECK(absl::IsAborted(Put(*second, "", 0, {MakeProject(2)}).status));

  const Event event = MakeEvent(Id('P', 1), 1);
  std::vector<Delivery> deliveries;
  for (int i = 0; i < 200; ++i)
    deliveries.push_back(MakeDelivery(event, Id('E', i % 7), i, SimEpoch()));
  REQUIRE(Submit(*first, event, deliveries).status.ok());
  std::atomic<int> claimed_count = 0;
  std::atomic<int> failures_count = 0;
  const auto claim_all = [&](Storage& storage) {
    for (int i = 0; i < 40; ++i) {
      const auto claim = storage.ClaimDue({.now = SimEpoch(), .items_max = 10});
      claim.ok() ? claimed_count += static_cast<int>(claim->deliveries.size()) : ++failures_count;
    }
  };
  std::thread other([&] { claim_all(*second); });
  claim_all(*first);
  other.join();
  CHECK(failures_count == 0);
  CHECK(claimed_count == 200);
}

TEST_CASE("sqlite_storage: readers go on during a write") {
  TemporaryFile file;
  auto storage = OpenSqliteStorage(file.path()).value();
  REQUIRE(Put(*storage, "", 0, {MakeProject(1)}).status.ok());
  std::atomic<bool> should_stop = false;
  std::vector<std::thread> readers;
  std::atomic<int> failures_count = 0;
  for (int t = 0; t < 12; ++t) {  // more than there are connections
    readers.emplace_back([&] {
      while (!should_stop) {
        failures_count += !storage->ConfigRevision("").ok();
        failures_count += !storage->ListEvents({.project_id = Id('P', 1)}, {}).ok();
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    REQUIRE(Submit(*storage, MakeEvent(Id('P', 1), i), {}).status.ok());
  }
  should_stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(failures_count == 0);
}

}  // namespace
}  // namespace convoy::storage
