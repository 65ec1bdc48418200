// Numbers of ids (lib/storage/name_cache.h) in the table `name`.
//
// A number is given once and never again. An id keeps its number, but for the id of a project that
// is removed: if it is ever used again it gets another one, so that nothing of the removed project
// is found under it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/storage/name_cache.h"

namespace convoy::storage {

class Connection;

// The number of an id, if it has one.
absl::StatusOr<int64_t> FindName(Connection& connection, std::string_view id);
// In a write transaction: gives it one if it has none.
absl::StatusOr<int64_t> InternName(Connection& connection, std::string_view id);
absl::StatusOr<std::string> NameOf(Connection& connection, int64_t number);

// In a write transaction: from now on the id means another project. Rows of the old one are out of
// sight at once, and go piece by piece (retention.cc).
absl::Status RetireProject(Connection& connection, std::string_view id);

}  // namespace convoy::storage
