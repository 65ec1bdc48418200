// Packed fields of configuration records.
#include "lib/storage/config_record.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace convoy::storage {
namespace {

absl::Status Damaged() {
  return absl::DataLossError("the fields of a configuration object are damaged");
}

}  // namespace

std::string PackFields(const std::vector<std::string>& fields) {
  std::string packed;
  for (const std::string& field : fields) absl::StrAppend(&packed, field.size(), ":", field);
  return packed;
}

absl::StatusOr<std::vector<std::string>> UnpackFields(ConfigKind kind, std::string_view packed) {
  std::vector<std::string> fields;
  while (!packed.empty()) {
    const size_t colon = packed.find(':');
    size_t size = 0;
    if (colon == std::string_view::npos || !absl::SimpleAtoi(packed.substr(0, colon), &size) ||
        size > packed.size() - colon - 1) {
      return Damaged();
    }
    fields.emplace_back(packed.substr(colon + 1, size));
    packed.remove_prefix(colon + 1 + size);
  }
  const ConfigKindInfo* const info = FindConfigKind(kind);
  if (info == nullptr || fields.size() > info->fields.size()) return Damaged();
  fields.resize(info->fields.size());
  return fields;
}

bool IsLookedUp(const ConfigField& field) {
  return field.use != ConfigFieldUse::kText || field.parent.has_value();
}

std::string_view GroupOf(const ConfigRecord& record, const ConfigField& field) {
  return field.use == ConfigFieldUse::kProject ? std::string_view(record.project_id)
                                               : std::string_view();
}

}  // namespace convoy::storage
