// The tables, named by the singular nouns of the model. Configuration is a document with the
// columns that look-ups need; what flows is columns throughout.
//
// Rows of what flows have keys in the order of their age, made from their ids (row_keys.h), and
// name objects of configuration by numbers (names.h). A delivery does not repeat what its event
// says, nor an attempt what its delivery says. Short columns come first, so that a list can decide
// about a row without reading its body.
//
// delivery.wake_at_us is when a dispatcher should look at the row: its due time, or, while it is
// claimed, the end of the lease. lane holds one row for each endpoint with unfinished deliveries or
// a rate that is not rested. Its wake_at_us is a lower bound of theirs, but no earlier than
// closed_until_us, until when the lane is closed; so claiming costs what may be sent and not what
// exists. lane.arrival_us is the theoretical arrival time of the rate (convoy/lane.h). lane.head is
// the delivery that an endpoint which gets one at a time is at (0: none); while there is one, the
// lane wakes with it, whatever else is due. lane.is_disabled is what the policy said at the latest
// visit that found anything due; retention does not wait for deliveries of such a lane. An endpoint
// is in one project.
#include "lib/storage/sqlite/schema.h"

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/config_rows.h"
#include "lib/storage/sqlite/held_totals.h"

namespace convoy::storage {

const char* const kCreateConfiguration = R"sql(
CREATE TABLE opener (count INTEGER NOT NULL);
INSERT INTO opener VALUES (0);

CREATE TABLE config_revision (
  scope TEXT PRIMARY KEY, revision INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// Keys that never expire (the largest number) are not worth a place in dedupe_key_by_expiry.
const char* const kCreateFlow = R"sql(
CREATE TABLE name (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
CREATE TABLE removed_project (number INTEGER PRIMARY KEY);

CREATE TABLE event (
  key INTEGER PRIMARY KEY, key_shift INTEGER NOT NULL, id_tail INTEGER NOT NULL,
  project INTEGER NOT NULL, source INTEGER NOT NULL, is_duplicate INTEGER NOT NULL,
  status INTEGER NOT NULL, created_at_us INTEGER NOT NULL, acknowledged_at_us INTEGER NOT NULL,
  event_type TEXT NOT NULL, idempotency_key TEXT NOT NULL, failure_reason TEXT NOT NULL,
  endpoints BLOB NOT NULL, content_type TEXT NOT NULL, url_query TEXT NOT NULL,
  url_path TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX event_by_project ON event (project);
CREATE TABLE dedupe_key (
  project INTEGER NOT NULL, hash BLOB NOT NULL, expires_at_us INTEGER NOT NULL,
  PRIMARY KEY (project, hash)
) WITHOUT ROWID;
CREATE INDEX dedupe_key_by_expiry ON dedupe_key (expires_at_us)
  WHERE expires_at_us < 9223372036854775807;

CREATE TABLE delivery (
  key INTEGER PRIMARY KEY, key_shift INTEGER NOT NULL, id_tail INTEGER NOT NULL,
  event INTEGER NOT NULL, project INTEGER NOT NULL, endpoint INTEGER NOT NULL,
  subscription INTEGER NOT NULL, status INTEGER NOT NULL, mode INTEGER NOT NULL,
  strategy INTEGER NOT NULL, interval_us INTEGER NOT NULL, attempts_max INTEGER NOT NULL,
  attempts_count INTEGER NOT NULL, due_at_us INTEGER NOT NULL, description TEXT NOT NULL,
  latency_us INTEGER NOT NULL, created_at_us INTEGER NOT NULL, updated_at_us INTEGER NOT NULL,
  lease INTEGER NOT NULL, wake_at_us INTEGER NOT NULL
);
CREATE INDEX delivery_by_project ON delivery (project);
CREATE INDEX delivery_by_event ON delivery (event);
CREATE INDEX delivery_by_wake ON delivery (endpoint, wake_at_us) WHERE status < 3;
CREATE INDEX delivery_by_lease ON delivery (lease) WHERE lease <> 0;
CREATE TABLE lane (
  endpoint INTEGER PRIMARY KEY, project INTEGER NOT NULL, wake_at_us INTEGER NOT NULL,
  arrival_us INTEGER NOT NULL DEFAULT 0, closed_until_us INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX lane_by_wake ON lane (wake_at_us);

CREATE TABLE attempt (
  key INTEGER PRIMARY KEY, key_shift INTEGER NOT NULL, id_tail INTEGER NOT NULL,
  delivery INTEGER NOT NULL, http_status INTEGER NOT NULL, is_success INTEGER NOT NULL,
  requested_at_us INTEGER NOT NULL, responded_at_us INTEGER NOT NULL, url TEXT NOT NULL,
  method TEXT NOT NULL, remote_ip TEXT NOT NULL, error TEXT NOT NULL,
  request_headers TEXT NOT NULL, response_headers TEXT NOT NULL, response_body BLOB NOT NULL
);
CREATE INDEX attempt_by_delivery ON attempt (delivery);

CREATE TABLE held_input (
  key INTEGER PRIMARY KEY, key_shift INTEGER NOT NULL, id_tail INTEGER NOT NULL,
  project INTEGER NOT NULL, source INTEGER NOT NULL, kind INTEGER NOT NULL,
  received_at_us INTEGER NOT NULL, expires_at_us INTEGER NOT NULL, reason TEXT NOT NULL,
  detail TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
  position TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX held_input_by_project ON held_input (project);
CREATE INDEX held_input_by_source ON held_input (source, kind);
CREATE INDEX held_input_by_expiry ON held_input (expires_at_us);
)sql";

// attempt.timings are microseconds: the whole exchange, then its phases, as EncodeNumbers writes
// them; empty if they are not known.
const char* const kAddColumns = R"sql(
ALTER TABLE attempt ADD COLUMN timings BLOB;
ALTER TABLE lane ADD COLUMN head INTEGER NOT NULL DEFAULT 0;
)sql";

// A project without unfinished deliveries has no row. The writer counts those that are made and
// those that end, once for each transaction (Writer::WriteLanes): triggers did up to version 6,
// which took a sixth of its time. What is removed is rarely unfinished, and a trigger counts it.
const char* const kAddWaiting = R"sql(
ALTER TABLE lane ADD COLUMN is_disabled INTEGER NOT NULL DEFAULT 0;
CREATE TABLE backlog (project INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TRIGGER delivery_removed AFTER DELETE ON delivery WHEN old.status < 3 BEGIN
  UPDATE backlog SET count = count - 1 WHERE project = old.project;
  DELETE FROM backlog WHERE project = old.project AND count = 0;
END;
)sql";

const char* const kDropCounting = "DROP TRIGGER delivery_made; DROP TRIGGER delivery_changed";

const char* const kCountWaiting =
    "INSERT INTO backlog SELECT project, count(*) FROM delivery INDEXED BY delivery_by_wake "
    "WHERE status < 3 GROUP BY project";

namespace {

absl::StatusOr<int64_t> CheckIdentity(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t application_id,
                          connection.QueryInt("PRAGMA application_id"));
  CONVOY_ASSIGN_OR_RETURN(const int64_t version, connection.QueryInt("PRAGMA user_version"));
  CONVOY_ASSIGN_OR_RETURN(const int64_t tables_count,
                          connection.QueryInt("SELECT count(*) FROM sqlite_schema"));
  if (tables_count > 0 && application_id != kApplicationId) {
    return absl::FailedPreconditionError(
        "the file is a SQLite database of another program; choose another path");
  }
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the database has schema version ", version,
                                                      ", this library knows up to ", kSchemaVersion,
                                                      "; use a newer library"));
  }
  return tables_count == 0 ? 0 : version;
}

absl::Status SetDurability(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(const std::string journal,
                          connection.QueryText("PRAGMA journal_mode = WAL"));
  if (journal != "wal") {
    return absl::FailedPreconditionError(
        absl::StrCat("the database cannot use a write-ahead log here (its journal is '", journal,
                     "'); a local file system is needed"));
  }
  CONVOY_RETURN_IF_ERROR(connection.Execute("PRAGMA synchronous = FULL"));
  CONVOY_ASSIGN_OR_RETURN(const int64_t synchronous, connection.QueryInt("PRAGMA synchronous"));
  constexpr int64_t kFull = 2;
  if (synchronous != kFull) {
    return absl::FailedPreconditionError("the database does not accept synchronous = FULL");
  }
  return absl::OkStatus();
}

// A page that changes with every commit is copied into the database once for each checkpoint, so
// they are made rare: at most 16 MiB of log, and as much memory for pages.
absl::Status SetPace(Connection& connection) {
  CONVOY_RETURN_IF_ERROR(connection.Execute("PRAGMA wal_autocheckpoint = 4096"));
  return connection.Execute("PRAGMA cache_size = -16384");
}

absl::Status CreateSchema(Connection& connection) {
  for (const char* sql :
       {kCreateConfiguration, kCreateConfigTables, kCreateFlow, kAddColumns, kAddWaiting}) {
    CONVOY_RETURN_IF_ERROR(connection.Execute(sql));
  }
  CONVOY_RETURN_IF_ERROR(
      connection.Execute(absl::StrCat("PRAGMA application_id = ", kApplicationId).c_str()));
  return connection.Execute(absl::StrCat("PRAGMA user_version = ", kSchemaVersion).c_str());
}

// Another process may be quicker: what there is is read again under the write lock.
absl::Status CreateIfEmpty(Connection& connection) {
  CONVOY_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  const absl::StatusOr<int64_t> version = connection.QueryInt("PRAGMA user_version");
  absl::Status status = version.status();
  if (status.ok() && *version == 0) status = CreateSchema(connection);
  if (status.ok()) return connection.Execute("COMMIT");
  connection.Execute("ROLLBACK").IgnoreError();
  return status;
}

}  // namespace

absl::Status CheckFinished(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(
      const int64_t count,
      connection.QueryInt("SELECT count(*) FROM sqlite_schema WHERE name = 'unfinished_copy'"));
  if (count == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(connection.path(), " is a copy that is not finished; copy again"));
}

absl::Status PrepareDatabase(Connection& connection, const MigrationListener& listener) {
  CONVOY_ASSIGN_OR_RETURN(int64_t version, CheckIdentity(connection));
  CONVOY_RETURN_IF_ERROR(SetDurability(connection));
  CONVOY_RETURN_IF_ERROR(SetPace(connection));
  if (version == 0) {
    CONVOY_RETURN_IF_ERROR(CreateIfEmpty(connection));
    CONVOY_ASSIGN_OR_RETURN(version, connection.QueryInt("PRAGMA user_version"));
  }
  CONVOY_RETURN_IF_ERROR(MigrateDatabase(connection, version, listener));
  return EnsureHeldTotals(connection);
}

}  // namespace convoy::storage
