// A store that has nothing and takes nothing: for tests that need only a few of its questions
// answered and override those.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "convoy/storage.h"

namespace convoy::testing {

class NullStorage : public Storage {
 public:
  std::string_view name() const override { return "null"; }
  absl::Status Write(std::span<WriteBatch* const>, std::span<CommitResult>) override {
    return Nothing();
  }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest&) override { return Claim{}; }
  absl::Status ReleaseClaims() override { return absl::OkStatus(); }
  absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName&, absl::Time) override {
    return absl::InfinitePast();
  }
  absl::StatusOr<uint64_t> ConfigRevision(std::string_view) override { return 0; }
  absl::StatusOr<uint64_t> ConfigGeneration() override { return 0; }
  absl::StatusOr<ConfigRecord> GetConfig(ConfigKind, std::string_view, std::string_view) override {
    return Nothing();
  }
  absl::StatusOr<ConfigRecord> FindConfig(ConfigKind, std::string_view, std::string_view) override {
    return Nothing();
  }
  absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery&, const PageRequest&) override {
    return Page<ConfigRecord>{};
  }
  absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view, uint64_t since) override {
    return ConfigChanges{.revision = since, .is_complete = true};
  }
  absl::StatusOr<Event> GetEvent(std::string_view, std::string_view) override { return Nothing(); }
  absl::StatusOr<Delivery> GetDelivery(std::string_view, std::string_view) override {
    return Nothing();
  }
  absl::StatusOr<Attempt> GetAttempt(std::string_view, std::string_view,
                                     std::string_view) override {
    return Nothing();
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view, std::string_view) override {
    return std::vector<Attempt>{};
  }
  absl::StatusOr<Page<Event>> ListEvents(const EventQuery&, const PageRequest&) override {
    return Page<Event>{};
  }
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery&, const PageRequest&) override {
    return Page<Delivery>{};
  }
  absl::StatusOr<HeldInput> GetHeld(std::string_view, std::string_view, absl::Time) override {
    return Nothing();
  }
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery&, const PageRequest&) override {
    return Page<HeldInput>{};
  }
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery&) override { return 0; }
  absl::StatusOr<std::vector<Backlog>> ListBacklogs() override { return std::vector<Backlog>{}; }
  absl::StatusOr<HeldUse> ReadHeldUse() override { return HeldUse(); }
  absl::StatusOr<Pruned> Prune(const PruneRequest&) override { return Pruned{}; }
  absl::Status CheckWritable() override { return absl::OkStatus(); }

 private:
  static absl::Status Nothing() { return absl::NotFoundError("not found"); }
};

}  // namespace convoy::testing
