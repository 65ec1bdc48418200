// The step of a database from a table for each kind of configuration object to one for all kinds.
#pragma once

#include "absl/status/status.h"

#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Within a transaction: makes the tables of config_rows.h, moves every object there and drops the
// tables of before. kDataLoss if a stored object cannot be read.
absl::Status MigrateConfig(Connection& connection);

}  // namespace convoy::storage
