// Databases of older versions, as the released library left them: everything in them is there after
// the migration, whatever happens on the way.
#include "lib/storage/sqlite/migration.h"

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/schema.h"
#include "lib/storage/sqlite/sqlite_storage.h"
#include "tests/faults/faulty_vfs.h"
#include "tests/unit/storage/released_content.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

std::string ReleasedFile(int version) {
  return std::string(CONVOY_TEST_DIR) + "/vectors/storage/version" + std::to_string(version) +
         ".db";
}

void CopyReleased(int version, const std::string& path) {
  std::filesystem::copy_file(ReleasedFile(version), path,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(path + "-wal");
  std::filesystem::remove(path + "-shm");
}

std::unique_ptr<Storage> MakeExpected(int version) {
  auto storage = NewMemoryStorage();
  REQUIRE(FillConfiguration(*storage));
  REQUIRE(FillEvents(*storage));
  REQUIRE(FillAttempts(*storage));
  if (version >= 2) REQUIRE(FillHeld(*storage));
  return storage;
}

template <typename Question>
void CheckSame(Storage& expected, Storage& migrated, Question question) {
  const auto theirs = question(expected);
  const auto ours = question(migrated);
  REQUIRE(theirs.ok());
  REQUIRE(ours.ok());
  CHECK(theirs->items == ours->items);
  CHECK_FALSE(ours->has_next);
}

void CheckFlow(Storage& expected, Storage& migrated, const std::string& project) {
  // Opening gives back the claims of the process that left the old database.
  REQUIRE(expected.ReleaseClaims().ok());
  const PageRequest all{.items_max = 1000};
  CheckSame(expected, migrated,
            [&](Storage& s) { return s.ListEvents({.project_id = project}, all); });
  CheckSame(expected, migrated,
            [&](Storage& s) { return s.ListDeliveries({.project_id = project}, all); });
  CheckSame(expected, migrated, [&](Storage& s) {
    return s.ListHeld({.project_id = project, .now = SampleEpoch()}, all);
  });
  const auto events = expected.ListEvents({.project_id = project}, all).value().items;
  for (const Event& event : events) {
    CHECK(migrated.GetEvent(project, event.id).value() == event);
  }
  const auto deliveries = expected.ListDeliveries({.project_id = project}, all).value().items;
  for (const Delivery& delivery : deliveries) {
    CHECK(migrated.GetDelivery(project, delivery.id).value() == delivery);
    CHECK(migrated.ListAttempts(project, delivery.id).value() ==
          expected.ListAttempts(project, delivery.id).value());
  }
}

void CheckConfiguration(Storage& expected, Storage& migrated) {
  const PageRequest all{.items_max = 1000};
  for (int number : {1, 2}) {
    const std::string project = Id('P', number);
    const auto theirs = LoadProject(expected, project).value();
    const auto ours = LoadProject(migrated, project).value();
    CHECK(ours.revision == theirs.revision);
    CHECK(ours.project == theirs.project);
    CHECK(ours.endpoints == theirs.endpoints);
    CHECK(ours.subscriptions == theirs.subscriptions);
    CheckSame(expected, migrated,
              [&](Storage& s) { return ListConfig<Source>(s, {.project_id = project}, all); });
    CHECK(ListAllConfig<ApiKey>(migrated, {.project_id = project}).value() ==
          ListAllConfig<ApiKey>(expected, {.project_id = project}).value());
  }
  CHECK(ListAllConfig<Source>(migrated, SourcesToRead()).value() ==
        ListAllConfig<Source>(expected, SourcesToRead()).value());
}

// Due deliveries, at several instants.
void CheckWork(Storage& expected, Storage& migrated) {
  for (const absl::Duration after : {absl::Minutes(11), absl::Minutes(16), absl::Hours(2000)}) {
    const ClaimRequest request{.now = SampleEpoch() + after,
                               .lease = absl::Minutes(1),
                               .items_max = 1000,
                               .items_per_endpoint_max = 1000};
    std::vector<std::string> theirs, ours;
    const Claim expected_claim = expected.ClaimDue(request).value();
    const Claim migrated_claim = migrated.ClaimDue(request).value();
    for (const auto& claimed : expected_claim.deliveries) theirs.push_back(claimed.delivery.id);
    for (const auto& claimed : migrated_claim.deliveries) ours.push_back(claimed.delivery.id);
    std::sort(theirs.begin(), theirs.end());
    std::sort(ours.begin(), ours.end());
    CHECK(ours == theirs);
    CHECK_FALSE(ours.empty());
  }
}

// An equal event is a duplicate as long as its key has not expired.
void CheckKeys(Storage& expected, Storage& migrated) {
  for (int number : {3, 6, 9, 12}) {
    Event event = ReleasedEvent(number);
    event.id = ReleasedEventId(900 + number);
    event.created_at = SampleEpoch() + absl::Hours(8);
    const DedupeKey key{.scope = event.project_id, .key = event.idempotency_key};
    CHECK(Submit(migrated, event, {}, key).submissions ==
          Submit(expected, event, {}, key).submissions);
  }
}

void CheckContent(int version, const std::string& path) {
  const auto expected = MakeExpected(version);
  const auto migrated = OpenSqliteStorage(path).value();
  CheckConfiguration(*expected, *migrated);
  for (int number : {1, 2}) CheckFlow(*expected, *migrated, Id('P', number));
  CHECK(BacklogsOf(*migrated) == BacklogsOf(*expected));
  CHECK_FALSE(BacklogsOf(*migrated).empty());
  CheckWork(*expected, *migrated);
  CheckKeys(*expected, *migrated);
}

std::string SchemaOf(const std::string& path) {
  auto connection = Connection::Open({.path = path}).value();
  return connection
      ->QueryText(
          "SELECT (SELECT user_version FROM pragma_user_version) || group_concat(sql, ';') "
          "FROM (SELECT sql FROM sqlite_schema ORDER BY name)")
      .value();
}

TEST_CASE("migration: a database of each older version holds afterwards what it held before") {
  const int version = GENERATE(1, 2, 3);
  TemporaryFile file;
  CopyReleased(version, file.path());
  uint64_t rows_done = 0;
  {
    const auto report = [&](const MigrationProgress& progress) {
      CHECK(progress.rows_done > rows_done);
      CHECK(progress.rows_done <= progress.rows_count);
      rows_done = progress.rows_done;
      return true;
    };
    REQUIRE(OpenSqliteStorage({.path = file.path(), .on_migration = report}).ok());
  }
  CHECK(rows_done == 14u + 27u + 12u + 4u + (version >= 2 ? 4u : 0u));
  CheckContent(version, file.path());
}

TEST_CASE("migration: a migrated database has the schema of a new one") {
  const int version = GENERATE(1, 2, 3);
  TemporaryFile migrated, fresh;
  CopyReleased(version, migrated.path());
  REQUIRE(OpenSqliteStorage(migrated.path()).ok());
  REQUIRE(OpenSqliteStorage(fresh.path()).ok());
  CHECK(SchemaOf(migrated.path()) == SchemaOf(fresh.path()));
}

// How version 6 counted.
constexpr const char* kFormerTriggers = R"sql(
CREATE TRIGGER delivery_made AFTER INSERT ON delivery WHEN new.status < 3 BEGIN
  INSERT INTO backlog VALUES (new.project, 1) ON CONFLICT (project) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER delivery_changed AFTER UPDATE OF status ON delivery
  WHEN (old.status < 3) <> (new.status < 3) BEGIN
  INSERT INTO backlog VALUES (new.project, iif(new.status < 3, 1, -1))
    ON CONFLICT (project) DO UPDATE SET count = count + excluded.count;
  DELETE FROM backlog WHERE project = new.project AND count = 0;
END;
)sql";

void TakeAwayCounts(Connection& connection) {
  REQUIRE(connection.Execute("DROP TRIGGER delivery_removed").ok());
  REQUIRE(connection.Execute("DROP TABLE backlog").ok());
  REQUIRE(connection.Execute("ALTER TABLE lane DROP COLUMN is_disabled").ok());
}

// Version 5 adds columns, version 6 counts, and version 7 takes triggers away, whatever is in the
// tables.
TEST_CASE("migration: a database of version 4, 5 or 6 keeps its rows and takes what was added") {
  const int version = GENERATE(4, 5, 6);
  TemporaryFile file, fresh;
  REQUIRE(OpenSqliteStorage(fresh.path()).ok());
  {
    const auto storage = OpenSqliteStorage(file.path()).value();
    REQUIRE(FillConfiguration(*storage));
    REQUIRE(FillEvents(*storage));
    REQUIRE(FillAttempts(*storage));
    REQUIRE(FillHeld(*storage));
  }
  {
    auto connection = Connection::Open({.path = file.path()}).value();
    if (version == 6) REQUIRE(connection->Execute(kFormerTriggers).ok());
    if (version < 6) TakeAwayCounts(*connection);
    if (version == 4) {
      REQUIRE(connection->Execute("ALTER TABLE attempt DROP COLUMN timings").ok());
      REQUIRE(connection->Execute("ALTER TABLE lane DROP COLUMN head").ok());
    }
    REQUIRE(connection->Execute(("PRAGMA user_version = " + std::to_string(version)).c_str()).ok());
  }
  bool is_reported = false;
  const auto report = [&](const MigrationProgress&) { return is_reported = true; };
  REQUIRE(OpenSqliteStorage({.path = file.path(), .on_migration = report}).ok());
  CHECK_FALSE(is_reported);  // no row moves
  CHECK(SchemaOf(file.path()) == SchemaOf(fresh.path()));
  CheckContent(version, file.path());
}

TEST_CASE("migration: one that is stopped goes on when the file is next opened") {
  const int version = GENERATE(1, 2, 3);
  TemporaryFile file;
  CopyReleased(version, file.path());
  int opens_count = 0;
  while (true) {
    ++opens_count;
    const auto stop = [](const MigrationProgress&) { return false; };
    const auto storage = OpenSqliteStorage({.path = file.path(), .on_migration = stop});
    if (storage.ok()) break;
    REQUIRE(absl::IsCancelled(storage.status()));
  }
  CHECK(opens_count == (version >= 2 ? 6 : 5));
  CheckContent(version, file.path());
}

// The process dies at the n-th call that writes, for every n until the migration ends without.
TEST_CASE("migration: a process that dies at any instant of it loses and doubles nothing") {
  const Fault fault = GENERATE(Fault::kKill, Fault::kTornPowerLoss);
  FaultyVfs& vfs = FaultyVfs::Get();
  uint64_t deaths_count = 0;
  for (bool has_fired = true; has_fired; ++deaths_count) {
    TemporaryFile file;
    CopyReleased(3, file.path());
    vfs.Arm({.fault = fault, .at = deaths_count + 1, .seed = deaths_count});
    const bool is_open = OpenSqlite({.path = file.path(), .vfs = vfs.name()}).ok();
    has_fired = vfs.has_fired();
    CHECK((is_open || has_fired));
    vfs.Restart(/*has_lost_power=*/fault != Fault::kKill);
    vfs.Arm({});
    INFO("death " << deaths_count);
    REQUIRE(OpenSqlite({.path = file.path(), .vfs = vfs.name()}).ok());
    CheckContent(3, file.path());
  }
  CHECK(deaths_count > 50);
}

}  // namespace
}  // namespace convoy::storage
