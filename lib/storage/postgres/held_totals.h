// Sums over the held inputs: of each source, and of all, which the database keeps itself
// (schema.cc).
//
// Transactions in which held inputs come or go take turns: they lock the sum of all before they
// touch any, so the bound on all of them is kept exactly and none waits for another in a circle.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// Queued in a write transaction, before the first held input comes or goes in it.
void LockHeldTotals(Connection& connection);

absl::StatusOr<HeldUse> ReadHeldUse(Connection& connection);

// Under the lock: removes the oldest input of the source that holds the most, again and again until
// all that is held keeps to `most`, kHeldRemovedPerWrite times at most. Adds the number to
// `removed_count`.
absl::Status KeepHeldUse(Connection& connection, const HeldUse& most, uint64_t& removed_count);

}  // namespace convoy::storage::postgres
