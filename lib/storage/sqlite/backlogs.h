// Counts of what is unfinished in each project, and reads of it and of one lane.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Within a write transaction, once for each project: as many more deliveries are unfinished now.
absl::Status ChangeBacklog(Connection& connection, int64_t project, int64_t by);

// See Storage::ListBacklogs. Within a read transaction.
absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection);
// See Storage::LaneClosedUntil.
absl::StatusOr<absl::Time> ReadLaneClosedUntil(Connection& connection, const LaneName& lane,
                                               absl::Time now);

}  // namespace convoy::storage
