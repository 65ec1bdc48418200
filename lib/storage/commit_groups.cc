// Groups of a commit queue: what is written together, and what its callers are told.
#include <algorithm>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "lib/base/status_macros.h"
#include "lib/storage/commit_waiter.h"

namespace convoy::storage {
namespace {

// Outcomes end deliveries or put them off; what they put off was durable before. Where they let a
// lane go on, the claim says so (Claim::needs_sync).
bool MakesWork(const WriteBatch& batch) {
  return !batch.submissions.empty() || !batch.extra_deliveries.empty() || !batch.requeues.empty() ||
         !batch.releases.empty() || !batch.config.empty();
}

}  // namespace

CommitQueue::Group CommitQueue::TakeGroup() {
  Group group(std::make_move_iterator(urgent_.begin()), std::make_move_iterator(urgent_.end()));
  urgent_.clear();
  for (const auto& waiter : group) {
    if (waiter->batch == nullptr) continue;
    intake_limit_.OnOutcomes(waiter->batch->updates.size());
    // Of the events that tell of outcomes.
    if (intake_limit_.is_on()) intake_limit_.OnTaken(waiter->deliveries_count());
  }
  size_t bytes = 0;
  while (may_take_in() && group.size() < options_.batches_max) {
    bytes += queue_.front()->bytes();
    if (!group.empty() && bytes > options_.bytes_max) break;
    if (intake_limit_.is_on()) intake_limit_.OnTaken(queue_.front()->deliveries_count());
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

absl::Status CommitQueue::WriteGroup(const Group& group) {
  CONVOY_RETURN_IF_ERROR(WriteBatches(group));
  for (const auto& waiter : group) {
    if (waiter->batch == nullptr) waiter->claim = storage_->ClaimDue(waiter->request);
  }
  return absl::OkStatus();
}

absl::Status CommitQueue::WriteBatches(const Group& group) {
  std::vector<WriteBatch*> batches;
  std::vector<Waiter*> waiters;
  for (const auto& waiter : group) {
    if (waiter->batch == nullptr) continue;
    waiter->makes_work = MakesWork(*waiter->batch);  // before the store takes it apart
    batches.push_back(waiter->batch.get());
    waiters.push_back(waiter.get());
  }
  if (batches.empty()) return absl::OkStatus();
  std::vector<CommitResult> results(batches.size());
  // The store may take batches apart.
  std::vector<std::vector<ConfigWrite>> config(config_listener_ ? batches.size() : 0);
  for (size_t i = 0; i < config.size(); ++i) config[i] = batches[i]->config;
  const absl::Status status = storage_->Write(batches, results);
  for (size_t i = 0; status.ok() && i < config.size(); ++i) {
    if (results[i].status.ok() && !config[i].empty()) config_listener_(config[i]);
  }
  for (size_t i = 0; i < waiters.size(); ++i) waiters[i]->result = std::move(results[i]);
  return status;
}

bool CommitQueue::HoldsWork(const Group& group) {
  return std::any_of(group.begin(), group.end(),
                     [](const auto& waiter) { return waiter->makes_work; });
}

CommitQueue::Group CommitQueue::TakeReadyClaims(Group& group) {
  Group ready;
  if (unsynced_work_count_ > 0) return ready;
  const auto first = std::stable_partition(group.begin(), group.end(), [](const auto& waiter) {
    return waiter->batch != nullptr || (waiter->claim.ok() && waiter->claim->needs_sync);
  });
  ready.assign(std::make_move_iterator(first), std::make_move_iterator(group.end()));
  group.erase(first, group.end());
  return ready;
}

// The status speaks of all of the group; if it is OK, each has the result of its own.
void CommitQueue::Settle(const Group& group, const absl::Status& status) {
  Count(group, status);
  for (const auto& waiter : group) {
    if (!status.ok()) {
      waiter->result = CommitResult{.status = status};
      waiter->claim = status;
    }
    if (waiter->done) waiter->done(std::move(waiter->result));
    if (waiter->claimed) waiter->claimed(std::move(waiter->claim));
  }
  absl::MutexLock lock(&mutex_);
  for (const auto& waiter : group) {
    if (waiter->done || waiter->claimed) continue;
    waiter->is_settled = true;
    if (waiter->idle.list != nullptr) Call(&waiter->idle);
  }
}

void CommitQueue::Count(const Group& group, const absl::Status& status) {
  const bool has_batches = std::any_of(group.begin(), group.end(),
                                       [](const auto& waiter) { return waiter->batch != nullptr; });
  if (!has_batches) return;  // claims are counted by who asks for them
  is_failing_.store(!status.ok(), std::memory_order_relaxed);
  (status.ok() ? commits_ : failures_).Add(1);
  if (!status.ok()) return;
  for (const auto& waiter : group) {
    if (waiter->batch == nullptr || !waiter->result.status.ok()) continue;
    held_dropped_.Add(waiter->result.held_dropped_count);
    for (const SubmissionOutcome outcome : waiter->result.submissions) {
      switch (outcome) {
        case SubmissionOutcome::kAccepted:
          accepted_.Add(1);
          break;
        case SubmissionOutcome::kDuplicate:
          duplicates_.Add(1);
          break;
        case SubmissionOutcome::kRedelivered:
          redelivered_.Add(1);
          break;
      }
    }
  }
}

}  // namespace convoy::storage
