// Unfinished deliveries, in each project and of one lane; the rules are those of
// lib/storage/sqlite/backlogs.cc.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// In a write transaction: changes the counts of projects by so many each.
void QueueBacklogs(Connection& connection, const std::map<int64_t, int64_t>& changes);

// See Storage::ListBacklogs. Within a read transaction.
absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection);
// See Storage::LaneClosedUntil. Within a read transaction.
absl::StatusOr<absl::Time> ReadLaneClosedUntil(Connection& connection, const LaneName& lane,
                                               absl::Time now);

}  // namespace convoy::storage::postgres
