// Sums over the held inputs: of each source, and of all, which the database keeps itself.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Makes the sums if the database has none, at the cost of one pass over the held inputs.
absl::Status EnsureHeldTotals(Connection& connection);

absl::StatusOr<HeldUse> ReadHeldUse(Connection& connection);

// Removes the oldest input of the source that holds the most, again and again until all that is
// held keeps to `most`, kHeldRemovedPerWrite times at most. Adds the number to `removed_count`.
absl::Status KeepHeldUse(Connection& connection, const HeldUse& most, uint64_t& removed_count);

}  // namespace convoy::storage
