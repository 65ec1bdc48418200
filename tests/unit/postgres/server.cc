// Starting and stopping of PostgreSQL; see server.h.
#include "tests/unit/postgres/server.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace convoy::testing {
namespace {

std::string FindPrograms() {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
    newest = std::max(newest, entry.path().string());
  }
  if (newest.empty()) throw std::runtime_error("no PostgreSQL here: run script/bootstrap");
  return newest + "/bin/";
}

}  // namespace

PostgresServer& PostgresServer::Get() {
  static PostgresServer server(nullptr);
  return server;
}

std::unique_ptr<PostgresServer> PostgresServer::NewStandby() {
  return std::unique_ptr<PostgresServer>(new PostgresServer(&Get()));
}

PostgresServer::PostgresServer(const PostgresServer* primary) : programs_(FindPrograms()) {
  std::string pattern = "/tmp/convoy_postgres_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  if (geteuid() == 0 && std::system(absl::StrCat("chown postgres ", folder_).c_str()) != 0) {
    throw std::runtime_error("no user postgres");
  }
  if (primary == nullptr) {
    Run(absl::StrCat(programs_, "initdb -D ", folder_,
                     "/data -U postgres -A trust -E UTF8 --no-sync"));
  } else {
    Run(absl::StrCat(programs_, "pg_basebackup -h ", primary->folder(), " -U postgres -D ", folder_,
                     "/data -R -c fast --no-sync"));
  }
  Start();
}

PostgresServer::~PostgresServer() {
  try {
    Stop("immediate");
  } catch (const std::exception&) {
    // It is not running.
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::Run(const std::string& command) {
  const std::string prefix = geteuid() == 0 ? "cd / && runuser -u postgres -- " : "";
  const std::string whole = absl::StrCat(prefix, command, " >", folder_, "/out 2>&1");
  if (std::system(whole.c_str()) != 0) {
    std::system(absl::StrCat("cat ", folder_, "/out ", folder_, "/log >&2").c_str());
    throw std::runtime_error(command);
  }
}

// Nothing here is to survive the machine, so syncs are left out.
void PostgresServer::Start() {
  Run(absl::StrCat(programs_, "pg_ctl -w -D ", folder_, "/data -l ", folder_, "/log -o \"-k ",
                   folder_, " -c listen_addresses='' -c fsync=off -c deadlock_timeout=100ms ",
                   "-c shared_preload_libraries=pg_stat_statements\" start"));
}

void PostgresServer::Stop(const std::string& mode) {
  Run(absl::StrCat(programs_, "pg_ctl -w -D ", folder_, "/data -m ", mode, " stop"));
}

void PostgresServer::Promote() {
  Run(absl::StrCat(programs_, "pg_ctl -w -D ", folder_, "/data promote"));
}

std::string PostgresServer::dsn() const {
  return absl::StrCat("host=", folder_, " user=postgres dbname=postgres");
}

void PostgresServer::Execute(const std::string& sql) {
  PGconn* const connection = PQconnectdb(dsn().c_str());
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  PGresult* const result = PQexec(connection, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  const std::string message = PQerrorMessage(connection);
  PQclear(result);
  PQfinish(connection);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(message);
}

void PostgresServer::WaitUntil(const std::string& sql) {
  PGconn* const connection = PQconnectdb(dsn().c_str());
  bool is_true = false;
  for (int i = 0; i < 150 && !is_true; ++i) {
    if (i > 0) absl::SleepFor(absl::Milliseconds(100));
    PGresult* const result = PQexec(connection, sql.c_str());
    is_true = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
              std::string_view(PQgetvalue(result, 0, 0)) == "t";
    PQclear(result);
  }
  PQfinish(connection);
  if (!is_true) throw std::runtime_error(sql);
}

// Longer than storage::postgres::IsDead leaves openers alone.
void PostgresServer::WaitUntilSettled() {
  WaitUntil("SELECT clock_timestamp() - pg_postmaster_start_time() > interval '11 seconds'");
}

PostgresStores::~PostgresStores() { Drop(); }

void PostgresStores::Drop() {
  if (schema_.empty()) return;
  PostgresServer::Get().Execute(absl::StrCat("DROP SCHEMA ", schema_, " CASCADE"));
  schema_.clear();
}

storage::postgres::PostgresOptions PostgresStores::options() const {
  return {.connection = {.dsn = dsn_.empty() ? PostgresServer::Get().dsn() : dsn_,
                         .schema = schema_,
                         .on_statement = on_statement_}};
}

absl::StatusOr<std::unique_ptr<Storage>> PostgresStores::OpenEmpty() {
  static std::atomic<int> count = 0;
  Drop();
  schema_ = absl::StrCat("t", ++count);
  absl::StatusOr<std::unique_ptr<Storage>> storage = OpenAgain();
  if (storage.ok() && !cuts_.empty()) Cut();
  return storage;
}

// The slice of the past stays one for the store.
void PostgresStores::Cut() {
  std::string sql = absl::StrCat("SET search_path TO ", schema_, ";");
  for (const char* table : {"event", "delivery", "attempt"}) {
    absl::StrAppend(&sql, "ALTER TABLE ", table, " DETACH PARTITION ", table, "_past;");
    absl::StrAppend(&sql, "ALTER TABLE ", table, " ATTACH PARTITION ", table,
                    "_past FOR VALUES FROM (MINVALUE) TO (", cuts_.front(), ");");
    for (size_t i = 0; i < cuts_.size(); ++i) {
      const std::string end = i + 1 < cuts_.size() ? absl::StrCat("", cuts_[i + 1])
                                                   : "' || (SELECT end_key FROM slice) || '";
      absl::StrAppend(&sql, "DO $$ BEGIN EXECUTE 'CREATE TABLE ", table, "_cut", i,
                      " PARTITION OF ", table, " FOR VALUES FROM (", cuts_[i], ") TO (", end,
                      ")'; END $$;");
    }
  }
  PostgresServer::Get().Execute(sql);
}

absl::StatusOr<std::unique_ptr<Storage>> PostgresStores::OpenAgain() {
  return storage::postgres::OpenPostgres(options());
}

}  // namespace convoy::testing
