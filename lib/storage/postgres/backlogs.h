// Reads of what is unfinished, in each project and of one lane; the rules are those of
// lib/storage/sqlite/backlogs.cc.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

// See Storage::ListBacklogs. Within a read transaction.
absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection);
// See Storage::LaneClosedUntil. Within a read transaction.
absl::StatusOr<absl::Time> ReadLaneClosedUntil(Connection& connection, const LaneName& lane,
                                               absl::Time now);

}  // namespace convoy::storage::postgres
