// Schema of the SQLite store, its version, and the identification of the file.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/migration.h"

namespace convoy::storage {

// Raised with every change of the schema; migration.cc leads from each older one to it.
inline constexpr int kSchemaVersion = 7;

// "cnvy": says whose file it is (https://www.sqlite.org/pragma.html#pragma_application_id).
inline constexpr int64_t kApplicationId = 0x636E7679;

// The tables of configuration, and those of what flows.
extern const char* const kCreateConfiguration;
extern const char* const kCreateFlow;
// The change from version 4 to 5, which new databases get after kCreateFlow: rows stay as they are.
extern const char* const kAddColumns;
// The change from version 5 to 6, which new databases get last: counts of unfinished deliveries,
// and which lanes are disabled.
extern const char* const kAddWaiting;
// The change from version 6 to 7: what had counted those that are made and finished.
extern const char* const kDropCounting;
// After it, where there are rows already: counts what is unfinished, with a look at each.
extern const char* const kCountWaiting;

// Refuses a file that is not ours (kFailedPrecondition), newer than this library
// (kFailedPrecondition) or damaged (kDataLoss), without touching it; then sets the durability that
// everything relies on, reads it back, and creates or migrates the schema.
absl::Status PrepareDatabase(Connection& connection, const MigrationListener& listener = nullptr);

// kFailedPrecondition if the database holds a copy (convoy/copy.h) that is not finished.
absl::Status CheckFinished(Connection& connection);

}  // namespace convoy::storage
