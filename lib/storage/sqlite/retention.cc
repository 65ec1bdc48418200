// Retention: expired records are removed in pieces, each of them one transaction.
//
// Events are walked by their ids, which are in the order of their age, so no index on instants is
// needed; keys have one of their own, which leaves out those that never expire.
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/base/ulid.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// Of bodies, in one transaction: the pages of a large one are walked when it goes.
constexpr int64_t kBodyBytesMax = 4 * 1024 * 1024;

struct Candidate {
  std::string event_id;
  int64_t body_bytes = 0;
  bool is_finished = false;
};

// Whether a request would find anything to look at.
absl::StatusOr<bool> HasCandidates(Connection& connection, const PruneRequest& request,
                                   const std::string& end) {
  Statement row = connection.Prepare(
      "SELECT EXISTS (SELECT 1 FROM event WHERE id > ? AND id < ?) OR EXISTS (SELECT 1 "
      "FROM dedupe_key WHERE expires_at_us <= ? AND expires_at_us < 9223372036854775807)");
  row.Text(request.after_event_id).Text(end).Int(base::ToMicros(request.keys_expired_by));
  const bool has_candidates = row.Next() && row.IntAt(0) != 0;
  if (!row.status().ok()) return row.status();
  return has_candidates;
}

absl::StatusOr<std::vector<Candidate>> FindCandidates(Connection& connection,
                                                      const PruneRequest& request,
                                                      const std::string& end) {
  Statement row = connection.Prepare(
      "SELECT id, length(body), NOT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_by_event "
      "WHERE event_id = event.id AND status < 3) "
      "FROM event WHERE id > ? AND id < ? ORDER BY id LIMIT ?");
  row.Text(request.after_event_id).Text(end).Int(request.items_max);
  std::vector<Candidate> candidates;
  while (row.Next()) {
    candidates.push_back({.event_id = std::string(row.TextAt(0)),
                          .body_bytes = row.IntAt(1),
                          .is_finished = row.IntAt(2) != 0});
  }
  if (!row.status().ok()) return row.status();
  return candidates;
}

absl::Status RemoveEvent(Connection& connection, const std::string& event_id, Pruned& pruned) {
  const auto remove = [&](std::string_view sql, uint64_t& count) -> absl::Status {
    CONVOY_RETURN_IF_ERROR(connection.Prepare(sql).Text(event_id).Run());
    count += static_cast<uint64_t>(connection.changes_count());
    return absl::OkStatus();
  };
  CONVOY_RETURN_IF_ERROR(
      remove("DELETE FROM attempt WHERE delivery_id IN (SELECT id FROM delivery "
             "WHERE event_id = ?)",
             pruned.attempts_count));
  CONVOY_RETURN_IF_ERROR(
      remove("DELETE FROM delivery WHERE event_id = ?", pruned.deliveries_count));
  return remove("DELETE FROM event WHERE id = ?", pruned.events_count);
}

absl::Status RemoveEvents(Connection& connection, const PruneRequest& request,
                          const std::string& end, Pruned& pruned) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                          FindCandidates(connection, request, end));
  pruned.may_have_more = candidates.size() == request.items_max;
  int64_t body_bytes = 0;
  for (const Candidate& candidate : candidates) {
    if (RowsOf(pruned) >= request.items_max || body_bytes >= kBodyBytesMax) {
      pruned.may_have_more = true;
      return absl::OkStatus();
    }
    pruned.last_event_id = candidate.event_id;
    if (!candidate.is_finished) continue;
    CONVOY_RETURN_IF_ERROR(RemoveEvent(connection, candidate.event_id, pruned));
    body_bytes += candidate.body_bytes;
  }
  return absl::OkStatus();
}

absl::Status RemoveKeys(Connection& connection, const PruneRequest& request, Pruned& pruned) {
  CONVOY_RETURN_IF_ERROR(
      connection
          .Prepare("DELETE FROM dedupe_key WHERE (scope, key) IN (SELECT scope, key FROM "
                   "dedupe_key WHERE expires_at_us <= ? AND expires_at_us < 9223372036854775807 "
                   "ORDER BY expires_at_us, scope, key LIMIT ?)")
          .Int(base::ToMicros(request.keys_expired_by))
          .Int(request.items_max)
          .Run());
  pruned.keys_count = static_cast<uint64_t>(connection.changes_count());
  if (pruned.keys_count == request.items_max) pruned.may_have_more = true;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Pruned> Writer::Prune(const PruneRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  transactions_.ShortenLog();
  Connection& connection = *connection_;
  const std::string end = base::LeastUlidAt(request.events_before);
  Pruned pruned{.last_event_id = request.after_event_id};
  // Most calls find nothing: look before taking the write lock.
  CONVOY_ASSIGN_OR_RETURN(const bool has_candidates, HasCandidates(connection, request, end));
  if (!has_candidates) return pruned;
  CONVOY_RETURN_IF_ERROR(Run([&]() -> absl::Status {
    CONVOY_RETURN_IF_ERROR(RemoveEvents(connection, request, end, pruned));
    return RemoveKeys(connection, request, pruned);
  }));
  transactions_.CheckpointIfLong();
  return pruned;
}

}  // namespace convoy::storage
