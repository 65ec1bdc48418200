// A store in memory: everything under one lock, every query a plain walk, of claims over what has
// not ended. It is meant to be obviously right, as the yardstick for other stores, rather than
// fast. A store that keeps its rows elsewhere, too, derives from it (lib/storage/table).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/flow_counts.h"
#include "convoy/storage.h"
#include "lib/storage/memory/age_table.h"
#include "lib/storage/memory/config_tables.h"
#include "lib/storage/memory/held_table.h"

namespace convoy::storage {

struct StoredDelivery {
  Delivery delivery;
  uint64_t lease = 0;  // 0: not claimed
  absl::Time lease_ends_at;
};

struct StoredLane {
  std::string project_id;
  absl::Time arrival = absl::UnixEpoch();  // Pace
  absl::Time closed_until = absl::InfinitePast();
  std::string head_id;           // the delivery that it is at, if it gives one at a time
  bool is_disabled = false;      // as of the latest claim that found anything due
  bool is_policy_stale = false;  // its policy may have changed since it was asked for
};

// Traffic of the store; configuration is in ConfigTables.
struct Flow {
  AgeTable<std::shared_ptr<const Event>> events;
  AgeTable<StoredDelivery> deliveries;
  WatchedMap<std::pair<std::string, uint32_t>, Attempt> attempts;      // by (delivery, position)
  WatchedMap<std::string, StoredLane> lanes;                           // by endpoint
  WatchedMap<std::pair<std::string, std::string>, absl::Time> dedupe;  // (scope, key) -> expiry
  HeldTable held;

  // Calls `use` with each of the maps of a Flow.
  template <typename AnyFlow, typename Use>
  static void ForEachMap(AnyFlow& flow, const Use& use) {
    use(flow.events.map());
    use(flow.deliveries.map());
    use(flow.attempts);
    use(flow.lanes);
    use(flow.dedupe);
    use(flow.held.map());
  }
};

// The attempts of a delivery in their order, with their places.
class AttemptsOf {
 public:
  using Rows = decltype(Flow::attempts)::Rows;

  AttemptsOf(const Flow& flow, const std::string& delivery_id)
      : begin_(flow.attempts.rows().lower_bound(std::pair(delivery_id, uint32_t{0}))),
        end_(flow.attempts.rows().upper_bound(
            std::pair(delivery_id, std::numeric_limits<uint32_t>::max()))) {}

  Rows::const_iterator begin() const { return begin_; }
  Rows::const_iterator end() const { return end_; }

 private:
  const Rows::const_iterator begin_, end_;
};

class MemoryStorage : public Storage, public FlowCounts {
 public:
  MemoryStorage() { flow_.deliveries.map().Mark(); }

  std::string_view name() const override { return "memory"; }

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < batches.size(); ++i) results[i] = Apply(*batches[i]);
    return Keep();
  }

  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override;
  absl::Status ReleaseClaims() override;
  absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) override;
  absl::Status CheckWritable() override { return absl::OkStatus(); }

  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    absl::MutexLock lock(&mutex_);
    return config_.Revision(scope);
  }
  absl::StatusOr<uint64_t> ConfigGeneration() override {
    absl::MutexLock lock(&mutex_);
    return config_.generation();
  }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    absl::MutexLock lock(&mutex_);
    return convoy::GetConfig(config_, kind, project_id, id);
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    absl::MutexLock lock(&mutex_);
    return convoy::FindConfig(config_, kind, field, value);
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    absl::MutexLock lock(&mutex_);
    return convoy::ListConfig(config_, query, page);
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    absl::MutexLock lock(&mutex_);
    return ReadConfigChanges(config_, scope, since);
  }

  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override;
  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override;
  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override;
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override;

  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query, const PageRequest& page) override;
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override;
  absl::StatusOr<CountPart> CountEvents(const EventQuery& query, std::string_view cursor) override;
  absl::StatusOr<CountPart> CountDeliveries(const DeliveryQuery& query,
                                            std::string_view cursor) override;
  absl::StatusOr<StatusCountPart> CountByStatus(const DeliveryQuery& query,
                                                std::string_view cursor) override;

  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override;
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override;
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override;
  absl::StatusOr<std::vector<Backlog>> ListBacklogs() override;
  absl::StatusOr<HeldUse> ReadHeldUse() override;
  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override;

 protected:
  // Keeps the rows that have changed (WatchedMap::former). Called at the end of every call that
  // changes anything, under the lock. If it fails the changes are undone, and the call fails.
  virtual absl::Status KeepChanges(const Flow& flow, const ConfigTables& config) {
    (void)flow, (void)config;
    return absl::OkStatus();
  }

  // Calls `fill` to set the rows as they were kept, and notes changes from then on. Leases that are
  // given from now on are above `lease_floor`.
  template <typename Fill>
  absl::Status Restore(uint64_t lease_floor, const Fill& fill) {
    absl::MutexLock lock(&mutex_);
    const absl::Status filled = fill(flow_, config_);
    last_lease_ = lease_floor;
    Flow::ForEachMap(flow_, [](auto& map) { map.Watch(); });
    config_.Watch();
    return filled;
  }

 private:
  absl::Status Keep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  CommitResult Apply(WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveFlow(const ConfigRef& ref) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OpenLanes(const std::vector<ConfigWrite>& writes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeKey(const DedupeKey& key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a submission or hold has not been stored before; its key is taken then.
  template <typename Input>
  bool TakeRedelivery(const Input& input, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteHeldInput(HeldInputWrite& hold, CommitResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddDelivery(Delivery delivery, const Event& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SubmissionOutcome ApplySubmission(Submission& submission) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Unless it is stored.
  void AddAttempt(const std::string& delivery_id, Attempt attempt)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyUpdate(DeliveryUpdate& update) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyRequeue(const DeliveryRequeue& requeue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls `use` with the key and the row of each delivery that has not ended, in their order. The
  // cost does not grow with the number of those that have.
  template <typename Use>
  void ForEachUnfinished(const Use& use) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Corrects waits when the clock was set back. That it was before the first claim is noticed by
  // events that were made later than now.
  void FollowClock(const ClaimRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A lane as a claim comes upon it; see claims.cc.
  struct Queue;
  struct Bodies;
  std::map<std::string, Queue> QueueUp(const ClaimRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void KeepToHead(absl::Time now, StoredLane& lane, Queue& queue)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetEmptyLanes(const ClaimRequest& request, const std::map<std::string, Queue>& queues)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyLanePolicy(const ClaimRequest& request, const std::string& endpoint_id, Queue& queue,
                       Claim& claim) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False if the delivery ended instead, because of its mode.
  bool HandOut(const ClaimRequest& request, const StoredDelivery& due, Bodies& bodies, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseLane(const ClaimRequest& request, const std::string& endpoint_id, const Queue& queue,
                 Claim& claim) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Whether it waits in a lane that is disabled.
  bool IsGivenUp(const StoredDelivery& stored) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PruneEvents(const PruneRequest& request, Pruned& pruned)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PruneKeys(const PruneRequest& request, Pruned& pruned) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  ConfigTables config_ ABSL_GUARDED_BY(mutex_);
  Flow flow_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_lease_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time latest_now_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // of a claim
};

}  // namespace convoy::storage
