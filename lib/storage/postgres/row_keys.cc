// Choice of keys; see row_keys.h.
#include "lib/storage/postgres/row_keys.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {

static_assert(kKeyShiftsMax == 64);

std::vector<int64_t> KeysOf(const std::vector<std::string_view>& ids) {
  std::vector<int64_t> keys;
  for (const std::string_view id : ids) {
    if (const auto parts = SplitUlid(id)) keys.push_back(parts->key);
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

absl::Status KeyChooser::Look(Connection& connection, const std::vector<std::string_view>& ids) {
  has_looked_ = true;
  std::vector<int64_t> keys;
  for (const std::string_view id : ids) {
    if (const std::optional<UlidParts> parts = SplitUlid(id)) keys.push_back(parts->key);
  }
  const std::string sql =
      absl::StrCat("SELECT t.key, t.key_shift, t.id_tail, t.", owner_,
                   " FROM unnest($1::int8[]) AS w(key) CROSS JOIN LATERAL (SELECT * FROM ", table_,
                   " AS r WHERE r.key BETWEEN w.key AND w.key + 63 ORDER BY r.key LIMIT 64) AS t");
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(sql, Params().Ints(keys)));
  for (int i = 0; i < rows.count(); ++i) {
    taken_[rows.IntAt(i, 0)] = {
        .shift = rows.IntAt(i, 1), .tail = rows.IntAt(i, 2), .owner = rows.IntAt(i, 3)};
  }
  return absl::OkStatus();
}

absl::StatusOr<RowKey> KeyChooser::Choose(std::string_view id, int64_t owner) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return NotAnId(id);
  std::optional<RowKey> free;
  for (int64_t shift = 0; shift < kKeyShiftsMax; ++shift) {
    const auto found = taken_.find(parts->key + shift);
    if (found == taken_.end()) {
      if (!free.has_value()) {
        free = RowKey{.key = parts->key + shift, .shift = shift, .tail = parts->tail};
      }
      // Those chosen here stand without gaps; of those that are stored some may be gone.
      if (!has_looked_) break;
      continue;
    }
    const Taken& taken = found->second;
    if (taken.shift == shift && taken.tail == parts->tail && taken.owner == owner) {
      return IdTaken(id);
    }
  }
  if (!free.has_value()) return NoKeyLeft(id);
  taken_[free->key] = {.shift = free->shift, .tail = free->tail, .owner = owner};
  return *free;
}

}  // namespace convoy::storage::postgres
