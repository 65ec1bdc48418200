// Keeps the indexes of a project and answers from them. An event type is looked up as it is and by
// each of its prefixes that end in a dot, so matching looks at the subscriptions that want the type
// and at no other. An index is a set of what it finds, ordered by what it is found by.

#include "lib/route/snapshot.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/route/event_pattern.h"

namespace convoy::route {
namespace {

// Calls `visit` with the texts of topics that an event type is wanted by: itself, and its prefixes.
template <typename Visit>
void ForEachText(std::string_view event_type, Visit visit) {
  visit(/*is_prefix=*/false, event_type);
  visit(/*is_prefix=*/true, std::string_view());
  for (size_t dot = event_type.find('.'); dot != std::string_view::npos;
       dot = event_type.find('.', dot + 1)) {
    visit(/*is_prefix=*/true, event_type.substr(0, dot + 1));
  }
}

// Greater than every id, which is of printable characters.
constexpr std::string_view kBehindIds = "\x7F";

}  // namespace

ProjectSnapshot::TopicKey ProjectSnapshot::ByTopic::Of(const Topic& topic) {
  const Subscription& subscription = topic.compiled->subscription;
  const EventPattern pattern = EventPattern::Of(subscription.event_types[topic.pattern]);
  return {topic.is_of_source ? std::string_view(subscription.source_id) : std::string_view(),
          pattern.is_prefix, pattern.text, subscription.id};
}

absl::StatusOr<std::shared_ptr<const ProjectSnapshot>> ProjectSnapshot::Build(
    ProjectConfiguration config) {
  std::shared_ptr<ProjectSnapshot> snapshot(new ProjectSnapshot());
  snapshot->revision_ = config.revision;
  snapshot->project_ = std::make_shared<const Project>(std::move(config.project));
  SetEditor editor;
  for (Endpoint& endpoint : config.endpoints) {
    snapshot->PutEndpoint(std::make_shared<const Endpoint>(std::move(endpoint)), editor);
  }
  for (Subscription& subscription : config.subscriptions) {
    CONVOY_RETURN_IF_ERROR(snapshot->PutSubscription(std::move(subscription), editor));
  }
  return snapshot;
}

absl::StatusOr<std::shared_ptr<const ProjectSnapshot>> ProjectSnapshot::WithChanges(
    const ConfigChanges& changes) const {
  std::shared_ptr<ProjectSnapshot> next(new ProjectSnapshot(*this));
  next->revision_ = changes.revision;
  SetEditor editor;
  for (const ConfigRef& ref : changes.removes) {
    if (ref.kind == ConfigKind::kEndpoint) next->RemoveEndpoint(ref.id, editor);
    if (ref.kind == ConfigKind::kSubscription) next->RemoveSubscription(ref.id, editor);
  }
  for (const ConfigRecord& record : changes.puts) {
    CONVOY_RETURN_IF_ERROR(next->TakeIn(record, editor));
  }
  return next;
}

std::shared_ptr<const ProjectSnapshot> ProjectSnapshot::WithProject(Project project) const {
  std::shared_ptr<ProjectSnapshot> next(new ProjectSnapshot(*this));
  next->project_ = std::make_shared<const Project>(std::move(project));
  return next;
}

absl::Status ProjectSnapshot::TakeIn(const ConfigRecord& record, SetEditor& editor) {
  if (record.kind == ConfigKind::kEndpoint) {
    CONVOY_ASSIGN_OR_RETURN(Endpoint endpoint, DecodeConfig<Endpoint>(record));
    PutEndpoint(std::make_shared<const Endpoint>(std::move(endpoint)), editor);
  } else if (record.kind == ConfigKind::kSubscription) {
    CONVOY_ASSIGN_OR_RETURN(Subscription subscription, DecodeConfig<Subscription>(record));
    return PutSubscription(std::move(subscription), editor);
  }
  return absl::OkStatus();
}

void ProjectSnapshot::PutEndpoint(EndpointPointer endpoint, SetEditor& editor) {
  RemoveEndpoint(endpoint->id, editor);
  if (endpoint->owner_id.empty()) {
    unowned_endpoints_by_url_.Put(endpoint, editor);
  } else {
    endpoints_by_owner_.Put(endpoint, editor);
  }
  endpoints_.Put(std::move(endpoint), editor);
}

void ProjectSnapshot::RemoveEndpoint(std::string_view id, SetEditor& editor) {
  const EndpointPointer* const found = endpoints_.Find(id);
  if (found == nullptr) return;
  const EndpointPointer endpoint = *found;
  endpoints_by_owner_.Erase(endpoint, editor);
  unowned_endpoints_by_url_.Erase(endpoint, editor);
  endpoints_.Erase(endpoint, editor);
}

absl::Status ProjectSnapshot::PutSubscription(Subscription subscription, SetEditor& editor) {
  absl::StatusOr<SubscriptionFilter> filter = SubscriptionFilter::Compile(subscription);
  if (!filter.ok()) {
    return absl::Status(filter.status().code(), absl::StrCat("subscription ", subscription.id, ": ",
                                                             filter.status().message()));
  }
  RemoveSubscription(subscription.id, editor);
  const auto compiled =
      std::make_shared<const Compiled>(Compiled{std::move(subscription), *std::move(filter)});
  for (uint32_t i = 0; i < compiled->subscription.event_types.size(); ++i) {
    topics_.Put({.compiled = compiled, .pattern = i}, editor);
    if (compiled->subscription.source_id.empty()) continue;
    topics_.Put({.compiled = compiled, .pattern = i, .is_of_source = true}, editor);
  }
  if (compiled->subscription.rate_limit.has_value()) {
    subscriptions_by_limit_.Put(compiled, editor);
  }
  subscriptions_by_endpoint_.Put(compiled, editor);
  subscriptions_.Put(compiled, editor);
  return absl::OkStatus();
}

void ProjectSnapshot::RemoveSubscription(std::string_view id, SetEditor& editor) {
  const CompiledPointer* const found = subscriptions_.Find(id);
  if (found == nullptr) return;
  const CompiledPointer compiled = *found;
  for (uint32_t i = 0; i < compiled->subscription.event_types.size(); ++i) {
    topics_.Erase(Topic{.compiled = compiled, .pattern = i}, editor);
    topics_.Erase(Topic{.compiled = compiled, .pattern = i, .is_of_source = true}, editor);
  }
  if (compiled->subscription.rate_limit.has_value()) {
    subscriptions_by_limit_.Erase(compiled, editor);
  }
  subscriptions_by_endpoint_.Erase(compiled, editor);
  subscriptions_.Erase(compiled, editor);
}

const Endpoint* ProjectSnapshot::FindEndpoint(std::string_view id) const {
  const EndpointPointer* const found = endpoints_.Find(id);
  return found == nullptr ? nullptr : found->get();
}

const Subscription* ProjectSnapshot::FindSubscription(std::string_view id) const {
  const CompiledPointer* const found = subscriptions_.Find(id);
  return found == nullptr ? nullptr : &(*found)->subscription;
}

const Endpoint* ProjectSnapshot::FindUnownedEndpointByUrl(std::string_view url) const {
  const Endpoint* found = nullptr;
  unowned_endpoints_by_url_.ForEachFrom(Pair(url, ""), [&](const EndpointPointer& endpoint) {
    if (endpoint->url == url) found = endpoint.get();
    return false;
  });
  return found;
}

std::vector<const Endpoint*> ProjectSnapshot::EndpointsOfOwner(std::string_view owner_id,
                                                               std::string_view from_id,
                                                               size_t items_max) const {
  std::vector<const Endpoint*> endpoints;
  endpoints_by_owner_.ForEachFrom(Pair(owner_id, from_id), [&](const EndpointPointer& endpoint) {
    if (endpoint->owner_id != owner_id || endpoints.size() >= items_max) return false;
    endpoints.push_back(endpoint.get());
    return true;
  });
  return endpoints;
}

std::vector<const Subscription*> ProjectSnapshot::SubscriptionsOfEndpoint(
    std::string_view endpoint_id, std::string_view after_id, size_t items_max) const {
  std::vector<const Subscription*> subscriptions;
  subscriptions_by_endpoint_.ForEachFrom(
      Pair(endpoint_id, after_id), [&](const CompiledPointer& compiled) {
        const Subscription& subscription = compiled->subscription;
        if (subscription.endpoint_id != endpoint_id || subscriptions.size() >= items_max) {
          return false;
        }
        if (subscription.id != after_id) subscriptions.push_back(&subscription);
        return true;
      });
  return subscriptions;
}

ProjectSnapshot::LimitKey ProjectSnapshot::ByLimit::Of(const CompiledPointer& compiled) {
  const Subscription& subscription = compiled->subscription;
  const RateLimit& limit = *subscription.rate_limit;
  return {subscription.endpoint_id, limit.count / absl::ToDoubleSeconds(limit.window),
          subscription.id};
}

std::vector<RateLimit> ProjectSnapshot::LowestLimitsOf(std::string_view endpoint_id,
                                                       size_t items_max) const {
  std::vector<RateLimit> limits;
  subscriptions_by_limit_.ForEachFrom(
      LimitKey(endpoint_id, 0, ""), [&](const CompiledPointer& compiled) {
        const Subscription& subscription = compiled->subscription;
        if (subscription.endpoint_id != endpoint_id || limits.size() == items_max) return false;
        limits.push_back(*subscription.rate_limit);
        return true;
      });
  return limits;
}

template <typename Visit>
void ProjectSnapshot::VisitCandidates(std::string_view event_type, std::string_view source_id,
                                      std::string_view after_id, Visit visit) const {
  const auto visit_text = [&](bool is_prefix, std::string_view text) {
    size_t index = 0;
    topics_.ForEachFrom(TopicKey(source_id, is_prefix, text, after_id), [&](const Topic& topic) {
      const auto& [its_source, its_is_prefix, its_text, id] = ByTopic::Of(topic);
      if (its_source != source_id || its_is_prefix != is_prefix || its_text != text) return false;
      return id == after_id || visit(topic.compiled.get(), index++);
    });
  };
  ForEachText(event_type, visit_text);
}

std::vector<const ProjectSnapshot::Compiled*> ProjectSnapshot::FindCandidates(
    std::string_view event_type, std::string_view source_id, std::string_view after_id,
    size_t candidates_max) const {
  std::vector<const Compiled*> candidates;
  const auto is_before = [](const Compiled* a, const Compiled* b) {
    return a->subscription.id < b->subscription.id;
  };
  // The topics of one text come in the order of the ids: the first ones of each are enough.
  VisitCandidates(event_type, source_id, after_id, [&](const Compiled* candidate, size_t index) {
    candidates.push_back(candidate);
    return index + 1 < candidates_max;
  });
  // A subscription may want the type in several ways.
  std::sort(candidates.begin(), candidates.end(), is_before);
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  if (candidates.size() > candidates_max) candidates.resize(candidates_max);
  return candidates;
}

std::vector<const Subscription*> ProjectSnapshot::Match(std::string_view event_type,
                                                        std::string_view source_id,
                                                        const EventContent& content) const {
  std::vector<const Subscription*> matches;
  EventDocuments documents(content);
  for (const Compiled* const candidate : FindCandidates(event_type, source_id)) {
    if (!candidate->filter.Matches(event_type, documents)) continue;
    matches.push_back(&candidate->subscription);
  }
  return matches;
}

ProjectSnapshot::Piece ProjectSnapshot::MatchPiece(std::string_view event_type,
                                                   std::string_view source_id,
                                                   const EventContent& content,
                                                   std::string_view after_id,
                                                   size_t candidates_max) const {
  Piece piece;
  EventDocuments documents(content);
  const std::vector<const Compiled*> candidates =
      FindCandidates(event_type, source_id, after_id, candidates_max);
  for (const Compiled* const candidate : candidates) {
    if (!candidate->filter.Matches(event_type, documents)) continue;
    piece.matches.push_back(&candidate->subscription);
  }
  piece.candidates_count = candidates.size();
  piece.has_more = candidates.size() == candidates_max;
  piece.last_id = candidates.empty() ? std::string(after_id) : candidates.back()->subscription.id;
  return piece;
}

bool ProjectSnapshot::Wants(const Subscription& subscription, std::string_view event_type,
                            const EventContent& content) const {
  const CompiledPointer* const found = subscriptions_.Find(std::string_view(subscription.id));
  if (found == nullptr || !WantsType(subscription, event_type)) return false;
  EventDocuments documents(content);
  return (*found)->filter.Matches(event_type, documents);
}

size_t ProjectSnapshot::CountCandidates(std::string_view event_type,
                                        std::string_view source_id) const {
  return FindCandidates(event_type, source_id).size();
}

size_t ProjectSnapshot::EstimateEndpoints(std::string_view event_type,
                                          std::string_view source_id) const {
  size_t count = 0;
  ForEachText(event_type, [&](bool is_prefix, std::string_view text) {
    count += topics_.CountBefore(TopicKey(source_id, is_prefix, text, kBehindIds)) -
             topics_.CountBefore(TopicKey(source_id, is_prefix, text, ""));
  });
  return std::min(count, endpoints_.size());
}

size_t ProjectSnapshot::CountEndpointsOfOwner(std::string_view owner_id) const {
  return endpoints_by_owner_.CountBefore(Pair(owner_id, kBehindIds)) -
         endpoints_by_owner_.CountBefore(Pair(owner_id, ""));
}

}  // namespace convoy::route
