// The tables in PostgreSQL, and their creation.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

inline constexpr int64_t kSchemaVersion = 4;

// kInvalidArgument for a name that is not made of a-z, 0-9 and _, or is longer than 63.
absl::Status CheckSchemaName(std::string_view name);

// Creates the namespace and its tables if they are not there, or brings those of an older library
// up to date, in one transaction, under a lock that openers of the same namespace wait for.
// kFailedPrecondition for tables of a newer library, which are left alone.
absl::Status PrepareSchema(Connection& connection, const std::string& schema);

// Whether the tables hold a copy (convoy/copy.h) that is not finished, and so no store yet.
absl::StatusOr<bool> IsUnfinishedCopy(Connection& connection);

}  // namespace convoy::storage::postgres
