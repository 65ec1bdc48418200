// Reads of what is unfinished, in each project and of one lane.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// See Storage::ListBacklogs. Within a read transaction.
absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection);
// See Storage::LaneClosedUntil.
absl::StatusOr<absl::Time> ReadLaneClosedUntil(Connection& connection, const LaneName& lane,
                                               absl::Time now);

}  // namespace convoy::storage
