// Retention of the store in memory.
#include <map>
#include <set>

#include "convoy/ulid.h"
#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

absl::StatusOr<Pruned> MemoryStorage::Prune(const PruneRequest& request) {
  absl::MutexLock lock(&mutex_);
  Pruned pruned{.last_event_id = request.after_event_id};
  PruneEvents(request, pruned);
  if (request.project_id.empty()) PruneKeys(request, pruned);
  const absl::Status kept = Keep();
  if (!kept.ok()) return kept;
  return pruned;
}

bool MemoryStorage::IsGivenUp(const StoredDelivery& stored) const {
  const StoredLane* const lane = flow_.lanes.Find(stored.delivery.endpoint_id);
  return stored.lease == 0 && lane != nullptr && lane->is_disabled &&
         lane->project_id == stored.delivery.project_id;
}

void MemoryStorage::PruneEvents(const PruneRequest& request, Pruned& pruned) {
  const auto& events = flow_.events.rows();
  const std::optional<UlidParts> after = SplitUlid(request.after_event_id);
  auto event = after.has_value() ? events.upper_bound(after->key) : events.begin();
  const int64_t end = LeastKeyAt(request.events_before);
  const auto has_next = [&] { return event != events.end() && event->first < end; };
  if (!has_next()) return;
  std::map<std::string, std::vector<std::string>> deliveries;  // of each event
  std::set<std::string> unfinished;                            // events
  for (const auto& [key, row] : flow_.deliveries.rows()) {
    const Delivery& delivery = row.value.delivery;
    deliveries[delivery.event_id].push_back(row.id);
    if (!IsFinal(delivery.status) && !IsGivenUp(row.value)) unfinished.insert(delivery.event_id);
  }
  uint32_t looked_at = 0;
  while (has_next() && looked_at < request.items_max && RowsOf(pruned) < request.items_max) {
    if (!request.project_id.empty() && event->second.value->project_id != request.project_id) {
      ++event;
      continue;
    }
    ++looked_at;
    pruned.last_event_id = flow_.events.PositionOf(*event);
    const std::string event_id = event->second.id;
    if (unfinished.contains(event_id)) {
      ++event;
      continue;
    }
    for (const std::string& id : deliveries[event_id]) {
      const AttemptsOf attempts(flow_, id);
      for (auto attempt = attempts.begin(); attempt != attempts.end();) {
        attempt = flow_.attempts.Erase(attempt);
        ++pruned.attempts_count;
      }
      flow_.deliveries.Erase(id);
      ++pruned.deliveries_count;
    }
    event = flow_.events.map().Erase(event);
    ++pruned.events_count;
  }
  pruned.may_have_more = has_next() || looked_at == request.items_max;
}

void MemoryStorage::PruneKeys(const PruneRequest& request, Pruned& pruned) {
  std::set<std::pair<absl::Time, std::pair<std::string, std::string>>> expired;
  for (const auto& [key, expires_at] : flow_.dedupe.rows()) {
    if (expires_at <= request.keys_expired_by && expires_at < absl::InfiniteFuture()) {
      expired.emplace(expires_at, key);
    }
  }
  for (const auto& [expires_at, key] : expired) {
    if (pruned.keys_count == request.items_max) break;
    flow_.dedupe.EraseKey(key);
    ++pruned.keys_count;
  }
  if (pruned.keys_count == request.items_max) pruned.may_have_more = true;
}

}  // namespace convoy::storage
