// Keys of the rows of what flows. The key of a row is the one that its id gives (convoy/ulid.h), or
// one of the next if rows of other ids were there first. The row says how far it is shifted, and
// holds the rest of the id, so an id needs no index and is not stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

// The parameters ?1 to ?3 of a statement that selects the row of an id:
//   WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 AND id_tail = ?2 AND project = ?3
//   LIMIT 1
// The walk ends at the first key in almost all cases; it goes on only where that one is another
// id's. `owner` is the project, of an attempt the delivery: rows of a removed project may still be
// there, and are not meant.
static_assert(kKeyShiftsMax == 64);
inline Statement& BindId(Statement& statement, const UlidParts& id, int64_t owner) {
  return statement.Int(id.key).Int(id.tail).Int(owner);
}

// The id of a row whose first columns are key, key_shift and id_tail, from `column` on.
inline std::string IdAt(const Statement& row, int column) {
  return JoinUlid(
      {.key = row.IntAt(column) - row.IntAt(column + 1), .tail = row.IntAt(column + 2)});
}

// Inserts a row at the first free key of its id and gives that key. `insert` begins with the
// columns key, key_shift and id_tail; `find` selects the row of an id; `bind` binds the rest.
inline absl::StatusOr<int64_t> InsertRow(Connection& connection, std::string_view id, int64_t owner,
                                         std::string_view insert, std::string_view find,
                                         absl::FunctionRef<void(Statement&)> bind) {
  const std::optional<UlidParts> parts = SplitUlid(id);
  if (!parts.has_value()) return NotAnId(id);
  for (int64_t shift = 0; shift < kKeyShiftsMax; ++shift) {
    const int64_t key = parts->key + shift;
    absl::Status status;
    {
      Statement statement = connection.Prepare(insert);
      statement.Int(key).Int(shift).Int(parts->tail);
      bind(statement);
      status = statement.Run();
    }
    if (status.ok()) return key;
    if (!absl::IsAlreadyExists(status)) return status;
    if (shift > 0) continue;
    Statement row = connection.Prepare(find);
    if (BindId(row, *parts, owner).Next()) return IdTaken(id);
    CONVOY_RETURN_IF_ERROR(row.status());
  }
  return NoKeyLeft(id);
}

}  // namespace convoy::storage
