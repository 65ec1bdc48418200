// Opening of an outbox in SQLite. It is the host's file: nothing of it is changed but the tables
// that are asked for.
#include "lib/broker/outbox/sqlite_table.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/failure.h"
#include "lib/storage/sqlite/schema.h"

namespace convoy {

// docs/outbox.md has the same text; a test compares them.
std::string SqliteOutboxSql() {
  return absl::StrCat(R"sql(CREATE TABLE convoy_outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_type TEXT NOT NULL,
  data TEXT NOT NULL,
  endpoint_id TEXT,
  owner_id TEXT,
  custom_headers TEXT,
  idempotency_key TEXT,
  row_key TEXT NOT NULL DEFAULT (lower(hex(randomblob(16))))
);
CREATE TABLE convoy_outbox_schema (
  version INTEGER NOT NULL,
  identity TEXT NOT NULL DEFAULT (lower(hex(randomblob(16))))
);
INSERT INTO convoy_outbox_schema (version) VALUES ()sql",
                      kOutboxVersion, ");\n");
}

}  // namespace convoy

namespace convoy::broker::outbox {
namespace {

using storage::Connection;
using storage::Statement;

// A host's open transaction keeps others from a gateway's own file, and with it the whole intake.
// Events are UTF-8, byte for byte as they were inserted; another encoding would change them.
absl::Status CheckFile(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t application_id,
                          connection.QueryInt("PRAGMA application_id"));
  if (application_id == storage::kApplicationId) {
    return absl::InvalidArgumentError(
        "the outbox's file is a gateway's own database: an outbox belongs into the host's");
  }
  CONVOY_ASSIGN_OR_RETURN(const std::string encoding, connection.QueryText("PRAGMA encoding"));
  if (encoding == "UTF-8") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the outbox's file has PRAGMA encoding ", encoding, ", an outbox needs UTF-8"));
}

// A delete that is lost when the machine loses power is done again: the row is known by its
// position. Without a write-ahead log less than the host's setting could damage the file.
absl::Status SetPace(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(const std::string journal, connection.QueryText("PRAGMA journal_mode"));
  if (journal != "wal") return absl::OkStatus();
  return connection.Execute("PRAGMA synchronous = NORMAL");
}

absl::StatusOr<bool> HasTables(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(
      const int64_t count,
      connection.QueryInt("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
                          "('convoy_outbox', 'convoy_outbox_schema')"));
  return count == 2;
}

// Another process may be quicker: the tables are looked for again under the write lock.
absl::Status Create(Connection& connection) {
  CONVOY_RETURN_IF_ERROR(connection.Execute("BEGIN IMMEDIATE"));
  const absl::StatusOr<bool> exist = HasTables(connection);
  absl::Status status = exist.status();
  if (status.ok() && !*exist) status = connection.Execute(SqliteOutboxSql().c_str());
  if (status.ok()) status = connection.Execute("COMMIT");
  if (!status.ok() && connection.is_in_transaction()) {
    connection.Execute("ROLLBACK").IgnoreError();
  }
  return status;
}

absl::Status CheckVersion(Connection& connection) {
  Statement schema = connection.Prepare("SELECT version FROM convoy_outbox_schema");
  if (!schema.Next()) {
    CONVOY_RETURN_IF_ERROR(schema.status());
    return absl::InvalidArgumentError("convoy_outbox_schema has no row");
  }
  if (schema.IntAt(0) != kOutboxVersion) {
    return absl::InvalidArgumentError(absl::StrCat("convoy_outbox has version ", schema.IntAt(0),
                                                   ", this library reads version ", kOutboxVersion,
                                                   " only"));
  }
  return absl::OkStatus();
}

// All zero if there is no file; nullopt if that cannot be told.
std::optional<FileId> FindFile(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) == 0) return FileId{found.st_dev, found.st_ino};
  return errno == ENOENT ? std::optional<FileId>(FileId()) : std::nullopt;
}

absl::Status Prepare(Connection& connection, bool should_create) {
  CONVOY_RETURN_IF_ERROR(CheckFile(connection));
  CONVOY_RETURN_IF_ERROR(SetPace(connection));
  CONVOY_ASSIGN_OR_RETURN(const bool exist, HasTables(connection));
  if (!exist && !should_create) {
    return absl::NotFoundError(
        "the outbox's file has no tables convoy_outbox and convoy_outbox_schema; docs/outbox.md "
        "has their SQL");
  }
  if (!exist) CONVOY_RETURN_IF_ERROR(Create(connection));
  return CheckVersion(connection);
}

}  // namespace

absl::StatusOr<SqliteTable> OpenSqliteTable(const SqliteOutboxOptions& options) {
  SqliteTable table;
  std::error_code error;
  table.path = std::filesystem::absolute(options.path, error).string();
  // Before it is opened: what takes its place from now on is noticed.
  table.file = FindFile(table.path).value_or(FileId());
  auto connection = Connection::Open({.path = options.path, .must_exist = true});
  if (!connection.ok()) return WithoutPath(connection.status(), options.path);
  table.connection = *std::move(connection);
  // From here on errors have the name that SQLite has resolved.
  const absl::Status prepared = Prepare(*table.connection, options.should_create);
  if (!prepared.ok()) return WithoutPath(prepared, table.connection->path());
  return table;
}

bool IsReplaced(const SqliteTable& table) {
  const std::optional<FileId> now = FindFile(table.path);
  return now.has_value() && *now != table.file;
}

absl::Status WithoutPath(const absl::Status& error, std::string_view path) {
  constexpr std::string_view kInstead = "the outbox's file";
  if (path.empty()) return error;
  std::string text(error.message());
  // A relative path may be so short that it is a part of other words.
  if (path.starts_with('/')) {
    text = absl::StrReplaceAll(text, {{path, kInstead}});
  } else if (text.starts_with(path)) {
    text.replace(0, path.size(), kInstead);
  }
  absl::Status shown(error.code(), text);
  storage::AttachSqliteCode(shown, storage::SqliteCodeOf(error));
  return shown;
}

}  // namespace convoy::broker::outbox
