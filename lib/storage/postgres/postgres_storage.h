// The store in PostgreSQL: a writing session, a pool of reading connections, and one that listens.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

struct PostgresOptions {
  ConnectionOptions connection;
  size_t readers_max = 8;
  Clock* clock = nullptr;  // must outlive the store; null: the system's
};

absl::StatusOr<std::unique_ptr<Storage>> OpenPostgres(const PostgresOptions& options);

}  // namespace convoy::storage::postgres
