// A store that passes every call on to another one: the base of stores that seal, count, record or
// fail, which override the calls that they care about.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "convoy/flow_counts.h"
#include "convoy/storage.h"
#include "convoy/work_feed.h"
#include "lib/storage/flow_counts.h"
#include "lib/storage/log_upkeep.h"

namespace convoy::storage {

class ForwardingStorage : public Storage, public FlowCounts, public WorkFeed, public LogUpkeep {
 public:
  // `target` must outlive it.
  explicit ForwardingStorage(Storage* target) : target_(target) {}

  std::string_view name() const override { return target_->name(); }
  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    return target().Write(batches, results);
  }
  absl::Status Sync() override { return target().Sync(); }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    return target().ClaimDue(request);
  }
  absl::Status ReleaseClaims() override { return target().ReleaseClaims(); }
  absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) override {
    return target().LaneClosedUntil(lane, now);
  }
  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    return target().ConfigRevision(scope);
  }
  absl::StatusOr<uint64_t> ConfigGeneration() override { return target().ConfigGeneration(); }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    return target().GetConfig(kind, project_id, id);
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    return target().FindConfig(kind, field, value);
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    return target().ListConfig(query, page);
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    return target().ConfigChangesSince(scope, since);
  }
  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override {
    return target().GetEvent(project_id, id);
  }
  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override {
    return target().GetDelivery(project_id, id);
  }
  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override {
    return target().GetAttempt(project_id, delivery_id, id);
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override {
    return target().ListAttempts(project_id, delivery_id);
  }
  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query,
                                         const PageRequest& page) override {
    return target().ListEvents(query, page);
  }
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override {
    return target().ListDeliveries(query, page);
  }
  absl::StatusOr<CountPart> CountEvents(const EventQuery& query, std::string_view cursor) override {
    return storage::CountEvents(target(), query, cursor);
  }
  absl::StatusOr<CountPart> CountDeliveries(const DeliveryQuery& query,
                                            std::string_view cursor) override {
    return storage::CountDeliveries(target(), query, cursor);
  }
  absl::StatusOr<StatusCountPart> CountByStatus(const DeliveryQuery& query,
                                                std::string_view cursor) override {
    return storage::CountByStatus(target(), query, cursor);
  }
  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override {
    return target().GetHeld(project_id, id, now);
  }
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override {
    return target().ListHeld(query, page);
  }
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override {
    return target().CountHeld(query);
  }
  absl::StatusOr<std::vector<Backlog>> ListBacklogs() override { return target().ListBacklogs(); }
  absl::StatusOr<HeldUse> ReadHeldUse() override { return target().ReadHeldUse(); }
  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    return target().Prune(request);
  }
  bool is_log_long() override {
    auto* const upkeep = dynamic_cast<LogUpkeep*>(target_);
    return upkeep != nullptr && upkeep->is_log_long();
  }
  absl::Status ShortenLog() override {
    auto* const upkeep = dynamic_cast<LogUpkeep*>(&target());
    return upkeep == nullptr ? absl::OkStatus() : upkeep->ShortenLog();
  }
  absl::Status CheckWritable() override { return target().CheckWritable(); }
  bool may_be_shared() const override { return target_->may_be_shared(); }
  void SetWorkListener(std::function<void()> tell) override {
    if (auto* const feed = dynamic_cast<WorkFeed*>(target_)) {
      feed->SetWorkListener(std::move(tell));
    }
  }
  absl::Status CheckAlive() override { return target().CheckAlive(); }

 protected:
  // Before each call that is passed on, on its thread; not for what the store says of itself.
  virtual void OnCall() {}
  // Must outlive this, or be replaced; while no call is under way.
  void set_target(Storage* target) { target_ = target; }

 private:
  Storage& target() {
    OnCall();
    return *target_;
  }

  Storage* target_;
};

}  // namespace convoy::storage
