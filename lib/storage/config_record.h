// Form of a configuration record in a row that a database keeps: id, project_id, the fields as one
// value, the document.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/config.h"
#include "lib/base/status_macros.h"

namespace convoy::storage {

// The fields as one value: each as its size, a colon and its bytes.
std::string PackFields(const std::vector<std::string>& fields);

// Opposite of PackFields, for a kind that may have been given fields since: those are empty.
// kDataLoss for anything else.
absl::StatusOr<std::vector<std::string>> UnpackFields(ConfigKind kind, std::string_view packed);

// Whether the field has a row of its own, by which its value is found.
bool IsLookedUp(const ConfigField& field);

// The record of a row whose first columns are those named above.
template <typename Row>
absl::StatusOr<ConfigRecord> ReadConfigRecord(ConfigKind kind, const Row& row) {
  ConfigRecord record;
  record.kind = kind;
  record.id = row.TextAt(0);
  record.project_id = row.TextAt(1);
  CONVOY_ASSIGN_OR_RETURN(record.fields, UnpackFields(kind, row.TextAt(2)));
  record.document = row.TextAt(3);
  return record;
}

}  // namespace convoy::storage
