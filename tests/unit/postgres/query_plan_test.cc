// Query plans of the PostgreSQL store. The whole conformance suite is run, every statement that it
// prepares is written down, and each is explained on filled tables, under the settings that the
// store's sessions have. None reads a table from end to end.
//
//   CONVOY_PLAN_EVENTS=10000000 build/dev/bin/test_unit_postgres 'query_plan*'
//
// fills them with as many events, deliveries and attempts (by default 50,000). That takes minutes.
#include <libpq-fe.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include <catch2/catch.hpp>

#include "convoy/testing/storage_conformance.h"
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

// Rows enough for the planner to know better than to read them all.
constexpr const char* kFill = R"sql(
INSERT INTO name (number, id) SELECT n, int8send(n) FROM generate_series(1000, 3000) AS n;
INSERT INTO event SELECT n, 0, n % 50, 0, n, n, 0, 0, 0, '', '', '', '', '', '', '', '', ''
  FROM generate_series(1, $EVENTS) AS n;
INSERT INTO delivery SELECT n, 0, n, n % 50, n % 500, 0, 0, n, 0, n, n,
  CASE WHEN n % 100 = 0 THEN n ELSE 0 END, n, 1, 1, 0, n % 6, 0, 0, ''
  FROM generate_series(1, $EVENTS) AS n;
INSERT INTO attempt SELECT n, 0, n, n, n, 0, 200, 1, '', '', '', '', '', '', '', ''
  FROM generate_series(1, $EVENTS) AS n;
INSERT INTO dedupe_key SELECT n % 50, int8send(n), n FROM generate_series(1, $EVENTS) AS n;
INSERT INTO lane SELECT n, n % 50, n FROM generate_series(1, 5000) AS n;
INSERT INTO held_input SELECT n, 0, n % 50, n % 200, n, n, 0, 0, '', '', '', '', '', '', '', ''
  FROM generate_series(1, 20000) AS n;
INSERT INTO config SELECT n % 5, int8send(n), int8send(n % 20), '', ''
  FROM generate_series(1, 20000) AS n;
INSERT INTO config_field SELECT n % 5, n % 3, int8send(n), '', int8send(n)
  FROM generate_series(1, 20000) AS n;
INSERT INTO config_revision SELECT int8send(n), n FROM generate_series(1, 5000) AS n;
INSERT INTO config_change (scope, revision, what, kind, id)
  SELECT int8send(n % 50), n, 0, 0, '' FROM generate_series(1, 20000) AS n;
INSERT INTO removed_project SELECT generate_series(1, 5000);
INSERT INTO opener_beat SELECT n, 0 FROM generate_series(1000, 6000) AS n;
INSERT INTO opener SELECT n, 0 FROM generate_series(1000, 6000) AS n;
)sql";

// Rows of no slice: an empty partition is walked whatever the statement says.
constexpr const char* kFillRest = R"sql(
DO $do$ DECLARE name text; BEGIN
  FOREACH name IN ARRAY '{event,delivery,attempt}'::text[] LOOP
    EXECUTE format('CREATE TEMPORARY TABLE late AS SELECT * FROM %1$I WHERE key <= $EVENTS / 8;
      UPDATE late SET key = key + (SELECT max(end_key) FROM slice);
      INSERT INTO %1$I SELECT * FROM late; DROP TABLE late', name);
  END LOOP;
END $do$)sql";

std::string EventsCount() {
  const char* const count = std::getenv("CONVOY_PLAN_EVENTS");
  return count == nullptr ? "50000" : count;
}

TEST_CASE("query_plan: no statement reads a table from end to end, and every index is used") {
  PostgresServer::Get().WaitUntilSettled();
  StatementRecorder recorder;
  PostgresStores stores([&](std::string_view sql) { recorder.Note(sql); });
  REQUIRE(CheckStorage(stores).failures.empty());
  const std::set<std::string> statements = recorder.Take();
  const int64_t events_count = std::stoll(EventsCount());
  std::vector<int64_t> cuts;
  for (int64_t i = 1; i < 8; ++i) cuts.push_back(i * events_count / 8);
  stores.set_cuts(cuts);
  REQUIRE(stores.OpenEmpty().ok());
  Session session(stores.options());
  for (const char* const fill : {kFill, kFillRest}) {
    session.Run(absl::StrReplaceAll(fill, {{"$EVENTS", EventsCount()}}));
  }
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
