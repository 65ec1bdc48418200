// Version 4 is where rows got numbers for keys, and all kinds of configuration one table. One
// transaction moves the configuration, puts the old tables of what flows aside and makes the new
// ones; then their rows move over, oldest first, events before deliveries
// before attempts, because each looks for the key of the one before. A row is in exactly one of the
// two tables at any instant, so what is still in an old table says what is left to do. Version 5
// added columns, version 6 counts of what is unfinished and a column; version 7 has fewer triggers.
#include "lib/storage/sqlite/migration.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/config_migration.h"
#include "lib/storage/sqlite/moved_rows.h"
#include "lib/storage/sqlite/schema.h"

namespace convoy::storage {
namespace {

// Memory for pages while rows move; SetPace of schema.cc sets what holds afterwards.
constexpr const char* kWiden = "PRAGMA cache_size = -65536; PRAGMA synchronous = NORMAL";
constexpr const char* kNarrow = "PRAGMA cache_size = -16384; PRAGMA synchronous = FULL";

// Up to version 3 an id was the primary key everywhere, and a lane only said when to wake.
constexpr const char* kPutAside = R"sql(
DROP INDEX event_by_project;
DROP INDEX event_by_idempotency_key;
DROP INDEX delivery_by_project;
DROP INDEX delivery_by_event;
DROP INDEX delivery_by_wake;
DROP INDEX attempt_by_delivery;
DROP INDEX IF EXISTS dedupe_key_by_expiry;
DROP INDEX IF EXISTS held_input_by_project;
DROP INDEX IF EXISTS held_input_by_source;
DROP INDEX IF EXISTS held_input_by_expiry;
DROP TABLE lane;
ALTER TABLE event RENAME TO old_event;
ALTER TABLE delivery RENAME TO old_delivery;
ALTER TABLE attempt RENAME TO old_attempt;
ALTER TABLE dedupe_key RENAME TO old_dedupe_key;
)sql";

// The first version whose rows have numbers for keys.
constexpr int64_t kNumberedVersion = 4;
// The first one that counts what is unfinished.
constexpr int64_t kCountedVersion = 6;

// Version 2 added held inputs.
constexpr const char* kPutHeldAside = "ALTER TABLE held_input RENAME TO old_held_input";

absl::StatusOr<bool> HasTable(Connection& connection, std::string_view table) {
  Statement row = connection.Prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
  const bool has_table = row.Text(table).Next();
  if (!row.status().ok()) return row.status();
  return has_table;
}

// Runs `body` as one transaction.
template <typename Body>
absl::Status RunInTransaction(Connection& connection, const Body& body) {
  CONVOY_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  absl::Status status = body();
  if (status.ok()) status = connection.Execute("COMMIT");
  if (!status.ok()) {
    connection.names().ForgetNumbers();
    if (connection.is_in_transaction()) connection.Execute("ROLLBACK").IgnoreError();
  }
  return status;
}

absl::Status PutAside(Connection& connection) {
  return RunInTransaction(connection, [&]() -> absl::Status {
    // Another process may have been quicker.
    CONVOY_ASSIGN_OR_RETURN(const int64_t version, connection.QueryInt("PRAGMA user_version"));
    if (version >= kNumberedVersion) return absl::OkStatus();
    CONVOY_RETURN_IF_ERROR(connection.Execute(kPutAside));
    if (version >= 2) CONVOY_RETURN_IF_ERROR(connection.Execute(kPutHeldAside));
    CONVOY_RETURN_IF_ERROR(connection.Execute(kCreateFlow));
    CONVOY_RETURN_IF_ERROR(connection.Execute(kAddColumns));
    CONVOY_RETURN_IF_ERROR(connection.Execute(kAddWaiting));
    CONVOY_RETURN_IF_ERROR(MigrateConfig(connection));
    return connection.Execute(absl::StrCat("PRAGMA user_version = ", kSchemaVersion).c_str());
  });
}

// A column that older rows do not have costs nothing but the change of the table's text, a count
// one look at each unfinished delivery.
absl::Status AddToTables(Connection& connection) {
  return RunInTransaction(connection, [&]() -> absl::Status {
    CONVOY_ASSIGN_OR_RETURN(const int64_t version, connection.QueryInt("PRAGMA user_version"));
    if (version >= kSchemaVersion) return absl::OkStatus();
    if (version == kNumberedVersion) CONVOY_RETURN_IF_ERROR(connection.Execute(kAddColumns));
    if (version < kCountedVersion) {
      CONVOY_RETURN_IF_ERROR(connection.Execute(kAddWaiting));
      CONVOY_RETURN_IF_ERROR(connection.Execute(kCountWaiting));
    } else {
      CONVOY_RETURN_IF_ERROR(connection.Execute(kDropCounting));
    }
    return connection.Execute(absl::StrCat("PRAGMA user_version = ", kSchemaVersion).c_str());
  });
}

absl::StatusOr<uint64_t> CountRows(Connection& connection) {
  uint64_t count = 0;
  for (const MovedTable& table : kMovedTables) {
    CONVOY_ASSIGN_OR_RETURN(const bool has_table, HasTable(connection, table.old_name));
    if (!has_table) continue;
    const std::string sql = absl::StrCat("SELECT count(*) FROM ", table.old_name);
    CONVOY_ASSIGN_OR_RETURN(const int64_t rows_count, connection.QueryInt(sql.c_str()));
    count += static_cast<uint64_t>(rows_count);
  }
  return count;
}

// One piece. The old table goes when nothing is left in it.
absl::StatusOr<uint64_t> MovePiece(Connection& connection, const MovedTable& table) {
  uint64_t rows_count = 0;
  CONVOY_RETURN_IF_ERROR(RunInTransaction(connection, [&]() -> absl::Status {
    CONVOY_ASSIGN_OR_RETURN(const bool has_table, HasTable(connection, table.old_name));
    if (!has_table) return absl::OkStatus();
    CONVOY_ASSIGN_OR_RETURN(rows_count, table.move(connection));
    if (rows_count > 0) return absl::OkStatus();
    return connection.Execute(absl::StrCat("DROP TABLE ", table.old_name).c_str());
  }));
  return rows_count;
}

absl::Status MoveAll(Connection& connection, const MigrationListener& listener) {
  MigrationProgress progress;
  CONVOY_ASSIGN_OR_RETURN(progress.rows_count, CountRows(connection));
  for (const MovedTable& table : kMovedTables) {
    while (true) {
      CONVOY_ASSIGN_OR_RETURN(const uint64_t rows_count, MovePiece(connection, table));
      if (rows_count == 0) break;
      progress.rows_done += rows_count;
      if (listener != nullptr && !listener(progress)) {
        return absl::CancelledError(
            "the migration of the database was stopped; it goes on when the database is opened");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MigrateDatabase(Connection& connection, int64_t version,
                             const MigrationListener& listener) {
  if (version < kNumberedVersion) CONVOY_RETURN_IF_ERROR(PutAside(connection));
  if (version >= kNumberedVersion && version < kSchemaVersion) {
    CONVOY_RETURN_IF_ERROR(AddToTables(connection));
  }
  bool is_done = true;
  for (const MovedTable& table : kMovedTables) {
    CONVOY_ASSIGN_OR_RETURN(const bool has_table, HasTable(connection, table.old_name));
    is_done = is_done && !has_table;
  }
  if (is_done) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(connection.Execute(kWiden));
  const absl::Status status = MoveAll(connection, listener);
  const absl::Status narrowed = connection.Execute(kNarrow);
  CONVOY_RETURN_IF_ERROR(status);
  return narrowed;
}

}  // namespace convoy::storage
