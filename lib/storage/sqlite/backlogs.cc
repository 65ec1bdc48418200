// Backlogs of projects: the counts (schema.cc), and one look into the index for
// each of the lanes that come first.
#include "lib/storage/sqlite/backlogs.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/names.h"

namespace convoy::storage {

absl::Status ChangeBacklog(Connection& connection, int64_t project, int64_t by) {
  if (by == 0) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(connection
                             .Prepare("INSERT INTO backlog VALUES (?, ?) ON CONFLICT (project) DO "
                                      "UPDATE SET count = count + excluded.count")
                             .Int(project)
                             .Int(by)
                             .Run());
  return connection.Prepare("DELETE FROM backlog WHERE project = ? AND count = 0")
      .Int(project)
      .Run();
}

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
      "SELECT backlog.project, name.id, backlog.count FROM backlog CROSS JOIN name ON "
      "name.number = backlog.project LIMIT ?");
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

absl::StatusOr<absl::Time> ReadLaneClosedUntil(Connection& connection, const LaneName& lane,
                                               absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t endpoint, FindName(connection, lane.endpoint_id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, lane.project_id));
  Statement row = connection.Prepare(
      "SELECT closed_until_us FROM lane WHERE endpoint = ?1 AND project = ?2 AND "
      "closed_until_us > ?3 AND EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_by_wake WHERE "
      "endpoint = ?1 AND status < 3 AND wake_at_us <= ?3 AND project = ?2)");
  const bool is_closed = row.Int(endpoint).Int(project).Int(base::ToMicros(now)).Next();
  CONVOY_RETURN_IF_ERROR(row.status());
  return is_closed ? base::FromMicros(row.IntAt(0)) : absl::InfinitePast();
}

}  // namespace convoy::storage
