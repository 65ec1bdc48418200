// Commits of the store in memory.
#include "lib/storage/memory/memory_storage.h"

#include <algorithm>

#include "convoy/gateway.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

absl::Status MemoryStorage::Keep() {
  const absl::Status kept = KeepChanges(flow_, config_);
  Flow::ForEachMap(flow_, [&kept](auto& map) { kept.ok() ? map.Settle() : map.Undo(); });
  kept.ok() ? config_.Settle() : config_.Undo();
  return kept;
}

CommitResult MemoryStorage::Apply(WriteBatch& batch) {
  CommitResult result;
  result.status = CheckIds(batch);
  if (result.status.ok()) result.status = flow_.held.CheckReleases(batch.releases);
  std::vector<ConfigRef> gone;
  if (result.status.ok()) result.status = config_.Apply(batch.config, gone);
  if (!result.status.ok()) return result;
  flow_.held.Release(batch.releases);
  for (const ConfigRef& ref : gone) RemoveFlow(ref);
  OpenLanes(batch.config);
  for (Submission& submission : batch.submissions) {
    result.submissions.push_back(ApplySubmission(submission));
  }
  for (Delivery& delivery : batch.extra_deliveries) {
    const std::shared_ptr<const Event>* event = flow_.events.Find(delivery.event_id);
    if (event == nullptr || (*event)->project_id != delivery.project_id) continue;
    AddDelivery(std::move(delivery), **event);
  }
  for (DeliveryUpdate& update : batch.updates) {
    result.updates_applied.push_back(ApplyUpdate(update));
  }
  for (const DeliveryRequeue& requeue : batch.requeues) {
    result.requeues_applied.push_back(ApplyRequeue(requeue));
  }
  for (HeldInputWrite& hold : batch.holds) WriteHeldInput(hold, result);
  return result;
}

// Removes the traffic of a removed object of configuration.
void MemoryStorage::RemoveFlow(const ConfigRef& ref) {
  const std::string& id = ref.id;
  if (ref.kind == ConfigKind::kSource) flow_.held.RemoveSource(id);
  if (ref.kind != ConfigKind::kProject) return;
  flow_.held.RemoveProject(id);
  flow_.events.map().EraseIf([&](const auto& row) { return row.second.value->project_id == id; });
  flow_.deliveries.map().EraseIf(
      [&](const auto& row) { return row.second.value.delivery.project_id == id; });
  flow_.attempts.EraseIf([&](const auto& row) { return row.second.project_id == id; });
  flow_.lanes.EraseIf([&](const auto& lane) { return lane.second.project_id == id; });
  flow_.dedupe.EraseIf([&](const auto& entry) { return entry.first.first == id; });
}

// The policy of a lane may have changed with its endpoint.
void MemoryStorage::OpenLanes(const std::vector<ConfigWrite>& writes) {
  const auto open = [this](const std::string& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (flow_.lanes.Find(id) == nullptr) return;
    StoredLane& lane = flow_.lanes.Change(id);
    lane.closed_until = absl::InfinitePast();
    lane.is_policy_stale = true;
    lane.is_disabled = false;
  };
  for (const ConfigWrite& write : writes) {
    for (const ConfigRecord& record : write.puts) open(record.id);
    for (const ConfigRef& ref : write.removes) open(ref.id);
    for (const std::string& id : write.changed_lanes) open(id);
  }
}

// Whether the key was free, or has expired, and is now taken.
bool MemoryStorage::TakeKey(const DedupeKey& key, absl::Time now) {
  const std::pair place(key.scope, key.key);
  const absl::Time* const expires_at = flow_.dedupe.Find(place);
  if (expires_at != nullptr && *expires_at > now && !key.is_taken_over) return false;
  flow_.dedupe.Change(place) = key.expires_at;
  return true;
}

template <typename Input>
bool MemoryStorage::TakeRedelivery(const Input& input, absl::Time now) {
  if (input.former_redelivery.has_value()) {
    const auto& [scope, key, expires_at, is_taken_over] = *input.former_redelivery;
    const absl::Time* const held = flow_.dedupe.Find(std::pair(scope, key));
    if (held != nullptr && *held > now) return false;
  }
  return !input.redelivery.has_value() || TakeKey(*input.redelivery, now);
}

void MemoryStorage::WriteHeldInput(HeldInputWrite& hold, CommitResult& result) {
  const HeldInput& input = hold.input;
  if (!config_.Has(ConfigKind::kSource, input.source_id, input.project_id)) return;
  if (!TakeRedelivery(hold, input.received_at)) return;
  result.held_dropped_count += flow_.held.Add(std::move(hold));
}

void MemoryStorage::AddDelivery(Delivery delivery, const Event& event) {
  delivery.event_type = event.event_type;
  delivery.idempotency_key = event.idempotency_key;
  std::string id = delivery.id;
  flow_.deliveries.Put(std::move(id), {.delivery = std::move(delivery)});
}

SubmissionOutcome MemoryStorage::ApplySubmission(Submission& submission) {
  const absl::Time now = submission.event.created_at;
  if (!TakeRedelivery(submission, now)) {
    return SubmissionOutcome::kRedelivered;
  }
  const bool is_duplicate = submission.dedupe.has_value() && !TakeKey(*submission.dedupe, now);
  if (is_duplicate) {
    MarkDuplicate(submission);
  }
  const SubmissionOutcome outcome =
      is_duplicate ? SubmissionOutcome::kDuplicate : SubmissionOutcome::kAccepted;
  // One that is stored already stays as it is, with its deliveries.
  const std::shared_ptr<const Event>* stored = flow_.events.Find(submission.event.id);
  if (stored != nullptr && (*stored)->project_id == submission.event.project_id) return outcome;
  for (Delivery& delivery : submission.deliveries) {
    AddDelivery(std::move(delivery), submission.event);
  }
  std::string id = submission.event.id;
  flow_.events.Put(std::move(id), std::make_shared<const Event>(std::move(submission.event)));
  return outcome;
}

void MemoryStorage::AddAttempt(const std::string& delivery_id, Attempt attempt) {
  uint32_t position = 0;
  for (const auto& [place, stored] : AttemptsOf(flow_, delivery_id)) {
    if (stored.id == attempt.id) return;
    position = place.second + 1;
  }
  flow_.attempts.Change({delivery_id, position}) = std::move(attempt);
}

bool MemoryStorage::ApplyUpdate(DeliveryUpdate& update) {
  const StoredDelivery* stored = flow_.deliveries.Find(update.delivery.id);
  if (stored == nullptr || stored->delivery.project_id != update.delivery.project_id) return false;
  if (update.attempt.has_value()) AddAttempt(update.delivery.id, *std::move(update.attempt));
  if (stored->lease != update.lease) return false;
  const StoredLane* const found = flow_.lanes.Find(update.delivery.endpoint_id);
  if (found != nullptr && found->arrival > absl::UnixEpoch()) {
    StoredLane& lane = flow_.lanes.Change(update.delivery.endpoint_id);
    lane.arrival += update.lateness;
    const bool is_closed = lane.closed_until > update.delivery.updated_at;
    if (is_closed) lane.closed_until += update.lateness;
  }
  const std::string id = update.delivery.id;
  *flow_.deliveries.Change(id) = {.delivery = std::move(update.delivery)};
  return true;
}

bool MemoryStorage::ApplyRequeue(const DeliveryRequeue& requeue) {
  const StoredDelivery* found = flow_.deliveries.Find(requeue.delivery_id);
  if (found == nullptr || found->delivery.project_id != requeue.project_id ||
      std::find(requeue.from.begin(), requeue.from.end(), found->delivery.status) ==
          requeue.from.end()) {
    return false;
  }
  StoredDelivery& stored = *flow_.deliveries.Change(requeue.delivery_id);
  Requeue(stored.delivery, requeue.due_at);
  stored.lease = 0;
  return true;
}

}  // namespace convoy::storage

namespace convoy {

std::unique_ptr<Storage> NewMemoryStorage() { return std::make_unique<storage::MemoryStorage>(); }

}  // namespace convoy
