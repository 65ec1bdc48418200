// Schema of the SQLite store, its version, and the identification of the file.
#pragma once

#include "absl/status/status.h"

#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Raised with every change of the schema; schema.cc holds a step from each version to the next.
inline constexpr int kSchemaVersion = 3;

// Refuses a file that is not ours (kFailedPrecondition), newer than this library
// (kFailedPrecondition) or damaged (kDataLoss), without touching it; then sets the durability that
// everything relies on, reads it back, and creates or migrates the schema.
absl::Status PrepareDatabase(Connection& connection);

}  // namespace convoy::storage
