// The one statement that decides about duplicates.
#include "lib/storage/sqlite/dedupe_keys.h"

#include "lib/base/status_macros.h"

namespace convoy::storage {

absl::StatusOr<bool> TakeKey(Connection& connection, const DedupeRow& row, int64_t now_us) {
  CONVOY_RETURN_IF_ERROR(
      connection
          .Prepare("INSERT INTO dedupe_key VALUES (?, ?, ?) ON CONFLICT (project, hash) DO UPDATE "
                   "SET expires_at_us = excluded.expires_at_us "
                   "WHERE dedupe_key.expires_at_us <= ?")
          .Int(row.project)
          .Blob({row.hash.data(), row.hash.size()})
          .Int(row.expires_at_us)
          .Int(now_us)
          .Run());
  return connection.changes_count() > 0;
}

absl::StatusOr<bool> IsKeyHeld(Connection& connection, const DedupeRow& row, int64_t now_us) {
  Statement key = connection.Prepare(
      "SELECT 1 FROM dedupe_key WHERE project = ? AND hash = ? AND expires_at_us > ?");
  const bool is_held =
      key.Int(row.project).Blob({row.hash.data(), row.hash.size()}).Int(now_us).Next();
  if (!key.status().ok()) return key.status();
  return is_held;
}

}  // namespace convoy::storage
