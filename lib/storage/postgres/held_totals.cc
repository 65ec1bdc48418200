// Reads of the sums over the held inputs, and the bound on them; see held_totals.h.
#include "lib/storage/postgres/held_totals.h"

#include "lib/base/status_macros.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

constexpr std::string_view kRemoveOldestOfGreatest =
    "DELETE FROM held_input WHERE key = (SELECT key FROM held_input WHERE source = "
    "(SELECT source FROM held_total WHERE source <> 0 ORDER BY bytes DESC LIMIT 1) "
    "ORDER BY kind, key LIMIT 1)";

}  // namespace

void LockHeldTotals(Connection& connection) {
  connection.Queue("SELECT 1 FROM held_total WHERE source = 0 FOR UPDATE");
}

absl::StatusOr<HeldUse> ReadHeldUse(Connection& connection) {
  CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                          connection.Run("SELECT items, bytes FROM held_total WHERE source = 0"));
  if (rows.count() == 0) return absl::DataLossError("the sum of all held inputs is missing");
  return HeldUse{.inputs = static_cast<uint64_t>(rows.IntAt(0, 0)),
                 .bytes = static_cast<uint64_t>(rows.IntAt(0, 1))};
}

absl::Status KeepHeldUse(Connection& connection, const HeldUse& most, uint64_t& removed_count) {
  if (most == HeldUse()) return absl::OkStatus();
  for (int i = 0; i < kHeldRemovedPerWrite; ++i) {
    CONVOY_ASSIGN_OR_RETURN(const HeldUse use, ReadHeldUse(connection));
    if (!IsOver(use, most)) break;
    CONVOY_RETURN_IF_ERROR(connection.Run(kRemoveOldestOfGreatest).status());
    ++removed_count;
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage::postgres
