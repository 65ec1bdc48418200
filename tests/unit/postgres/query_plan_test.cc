// Query plans of the PostgreSQL store. The whole conformance suite is run, every statement that it
// prepares is written down, and each is explained on empty and on filled tables, under the settings
// that the store's sessions have. None reads a table from end to end, and none touches more pages
// than what it gives or writes calls for.
//
//   CONVOY_PLAN_EVENTS=10000000 build/dev/bin/test_unit_postgres 'query_plan*'
//
// fills them with as many events, deliveries and attempts (by default 50,000), and prints how long
// each statement takes. That takes half an hour.
#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <catch2/catch.hpp>

#include "convoy/testing/storage_conformance.h"
#include "tests/unit/postgres/large_store.h"
#include "tests/unit/postgres/server.h"

namespace convoy::testing {
namespace {

class StatementRecorder {
 public:
  void Note(std::string_view sql) {
    std::lock_guard lock(mutex_);
    statements_.emplace(sql);
  }
  std::set<std::string> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(statements_, {});
  }

 private:
  std::mutex mutex_;
  std::set<std::string> statements_;
};

// A session as the store has them.
class Session {
 public:
  explicit Session(const storage::postgres::PostgresOptions& options)
      : connection_(PQconnectdb(options.connection.dsn.c_str())) {
    Run(absl::StrCat("SET search_path TO ", options.connection.schema, ";",
                     storage::postgres::kSessionSettings));
    // A plan shows all partitions, not those alone that the parameters leave.
    Run("SET enable_partition_pruning = off");
  }
  ~Session() { PQfinish(connection_); }

  std::vector<std::string> Run(const std::string& sql) {
    PGresult* const result = PQexec(connection_, sql.c_str());
    INFO(sql);
    INFO(PQerrorMessage(connection_));
    const ExecStatusType status = PQresultStatus(result);
    std::vector<std::string> lines;
    for (int i = 0; i < PQntuples(result); ++i) lines.emplace_back(PQgetvalue(result, i, 0));
    PQclear(result);
    REQUIRE((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK));
    return lines;
  }

  // The generic plan of a statement, as it is executed whatever the parameters are.
  std::vector<std::string> PlanOf(const std::string& sql) {
    int parameters_count = 0;
    while (sql.find(absl::StrCat("$", parameters_count + 1, "::")) != sql.npos) ++parameters_count;
    std::string nulls;
    for (int i = 0; i < parameters_count; ++i) absl::StrAppend(&nulls, i == 0 ? "" : ", ", "NULL");
    Run("DEALLOCATE ALL");
    Run(absl::StrCat("PREPARE statement AS ", sql));
    const std::string arguments = parameters_count == 0 ? "" : absl::StrCat("(", nulls, ")");
    return Run(absl::StrCat("EXPLAIN EXECUTE statement", arguments));
  }

 private:
  PGconn* const connection_;
};

bool IsQuery(const std::string& sql) {
  for (const char* verb : {"SELECT", "INSERT", "UPDATE", "DELETE"}) {
    if (sql.starts_with(verb)) return true;
  }
  return false;
}

// Tables that are read from end to end, and why they may be.
const std::map<std::string, std::string> kScans = {
    {"schema_version", "one row"},
};

// Indexes that are walked without a condition, and why they may be.
const std::map<std::string, std::string> kWalks = {
    {"backlog_pkey", "a bounded number of rows for each project"},
    {"held_total_by_bytes", "only the last row of it is taken"},
    {"lane_by_wake", "in order, up to the first lane that is not skipped"},
    {"removed_project_pkey", "only the first row of it is taken"},
    {"slice_pkey", "about ten rows"},
};

// The index that a line of a plan walks; empty if it is another line.
std::string IndexOf(const std::string& line) {
  if (line.find("Index Scan") == line.npos && line.find("Index Only Scan") == line.npos) return "";
  const size_t using_at = line.find(" using ");
  if (using_at == line.npos) return "";
  const std::string rest = line.substr(using_at + 7);
  return rest.substr(0, rest.find(' '));
}

// Figures of the statements of a store, a line each: calls, the mean and the longest time, pages
// for each call, and the text. `condition` selects some.
std::string FiguresSql(std::string_view condition) {
  return absl::StrCat(
      "SELECT format('%6s calls %9s ms %9s ms at most %7s pages %6s rows  %s', calls, "
      "round(mean_exec_time::numeric, 2), round(max_exec_time::numeric, 2), "
      "(shared_blks_hit + shared_blks_read) / calls, rows / calls, query) "
      "FROM public.pg_stat_statements WHERE query ~ '^(SELECT|INSERT|UPDATE|DELETE)' AND ",
      condition, " ORDER BY mean_exec_time DESC");
}

// More than descents into an index of each of ten partitions, and more for each row than its
// indexes.
constexpr std::string_view kTouchesMany =
    "shared_blks_hit + shared_blks_read > 400 * calls + 60 * rows";
// Statements that may, and why: what is waiting is looked at for so many lanes as kBacklogLanesMax,
// in each partition.
constexpr std::string_view kMayTouchMany =
    "query LIKE 'SELECT l.project, f.wake_at_us FROM (SELECT k.project, k.endpoint FROM lane AS k "
    "%'";

int64_t EventsCount() {
  const char* const count = std::getenv("CONVOY_PLAN_EVENTS");
  return count == nullptr ? 50'000 : std::stoll(count);
}

// Sessions keep the plans that they have made on empty tables: with those, too, no statement
// touches many pages. Fills the tables.
void CheckPages(Storage& store, Session& session) {
  session.Run("CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public");
  session.Run(NamesSql());
  CallAll(store, EventsCount());
  session.Run(FillSql(EventsCount()));
  session.Run("SELECT public.pg_stat_statements_reset()");
  CallAll(store, EventsCount());
  const std::vector<std::string> figures = session.Run(FiguresSql("true"));
  CHECK(figures.size() > 40);
  if (std::getenv("CONVOY_PLAN_EVENTS") != nullptr) {
    std::printf("%s\n", absl::StrJoin(figures, "\n").c_str());
  }
  const std::vector<std::string> many =
      session.Run(FiguresSql(absl::StrCat(kTouchesMany, " AND NOT ", kMayTouchMany)));
  CHECK(many == std::vector<std::string>());
}

TEST_CASE("query_plan: no statement reads a table from end to end, and every index is used") {
  PostgresServer::Get().WaitUntilSettled();
  StatementRecorder recorder;
  PostgresStores stores([&](std::string_view sql) { recorder.Note(sql); });
  REQUIRE(CheckStorage(stores).failures.empty());
  const std::set<std::string> statements = recorder.Take();
  std::vector<int64_t> cuts;
  for (int64_t i = 1; i < 8; ++i) cuts.push_back((i * EventsCount() / 8) << 21);
  stores.set_cuts(cuts);
  absl::StatusOr<std::unique_ptr<Storage>> store = stores.OpenEmpty();
  REQUIRE(store.ok());
  Session session(stores.options());
  CheckPages(**store, session);
  session.Run("ANALYZE");
  // Indexes of partitions, and those of the whole table.
  std::map<std::string, std::string> wholes;
  for (const std::string& line : session.Run("SELECT inhrelid::regclass::text || ' ' || "
                                             "inhparent::regclass::text FROM pg_inherits")) {
    wholes[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
  }
  CHECK(wholes.size() > 50);
  std::set<std::string> unused;
  for (std::string& index : session.Run("SELECT indexname FROM pg_indexes WHERE schemaname = "
                                        "current_schema AND indexname LIKE '%\\_by\\_%' AND "
                                        "indexname NOT LIKE '%\\_past\\_%'")) {
    unused.insert(std::move(index));
  }
  CHECK(unused.size() > 10);
  int queries_count = 0;
  for (const std::string& sql : statements) {
    if (!IsQuery(sql)) continue;
    ++queries_count;
    const std::vector<std::string> plan = session.PlanOf(sql);
    for (size_t i = 0; i < plan.size(); ++i) {
      const std::string& line = plan[i];
      INFO(sql);
      INFO(line);
      if (std::string index = IndexOf(line); !index.empty()) {
        if (const auto whole = wholes.find(index); whole != wholes.end()) index = whole->second;
        unused.erase(index);
        const bool has_condition =
            i + 1 < plan.size() && plan[i + 1].find("Index Cond") != std::string::npos;
        CHECK((has_condition || kWalks.contains(index)));
      }
      const size_t scan = line.find("Seq Scan on ");
      if (scan != line.npos) {
        const std::string rest = line.substr(scan + 12);
        CHECK(kScans.contains(rest.substr(0, rest.find(' '))));
      }
    }
  }
  WARN(queries_count << " statements explained with " << EventsCount() << " events");
  CHECK(queries_count > 60);
  CHECK(unused == std::set<std::string>());
}

TEST_CASE("query_plan: what the test looks for is what PostgreSQL says of a bad statement") {
  PostgresStores stores;
  REQUIRE(stores.OpenEmpty().ok());
  Session session(stores.options());
  const std::vector<std::string> plan =
      session.PlanOf("SELECT key FROM event WHERE event_type = $1::bytea");
  CHECK(absl::StrJoin(plan, "\n").find("Seq Scan on event") != std::string::npos);
}

}  // namespace
}  // namespace convoy::testing
