// The tables of an outbox in SQLite: their SQL, and a connection that has checked them.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "convoy/outbox.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::broker::outbox {

struct SqliteTable {
  std::unique_ptr<storage::Connection> connection;
  std::string identity;  // random, of this table alone
};

// Opens the host's database and makes the tables if that is wanted. Errors as of NewSqliteOutbox.
absl::StatusOr<SqliteTable> OpenSqliteTable(const SqliteOutboxOptions& options);

}  // namespace convoy::broker::outbox
