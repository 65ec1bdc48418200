// Retention: expired records are removed in pieces, each of them one transaction.
//
// Events are walked by their keys, which are in the order of their age, so no index on instants is
// needed; dedupe keys have one of their own, which leaves out those that never expire. Traffic of
// removed projects goes first: no query finds it any more, it only takes space.
#include <optional>
#include <vector>

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/prune_rules.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

struct Candidate {
  int64_t key = 0;
  std::string position;
  int64_t body_bytes = 0;
  bool is_finished = false;
};

// Whether a request for one project would find anything to look at.
absl::StatusOr<bool> HasCandidatesOf(Connection& connection, int64_t project,
                                     const PruneRequest& request) {
  const PruneRange range = PruneRangeOf(request);
  Statement row = connection.Prepare(
      "SELECT EXISTS (SELECT 1 FROM event INDEXED BY event_by_project WHERE project = ? "
      "AND key > ? AND key < ?)");
  row.Int(project).Int(range.after).Int(range.end);
  const bool has_candidates = row.Next() && row.IntAt(0) != 0;
  if (!row.status().ok()) return row.status();
  return has_candidates;
}

// Whether a request would find anything to look at.
absl::StatusOr<bool> HasCandidates(Connection& connection, const PruneRequest& request) {
  const PruneRange range = PruneRangeOf(request);
  Statement row = connection.Prepare(
      "SELECT EXISTS (SELECT 1 FROM event WHERE key > ? AND key < ?) OR EXISTS (SELECT 1 "
      "FROM dedupe_key WHERE expires_at_us <= ? AND expires_at_us < 9223372036854775807) "
      "OR EXISTS (SELECT 1 FROM removed_project)");
  row.Int(range.after).Int(range.end).Int(base::ToMicros(request.keys_expired_by));
  const bool has_candidates = row.Next() && row.IntAt(0) != 0;
  if (!row.status().ok()) return row.status();
  return has_candidates;
}

// The position of a row stands for its id, and tells rows of one key apart that are shifted.
std::string PositionAt(const Statement& row) {
  return JoinUlid({.key = row.IntAt(0), .tail = row.IntAt(1)});
}

// Of one project, or of all.
absl::StatusOr<std::vector<Candidate>> FindCandidates(Connection& connection,
                                                      std::optional<int64_t> project,
                                                      const PruneRequest& request) {
#define CONVOY_CANDIDATE                                                                    \
  "SELECT key, id_tail, length(body), NOT EXISTS (SELECT 1 FROM delivery "                  \
  "INDEXED BY delivery_by_event WHERE event = event.key AND status < 3 AND (lease <> 0 OR " \
  "NOT EXISTS (SELECT 1 FROM lane WHERE endpoint = delivery.endpoint AND "                  \
  "project = delivery.project AND is_disabled = 1))) FROM event "
  const PruneRange range = PruneRangeOf(request);
  Statement row = connection.Prepare(
      project.has_value() ? CONVOY_CANDIDATE
          "INDEXED BY event_by_project WHERE project = ? AND key > ? "
          "AND key < ? ORDER BY key LIMIT ?"
                          : CONVOY_CANDIDATE "WHERE key > ? AND key < ? ORDER BY key LIMIT ?");
#undef CONVOY_CANDIDATE
  if (project.has_value()) row.Int(*project);
  row.Int(range.after).Int(range.end).Int(request.items_max);
  std::vector<Candidate> candidates;
  while (row.Next()) {
    candidates.push_back({.key = row.IntAt(0),
                          .position = PositionAt(row),
                          .body_bytes = row.IntAt(2),
                          .is_finished = row.IntAt(3) != 0});
  }
  if (!row.status().ok()) return row.status();
  return candidates;
}

// Runs a statement with one parameter and adds the rows that it changed to `count`.
absl::Status Remove(Connection& connection, std::string_view sql, int64_t value, uint64_t& count) {
  CONVOY_RETURN_IF_ERROR(connection.Prepare(sql).Int(value).Run());
  count += static_cast<uint64_t>(connection.changes_count());
  return absl::OkStatus();
}

absl::Status RemoveEvent(Connection& connection, int64_t key, Pruned& pruned) {
  CONVOY_RETURN_IF_ERROR(Remove(connection,
                                "DELETE FROM attempt WHERE delivery IN "
                                "(SELECT key FROM delivery WHERE event = ?)",
                                key, pruned.attempts_count));
  CONVOY_RETURN_IF_ERROR(
      Remove(connection, "DELETE FROM delivery WHERE event = ?", key, pruned.deliveries_count));
  return Remove(connection, "DELETE FROM event WHERE key = ?", key, pruned.events_count);
}

absl::Status RemoveEvents(Connection& connection, std::optional<int64_t> project,
                          const PruneRequest& request, Pruned& pruned) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                          FindCandidates(connection, project, request));
  pruned.may_have_more = candidates.size() == request.items_max;
  int64_t body_bytes = 0;
  for (const Candidate& candidate : candidates) {
    if (RowsOf(pruned) >= request.items_max || body_bytes >= kPrunedBodyBytesMax) {
      pruned.may_have_more = true;
      return absl::OkStatus();
    }
    pruned.last_event_id = candidate.position;
    if (!candidate.is_finished) continue;
    CONVOY_RETURN_IF_ERROR(RemoveEvent(connection, candidate.key, pruned));
    body_bytes += candidate.body_bytes;
  }
  return absl::OkStatus();
}

absl::Status RemoveKeys(Connection& connection, const PruneRequest& request, Pruned& pruned) {
  CONVOY_RETURN_IF_ERROR(
      connection
          .Prepare("DELETE FROM dedupe_key WHERE (project, hash) IN (SELECT project, hash FROM "
                   "dedupe_key WHERE expires_at_us <= ? AND expires_at_us < 9223372036854775807 "
                   "ORDER BY expires_at_us LIMIT ?)")
          .Int(base::ToMicros(request.keys_expired_by))
          .Int(request.items_max)
          .Run());
  pruned.keys_count = static_cast<uint64_t>(connection.changes_count());
  if (pruned.keys_count == request.items_max) pruned.may_have_more = true;
  return absl::OkStatus();
}

// The key up to which events of a project make up one piece; -1 if it has none.
absl::StatusOr<int64_t> FindPieceEnd(Connection& connection, int64_t project, int64_t items_max) {
  Statement row = connection.Prepare(
      "SELECT key, length(body) FROM event WHERE project = ? ORDER BY key LIMIT ?");
  row.Int(project).Int(items_max);
  int64_t end = -1;
  for (int64_t body_bytes = 0; body_bytes < kPrunedBodyBytesMax && row.Next();) {
    end = row.IntAt(0);
    body_bytes += row.IntAt(1);
  }
  if (!row.status().ok()) return row.status();
  return end;
}

// A piece of what flowed in a removed project: deliveries with their attempts, then the rest.
absl::Status RemovePieceOf(Connection& connection, int64_t project, int64_t items_max) {
  constexpr std::string_view kDeliveries[] = {
      "DELETE FROM attempt WHERE delivery IN (SELECT key FROM delivery WHERE project = ? "
      "ORDER BY key LIMIT ?)",
      "DELETE FROM delivery WHERE key IN (SELECT key FROM delivery WHERE project = ? "
      "ORDER BY key LIMIT ?)",
  };
  for (const std::string_view sql : kDeliveries) {
    CONVOY_RETURN_IF_ERROR(connection.Prepare(sql).Int(project).Int(items_max).Run());
  }
  if (connection.changes_count() > 0) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const int64_t end, FindPieceEnd(connection, project, items_max));
  if (end >= 0) {
    return connection.Prepare("DELETE FROM event WHERE project = ? AND key <= ?")
        .Int(project)
        .Int(end)
        .Run();
  }
  constexpr std::string_view kOthers[] = {
      "DELETE FROM dedupe_key WHERE (project, hash) IN "
      "(SELECT project, hash FROM dedupe_key WHERE project = ? LIMIT ?)",
      "DELETE FROM held_input WHERE key IN (SELECT key FROM held_input WHERE project = ? LIMIT ?)",
  };
  for (const std::string_view sql : kOthers) {
    CONVOY_RETURN_IF_ERROR(connection.Prepare(sql).Int(project).Int(items_max).Run());
    if (connection.changes_count() > 0) return absl::OkStatus();
  }
  return connection.Prepare("DELETE FROM removed_project WHERE number = ?").Int(project).Run();
}

// False if there is nothing of any removed project.
absl::StatusOr<bool> RemoveRetired(Connection& connection, int64_t items_max) {
  CONVOY_ASSIGN_OR_RETURN(
      const int64_t project,
      connection.QueryInt("SELECT coalesce((SELECT number FROM removed_project LIMIT 1), -1)"));
  if (project < 0) return false;
  CONVOY_RETURN_IF_ERROR(RemovePieceOf(connection, project, items_max));
  return true;
}

}  // namespace

absl::StatusOr<Pruned> Writer::Prune(const PruneRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  transactions_.ShortenLog();
  Connection& connection = *connection_;
  Pruned pruned{.last_event_id = request.after_event_id};
  std::optional<int64_t> project;
  if (!request.project_id.empty()) {
    CONVOY_ASSIGN_OR_RETURN(project, FindName(connection, request.project_id));
  }
  // Most calls find nothing: look before taking the write lock.
  CONVOY_ASSIGN_OR_RETURN(const bool has_candidates,
                          project.has_value() ? HasCandidatesOf(connection, *project, request)
                                              : HasCandidates(connection, request));
  if (!has_candidates) return pruned;
  CONVOY_RETURN_IF_ERROR(Run([&]() -> absl::Status {
    if (project.has_value()) return RemoveEvents(connection, project, request, pruned);
    CONVOY_ASSIGN_OR_RETURN(pruned.may_have_more, RemoveRetired(connection, request.items_max));
    if (pruned.may_have_more) return absl::OkStatus();
    CONVOY_RETURN_IF_ERROR(RemoveEvents(connection, std::nullopt, request, pruned));
    return RemoveKeys(connection, request, pruned);
  }));
  transactions_.CheckpointIfLong();
  return pruned;
}

}  // namespace convoy::storage
