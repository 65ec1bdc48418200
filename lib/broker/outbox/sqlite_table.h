// The tables of an outbox in SQLite: their SQL, and a connection that has checked them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/outbox.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::broker::outbox {

// Identity of the file that a path led to.
struct FileId {
  uint64_t device = 0;
  uint64_t number = 0;

  bool operator==(const FileId&) const = default;
};

struct SqliteTable {
  std::unique_ptr<storage::Connection> connection;
  std::string path;  // as the host named it, absolute
  FileId file;
};

// Opens the host's database and makes the tables if that is wanted. Errors as of NewSqliteOutbox,
// without the path.
absl::StatusOr<SqliteTable> OpenSqliteTable(const SqliteOutboxOptions& options);

// Whether the path leads to another file by now, or to none: a host has restored a backup. Then
// no other process reads the open file.
bool IsReplaced(const SqliteTable& table);

// The error without the path of the host's file: those who make sources see it.
absl::Status WithoutPath(const absl::Status& error, std::string_view path);

}  // namespace convoy::broker::outbox
