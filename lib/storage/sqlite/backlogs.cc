// Backlogs of projects: the counts that triggers keep (schema.cc), and one look into the index for
// each of the lanes that come first.
#include "lib/storage/sqlite/backlogs.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "lib/base/time_text.h"

namespace convoy::storage {

absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection) {
  absl::flat_hash_map<int64_t, absl::Time> oldest;
  Statement lane = connection.Prepare(
      "SELECT project, (SELECT wake_at_us FROM delivery INDEXED BY delivery_by_wake WHERE "
      "endpoint = lane.endpoint AND status < 3 AND project = lane.project ORDER BY wake_at_us "
      "LIMIT 1) FROM lane ORDER BY wake_at_us LIMIT ?");
  lane.Int(kBacklogLanesMax);
  while (lane.Next()) {
    if (lane.IsNullAt(1)) continue;
    absl::Time& due_at = oldest.try_emplace(lane.IntAt(0), absl::InfiniteFuture()).first->second;
    due_at = std::min(due_at, base::FromMicros(lane.IntAt(1)));
  }
  if (!lane.status().ok()) return lane.status();

  std::vector<Backlog> backlogs;
  // The number of a removed project is no name any more.
  Statement row = connection.Prepare(
      "SELECT backlog.project, name.id, backlog.count FROM backlog JOIN name ON name.number = "
      "backlog.project LIMIT ?");
  row.Int(kBacklogsMax);
  while (row.Next()) {
    Backlog backlog{.project_id = std::string(row.TextAt(1)),
                    .count = static_cast<uint64_t>(row.IntAt(2))};
    const auto found = oldest.find(row.IntAt(0));
    if (found != oldest.end()) backlog.oldest_due_at = found->second;
    backlogs.push_back(std::move(backlog));
  }
  if (!row.status().ok()) return row.status();
  return backlogs;
}

}  // namespace convoy::storage
