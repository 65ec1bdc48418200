// A store that passes every call on to another one: the base of stores that seal, count, record or
// fail, which override the calls that they care about.
#pragma once

#include <string_view>
#include <vector>

#include "convoy/storage.h"

namespace convoy::storage {

class ForwardingStorage : public Storage {
 public:
  // `target` must outlive it.
  explicit ForwardingStorage(Storage* target) : target_(*target) {}

  std::string_view name() const override { return target_.name(); }
  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    return target_.Write(batches, results);
  }
  absl::Status Sync() override { return target_.Sync(); }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    return target_.ClaimDue(request);
  }
  absl::Status ReleaseClaims() override { return target_.ReleaseClaims(); }
  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    return target_.ConfigRevision(scope);
  }
  absl::StatusOr<uint64_t> ConfigGeneration() override { return target_.ConfigGeneration(); }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                         std::string_view id) override {
    return target_.GetConfig(kind, project_id, id);
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                          std::string_view value) override {
    return target_.FindConfig(kind, field, value);
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                const PageRequest& page) override {
    return target_.ListConfig(query, page);
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                   uint64_t since) override {
    return target_.ConfigChangesSince(scope, since);
  }
  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override {
    return target_.GetEvent(project_id, id);
  }
  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override {
    return target_.GetDelivery(project_id, id);
  }
  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override {
    return target_.GetAttempt(project_id, delivery_id, id);
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override {
    return target_.ListAttempts(project_id, delivery_id);
  }
  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query,
                                         const PageRequest& page) override {
    return target_.ListEvents(query, page);
  }
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override {
    return target_.ListDeliveries(query, page);
  }
  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override {
    return target_.GetHeld(project_id, id, now);
  }
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override {
    return target_.ListHeld(query, page);
  }
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override {
    return target_.CountHeld(query);
  }
  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    return target_.Prune(request);
  }
  absl::Status CheckWritable() override { return target_.CheckWritable(); }
  bool may_be_shared() const override { return target_.may_be_shared(); }
  absl::Status CheckAlive() override { return target_.CheckAlive(); }

 private:
  Storage& target_;
};

}  // namespace convoy::storage
