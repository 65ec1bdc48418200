// The store in one SQLite file: a writing connection, a pool of reading ones.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/migration.h"

namespace convoy::storage {

struct SqliteOptions {
  std::string path;
  std::string vfs;  // empty: the default one. Tests put one in that fails.
  size_t readers_max = 8;
  MigrationListener on_migration;
};

absl::StatusOr<std::unique_ptr<Storage>> OpenSqlite(const SqliteOptions& options);

}  // namespace convoy::storage
