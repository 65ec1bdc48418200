// A project's configuration as routing wants it: immutable, indexed, with everything compiled once.
// Matching costs what matches, not what exists; so does taking a change in, since a snapshot shares
// with its successor what has not changed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/config_read.h"
#include "lib/route/content.h"
#include "lib/route/persistent_set.h"
#include "lib/route/subscription_filter.h"

namespace convoy::route {

class ProjectSnapshot {
 public:
  static constexpr size_t kNoLimit = static_cast<size_t>(-1);

  // Fails only if a stored filter does not compile; so do the other two.
  static absl::StatusOr<std::shared_ptr<const ProjectSnapshot>> Build(ProjectConfiguration config);

  // The snapshot with the changes of the project's scope since revision().
  absl::StatusOr<std::shared_ptr<const ProjectSnapshot>> WithChanges(
      const ConfigChanges& changes) const;
  // The snapshot with the project itself changed, which is of the instance's scope.
  std::shared_ptr<const ProjectSnapshot> WithProject(Project project) const;

  uint64_t revision() const { return revision_; }
  const Project& project() const { return *project_; }
  size_t endpoints_count() const { return endpoints_.size(); }
  size_t subscriptions_count() const { return subscriptions_.size(); }

  // The objects live as long as the snapshot.
  const Endpoint* FindEndpoint(std::string_view id) const;
  const Subscription* FindSubscription(std::string_view id) const;
  // The oldest one with exactly this URL that has no owner: one of an owner is his, whatever its
  // URL.
  const Endpoint* FindUnownedEndpointByUrl(std::string_view url) const;
  // Those whose ids are not before `from_id`, at most so many.
  std::vector<const Endpoint*> EndpointsOfOwner(std::string_view owner_id,
                                                std::string_view from_id = "",
                                                size_t items_max = kNoLimit) const;
  // Those whose ids are behind `after_id`, at most so many.
  std::vector<const Subscription*> SubscriptionsOfEndpoint(std::string_view endpoint_id,
                                                           std::string_view after_id = "",
                                                           size_t items_max = kNoLimit) const;

  // Rate limits of the endpoint's subscriptions, the lowest rates first, at most so many.
  std::vector<RateLimit> LowestLimitsOf(std::string_view endpoint_id, size_t items_max) const;

  // Subscriptions that want an event of this type and content; with `source_id` only those of that
  // source. In the order of their ids.
  std::vector<const Subscription*> Match(std::string_view event_type, std::string_view source_id,
                                         const EventContent& content) const;

  // The same, piece by piece: of the subscriptions that want the type, only those whose ids are
  // behind `after_id` are looked at, and at most `candidates_max` of them.
  struct Piece {
    std::vector<const Subscription*> matches;
    size_t candidates_count = 0;  // that were looked at
    std::string last_id;          // of the last of them: where the next piece begins
    bool has_more = false;        // there may be
  };
  Piece MatchPiece(std::string_view event_type, std::string_view source_id,
                   const EventContent& content, std::string_view after_id,
                   size_t candidates_max) const;

  // Whether one subscription of this snapshot wants it.
  bool Wants(const Subscription& subscription, std::string_view event_type,
             const EventContent& content) const;

  // How many subscriptions Match looks at for such an event, before content filters.
  size_t CountCandidates(std::string_view event_type, std::string_view source_id) const;
  // About how many endpoints those subscriptions have, without looking at them: no more than the
  // project has, and an endpoint that wants the type in several ways may count for as many.
  size_t EstimateEndpoints(std::string_view event_type, std::string_view source_id) const;
  size_t CountEndpointsOfOwner(std::string_view owner_id) const;

 private:
  struct Compiled {
    Subscription subscription;
    SubscriptionFilter filter;
  };
  using EndpointPointer = std::shared_ptr<const Endpoint>;
  using CompiledPointer = std::shared_ptr<const Compiled>;

  // One pattern of a subscription: what is asked for is its source (empty: any), whether the text
  // is a prefix ("*" is the empty one), the text.
  struct Topic {
    CompiledPointer compiled;
    uint32_t pattern = 0;       // index of its event types
    bool is_of_source = false;  // listed under its source, not under any
  };
  using TopicKey = std::tuple<std::string_view, bool, std::string_view, std::string_view>;

  // Orders values by what they are found by.
  template <typename KeyOf>
  struct By {
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf::Of(a) < KeyOf::Of(b);
    }
  };
  struct ById {
    static std::string_view Of(std::string_view id) { return id; }
    static std::string_view Of(const EndpointPointer& endpoint) { return endpoint->id; }
    static std::string_view Of(const CompiledPointer& compiled) {
      return compiled->subscription.id;
    }
  };
  using Pair = std::pair<std::string_view, std::string_view>;
  struct ByOwner {
    static Pair Of(const Pair& key) { return key; }
    static Pair Of(const EndpointPointer& endpoint) { return {endpoint->owner_id, endpoint->id}; }
  };
  struct ByUrl {
    static Pair Of(const Pair& key) { return key; }
    static Pair Of(const EndpointPointer& endpoint) { return {endpoint->url, endpoint->id}; }
  };
  struct ByEndpoint {
    static Pair Of(const Pair& key) { return key; }
    static Pair Of(const CompiledPointer& compiled) {
      return {compiled->subscription.endpoint_id, compiled->subscription.id};
    }
  };
  // Of those that have a limit: by its rate. Equal rates are told apart by the id.
  using LimitKey = std::tuple<std::string_view, double, std::string_view>;
  struct ByLimit {
    static const LimitKey& Of(const LimitKey& key) { return key; }
    static LimitKey Of(const CompiledPointer& compiled);
  };
  struct ByTopic {
    static const TopicKey& Of(const TopicKey& key) { return key; }
    static TopicKey Of(const Topic& topic);
  };

  ProjectSnapshot() = default;

  void PutEndpoint(EndpointPointer endpoint, SetEditor& editor);
  void RemoveEndpoint(std::string_view id, SetEditor& editor);
  absl::Status PutSubscription(Subscription subscription, SetEditor& editor);
  void RemoveSubscription(std::string_view id, SetEditor& editor);
  absl::Status TakeIn(const ConfigRecord& record, SetEditor& editor);
  // Calls `visit` with each that is behind `after_id`, and its index: for each text that a topic
  // can have, in the order of their ids, until it says false. Some come several times.
  template <typename Visit>
  void VisitCandidates(std::string_view event_type, std::string_view source_id,
                       std::string_view after_id, Visit visit) const;
  // The first `candidates_max` behind `after_id`, in the order of their ids.
  std::vector<const Compiled*> FindCandidates(std::string_view event_type,
                                              std::string_view source_id,
                                              std::string_view after_id = "",
                                              size_t candidates_max = kNoLimit) const;

  uint64_t revision_ = 0;
  std::shared_ptr<const Project> project_;
  PersistentSet<EndpointPointer, By<ById>> endpoints_;
  PersistentSet<EndpointPointer, By<ByOwner>> endpoints_by_owner_;  // those that have one
  PersistentSet<EndpointPointer, By<ByUrl>> unowned_endpoints_by_url_;
  PersistentSet<CompiledPointer, By<ById>> subscriptions_;
  PersistentSet<CompiledPointer, By<ByEndpoint>> subscriptions_by_endpoint_;
  PersistentSet<CompiledPointer, By<ByLimit>> subscriptions_by_limit_;  // those that have one
  PersistentSet<Topic, By<ByTopic>> topics_;
};

}  // namespace convoy::route
