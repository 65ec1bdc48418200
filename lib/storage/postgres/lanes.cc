// Writes of lanes; see lanes.h.
#include "lib/storage/postgres/lanes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/time_text.h"
#include "lib/storage/postgres/backlogs.h"

namespace convoy::storage::postgres {
namespace {

// A writer of more lanes than this writes their rows.
constexpr int32_t kSharedMax = 64;

// Lanes share 1,024 locks, since the lock table of a server is small: one that is held on account
// of another lane does no harm but that its own lingers for a moment.
constexpr std::string_view kShare =
    "SELECT pg_advisory_xact_lock_shared('lane'::regclass::oid::int4, (w.endpoint & 1023)::int4) "
    "FROM unnest($1::int8[]) AS w(endpoint)";
constexpr std::string_view kShutOut =
    "SELECT w.n, pg_try_advisory_xact_lock('lane'::regclass::oid::int4, "
    "(w.endpoint & 1023)::int4) FROM unnest($1::int8[]) WITH ORDINALITY AS w(endpoint, n)";

constexpr std::string_view kInsertAll =
    "INSERT INTO lane AS l (endpoint, project, wake_at_us) SELECT * FROM "
    "unnest($1::int8[], $2::int8[], $3::int8[]) AS w(endpoint, project, wake_at_us) ";
// Leaves out lanes that are awake early enough: a claim cannot let them sleep while the shared lock
// is held.
constexpr std::string_view kButAwake =
    "WHERE NOT EXISTS (SELECT 1 FROM lane AS k WHERE k.endpoint = w.endpoint "
    "AND k.project = w.project AND k.head = 0 "
    "AND k.wake_at_us <= greatest(w.wake_at_us, k.closed_until_us)) ";
// A lane that is of another project now begins anew. One that has a head wakes with it. The row is
// locked even where it stays as it is.
constexpr std::string_view kOrWake =
    "ON CONFLICT (endpoint) DO UPDATE SET "
    "project = excluded.project, "
    "wake_at_us = CASE WHEN excluded.project <> l.project THEN excluded.wake_at_us "
    "ELSE least(greatest(excluded.wake_at_us, l.closed_until_us), l.wake_at_us) END, "
    "head = CASE WHEN excluded.project <> l.project THEN 0 ELSE l.head END, "
    "arrival_us = CASE WHEN excluded.project <> l.project THEN 0 ELSE l.arrival_us END, "
    "closed_until_us = CASE WHEN excluded.project <> l.project THEN 0 ELSE l.closed_until_us END, "
    "is_disabled = CASE WHEN excluded.project <> l.project THEN 0 ELSE l.is_disabled END "
    "WHERE (greatest(excluded.wake_at_us, l.closed_until_us) < l.wake_at_us AND l.head = 0) "
    "OR excluded.project <> l.project";

// Lanes that give one at a time and have not been opened by a change of the endpoint (0).
constexpr std::string_view kLockHeads =
    "SELECT l.endpoint FROM unnest($1::int8[]) AS w(endpoint) JOIN lane AS l "
    "ON l.endpoint = w.endpoint WHERE l.head <> 0 AND l.wake_at_us > 0 FOR UPDATE OF l";
// The head of a lane may have ended, or wait for another try now. Where it has ended, the visit of
// a claim decides what becomes of the row.
constexpr std::string_view kRefreshHeads =
    "UPDATE lane AS l SET head = CASE WHEN n.head_wake IS NULL THEN 0 ELSE l.head END, "
    "wake_at_us = greatest(coalesce(n.head_wake, 0), l.closed_until_us, 0) FROM "
    "(SELECT w.endpoint, "
    "(SELECT h.wake_at_us FROM delivery AS h WHERE h.key = k.head AND h.endpoint = k.endpoint "
    "AND h.status < 3) AS head_wake "
    "FROM unnest($1::int8[]) AS w(endpoint) JOIN lane AS k ON k.endpoint = w.endpoint) AS n "
    "WHERE l.endpoint = n.endpoint AND l.head <> 0 AND l.wake_at_us > 0";

// A lane that is closed stays so for longer. One that is open reckons with it when it is visited.
constexpr std::string_view kRetard =
    "UPDATE lane AS l SET arrival_us = l.arrival_us + w.late_by, closed_until_us = "
    "l.closed_until_us + CASE WHEN l.closed_until_us > w.as_of THEN w.late_by ELSE 0 END, "
    "wake_at_us = CASE WHEN l.closed_until_us > w.as_of THEN greatest(l.wake_at_us, "
    "l.closed_until_us + w.late_by) ELSE l.wake_at_us END FROM unnest($1::int8[], $2::int8[], "
    "$3::int8[]) AS w(endpoint, late_by, as_of) WHERE l.endpoint = w.endpoint AND l.arrival_us > 0";

const std::string& WakeAll() {
  static const std::string* const kSql = new std::string(absl::StrCat(kInsertAll, kOrWake));
  return *kSql;
}
const std::string& WakeSleeping() {
  static const std::string* const kSql =
      new std::string(absl::StrCat(kInsertAll, kButAwake, kOrWake));
  return *kSql;
}

}  // namespace

void Lanes::Wake(int64_t endpoint, int64_t project, int64_t wake_at_us) {
  Woken& lane = woken_.try_emplace(endpoint, Woken{.wake_at_us = wake_at_us}).first->second;
  lane.project = project;  // the present one, should it have been removed in between
  lane.wake_at_us = std::min(lane.wake_at_us, wake_at_us);
}

void Lanes::NoteLateness(int64_t endpoint, absl::Duration by, absl::Time as_of) {
  Late& late = late_[endpoint];
  late = {.by = late.by + by, .as_of = std::max(late.as_of, as_of)};
}

void Lanes::Add(const Lanes& other) {
  for (const auto& [endpoint, lane] : other.woken_) Wake(endpoint, lane.project, lane.wake_at_us);
  for (const int64_t endpoint : other.changed_) NoteChange(endpoint);
  for (const auto& [endpoint, late] : other.late_) NoteLateness(endpoint, late.by, late.as_of);
  for (const auto& [project, by] : other.backlogs_) CountUnfinished(project, by);
}

bool Lanes::WakesBy(int64_t time_us) const {
  return std::any_of(woken_.begin(), woken_.end(),
                     [time_us](const auto& entry) { return entry.second.wake_at_us <= time_us; });
}

void Lanes::Queue(Connection& connection) const {
  Columns woken, late;
  for (const auto& [endpoint, lane] : woken_) {
    woken.AddRow({endpoint, lane.project, lane.wake_at_us});
  }
  for (const auto& [endpoint, lane] : late_) {
    late.AddRow({endpoint, absl::ToInt64Microseconds(lane.by), base::ToMicros(lane.as_of)});
  }
  if (woken.rows_count() > kSharedMax) {
    connection.Queue(WakeAll(), Params().All(woken));
  } else if (woken.rows_count() > 0) {
    std::vector<int64_t> endpoints;
    for (const auto& [endpoint, lane] : woken_) endpoints.push_back(endpoint);
    // Two statements: what the second reads must have happened before the lock was had.
    connection.Queue(kShare, Params().Ints(endpoints));
    connection.Queue(WakeSleeping(), Params().All(woken));
  }
  if (!changed_.empty()) {
    const std::vector<int64_t> changed(changed_.begin(), changed_.end());
    // Two statements: what the second reads must have happened before the lock was had.
    connection.Queue(kLockHeads, Params().Ints(changed));
    connection.Queue(kRefreshHeads, Params().Ints(changed));
  }
  if (late.rows_count() > 0) connection.Queue(kRetard, Params().All(late));
  QueueBacklogs(connection, backlogs_);  // last: writers of one project wait for each other here
}

absl::StatusOr<Rows> Lanes::TryShutOut(Connection& connection,
                                       const std::vector<int64_t>& endpoints) {
  return connection.Run(kShutOut, Params().Ints(endpoints));
}

absl::Status OpenLanes(Connection& connection, std::span<const ConfigWrite> writes) {
  std::set<std::string> ids;
  for (const ConfigWrite& write : writes) {
    for (const ConfigRecord& record : write.puts) ids.insert(record.id);
    for (const ConfigRef& ref : write.removes) ids.insert(ref.id);
    ids.insert(write.changed_lanes.begin(), write.changed_lanes.end());
  }
  return connection
      .Run(
          "UPDATE lane AS l SET wake_at_us = 0, closed_until_us = 0, is_disabled = 0 FROM "
          "unnest($1::bytea[]) AS w(id) JOIN name AS n ON n.id = w.id WHERE l.endpoint = n.number "
          "AND n.number > 0",
          Params().Texts({ids.begin(), ids.end()}))
      .status();
}

}  // namespace convoy::storage::postgres
