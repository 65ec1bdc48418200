// Claims of due deliveries in the store in memory: queue up what is unfinished by lanes, ask the
// policy of each lane, hand out one of each lane in turn.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "convoy/lane.h"
#include "convoy/ulid.h"
#include "lib/storage/clock_step.h"
#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

// Unfinished deliveries of one endpoint.
struct MemoryStorage::Queue {
  std::string project_id;
  std::vector<std::pair<absl::Time, const StoredDelivery*>> all;  // by when they wake
  size_t due_count = 0;
  size_t room = 0;           // how many the lane may give
  std::optional<Pace> pace;  // once its policy was asked for
  size_t handed_out = 0;
};

// The bodies of one answer.
struct MemoryStorage::Bodies {
  std::set<const Event*> events;
  uint64_t bytes_count = 0;

  // Whether the answer may hold the event's, too.
  bool Take(const Event& event, uint64_t bytes_max) {
    if (events.contains(&event)) return true;
    if (!events.empty() && bytes_count + event.body.size() > bytes_max) return false;
    events.insert(&event);
    bytes_count += event.body.size();
    return true;
  }
};

namespace {

absl::Time WakeOf(const StoredDelivery& stored) {
  return stored.lease == 0 ? stored.delivery.due_at : stored.lease_ends_at;
}

}  // namespace

template <typename Use>
void MemoryStorage::ForEachUnfinished(const Use& use) {
  flow_.deliveries.map().ForEachMarked([&use](const auto& entry) {
    if (IsFinal(entry.second.value.delivery.status)) return false;
    use(entry.first, entry.second.value);
    return true;
  });
}

void MemoryStorage::FollowClock(const ClaimRequest& request) {
  const absl::Time now = request.now;
  const absl::Time before = std::exchange(latest_now_, now);
  const auto& events = flow_.events.rows();
  const bool was_set_back =
      before > absl::InfinitePast()
          ? now < before - kClockTolerance
          : events.lower_bound(LeastKeyAt(now + kIdTolerance)) != events.end();
  if (!was_set_back) return;
  auto& deliveries = flow_.deliveries.map();
  ForEachUnfinished([&](int64_t key, const StoredDelivery& former) {
    if (WakeOf(former) <= now) return;
    StoredDelivery& stored = deliveries.Change(key).value;
    Delivery& delivery = stored.delivery;
    if (stored.lease != 0) {
      stored.lease_ends_at = std::min(stored.lease_ends_at, now + request.lease);
    } else if (const auto due_at =
                   DueAfterClockStep(delivery.status, delivery.due_at, delivery.updated_at, now)) {
      delivery.due_at = *due_at;
      delivery.updated_at = now;
    }
  });
  for (const auto& [endpoint_id, former] : flow_.lanes.rows()) {
    StoredLane& lane = flow_.lanes.Change(endpoint_id);
    lane.closed_until = absl::InfinitePast();
    lane.is_policy_stale = true;
    if (lane.arrival <= before) lane.arrival = absl::UnixEpoch();  // it was rested
  }
}

std::map<std::string, MemoryStorage::Queue> MemoryStorage::QueueUp(const ClaimRequest& request) {
  const std::set<std::string> skipped(request.skipped_endpoint_ids.begin(),
                                      request.skipped_endpoint_ids.end());
  std::map<std::string, Queue> queues;
  ForEachUnfinished([&](int64_t, const StoredDelivery& stored) {
    const Delivery& delivery = stored.delivery;
    if (skipped.contains(delivery.endpoint_id)) return;
    Queue& queue = queues[delivery.endpoint_id];
    queue.project_id = delivery.project_id;
    queue.all.emplace_back(WakeOf(stored), &stored);
    queue.due_count += WakeOf(stored) <= request.now ? 1 : 0;
  });
  for (auto& [endpoint_id, queue] : queues) {
    std::stable_sort(queue.all.begin(), queue.all.end(),
                     [](auto& a, auto& b) { return a.first < b.first; });
    KeepToHead(request.now, flow_.lanes.Change(endpoint_id), queue);
  }
  return queues;
}

// While a lane has a head, nothing else of it is due.
void MemoryStorage::KeepToHead(absl::Time now, StoredLane& lane, Queue& queue) {
  if (lane.head_id.empty() || lane.is_policy_stale) return;
  const auto head = std::find_if(queue.all.begin(), queue.all.end(), [&](const auto& entry) {
    return entry.second->delivery.id == lane.head_id;
  });
  if (head == queue.all.end()) {
    lane.head_id.clear();
    return;
  }
  queue.all = {*head};
  queue.due_count = queue.all[0].first <= now ? 1 : 0;
}

// Of a lane that is visited and has nothing left, only its pace is kept.
void MemoryStorage::ForgetEmptyLanes(const ClaimRequest& request,
                                     const std::map<std::string, Queue>& queues) {
  const std::set<std::string> skipped(request.skipped_endpoint_ids.begin(),
                                      request.skipped_endpoint_ids.end());
  for (const auto& [endpoint_id, former] : flow_.lanes.rows()) {
    const bool is_empty = !queues.contains(endpoint_id) && !skipped.contains(endpoint_id);
    const bool has_any = former.is_disabled || former.is_policy_stale;
    if (!has_any || !is_empty || former.closed_until > request.now) continue;
    StoredLane& lane = flow_.lanes.Change(endpoint_id);
    lane.is_disabled = lane.is_policy_stale = false;
  }
}

void MemoryStorage::ApplyLanePolicy(const ClaimRequest& request, const std::string& endpoint_id,
                                    Queue& queue, Claim& claim) {
  StoredLane& lane = flow_.lanes.Change(endpoint_id);
  lane.project_id = queue.project_id;
  if (lane.closed_until > request.now) return;
  if (queue.due_count == 0 && !lane.is_policy_stale) return;
  std::optional<LanePolicy> policy = LanePolicy{};
  if (request.policy_of != nullptr) policy = request.policy_of(queue.project_id, endpoint_id);
  if (policy.has_value() && policy->holds_back() &&
      config_.Revision(queue.project_id).value_or(0) != policy->revision) {
    policy.reset();
  }
  if (!policy.has_value()) {
    return claim.unknown_lanes.push_back({queue.project_id, endpoint_id});
  }
  if (policy->is_unserved) {
    return claim.unserved_lanes.push_back({queue.project_id, endpoint_id});
  }
  lane.is_policy_stale = false;
  if (policy->is_closed()) {
    KeepToHead(request.now, lane, queue);
    if (queue.due_count == 0) return;  // such a visit leaves the lane as it is
    lane.closed_until = request.now + kLaneClosureMax;
    lane.is_disabled = policy->is_disabled;
    return;
  }
  if (!policy->is_fifo) lane.head_id.clear();
  KeepToHead(request.now, lane, queue);
  if (policy->is_fifo && queue.due_count > 0) {
    lane.head_id = queue.all[0].second->delivery.id;
    KeepToHead(request.now, lane, queue);
  }
  if (queue.due_count == 0) return;
  lane.is_disabled = false;
  queue.pace = Pace(policy->rate_limit);
  queue.room = std::min<size_t>(ItemsMaxOf(request, endpoint_id),
                                queue.pace->RoomAt(request.now, lane.arrival));
}

bool MemoryStorage::HandOut(const ClaimRequest& request, const StoredDelivery& due, Bodies& bodies,
                            Claim& claim) {
  const std::shared_ptr<const Event> event = *flow_.events.Find(due.delivery.event_id);
  if (!bodies.Take(*event, request.bytes_max)) return false;
  StoredDelivery& stored = *flow_.deliveries.Change(due.delivery.id);
  const bool was_claimed = stored.delivery.status == DeliveryStatus::kProcessing;
  if (was_claimed && !EndClaim(stored.delivery)) {
    stored.lease = 0;
    return false;
  }
  stored.lease = ++last_lease_;
  stored.lease_ends_at = request.now + request.lease;
  stored.delivery.status = DeliveryStatus::kProcessing;
  claim.deliveries.push_back({.lease = stored.lease, .delivery = stored.delivery, .event = event});
  return true;
}

void MemoryStorage::CloseLane(const ClaimRequest& request, const std::string& endpoint_id,
                              const Queue& queue, Claim& claim) {
  StoredLane& lane = flow_.lanes.Change(endpoint_id);
  absl::Time next_at = absl::InfiniteFuture();
  for (const auto& [wake_at, stored] : queue.all) {
    if (!IsFinal(stored->delivery.status)) next_at = std::min(next_at, WakeOf(*stored));
  }
  if (queue.pace.has_value()) {
    lane.arrival =
        queue.pace->After(static_cast<uint32_t>(queue.handed_out), request.now, lane.arrival);
    lane.closed_until = queue.pace->ClosedUntil(request.now, lane.arrival);
    if (lane.closed_until > request.now && next_at <= request.now) {
      claim.throttled_lanes.push_back({{queue.project_id, endpoint_id}, lane.closed_until});
    }
  }
  // The head may have ended with this claim; then others of the lane may be due.
  if (!lane.head_id.empty() && next_at == absl::InfiniteFuture()) next_at = request.now;
  if (lane.is_policy_stale) next_at = request.now;
  claim.next_due_at = std::min(claim.next_due_at, std::max(next_at, lane.closed_until));
}

absl::StatusOr<Claim> MemoryStorage::ClaimDue(const ClaimRequest& request) {
  absl::MutexLock lock(&mutex_);
  Claim claim{.needs_sync = false};
  Bodies bodies;
  FollowClock(request);
  std::map<std::string, Queue> queues = QueueUp(request);
  ForgetEmptyLanes(request, queues);
  size_t turns_count = 0;
  for (auto& [endpoint_id, queue] : queues) {
    ApplyLanePolicy(request, endpoint_id, queue, claim);
    turns_count = std::max(turns_count, std::min(queue.due_count, queue.room));
  }
  for (size_t turn = 0; turn < turns_count; ++turn) {
    for (auto& [endpoint_id, queue] : queues) {
      if (turn >= std::min(queue.due_count, queue.room)) continue;
      if (claim.deliveries.size() >= request.items_max) continue;
      if (!HandOut(request, *queue.all[turn].second, bodies, claim)) continue;
      claim.deliveries.back().sets_pace = queue.handed_out == 0 && queue.pace->is_limited();
      ++queue.handed_out;
    }
  }
  for (const auto& [endpoint_id, queue] : queues) CloseLane(request, endpoint_id, queue, claim);
  const absl::Status kept = Keep();
  if (!kept.ok()) return kept;
  return claim;
}

absl::StatusOr<absl::Time> MemoryStorage::LaneClosedUntil(const LaneName& lane, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const StoredLane* const found = flow_.lanes.Find(lane.endpoint_id);
  if (found == nullptr || found->project_id != lane.project_id || found->closed_until <= now) {
    return absl::InfinitePast();
  }
  bool has_due = false;
  ForEachUnfinished([&](int64_t, const StoredDelivery& stored) {
    has_due |= stored.delivery.endpoint_id == lane.endpoint_id &&
               stored.delivery.project_id == lane.project_id && WakeOf(stored) <= now;
  });
  return has_due ? found->closed_until : absl::InfinitePast();
}

absl::StatusOr<std::vector<Backlog>> MemoryStorage::ListBacklogs() {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, Backlog> backlogs;
  ForEachUnfinished([&](int64_t, const StoredDelivery& stored) {
    Backlog& backlog = backlogs[stored.delivery.project_id];
    backlog.project_id = stored.delivery.project_id;
    ++backlog.count;
    backlog.oldest_due_at = std::min(backlog.oldest_due_at, WakeOf(stored));
  });
  std::vector<Backlog> all;
  for (auto& [project_id, backlog] : backlogs) all.push_back(std::move(backlog));
  return all;
}

absl::Status MemoryStorage::ReleaseClaims() {
  absl::MutexLock lock(&mutex_);
  auto& deliveries = flow_.deliveries.map();
  ForEachUnfinished([&deliveries](int64_t key, const StoredDelivery& claimed) {
    if (claimed.lease == 0) return;
    StoredDelivery& stored = deliveries.Change(key).value;
    stored.lease = 0;
    EndClaim(stored.delivery);
  });
  return Keep();
}

}  // namespace convoy::storage
