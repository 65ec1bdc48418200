// Retention of the store in memory.
#include <map>
#include <set>

#include "lib/base/ulid.h"
#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

absl::StatusOr<Pruned> MemoryStorage::Prune(const PruneRequest& request) {
  absl::MutexLock lock(&mutex_);
  Pruned pruned{.last_event_id = request.after_event_id};
  PruneEvents(request, pruned);
  PruneKeys(request, pruned);
  return pruned;
}

void MemoryStorage::PruneEvents(const PruneRequest& request, Pruned& pruned) {
  std::map<std::string, std::vector<std::string>> deliveries;  // of each event
  std::set<std::string> unfinished;                            // events
  for (const auto& [id, stored] : flow_.deliveries) {
    const Delivery& delivery = stored.delivery;
    deliveries[delivery.event_id].push_back(id);
    if (!IsFinal(delivery.status)) unfinished.insert(delivery.event_id);
  }
  const std::string end = base::LeastUlidAt(request.events_before);
  auto event = flow_.events.upper_bound(request.after_event_id);
  const auto has_next = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return event != flow_.events.end() && event->first < end;
  };
  uint32_t looked_at = 0;
  while (has_next() && looked_at < request.items_max && RowsOf(pruned) < request.items_max) {
    ++looked_at;
    pruned.last_event_id = event->first;
    if (unfinished.contains(event->first)) {
      ++event;
      continue;
    }
    for (const std::string& id : deliveries[event->first]) {
      pruned.attempts_count += flow_.attempts[id].size();
      flow_.attempts.erase(id);
      flow_.deliveries.erase(id);
      ++pruned.deliveries_count;
    }
    event = flow_.events.erase(event);
    ++pruned.events_count;
  }
  pruned.may_have_more = has_next() || looked_at == request.items_max;
}

void MemoryStorage::PruneKeys(const PruneRequest& request, Pruned& pruned) {
  std::set<std::pair<absl::Time, std::pair<std::string, std::string>>> expired;
  for (const auto& [key, expires_at] : flow_.dedupe) {
    if (expires_at <= request.keys_expired_by && expires_at < absl::InfiniteFuture()) {
      expired.emplace(expires_at, key);
    }
  }
  for (const auto& [expires_at, key] : expired) {
    if (pruned.keys_count == request.items_max) break;
    flow_.dedupe.erase(key);
    ++pruned.keys_count;
  }
  if (pruned.keys_count == request.items_max) pruned.may_have_more = true;
}

}  // namespace convoy::storage
