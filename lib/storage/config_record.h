// Form of a configuration record in a row that a database keeps: id, project_id, the fields as one
// value, the document.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
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

// Text that a field's rows are grouped by, behind the value: the project's id, or empty.
std::string_view GroupOf(const ConfigRecord& record, const ConfigField& field);

// The rows of fields that a write changes. `remove` and `put` take a record, a field of it and the
// field's index, and return a status. `previous` may be null.
template <typename Remove, typename Put>
absl::Status ChangeFields(const ConfigRecord& record, const ConfigRecord* previous,
                          const Remove& remove, const Put& put) {
  const ConfigKindInfo& info = *FindConfigKind(record.kind);
  for (size_t i = 0; i < info.fields.size(); ++i) {
    const ConfigField& field = info.fields[i];
    if (!IsLookedUp(field)) continue;
    if (previous != nullptr) {
      const bool is_same = previous->fields[i] == record.fields[i] &&
                           GroupOf(*previous, field) == GroupOf(record, field);
      if (is_same) continue;
      CONVOY_RETURN_IF_ERROR(remove(*previous, field, i));
    }
    CONVOY_RETURN_IF_ERROR(put(record, field, i));
  }
  return absl::OkStatus();
}

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
