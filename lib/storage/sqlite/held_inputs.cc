// Rows of held inputs, and their release.
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/config_rows.h"
#include "lib/storage/sqlite/held_totals.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

absl::Status RemoveExpired(Connection& connection, absl::Time now) {
  return connection
      .Prepare(
          "DELETE FROM held_input WHERE key IN (SELECT key FROM held_input "
          "WHERE expires_at_us <= ? ORDER BY expires_at_us, key LIMIT ?)")
      .Int(base::ToMicros(now))
      .Int(kExpiredInputsPerWrite)
      .Run();
}

absl::Status RemoveOldest(Connection& connection, const HeldInput& input, uint32_t items_max) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t source, FindName(connection, input.source_id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, input.project_id));
  return connection
      .Prepare(
          "DELETE FROM held_input WHERE key IN (SELECT key FROM held_input WHERE source = ? "
          "AND kind = ? AND project = ? ORDER BY key DESC LIMIT -1 OFFSET ?)")
      .Int(source)
      .Int(static_cast<int64_t>(input.kind))
      .Int(project)
      .Int(items_max)
      .Run();
}

}  // namespace

absl::Status Writer::ApplyReleases(const WriteBatch& batch) {
  for (const HeldInputRelease& release : batch.releases) {
    const std::optional<UlidParts> id = SplitUlid(release.held_id);
    if (!id.has_value()) return NotHeld();
    CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(*connection_, release.project_id));
    Statement removal = connection_->Prepare(
        "DELETE FROM held_input WHERE key BETWEEN ?1 AND ?1 + 63 AND key - key_shift = ?1 "
        "AND id_tail = ?2 AND project = ?3");
    CONVOY_RETURN_IF_ERROR(BindId(removal, *id, project).Run());
    if (connection_->changes_count() == 0) return NotHeld();
  }
  return absl::OkStatus();
}

absl::Status Writer::WriteHeldInput(const HeldInputWrite& hold, CommitResult& result) {
  const HeldInput& input = hold.input;
  CONVOY_ASSIGN_OR_RETURN(
      const bool has_source,
      ConfigRows(*connection_).Has(ConfigKind::kSource, input.source_id, input.project_id));
  if (!has_source) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(
      const bool is_first,
      TakeRedelivery(hold.redelivery, hold.former_redelivery, input.received_at));
  if (!is_first) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(RemoveExpired(*connection_, input.received_at));
  CONVOY_RETURN_IF_ERROR(InsertHeld(*connection_, input));
  if (hold.items_max > 0) {
    CONVOY_RETURN_IF_ERROR(RemoveOldest(*connection_, input, hold.items_max));
  }
  return KeepHeldUse(*connection_, hold.use_max, result.held_dropped_count);
}

}  // namespace convoy::storage
