// From older schemas to the present one, in pieces. Each piece is a transaction that takes rows out
// of an old table and puts them into the new one, so a migration may stop at any instant, and goes
// on where it stopped when the file is next opened. The space of what was taken out is used again,
// so the file hardly grows.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

#include "convoy/gateway.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Called after each piece; false stops the migration.
using MigrationListener = std::function<bool(const MigrationProgress&)>;

// `version` is what the file says: 1 to kSchemaVersion - 1, or kSchemaVersion for a file whose
// migration may have been stopped. kCancelled if the listener stopped it.
absl::Status MigrateDatabase(Connection& connection, int64_t version,
                             const MigrationListener& listener);

}  // namespace convoy::storage
