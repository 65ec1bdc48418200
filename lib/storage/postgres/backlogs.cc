// Backlogs of projects: the counts (schema.cc), and one look into the index for each of the lanes
// that come first.
#include "lib/storage/postgres/backlogs.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/names.h"

namespace convoy::storage::postgres {
namespace {

constexpr std::string_view kChange =
    "INSERT INTO backlog AS b SELECT w.project, pg_backend_pid() & 15, w.more FROM "
    "unnest($1::int8[], $2::int8[]) AS w(project, more) ON CONFLICT (project, slot) "
    "DO UPDATE SET count = b.count + excluded.count";

constexpr std::string_view kOldest =
    "SELECT l.project, f.wake_at_us FROM (SELECT k.project, k.endpoint FROM lane AS k "
    "ORDER BY k.wake_at_us LIMIT $1::int8) AS l CROSS JOIN LATERAL (SELECT d.wake_at_us FROM "
    "delivery AS d WHERE d.endpoint = l.endpoint AND d.status < 3 AND d.project = l.project "
    "ORDER BY d.wake_at_us, d.key LIMIT 1) AS f";
// The number of a removed project is no name any more.
constexpr std::string_view kCounts =
    "SELECT b.project, n.id, b.count FROM (SELECT s.project, sum(s.count)::int8 AS count FROM "
    "backlog AS s GROUP BY s.project HAVING sum(s.count) > 0 LIMIT $1::int8) AS b "
    "JOIN name AS n ON n.number = b.project";
constexpr std::string_view kClosedUntil =
    "SELECT l.closed_until_us FROM lane AS l WHERE l.endpoint = $1::int8 AND l.project = $2::int8 "
    "AND l.closed_until_us > $3::int8 AND EXISTS (SELECT 1 FROM delivery AS d WHERE d.endpoint = "
    "$1::int8 AND d.status < 3 AND d.wake_at_us <= $3::int8 AND d.project = $2::int8)";

}  // namespace

void QueueBacklogs(Connection& connection, const std::map<int64_t, int64_t>& changes) {
  Columns rows;
  for (const auto& [project, by] : changes) {
    if (by != 0) rows.AddRow({project, by});
  }
  if (rows.rows_count() > 0) connection.Queue(kChange, Params().All(rows));
}

absl::StatusOr<std::vector<Backlog>> ReadBacklogs(Connection& connection) {
  connection.Queue(kOldest, Params().Int(kBacklogLanesMax));
  connection.Queue(kCounts, Params().Int(kBacklogsMax));
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers, connection.Flush());
  // The last two: answers to earlier statements of the transaction are in front of them.
  const Rows& lanes = answers[answers.size() - 2];
  const Rows& counts = answers.back();
  absl::flat_hash_map<int64_t, absl::Time> oldest;
  for (int i = 0; i < lanes.count(); ++i) {
    absl::Time& due_at =
        oldest.try_emplace(lanes.IntAt(i, 0), absl::InfiniteFuture()).first->second;
    due_at = std::min(due_at, base::FromMicros(lanes.IntAt(i, 1)));
  }
  std::vector<Backlog> backlogs;
  for (int i = 0; i < counts.count(); ++i) {
    Backlog backlog{.project_id = counts.TextAt(i, 1),
                    .count = static_cast<uint64_t>(counts.IntAt(i, 2))};
    const auto found = oldest.find(counts.IntAt(i, 0));
    if (found != oldest.end()) backlog.oldest_due_at = found->second;
    backlogs.push_back(std::move(backlog));
  }
  return backlogs;
}

absl::StatusOr<absl::Time> ReadLaneClosedUntil(Connection& connection, const LaneName& lane,
                                               absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const int64_t endpoint, FindName(connection, lane.endpoint_id));
  CONVOY_ASSIGN_OR_RETURN(const int64_t project, FindName(connection, lane.project_id));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(kClosedUntil, Params().Int(endpoint).Int(project).Int(base::ToMicros(now))));
  return rows.count() > 0 ? base::FromMicros(rows.IntAt(0, 0)) : absl::InfinitePast();
}

}  // namespace convoy::storage::postgres
