// Writes of the store in memory: commits, and claims of due deliveries.
#include "lib/storage/memory/memory_storage.h"

#include <algorithm>
#include <set>

#include "convoy/gateway.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

// Writing.

CommitResult MemoryStorage::Apply(WriteBatch& batch) {
  CommitResult result;
  result.status = CheckIds(batch);
  if (result.status.ok()) result.status = flow_.held.CheckReleases(batch.releases);
  std::vector<ConfigRef> gone;
  if (result.status.ok()) result.status = config_.Apply(batch.config, gone);
  if (!result.status.ok()) return result;
  flow_.held.Release(batch.releases);
  for (const ConfigRef& ref : gone) RemoveFlow(ref);
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
  for (Hold& hold : batch.holds) ApplyHold(hold);
  return result;
}

// Removes the traffic of a removed object of configuration.
void MemoryStorage::RemoveFlow(const ConfigRef& ref) {
  const std::string& id = ref.id;
  if (ref.kind == ConfigKind::kSource) flow_.held.RemoveSource(id);
  if (ref.kind != ConfigKind::kProject) return;
  flow_.held.RemoveProject(id);
  std::erase_if(flow_.events.rows(),
                [&](const auto& row) { return row.second.value->project_id == id; });
  std::erase_if(flow_.deliveries.rows(), [&](const auto& row) {
    if (row.second.value.delivery.project_id != id) return false;
    flow_.attempts.erase(row.second.id);
    return true;
  });
  std::erase_if(flow_.dedupe, [&](const auto& entry) { return entry.first.first == id; });
}

// Whether the key was free, or has expired, and is now taken.
bool MemoryStorage::TakeKey(const DedupeKey& key, absl::Time now) {
  absl::Time& expires_at =
      flow_.dedupe.try_emplace({key.scope, key.key}, absl::InfinitePast()).first->second;
  if (expires_at > now && !key.is_taken_over) return false;
  expires_at = key.expires_at;
  return true;
}

template <typename Input>
bool MemoryStorage::TakeRedelivery(const Input& input, absl::Time now) {
  if (input.former_redelivery.has_value()) {
    const auto& [scope, key, expires_at, is_taken_over] = *input.former_redelivery;
    const auto held = flow_.dedupe.find({scope, key});
    if (held != flow_.dedupe.end() && held->second > now) return false;
  }
  return !input.redelivery.has_value() || TakeKey(*input.redelivery, now);
}

void MemoryStorage::ApplyHold(Hold& hold) {
  const HeldInput& input = hold.input;
  if (!config_.Has(ConfigKind::kSource, input.source_id, input.project_id)) return;
  if (!TakeRedelivery(hold, input.received_at)) return;
  flow_.held.Add(std::move(hold.input), hold.items_max);
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
  for (Delivery& delivery : submission.deliveries) {
    AddDelivery(std::move(delivery), submission.event);
  }
  std::string id = submission.event.id;
  flow_.events.Put(std::move(id), std::make_shared<const Event>(std::move(submission.event)));
  return is_duplicate ? SubmissionOutcome::kDuplicate : SubmissionOutcome::kAccepted;
}

bool MemoryStorage::ApplyUpdate(DeliveryUpdate& update) {
  StoredDelivery* stored = flow_.deliveries.Find(update.delivery.id);
  if (stored == nullptr || stored->delivery.project_id != update.delivery.project_id) return false;
  if (update.attempt.has_value()) {
    flow_.attempts[update.delivery.id].push_back(*std::move(update.attempt));
  }
  if (stored->lease != update.lease) return false;
  *stored = {.delivery = std::move(update.delivery)};
  return true;
}

bool MemoryStorage::ApplyRequeue(const DeliveryRequeue& requeue) {
  StoredDelivery* stored = flow_.deliveries.Find(requeue.delivery_id);
  if (stored == nullptr) return false;
  Delivery& delivery = stored->delivery;
  if (delivery.project_id != requeue.project_id ||
      std::find(requeue.from.begin(), requeue.from.end(), delivery.status) == requeue.from.end()) {
    return false;
  }
  Requeue(delivery, requeue.due_at);
  stored->lease = 0;
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
  for (auto& [key, row] : flow_.deliveries.rows()) {
    StoredDelivery& stored = row.value;
    const Delivery& delivery = stored.delivery;
    if (IsFinal(delivery.status) || skipped.contains(delivery.endpoint_id)) continue;
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
  size_t turns_count = 0;
  for (const auto& [endpoint_id, queue] : due) {
    turns_count = std::max(turns_count, std::min(queue.size(), ItemsMaxOf(request, endpoint_id)));
  }
  for (size_t turn = 0; turn < turns_count; ++turn) {
    for (auto& [endpoint_id, queue] : due) {
      if (turn >= std::min(queue.size(), ItemsMaxOf(request, endpoint_id)) ||
          claim.deliveries.size() >= request.items_max)
        continue;
      StoredDelivery& stored = *queue[turn].second;
      const bool was_claimed = stored.delivery.status == DeliveryStatus::kProcessing;
      if (was_claimed && !EndClaim(stored.delivery)) {
        stored.lease = 0;
        continue;
      }
      stored.lease = ++last_lease_;
      stored.lease_ends_at = request.now + request.lease;
      stored.delivery.status = DeliveryStatus::kProcessing;
      claim.deliveries.push_back({.lease = stored.lease,
                                  .delivery = stored.delivery,
                                  .event = *flow_.events.Find(stored.delivery.event_id)});
      claim.next_due_at = std::min(claim.next_due_at, stored.lease_ends_at);
    }
  }
  // Deliveries that are due but found no room are due now.
  size_t due_count = 0;
  for (const auto& [endpoint_id, queue] : due) due_count += queue.size();
  if (due_count > claim.deliveries.size()) claim.next_due_at = request.now;
  return claim;
}

absl::Status MemoryStorage::ReleaseClaims() {
  absl::MutexLock lock(&mutex_);
  for (auto& [key, row] : flow_.deliveries.rows()) {
    StoredDelivery& stored = row.value;
    if (stored.lease == 0) continue;
    stored.lease = 0;
    EndClaim(stored.delivery);
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage

namespace convoy {

std::unique_ptr<Storage> NewMemoryStorage() { return std::make_unique<storage::MemoryStorage>(); }

}  // namespace convoy
