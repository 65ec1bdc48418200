// Configuration objects as rows: documents, with the columns that look-ups and lists need.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// 0 if nothing was ever written to the scope.
absl::StatusOr<uint64_t> ReadRevision(Connection& connection, std::string_view scope);
absl::Status RaiseRevision(Connection& connection, std::string_view scope);

absl::Status PutConfig(Connection& connection, const ConfigObject& object);
// Removes the object and what cannot be without it (see ConfigWrite).
absl::Status RemoveConfig(Connection& connection, const ConfigRef& ref);

}  // namespace convoy::storage
