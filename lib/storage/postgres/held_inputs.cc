// Rows of held inputs, and their release.
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/config_rows.h"
#include "lib/storage/postgres/dedupe_keys.h"
#include "lib/storage/postgres/held_totals.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/postgres/row_keys.h"
#include "lib/storage/postgres/rows.h"
#include "lib/storage/postgres/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

absl::StatusOr<bool> IsKeyHeld(Connection& connection, const DedupeKey& key, int64_t project,
                               absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run("SELECT 1 FROM dedupe_key WHERE project = $1::int8 AND hash = $2::bytea "
                     "AND expires_at_us > $3::int8",
                     Params().Int(project).Bytes(HashText(key.key)).Int(base::ToMicros(now))));
  return rows.count() > 0;
}

absl::StatusOr<bool> TakeKey(Connection& connection, const DedupeKey& key, int64_t project,
                             absl::Time now) {
  if (key.is_taken_over) now = absl::InfiniteFuture();
  Params params;
  params.Int(project).Bytes(HashText(key.key)).Int(base::ToMicros(key.expires_at));
  params.Int(base::ToMicros(now));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run("INSERT INTO dedupe_key AS k (project, hash, expires_at_us) VALUES "
                     "($1::int8, $2::bytea, $3::int8) ON CONFLICT (project, hash) DO UPDATE "
                     "SET expires_at_us = excluded.expires_at_us WHERE k.expires_at_us <= $4::int8",
                     params));
  return rows.changes_count() > 0;
}

// Whether the input has not been stored before. Its key is taken then.
absl::StatusOr<bool> TakeRedelivery(Connection& connection, const Interning& names,
                                    const HeldInputWrite& hold) {
  const absl::Time now = hold.input.received_at;
  if (hold.former_redelivery.has_value()) {
    CONVOY_ASSIGN_OR_RETURN(const bool is_held,
                            IsKeyHeld(connection, *hold.former_redelivery,
                                      names.NumberOf(hold.former_redelivery->scope), now));
    if (is_held) return false;
  }
  if (!hold.redelivery.has_value()) return true;
  return TakeKey(connection, *hold.redelivery, names.NumberOf(hold.redelivery->scope), now);
}

void QueueRemovalOfOldest(Connection& connection, const HeldInputWrite& hold, int64_t source,
                          int64_t project) {
  Params params;
  params.Int(source).Int(static_cast<int64_t>(hold.input.kind)).Int(project).Int(hold.items_max);
  connection.Queue(
      "DELETE FROM held_input WHERE key = ANY (ARRAY(SELECT key FROM held_input "
      "WHERE (source, kind, key) >= ($1::int8, $2::int8::int2, 0) AND (source, kind) <= "
      "($1::int8, $2::int8::int2) AND project = $3::int8 ORDER BY source DESC, kind DESC, key DESC "
      "OFFSET $4::int8))",
      params);
}

}  // namespace

absl::Status ApplyReleases(Connection& connection, const WriteBatch& batch) {
  for (const HeldInputRelease& release : batch.releases) {
    const std::optional<UlidParts> id = SplitUlid(release.held_id);
    if (!id.has_value()) return NotHeld();
    CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, release.project_id));
    CONVOY_ASSIGN_OR_RETURN(
        const Rows removed,
        connection.Run("DELETE FROM held_input WHERE key BETWEEN $1::int8 AND $1::int8 + 63 "
                       "AND key - key_shift = $1::int8 AND id_tail = $2::int8 "
                       "AND project = $3::int8",
                       Params().Int(id->key).Int(id->tail).Int(project)));
    if (removed.changes_count() == 0) return NotHeld();
  }
  return absl::OkStatus();
}

absl::Status WriteHeldInput(Connection& connection, const HeldInputWrite& hold, bool is_careful,
                            CommitResult& result) {
  const HeldInput& input = hold.input;
  CONVOY_ASSIGN_OR_RETURN(
      const bool has_source,
      ConfigRows(connection).Holds(ConfigKind::kSource, input.source_id, input.project_id));
  if (!has_source) return absl::OkStatus();
  Interning names(&connection);
  names.AddProject(input.project_id);
  names.Add(input.source_id);
  if (hold.redelivery.has_value()) names.AddProject(hold.redelivery->scope);
  if (hold.former_redelivery.has_value()) names.AddProject(hold.former_redelivery->scope);
  CONVOY_RETURN_IF_ERROR(names.Resolve());
  CONVOY_ASSIGN_OR_RETURN(const bool is_first, TakeRedelivery(connection, names, hold));
  if (!is_first) return absl::OkStatus();
  connection.Queue(
      "DELETE FROM held_input WHERE key = ANY (ARRAY(SELECT key FROM held_input "
      "WHERE expires_at_us <= $1::int8 ORDER BY expires_at_us, key LIMIT $2::int8))",
      Params().Int(base::ToMicros(input.received_at)).Int(kExpiredInputsPerWrite));
  const int64_t project = names.NumberOf(input.project_id);
  const int64_t source = names.NumberOf(input.source_id);
  KeyChooser keys("held_input", "project");
  if (is_careful) CONVOY_RETURN_IF_ERROR(keys.Look(connection, {input.id}));
  CONVOY_ASSIGN_OR_RETURN(const RowKey at, keys.Choose(input.id, project));
  Columns columns;
  AddHeldRow(columns, at, input, project, source);
  connection.Queue(kInsertHeld, Params().All(columns));
  if (hold.items_max > 0) QueueRemovalOfOldest(connection, hold, source, project);
  return KeepHeldUse(connection, hold.use_max, result.held_dropped_count);
}

}  // namespace convoy::storage::postgres
