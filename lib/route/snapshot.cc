// Builds the indexes of a project and answers from them. An event type is looked up as it is and by
// each of its prefixes that end in a dot, so matching looks at the subscriptions that want the type
// and at no other.

#include "lib/route/snapshot.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/route/event_pattern.h"

namespace convoy::route {
namespace {

bool WantsType(const Subscription& subscription, std::string_view event_type) {
  return std::any_of(subscription.event_types.begin(), subscription.event_types.end(),
                     [event_type](std::string_view pattern) {
                       return EventPattern::Of(pattern).Matches(event_type);
                     });
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ProjectSnapshot>> ProjectSnapshot::Build(
    ProjectConfiguration config) {
  std::sort(config.subscriptions.begin(), config.subscriptions.end(),
            [](const Subscription& a, const Subscription& b) { return a.id < b.id; });
  std::shared_ptr<ProjectSnapshot> snapshot(new ProjectSnapshot(std::move(config)));
  snapshot->IndexEndpoints();
  snapshot->IndexSubscriptions();
  CONVOY_RETURN_IF_ERROR(snapshot->CompileFilters());
  return snapshot;
}

void ProjectSnapshot::IndexEndpoints() {
  for (Index i = 0; i < config_.endpoints.size(); ++i) {
    const Endpoint& endpoint = config_.endpoints[i];
    endpoints_by_id_.emplace(endpoint.id, i);
    if (!endpoint.owner_id.empty()) endpoints_by_owner_[endpoint.owner_id].push_back(i);
  }
}

void ProjectSnapshot::IndexSubscriptions() {
  for (Index i = 0; i < config_.subscriptions.size(); ++i) {
    const Subscription& subscription = config_.subscriptions[i];
    subscriptions_by_id_.emplace(subscription.id, i);
    subscriptions_by_endpoint_[subscription.endpoint_id].push_back(i);
    for (const std::string_view pattern : subscription.event_types) {
      const auto [is_prefix, text] = EventPattern::Of(pattern);
      subscriptions_by_topic_[{"", is_prefix, text}].push_back(i);
      if (!subscription.source_id.empty()) {
        subscriptions_by_topic_[{subscription.source_id, is_prefix, text}].push_back(i);
      }
    }
  }
}

absl::Status ProjectSnapshot::CompileFilters() {
  filters_.reserve(config_.subscriptions.size());
  for (const Subscription& subscription : config_.subscriptions) {
    absl::StatusOr<std::unique_ptr<const ContentProgram>> program =
        ContentProgram::Compile(subscription.filter);
    if (!program.ok()) {
      return absl::Status(program.status().code(), absl::StrCat("subscription ", subscription.id,
                                                                ": ", program.status().message()));
    }
    filters_.push_back(*std::move(program));
  }
  return absl::OkStatus();
}

const Endpoint* ProjectSnapshot::FindEndpoint(std::string_view id) const {
  const auto found = endpoints_by_id_.find(id);
  return found == endpoints_by_id_.end() ? nullptr : &config_.endpoints[found->second];
}

const Subscription* ProjectSnapshot::FindSubscription(std::string_view id) const {
  const auto found = subscriptions_by_id_.find(id);
  return found == subscriptions_by_id_.end() ? nullptr : &config_.subscriptions[found->second];
}

std::vector<const Endpoint*> ProjectSnapshot::EndpointsOfOwner(std::string_view owner_id) const {
  std::vector<const Endpoint*> endpoints;
  const auto found = endpoints_by_owner_.find(owner_id);
  if (found == endpoints_by_owner_.end()) return endpoints;
  for (const Index index : found->second) endpoints.push_back(&config_.endpoints[index]);
  return endpoints;
}

std::vector<const Subscription*> ProjectSnapshot::SubscriptionsOfEndpoint(
    std::string_view endpoint_id) const {
  std::vector<const Subscription*> subscriptions;
  const auto found = subscriptions_by_endpoint_.find(endpoint_id);
  if (found == subscriptions_by_endpoint_.end()) return subscriptions;
  for (const Index index : found->second) subscriptions.push_back(&config_.subscriptions[index]);
  return subscriptions;
}

std::vector<ProjectSnapshot::Index> ProjectSnapshot::FindCandidates(
    std::string_view event_type, std::string_view source_id) const {
  std::vector<Index> candidates;
  const auto add = [&](bool is_prefix, std::string_view text) {
    const auto found = subscriptions_by_topic_.find({source_id, is_prefix, text});
    if (found == subscriptions_by_topic_.end()) return;
    candidates.insert(candidates.end(), found->second.begin(), found->second.end());
  };
  add(/*is_prefix=*/false, event_type);
  add(/*is_prefix=*/true, "");
  for (size_t dot = event_type.find('.'); dot != std::string_view::npos;
       dot = event_type.find('.', dot + 1)) {
    add(/*is_prefix=*/true, event_type.substr(0, dot + 1));
  }
  // A subscription may want the type in several ways. Indexes ascend as ids do.
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

std::vector<const Subscription*> ProjectSnapshot::Match(std::string_view event_type,
                                                        std::string_view source_id,
                                                        const EventContent& content) const {
  std::vector<const Subscription*> matches;
  EventDocuments documents(content);
  for (const Index index : FindCandidates(event_type, source_id)) {
    if (filters_[index] != nullptr && !filters_[index]->Matches(documents)) continue;
    matches.push_back(&config_.subscriptions[index]);
  }
  return matches;
}

bool ProjectSnapshot::Wants(const Subscription& subscription, std::string_view event_type,
                            const EventContent& content) const {
  const auto found = subscriptions_by_id_.find(subscription.id);
  if (found == subscriptions_by_id_.end() || !WantsType(subscription, event_type)) return false;
  const ContentProgram* const filter = filters_[found->second].get();
  if (filter == nullptr) return true;
  EventDocuments documents(content);
  return filter->Matches(documents);
}

size_t ProjectSnapshot::CountCandidates(std::string_view event_type,
                                        std::string_view source_id) const {
  return FindCandidates(event_type, source_id).size();
}

}  // namespace convoy::route
