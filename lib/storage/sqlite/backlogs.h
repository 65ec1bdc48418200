// Reads of what is unfinished in each project.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// See Storage::ListBacklogs. Within a read transaction.
absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection);

}  // namespace convoy::storage
