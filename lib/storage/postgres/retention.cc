// Retention: expired records are removed in pieces, each of them one transaction; the rules are
// those of lib/storage/sqlite/retention.cc. What flowed in removed projects goes first. Rows of a
// slice of time that will soon have expired as a whole are left to its end (slice_upkeep.cc).
//
// The rows of an event are locked before it is decided that it has ended: another process may be
// about to deliver it again.
#include <map>
#include <optional>
#include <vector>

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/held_totals.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/postgres/writer.h"
#include "lib/storage/prune_rules.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

struct Candidate {
  int64_t key = 0;
  std::string position;
  int64_t body_bytes = 0;
  bool is_finished = true;
  std::vector<int64_t> deliveries;
  uint64_t attempts_count = 0;
};

// Whether a request would find anything to look at.
absl::StatusOr<bool> HasCandidates(Connection& connection, const PruneRange& range,
                                   const PruneRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row,
      connection.Run(
          "SELECT EXISTS (SELECT 1 FROM event WHERE key > $1::int8 AND key < $2::int8) "
          "OR EXISTS (SELECT 1 FROM dedupe_key WHERE expires_at_us <= $3::int8 AND "
          "expires_at_us < 9223372036854775807) OR EXISTS (SELECT 1 FROM "
          "removed_project)",
          Params().Int(range.after).Int(range.end).Int(base::ToMicros(request.keys_expired_by))));
  return row.IntAt(0, 0) != 0;
}

// Whether a request for one project would find anything to look at.
absl::StatusOr<bool> HasCandidatesOf(Connection& connection, int64_t project,
                                     const PruneRange& range) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row,
      connection.Run("SELECT EXISTS (SELECT 1 FROM event WHERE (project, key) > ($1::int8, "
                     "$2::int8) AND (project, key) < ($1::int8, $3::int8))",
                     Params().Int(project).Int(range.after).Int(range.end)));
  return row.IntAt(0, 0) != 0;
}

// The next events, locked, of one project or of all.
absl::StatusOr<Rows> LockEvents(Connection& connection, std::optional<int64_t> project,
                                const PruneRange& range, const PruneRequest& request) {
  if (!project.has_value()) {
    return connection.Run(
        "SELECT key, id_tail, octet_length(body) FROM event WHERE key > $1::int8 "
        "AND key < $2::int8 ORDER BY key LIMIT $3::int8 FOR UPDATE",
        Params().Int(range.after).Int(range.end).Int(request.items_max));
  }
  return connection.Run(
      "SELECT key, id_tail, octet_length(body) FROM event WHERE (project, key) > ($1::int8, "
      "$2::int8) AND (project, key) < ($1::int8, $3::int8) ORDER BY project, key LIMIT $4::int8 "
      "FOR UPDATE",
      Params().Int(*project).Int(range.after).Int(range.end).Int(request.items_max));
}

// Locks the deliveries of the events, which are locked, and counts.
absl::StatusOr<std::vector<Candidate>> FindCandidates(Connection& connection, const Rows& events) {
  std::vector<Candidate> candidates;
  std::vector<int64_t> keys;
  std::map<int64_t, size_t> by_key;
  for (int i = 0; i < events.count(); ++i) {
    keys.push_back(events.IntAt(i, 0));
    by_key[keys.back()] = candidates.size();
    candidates.push_back({.key = keys.back(),
                          .position = JoinUlid({.key = keys.back(), .tail = events.IntAt(i, 1)}),
                          .body_bytes = events.IntAt(i, 2)});
  }
  CONVOY_ASSIGN_OR_RETURN(
      const Rows deliveries,
      connection.Run("SELECT d.event, d.key, d.status < 3 AND (d.lease <> 0 OR NOT EXISTS "
                     "(SELECT 1 FROM lane AS l WHERE l.endpoint = d.endpoint "
                     "AND l.project = d.project AND l.is_disabled = 1)), "
                     "(SELECT count(*) FROM attempt AS a WHERE a.delivery = d.key) "
                     "FROM unnest($1::int8[]) AS w(event) JOIN delivery AS d ON d.event = w.event "
                     "FOR UPDATE OF d",
                     Params().Ints(keys)));
  for (int i = 0; i < deliveries.count(); ++i) {
    Candidate& candidate = candidates[by_key[deliveries.IntAt(i, 0)]];
    candidate.deliveries.push_back(deliveries.IntAt(i, 1));
    candidate.attempts_count += static_cast<uint64_t>(deliveries.IntAt(i, 3));
    if (deliveries.IntAt(i, 2) != 0) candidate.is_finished = false;
  }
  return candidates;
}

// `rows` are the events, locked.
absl::Status RemoveEvents(Connection& connection, const Rows& rows, const PruneRequest& request,
                          Pruned& pruned) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                          FindCandidates(connection, rows));
  pruned.may_have_more = candidates.size() == request.items_max;
  int64_t body_bytes = 0;
  std::vector<int64_t> events, deliveries;
  for (const Candidate& candidate : candidates) {
    if (RowsOf(pruned) >= request.items_max || body_bytes >= kPrunedBodyBytesMax) {
      pruned.may_have_more = true;
      break;
    }
    pruned.last_event_id = candidate.position;
    if (!candidate.is_finished) continue;
    events.push_back(candidate.key);
    deliveries.insert(deliveries.end(), candidate.deliveries.begin(), candidate.deliveries.end());
    body_bytes += candidate.body_bytes;
    pruned.events_count += 1;
    pruned.deliveries_count += candidate.deliveries.size();
    pruned.attempts_count += candidate.attempts_count;
  }
  connection.Queue("DELETE FROM attempt WHERE delivery = ANY ($1::int8[])",
                   Params().Ints(deliveries));
  // As joins: then each key is looked up in its own partition alone.
  connection.Queue(
      "DELETE FROM delivery AS d USING unnest($1::int8[]) AS w(key) WHERE d.key = w.key",
      Params().Ints(deliveries));
  return connection
      .Run("DELETE FROM event AS e USING unnest($1::int8[]) AS w(key) WHERE e.key = w.key",
           Params().Ints(events))
      .status();
}

absl::Status RemoveKeys(Connection& connection, const PruneRequest& request, Pruned& pruned) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows removed,
      connection.Run("DELETE FROM dedupe_key WHERE ctid = ANY (ARRAY(SELECT ctid FROM dedupe_key "
                     "WHERE expires_at_us <= $1::int8 AND expires_at_us < 9223372036854775807 "
                     "ORDER BY expires_at_us LIMIT $2::int8 FOR UPDATE SKIP LOCKED))",
                     Params().Int(base::ToMicros(request.keys_expired_by)).Int(request.items_max)));
  pruned.keys_count = static_cast<uint64_t>(removed.changes_count());
  if (pruned.keys_count == request.items_max) pruned.may_have_more = true;
  return absl::OkStatus();
}

// The key up to which events of a project make up one piece; -1 if it has none.
absl::StatusOr<int64_t> FindPieceEnd(Connection& connection, int64_t project, int64_t items_max) {
  CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                          connection.Run("SELECT key, octet_length(body) FROM event WHERE "
                                         "(project, key) >= ($1::int8, 0) AND project <= $1::int8 "
                                         "ORDER BY project, key LIMIT $2::int8",
                                         Params().Int(project).Int(items_max)));
  int64_t end = -1;
  int64_t body_bytes = 0;
  for (int i = 0; i < rows.count() && body_bytes < kPrunedBodyBytesMax; ++i) {
    end = rows.IntAt(i, 0);
    body_bytes += rows.IntAt(i, 1);
  }
  return end;
}

// A piece of what flowed in a removed project: deliveries with their attempts, then the rest.
absl::Status RemovePieceOf(Connection& connection, int64_t project, int64_t items_max) {
  const Params piece = Params().Int(project).Int(items_max);
  connection.Queue(
      "DELETE FROM attempt WHERE delivery = ANY (ARRAY(SELECT key FROM delivery WHERE "
      "(project, key) >= ($1::int8, 0) AND project <= $1::int8 ORDER BY project, key "
      "LIMIT $2::int8))",
      piece);
  CONVOY_ASSIGN_OR_RETURN(
      const Rows deliveries,
      connection.Run("DELETE FROM delivery WHERE key = ANY (ARRAY(SELECT key FROM delivery WHERE "
                     "(project, key) >= ($1::int8, 0) AND project <= $1::int8 "
                     "ORDER BY project, key LIMIT $2::int8))",
                     piece));
  if (deliveries.changes_count() > 0) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const int64_t end, FindPieceEnd(connection, project, items_max));
  if (end >= 0) {
    return connection
        .Run(
            "DELETE FROM event WHERE (project, key) >= ($1::int8, 0) "
            "AND (project, key) <= ($1::int8, $2::int8)",
            Params().Int(project).Int(end))
        .status();
  }
  constexpr std::string_view kOthers[] = {
      "DELETE FROM dedupe_key WHERE ctid = ANY (ARRAY(SELECT ctid FROM dedupe_key WHERE project = "
      "$1::int8 LIMIT $2::int8 FOR UPDATE))",
      "DELETE FROM held_input WHERE key = ANY (ARRAY(SELECT key FROM held_input WHERE "
      "(project, key) >= ($1::int8, 0) AND project <= $1::int8 ORDER BY project, key "
      "LIMIT $2::int8))",
  };
  LockHeldTotals(connection);
  for (const std::string_view sql : kOthers) {
    CONVOY_ASSIGN_OR_RETURN(const Rows others, connection.Run(sql, piece));
    if (others.changes_count() > 0) return absl::OkStatus();
  }
  connection.Queue("DELETE FROM backlog WHERE project = $1::int8", Params().Int(project));
  return connection
      .Run("DELETE FROM removed_project WHERE number = $1::int8", Params().Int(project))
      .status();
}

// False if there is nothing of any removed project that another process is not at.
absl::StatusOr<bool> RemoveRetired(Connection& connection, int64_t items_max) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows project,
      connection.Run("SELECT number FROM removed_project ORDER BY number LIMIT 1 FOR UPDATE "
                     "SKIP LOCKED"));
  if (project.count() == 0) return false;
  CONVOY_RETURN_IF_ERROR(RemovePieceOf(connection, project.IntAt(0, 0), items_max));
  return true;
}

}  // namespace

absl::StatusOr<Pruned> Writer::PruneKeys(const PruneRequest& request,
                                         const std::vector<int64_t>& events) {
  absl::MutexLock lock(&mutex_);
  Pruned pruned;
  const bool may_be_lost = true;
  const auto body = [&](Connection& connection) -> absl::Status {
    pruned = {};
    CONVOY_ASSIGN_OR_RETURN(
        const Rows rows,
        connection.Run("SELECT e.key, e.id_tail, octet_length(e.body) FROM unnest($1::int8[]) AS "
                       "w(key) JOIN event AS e ON e.key = w.key FOR UPDATE OF e",
                       Params().Ints(events)));
    return RemoveEvents(connection, rows, request, pruned);
  };
  CONVOY_RETURN_IF_ERROR(session_.Run(body, &may_be_lost));
  pruned.last_event_id = request.after_event_id;
  pruned.may_have_more = true;
  return pruned;
}

absl::StatusOr<Pruned> Writer::PruneRows(const PruneRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(opener_.CheckHealth());
  Pruned pruned{.last_event_id = request.after_event_id};
  // Most calls find nothing: look before a transaction.
  CONVOY_ASSIGN_OR_RETURN(Connection * looking, session_.Connect());
  std::optional<int64_t> project;
  if (!request.project_id.empty()) {
    CONVOY_ASSIGN_OR_RETURN(project, FindName(*looking, request.project_id));
  }
  PruneRange range = PruneRangeOf(request);
  if (!project.has_value()) range.end = RowsEndOf(request);
  CONVOY_ASSIGN_OR_RETURN(const bool has_candidates,
                          project.has_value() ? HasCandidatesOf(*looking, *project, range)
                                              : HasCandidates(*looking, range, request));
  if (!has_candidates) return pruned;
  const bool may_be_lost = true;
  const auto body = [&](Connection& connection) -> absl::Status {
    pruned = {.last_event_id = request.after_event_id};
    if (!project.has_value()) {
      CONVOY_ASSIGN_OR_RETURN(pruned.may_have_more, RemoveRetired(connection, request.items_max));
      if (pruned.may_have_more) return absl::OkStatus();
    }
    CONVOY_ASSIGN_OR_RETURN(const Rows events, LockEvents(connection, project, range, request));
    CONVOY_RETURN_IF_ERROR(RemoveEvents(connection, events, request, pruned));
    return project.has_value() ? absl::OkStatus() : RemoveKeys(connection, request, pruned);
  };
  CONVOY_RETURN_IF_ERROR(session_.Run(body, &may_be_lost));
  return pruned;
}

}  // namespace convoy::storage::postgres
