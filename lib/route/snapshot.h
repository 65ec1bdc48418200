// A project's configuration as routing wants it: immutable, indexed, with everything compiled once.
// Matching costs what matches, not what exists.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/config_read.h"
#include "lib/route/content.h"

namespace convoy::route {

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

  // Whether one subscription of this snapshot wants it.
  bool Wants(const Subscription& subscription, std::string_view event_type,
             const EventContent& content) const;

  // How many subscriptions Match looks at for such an event, before content filters.
  size_t CountCandidates(std::string_view event_type, std::string_view source_id) const;

 private:
  using Index = uint32_t;  // into config_.endpoints or config_.subscriptions
  template <typename T>
  using IndexBy = absl::flat_hash_map<std::string_view, T>;

  // Topic of a subscription: source (empty: any), whether the text is a prefix that ends in a dot
  // ("*" is the empty prefix), text.
  using Topic = std::tuple<std::string_view, bool, std::string_view>;

  explicit ProjectSnapshot(ProjectConfiguration config) : config_(std::move(config)) {}

  void IndexEndpoints();
  void IndexSubscriptions();
  absl::Status CompileFilters();
  std::vector<Index> FindCandidates(std::string_view event_type, std::string_view source_id) const;

  ProjectConfiguration config_;  // never changed once the indexes are built: they hold views of it
  IndexBy<Index> endpoints_by_id_;
  IndexBy<std::vector<Index>> endpoints_by_owner_;
  IndexBy<Index> subscriptions_by_id_;
  IndexBy<std::vector<Index>> subscriptions_by_endpoint_;
  absl::flat_hash_map<Topic, std::vector<Index>> subscriptions_by_topic_;
  std::vector<std::unique_ptr<const ContentProgram>> filters_;  // of each subscription; null: none
};

}  // namespace convoy::route
