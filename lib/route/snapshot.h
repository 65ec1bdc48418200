// A project's configuration as routing wants it: immutable, indexed, with everything compiled once.
// Matching costs what matches, not what exists.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "convoy/filter.h"
#include "convoy/storage.h"

namespace convoy::route {

// What content filters look at, each as a JSON text (made only if some filter asks).
struct EventContent {
  std::string_view body;  // JSON text; anything else matches only empty filters
  const Headers* headers = nullptr;
  std::string_view query;  // raw query string
  std::string_view path;
};

class ProjectSnapshot {
 public:
  // Fails only if a stored filter does not compile.
  static absl::StatusOr<std::shared_ptr<const ProjectSnapshot>> Build(ProjectConfiguration config);

  uint64_t revision() const { return config_.revision; }
  const Project& project() const { return config_.project; }
  const std::vector<Endpoint>& endpoints() const { return config_.endpoints; }
  const std::vector<Subscription>& subscriptions() const { return config_.subscriptions; }

  const Endpoint* FindEndpoint(std::string_view id) const;
  const Subscription* FindSubscription(std::string_view id) const;
  std::vector<const Endpoint*> EndpointsOfOwner(std::string_view owner_id) const;
  std::vector<const Subscription*> SubscriptionsOfEndpoint(std::string_view endpoint_id) const;

  // Subscriptions that want an event of this type and content; with `source_id` only those of that
  // source. In the order of their ids.
  std::vector<const Subscription*> Match(std::string_view event_type, std::string_view source_id,
                                         const EventContent& content) const;

  // Whether one subscription wants it.
  bool Wants(const Subscription& subscription, std::string_view event_type,
             const EventContent& content) const;

 private:
  explicit ProjectSnapshot(ProjectConfiguration config) : config_(std::move(config)) {}
  // Members for indexes and compiled filters follow in the implementation's header part.
  ProjectConfiguration config_;
};

}  // namespace convoy::route
