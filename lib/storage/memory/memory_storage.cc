// A store in memory: everything under one lock, every query a plain walk. It is meant to be
// obviously right, as the yardstick for other stores, rather than fast.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "convoy/gateway.h"
#include "convoy/storage.h"
#include "lib/base/status_macros.h"
#include "lib/storage/memory/config_tables.h"
#include "lib/storage/memory/held_table.h"
#include "lib/storage/write_rules.h"

namespace convoy {
namespace {

struct StoredDelivery {
  Delivery delivery;
  uint64_t lease = 0;  // 0: not claimed
  absl::Time lease_ends_at;
};

using storage::ById;

// What flows through the store; configuration is in ConfigTables.
struct Flow {
  ById<std::shared_ptr<const Event>> events;
  ById<StoredDelivery> deliveries;
  ById<std::vector<Attempt>> attempts;                               // by delivery
  std::map<std::pair<std::string, std::string>, absl::Time> dedupe;  // (scope, key) -> expiry
  storage::HeldTable held;
};

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

class MemoryStorage final : public Storage {
 public:
  std::string_view name() const override { return "memory"; }

  absl::Status Commit(std::span<WriteBatch* const> batches,
                      std::span<CommitResult> results) override {
    absl::MutexLock lock(&mutex_);
    for (size_t i = 0; i < batches.size(); ++i) results[i] = Apply(*batches[i]);
    return absl::OkStatus();
  }

  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override;
  absl::Status ReleaseClaims() override;
  absl::Status CheckWritable() override { return absl::OkStatus(); }

  absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) override {
    absl::MutexLock lock(&mutex_);
    return config_.RevisionOf(scope);
  }

  absl::StatusOr<ProjectConfiguration> LoadProject(std::string_view project_id) override;
  absl::StatusOr<std::vector<Project>> ListProjects() override;
  absl::StatusOr<Source> FindSourceByMask(std::string_view mask_id) override;
  absl::StatusOr<ApiKey> FindApiKeyByMask(std::string_view mask_id) override;
  absl::StatusOr<std::vector<ApiKey>> ListApiKeys(std::string_view project_id) override;

  absl::StatusOr<Source> GetSource(std::string_view project_id, std::string_view id) override;
  absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) override;
  absl::StatusOr<Delivery> GetDelivery(std::string_view project_id, std::string_view id) override;
  absl::StatusOr<Attempt> GetAttempt(std::string_view project_id, std::string_view delivery_id,
                                     std::string_view id) override;
  absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                    std::string_view delivery_id) override;

  absl::StatusOr<Page<Source>> ListSources(const SourceQuery& query,
                                           const PageRequest& page) override;
  absl::StatusOr<Page<Endpoint>> ListEndpoints(const EndpointQuery& query,
                                               const PageRequest& page) override;
  absl::StatusOr<Page<Subscription>> ListSubscriptions(const SubscriptionQuery& query,
                                                       const PageRequest& page) override;
  absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query, const PageRequest& page) override;
  absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                const PageRequest& page) override;

  absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                    absl::Time now) override;
  absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                           const PageRequest& page) override;
  absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) override;
  absl::StatusOr<std::vector<Source>> ListBrokerSources() override;

 private:
  CommitResult Apply(WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveFlow(const ConfigRef& ref) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakeKey(const DedupeKey& key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ApplyHold(Hold& hold) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SubmissionOutcome ApplySubmission(Submission& submission) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyUpdate(DeliveryUpdate& update) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyRequeue(const DeliveryRequeue& requeue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  template <typename T, typename Wanted>
  Page<T> List(const ById<T>& table, const PageRequest& page, Wanted wanted) const {
    std::vector<T> matching;
    for (const auto& [id, item] : table) {
      if (wanted(item)) matching.push_back(item);
    }
    return Cut(std::move(matching), page);
  }

  absl::Mutex mutex_;
  storage::ConfigTables config_ ABSL_GUARDED_BY(mutex_);
  Flow flow_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_lease_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Writing.

CommitResult MemoryStorage::Apply(WriteBatch& batch) {
  CommitResult result;
  result.status = flow_.held.CheckReleases(batch.releases);
  if (result.status.ok()) result.status = config_.Apply(batch.config);
  if (!result.status.ok()) return result;
  flow_.held.Release(batch.releases);
  for (const ConfigWrite& write : batch.config) {
    for (const ConfigRef& ref : write.removes) RemoveFlow(ref);
  }
  for (Submission& submission : batch.submissions) {
    result.submissions.push_back(ApplySubmission(submission));
  }
  for (Delivery& delivery : batch.extra_deliveries) {
    if (!flow_.events.contains(delivery.event_id)) continue;
    std::string id = delivery.id;
    flow_.deliveries[std::move(id)] = {.delivery = std::move(delivery)};
  }
  for (DeliveryUpdate& update : batch.updates) {
    result.updates_applied.push_back(ApplyUpdate(update));
  }
  for (const DeliveryRequeue& requeue : batch.requeues) {
    result.requeues_applied.push_back(ApplyRequeue(requeue));
  }
  for (Hold& hold : batch.holds) ApplyHold(hold);
  return result;
}

// What flowed to or from an object of configuration that is gone.
void MemoryStorage::RemoveFlow(const ConfigRef& ref) {
  const std::string& id = ref.id;
  if (ref.kind == ConfigKind::kSource) flow_.held.RemoveSource(id);
  if (ref.kind != ConfigKind::kProject) return;
  flow_.held.RemoveProject(id);
  std::erase_if(flow_.events, [&](const auto& entry) { return entry.second->project_id == id; });
  for (auto entry = flow_.deliveries.begin(); entry != flow_.deliveries.end();) {
    if (entry->second.delivery.project_id == id) {
      flow_.attempts.erase(entry->first);
      entry = flow_.deliveries.erase(entry);
    } else {
      ++entry;
    }
  }
  std::erase_if(flow_.dedupe, [&](const auto& entry) { return entry.first.first == id; });
}

// Whether the key was free, or has expired, and is now taken.
bool MemoryStorage::TakeKey(const DedupeKey& key, absl::Time now) {
  absl::Time& expires_at =
      flow_.dedupe.try_emplace({key.scope, key.key}, absl::InfinitePast()).first->second;
  if (expires_at > now) return false;
  expires_at = key.expires_at;
  return true;
}

void MemoryStorage::ApplyHold(Hold& hold) {
  const HeldInput& input = hold.input;
  const auto source = config_.All<Source>().find(input.source_id);
  if (source == config_.All<Source>().end() || source->second.project_id != input.project_id) {
    return;
  }
  if (hold.redelivery.has_value() && !TakeKey(*hold.redelivery, input.received_at)) return;
  flow_.held.Add(std::move(hold.input), hold.items_max);
}

SubmissionOutcome MemoryStorage::ApplySubmission(Submission& submission) {
  const absl::Time now = submission.event.created_at;
  if (submission.redelivery.has_value() && !TakeKey(*submission.redelivery, now)) {
    return SubmissionOutcome::kRedelivered;
  }
  const bool is_duplicate = submission.dedupe.has_value() && !TakeKey(*submission.dedupe, now);
  if (is_duplicate) {
    storage::MarkDuplicate(submission);
  }
  for (Delivery& delivery : submission.deliveries) {
    std::string id = delivery.id;
    flow_.deliveries[std::move(id)] = {.delivery = std::move(delivery)};
  }
  std::string id = submission.event.id;
  flow_.events[std::move(id)] = std::make_shared<const Event>(std::move(submission.event));
  return is_duplicate ? SubmissionOutcome::kDuplicate : SubmissionOutcome::kAccepted;
}

bool MemoryStorage::ApplyUpdate(DeliveryUpdate& update) {
  const auto stored = flow_.deliveries.find(update.delivery.id);
  if (stored == flow_.deliveries.end()) return false;
  if (update.attempt.has_value()) {
    flow_.attempts[update.delivery.id].push_back(*std::move(update.attempt));
  }
  if (stored->second.lease != update.lease) return false;
  stored->second = {.delivery = std::move(update.delivery)};
  return true;
}

bool MemoryStorage::ApplyRequeue(const DeliveryRequeue& requeue) {
  const auto stored = flow_.deliveries.find(requeue.delivery_id);
  if (stored == flow_.deliveries.end()) return false;
  Delivery& delivery = stored->second.delivery;
  if (delivery.project_id != requeue.project_id ||
      std::find(requeue.from.begin(), requeue.from.end(), delivery.status) == requeue.from.end()) {
    return false;
  }
  storage::Requeue(delivery, requeue.due_at);
  stored->second.lease = 0;
  return true;
}

// Work.

absl::StatusOr<Claim> MemoryStorage::ClaimDue(const ClaimRequest& request) {
  absl::MutexLock lock(&mutex_);
  const std::set<std::string> skipped(request.skipped_endpoint_ids.begin(),
                                      request.skipped_endpoint_ids.end());
  // Due deliveries of each endpoint, earliest first; then one of each endpoint in turn.
  std::map<std::string, std::vector<std::pair<absl::Time, StoredDelivery*>>> due;
  Claim claim;
  for (auto& [id, stored] : flow_.deliveries) {
    const Delivery& delivery = stored.delivery;
    if (storage::IsFinal(delivery.status) || skipped.contains(delivery.endpoint_id)) continue;
    const absl::Time due_at = stored.lease == 0 ? delivery.due_at : stored.lease_ends_at;
    if (due_at <= request.now) {
      due[delivery.endpoint_id].emplace_back(due_at, &stored);
    } else {
      claim.next_due_at = std::min(claim.next_due_at, due_at);
    }
  }
  for (auto& [endpoint_id, queue] : due)
    std::stable_sort(queue.begin(), queue.end(),
                     [](auto& a, auto& b) { return a.first < b.first; });
  for (uint32_t turn = 0; turn < request.items_per_endpoint_max; ++turn) {
    for (auto& [endpoint_id, queue] : due) {
      if (turn >= queue.size() || claim.deliveries.size() >= request.items_max) continue;
      StoredDelivery& stored = *queue[turn].second;
      stored.lease = ++last_lease_;
      stored.lease_ends_at = request.now + request.lease;
      stored.delivery.status = DeliveryStatus::kProcessing;
      claim.deliveries.push_back({.lease = stored.lease,
                                  .delivery = stored.delivery,
                                  .event = flow_.events.at(stored.delivery.event_id)});
      claim.next_due_at = std::min(claim.next_due_at, stored.lease_ends_at);
    }
  }
  // What is due but found no room is due now.
  size_t due_count = 0;
  for (const auto& [endpoint_id, queue] : due) due_count += queue.size();
  if (due_count > claim.deliveries.size()) claim.next_due_at = request.now;
  return claim;
}

absl::Status MemoryStorage::ReleaseClaims() {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, stored] : flow_.deliveries) {
    if (stored.lease == 0) continue;
    stored.lease = 0;
    stored.delivery.status = storage::StatusBeforeClaim(stored.delivery);
  }
  return absl::OkStatus();
}

// Reading.

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
  if (input == nullptr || input->expires_at <= now) return storage::NotHeld();
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

}  // namespace

std::unique_ptr<Storage> NewMemoryStorage() { return std::make_unique<MemoryStorage>(); }

}  // namespace convoy
