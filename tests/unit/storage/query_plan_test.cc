// Query plans of the SQLite store. The whole conformance suite is run, every statement that any
// connection of it prepares is written down, and each is explained. None reads a table from end to
// end or sorts what it has no bound for, and no index is there for nothing.
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "convoy/testing/storage_conformance.h"
#include "lib/storage/sqlite/connection.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

// The texts of all statements that run in this process while it exists.
class StatementRecorder {
 public:
  StatementRecorder() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&Watch)); }
  ~StatementRecorder() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&Watch)); }

  static std::set<std::string> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(statements_, {});
  }

 private:
  static int Watch(sqlite3* db, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, &Record, nullptr);
  }
  static int Record(unsigned, void*, void* statement, void* text) {
    // Statements that triggers run are comments.
    const std::string_view sql = static_cast<const char*>(text);
    if (sql.starts_with("--")) return 0;
    std::lock_guard lock(mutex_);
    statements_.emplace(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
    return 0;
  }

  static inline std::mutex mutex_;
  static inline std::set<std::string> statements_;
};

class RecordedStores : public StorageFactory {
 public:
  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override {
    file_ = std::make_unique<TemporaryFile>();
    return OpenAgain();
  }
  absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override {
    return OpenSqliteStorage(file_->path());
  }

 private:
  std::unique_ptr<TemporaryFile> file_;
};

// Steps that read something from end to end, and why they may.
const std::map<std::string, std::string> kScans = {
    {"SCAN opener", "one row"},
    {"SCAN removed_project", "only the first row of it is taken"},
    {"SCAN CONSTANT ROW", "no table"},
    {"SCAN sqlite_schema", "as many rows as the schema has tables and indexes"},
    {"SCAN sqlite_master", "as many rows as the schema has tables and indexes"},
    {"SCAN lane USING INDEX lane_by_wake", "in order, as many as backlogs look at"},
    {"SCAN backlog", "as many projects as backlogs look at"},
    {"SCAN lane USING COVERING INDEX lane_by_wake", "in order, up to a lane that is not skipped"},
    {"SCAN held_total USING COVERING INDEX held_total_by_bytes", "its second row at most"},
    {"SCAN held_input USING INDEX held_input_by_source", "once, when a database gets its sums"},
    {"SCAN held_total", "once, when a database gets its sums"},
};

std::vector<std::string> PlanOf(Connection& connection, const std::string& sql) {
  std::vector<std::string> steps;
  Statement row = connection.Prepare("EXPLAIN QUERY PLAN " + sql);
  while (row.Next()) steps.emplace_back(row.TextAt(3));
  INFO(sql);
  REQUIRE(row.status().ok());
  return steps;
}

bool IsQuery(const std::string& sql) {
  for (const char* verb : {"SELECT", "INSERT", "UPDATE", "DELETE"}) {
    if (sql.starts_with(verb)) return true;
  }
  return false;
}

std::set<std::string> IndexesOf(Connection& connection) {
  std::set<std::string> indexes;
  Statement row =
      connection.Prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL");
  while (row.Next()) indexes.emplace(row.TextAt(0));
  return indexes;
}

// The suite has no body that is large enough to be kept for a claim.
void ClaimLargeBody() {
  TemporaryFile file;
  const auto storage = OpenSqliteStorage(file.path()).value();
  Event event = MakeEvent(Id('P', 1), 1);
  event.body = std::string(1 << 20, 'b');
  REQUIRE(Submit(*storage, event, {MakeDelivery(event, Id('E', 1), 1, SimEpoch())}).status.ok());
  REQUIRE(storage->ClaimDue({.now = SimEpoch()})->deliveries.size() == 1);
}

// Every statement of the conformance suite, and of claims of large bodies.
std::set<std::string> RecordSuite() {
  const StatementRecorder recorder;
  RecordedStores stores;
  const ConformanceReport report = CheckStorage(stores);
  REQUIRE(report.failures.empty());
  ClaimLargeBody();
  return recorder.Take();
}

TEST_CASE("query_plan: no statement scans a table or sorts, and every index is used") {
  const std::set<std::string> statements = RecordSuite();
  TemporaryFile file;
  REQUIRE(OpenSqliteStorage(file.path()).ok());
  auto connection = Connection::Open({.path = file.path()}).value();
  std::set<std::string> unused = IndexesOf(*connection);
  int queries_count = 0;
  for (const std::string& sql : statements) {
    if (!IsQuery(sql)) continue;
    ++queries_count;
    for (const std::string& step : PlanOf(*connection, sql)) {
      INFO(sql);
      INFO(step);
      CHECK((!step.starts_with("SCAN") || kScans.contains(step)));
      CHECK(step.find("TEMP B-TREE") == std::string::npos);
      CHECK(step.find("AUTOMATIC") == std::string::npos);
      std::erase_if(unused, [&](const std::string& index) {
        return step.find(" INDEX " + index) != std::string::npos;
      });
    }
  }
  CHECK(queries_count > 60);
  CHECK(unused == std::set<std::string>());
}

TEST_CASE("query_plan: what the test looks for is what SQLite says of a bad statement") {
  TemporaryFile file;
  REQUIRE(OpenSqliteStorage(file.path()).ok());
  auto connection = Connection::Open({.path = file.path()}).value();
  CHECK(PlanOf(*connection, "SELECT key FROM event WHERE event_type = ?") ==
        std::vector<std::string>{"SCAN event"});
  const auto sorted = PlanOf(*connection, "SELECT key FROM event WHERE project = ? ORDER BY body");
  CHECK(sorted.back().find("TEMP B-TREE") != std::string::npos);
}

// A client chooses how many values a condition has; the statement is the same.
TEST_CASE("query_plan: lists have one statement for each table and direction") {
  TemporaryFile file;
  const StatementRecorder recorder;
  auto storage = OpenSqliteStorage(file.path()).value();
  const auto list = [&](int values_count) {
    EventQuery events{.project_id = Id('P', 1)};
    DeliveryQuery deliveries{.project_id = Id('P', 1)};
    HeldQuery held{.project_id = Id('P', 1), .now = SampleEpoch()};
    for (int i = 0; i < values_count; ++i) {
      events.endpoint_ids.push_back(Id('E', i));
      events.source_ids.push_back(Id('O', i));
      deliveries.endpoint_ids.push_back(Id('E', i));
      deliveries.statuses.push_back(static_cast<DeliveryStatus>(i % 6));
      held.source_ids.push_back(Id('O', i));
    }
    CHECK(storage->ListEvents(events, {}).ok());
    CHECK(storage->ListDeliveries(deliveries, {}).ok());
    CHECK(storage->ListHeld(held, {}).ok());
    return recorder.Take();
  };
  list(1);
  const std::set<std::string> few = list(2);
  CHECK(list(5'000) == few);
}

}  // namespace
}  // namespace convoy::storage
