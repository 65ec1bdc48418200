// Rows of the schemas up to version 3, on their way into the tables of version 4. The texts of
// these statements belong to files that exist and do not change.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

struct MovedTable {
  const char* old_name;
  // In a transaction: moves a bounded number of rows and says how many; 0 when none is left.
  absl::StatusOr<uint64_t> (*move)(Connection& connection);
};

absl::StatusOr<uint64_t> MoveEvents(Connection& connection);
absl::StatusOr<uint64_t> MoveDeliveries(Connection& connection);
absl::StatusOr<uint64_t> MoveAttempts(Connection& connection);
absl::StatusOr<uint64_t> MoveDedupeKeys(Connection& connection);
absl::StatusOr<uint64_t> MoveHeldInputs(Connection& connection);

// In the order in which they have to move.
inline constexpr MovedTable kMovedTables[] = {
    {"old_event", MoveEvents},          {"old_delivery", MoveDeliveries},
    {"old_attempt", MoveAttempts},      {"old_dedupe_key", MoveDedupeKeys},
    {"old_held_input", MoveHeldInputs},
};

}  // namespace convoy::storage
