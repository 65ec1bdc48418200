// The table, function and trigger of an outbox in PostgreSQL: their SQL, and a connection that has
// checked them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/outbox.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::broker::outbox {

struct PostgresTable {
  std::unique_ptr<storage::postgres::Connection> connection;  // listens for notices of new rows
};

// A namespace as it is written in SQL: quoted, unless it is the usual one, because any other may be
// a word of the language.
std::string WrittenSchema(std::string_view schema);

// Connects, and makes what is missing if that is wanted. Errors as of NewPostgresOutbox.
absl::StatusOr<PostgresTable> OpenPostgresTable(const PostgresOutboxOptions& options);

}  // namespace convoy::broker::outbox
