// Reads of the store in memory: single objects by their ids, and pages.
#include <algorithm>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/memory/memory_storage.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

template <typename T>
absl::StatusOr<T> Find(const ById<T>& table, std::string_view id, std::string_view what) {
  const auto entry = table.find(id);
  if (entry == table.end()) return absl::NotFoundError(absl::StrCat(what, " not found"));
  return entry->second;
}

bool ContainsIgnoringCase(std::string_view text, std::string_view part) {
  return absl::StrContains(absl::AsciiStrToLower(text), absl::AsciiStrToLower(part));
}

template <typename T>
bool IsAnyOf(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

bool HasAnyEndpoint(const Event& event, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](const auto& id) {
           return std::find(event.endpoint_ids.begin(), event.endpoint_ids.end(), id) !=
                  event.endpoint_ids.end();
         });
}

bool IsWanted(const HeldQuery& query, const HeldInput& input) {
  return input.project_id == query.project_id && IsAnyOf(query.source_ids, input.source_id) &&
         input.kind == query.kind.value_or(input.kind) &&
         (query.reason.empty() || input.reason == query.reason) && input.id >= query.from_id &&
         input.expires_at > query.now;
}

// Cuts the page out of `matching`, which ascends by id.
template <typename T>
Page<T> Cut(std::vector<T> matching, const PageRequest& request) {
  if (!request.is_ascending) std::reverse(matching.begin(), matching.end());
  // Position of the cursor's row, or of where it would stand.
  const auto at = std::find_if(matching.begin(), matching.end(), [&](const T& item) {
    return request.is_ascending ? item.id >= request.cursor : item.id <= request.cursor;
  });
  size_t begin = request.cursor.empty() ? 0 : static_cast<size_t>(at - matching.begin());
  size_t end = std::min<size_t>(begin + request.items_max, matching.size());
  if (request.is_backward && !request.cursor.empty()) {
    end = begin;
    begin = end > request.items_max ? end - request.items_max : 0;
  }
  Page<T> page;
  page.has_prev = begin > 0;
  page.has_next = end < matching.size();
  if (page.has_next) page.next_cursor = matching[end].id;
  page.items.assign(std::make_move_iterator(matching.begin() + begin),
                    std::make_move_iterator(matching.begin() + end));
  if (!page.items.empty()) page.prev_cursor = page.items.front().id;
  return page;
}

template <typename T, typename Wanted>
Page<T> List(const ById<T>& table, const PageRequest& page, Wanted wanted) {
  std::vector<T> matching;
  for (const auto& [id, item] : table) {
    if (wanted(item)) matching.push_back(item);
  }
  return Cut(std::move(matching), page);
}

}  // namespace

absl::StatusOr<ProjectConfiguration> MemoryStorage::LoadProject(std::string_view project_id) {
  absl::MutexLock lock(&mutex_);
  ProjectConfiguration configuration{.revision = config_.RevisionOf(project_id)};
  CONVOY_ASSIGN_OR_RETURN(configuration.project,
                          Find(config_.All<Project>(), project_id, "project"));
  for (const auto& [id, endpoint] : config_.All<Endpoint>()) {
    if (endpoint.project_id == project_id) configuration.endpoints.push_back(endpoint);
  }
  for (const auto& [id, subscription] : config_.All<Subscription>()) {
    if (subscription.project_id == project_id) configuration.subscriptions.push_back(subscription);
  }
  return configuration;
}

absl::StatusOr<std::vector<Project>> MemoryStorage::ListProjects() {
  absl::MutexLock lock(&mutex_);
  std::vector<Project> projects;
  for (const auto& [id, project] : config_.All<Project>()) projects.push_back(project);
  return projects;
}

absl::StatusOr<Source> MemoryStorage::FindSourceByMask(std::string_view mask_id) {
  absl::MutexLock lock(&mutex_);
  if (const Source* source = config_.FindSourceByMask(mask_id)) return *source;
  return absl::NotFoundError("source not found");
}

absl::StatusOr<ApiKey> MemoryStorage::FindApiKeyByMask(std::string_view mask_id) {
  absl::MutexLock lock(&mutex_);
  if (const ApiKey* key = config_.FindApiKeyByMask(mask_id)) return *key;
  return absl::NotFoundError("API key not found");
}

absl::StatusOr<std::vector<ApiKey>> MemoryStorage::ListApiKeys(std::string_view project_id) {
  absl::MutexLock lock(&mutex_);
  std::vector<ApiKey> keys;
  for (const auto& [id, key] : config_.All<ApiKey>()) {
    if (key.project_id == project_id) keys.push_back(key);
  }
  return keys;
}

absl::StatusOr<Source> MemoryStorage::GetSource(std::string_view project_id, std::string_view id) {
  absl::MutexLock lock(&mutex_);
  CONVOY_ASSIGN_OR_RETURN(Source source, Find(config_.All<Source>(), id, "source"));
  if (source.project_id != project_id) return absl::NotFoundError("source not found");
  return source;
}

absl::StatusOr<Event> MemoryStorage::GetEvent(std::string_view project_id, std::string_view id) {
  absl::MutexLock lock(&mutex_);
  CONVOY_ASSIGN_OR_RETURN(const std::shared_ptr<const Event> event,
                          Find(flow_.events, id, "event"));
  if (event->project_id != project_id) return absl::NotFoundError("event not found");
  return *event;
}

absl::StatusOr<Delivery> MemoryStorage::GetDelivery(std::string_view project_id,
                                                    std::string_view id) {
  absl::MutexLock lock(&mutex_);
  CONVOY_ASSIGN_OR_RETURN(StoredDelivery stored, Find(flow_.deliveries, id, "event delivery"));
  if (stored.delivery.project_id != project_id) {
    return absl::NotFoundError("event delivery not found");
  }
  return std::move(stored.delivery);
}

absl::StatusOr<std::vector<Attempt>> MemoryStorage::ListAttempts(std::string_view project_id,
                                                                 std::string_view delivery_id) {
  CONVOY_RETURN_IF_ERROR(GetDelivery(project_id, delivery_id).status());
  absl::MutexLock lock(&mutex_);
  const auto attempts = flow_.attempts.find(delivery_id);
  return attempts == flow_.attempts.end() ? std::vector<Attempt>() : attempts->second;
}

absl::StatusOr<Attempt> MemoryStorage::GetAttempt(std::string_view project_id,
                                                  std::string_view delivery_id,
                                                  std::string_view id) {
  const auto attempts = ListAttempts(project_id, delivery_id);
  for (const Attempt& attempt : attempts.value_or(std::vector<Attempt>())) {
    if (attempt.id == id) return attempt;
  }
  return absl::NotFoundError("event delivery attempt not found");
}

absl::StatusOr<Page<Source>> MemoryStorage::ListSources(const SourceQuery& query,
                                                        const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  return List<Source>(config_.All<Source>(), page, [&](const Source& source) {
    return source.project_id == query.project_id &&
           ContainsIgnoringCase(source.name, query.name_contains) &&
           source.type == query.type.value_or(source.type) &&
           source.provider == query.provider.value_or(source.provider);
  });
}

absl::StatusOr<Page<Endpoint>> MemoryStorage::ListEndpoints(const EndpointQuery& query,
                                                            const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  return List<Endpoint>(config_.All<Endpoint>(), page, [&](const Endpoint& endpoint) {
    return endpoint.project_id == query.project_id &&
           ContainsIgnoringCase(endpoint.name, query.name_contains) &&
           (query.owner_id.empty() || endpoint.owner_id == query.owner_id);
  });
}

absl::StatusOr<Page<Subscription>> MemoryStorage::ListSubscriptions(const SubscriptionQuery& query,
                                                                    const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  return List<Subscription>(config_.All<Subscription>(), page,
                            [&](const Subscription& subscription) {
                              return subscription.project_id == query.project_id &&
                                     ContainsIgnoringCase(subscription.name, query.name_contains) &&
                                     IsAnyOf(query.endpoint_ids, subscription.endpoint_id);
                            });
}

absl::StatusOr<Page<Event>> MemoryStorage::ListEvents(const EventQuery& query,
                                                      const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  std::vector<Event> matching;
  for (const auto& [id, event] : flow_.events) {
    if (event->project_id == query.project_id && HasAnyEndpoint(*event, query.endpoint_ids) &&
        IsAnyOf(query.source_ids, event->source_id) &&
        (query.idempotency_key.empty() || event->idempotency_key == query.idempotency_key) &&
        (query.event_type.empty() || event->event_type == query.event_type) &&
        event->created_at >= query.created_from && event->created_at <= query.created_until) {
      matching.push_back(*event);
    }
  }
  return Cut(std::move(matching), page);
}

absl::StatusOr<Page<Delivery>> MemoryStorage::ListDeliveries(const DeliveryQuery& query,
                                                             const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  const auto is_any = [](const std::string& wanted, const std::string& value) {
    return wanted.empty() || wanted == value;
  };
  std::vector<Delivery> matching;
  for (const auto& [id, stored] : flow_.deliveries) {
    const Delivery& delivery = stored.delivery;
    if (delivery.project_id == query.project_id && is_any(query.event_id, delivery.event_id) &&
        is_any(query.subscription_id, delivery.subscription_id) &&
        is_any(query.idempotency_key, delivery.idempotency_key) &&
        is_any(query.event_type, delivery.event_type) &&
        IsAnyOf(query.endpoint_ids, delivery.endpoint_id) &&
        IsAnyOf(query.statuses, delivery.status) && delivery.created_at >= query.created_from &&
        delivery.created_at <= query.created_until) {
      matching.push_back(delivery);
    }
  }
  return Cut(std::move(matching), page);
}

absl::StatusOr<HeldInput> MemoryStorage::GetHeld(std::string_view project_id, std::string_view id,
                                                 absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const HeldInput* input = flow_.held.Find(project_id, id);
  if (input == nullptr || input->expires_at <= now) return NotHeld();
  return *input;
}

absl::StatusOr<Page<HeldInput>> MemoryStorage::ListHeld(const HeldQuery& query,
                                                        const PageRequest& page) {
  absl::MutexLock lock(&mutex_);
  return List<HeldInput>(flow_.held.all(), page,
                         [&](const HeldInput& input) { return IsWanted(query, input); });
}

absl::StatusOr<uint64_t> MemoryStorage::CountHeld(const HeldQuery& query) {
  absl::MutexLock lock(&mutex_);
  uint64_t count = 0;
  for (const auto& [id, input] : flow_.held.all()) count += IsWanted(query, input);
  return count;
}

absl::StatusOr<std::vector<Source>> MemoryStorage::ListBrokerSources() {
  absl::MutexLock lock(&mutex_);
  std::vector<Source> sources;
  for (const auto& [id, source] : config_.All<Source>()) {
    if (source.type == SourceType::kPubSub && !source.is_disabled) sources.push_back(source);
  }
  return sources;
}

}  // namespace convoy::storage
