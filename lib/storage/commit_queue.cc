// Leader and followers. A caller whose batch is at the front of the queue leads: it takes what has
// gathered, commits it without the lock, hands out the results and leads on until its own batch is
// done. While many wait it stays for a few groups more: the disk would idle until another thread
// has been woken to lead. Then the next blocking caller leads, or, if only asynchronous ones wait,
// whoever drains.
#include "lib/storage/commit_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace convoy::storage {
namespace {

// What a leader does for others once its own batch is durable: its caller waits that long.
constexpr int kExtraRoundsMax = 8;
constexpr size_t kManyWaiting = 4;

}  // namespace

// One batch on its way. Its owner waits on `is_settled`, an asynchronous one has a `done`.
struct CommitQueue::Waiter {
  WriteBatch batch;
  Completion done;           // empty: somebody blocks
  CommitResult result;       // valid once settled
  bool is_settled = false;   // under mutex_
  bool should_lead = false;  // under mutex_: leadership was handed to the blocked caller
  absl::CondVar changed;

  size_t bytes() const {
    size_t sum = 0;
    for (const Submission& submission : batch.submissions) sum += submission.event.body.size();
    for (const Hold& hold : batch.holds) sum += hold.input.body.size();
    return sum;
  }
};

CommitQueue::CommitQueue(Storage* storage, CommitQueueOptions options)
    : storage_(storage), options_(options) {}

CommitQueue::~CommitQueue() = default;

CommitCounters CommitQueue::counters() const {
  return {.commits = commits_.value(),
          .failures = failures_.value(),
          .is_failing = is_failing_.load(std::memory_order_relaxed),
          .accepted = accepted_.value(),
          .duplicates = duplicates_.value(),
          .redelivered = redelivered_.value()};
}

void CommitQueue::set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

CommitResult CommitQueue::Commit(WriteBatch batch) {
  const auto waiter = std::make_shared<Waiter>();
  waiter->batch = std::move(batch);
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.size() >= options_.queued_max) return QueueFull();
    queue_.push_back(waiter);
    if (has_leader_) {
      while (!waiter->is_settled && !waiter->should_lead) waiter->changed.Wait(&mutex_);
    }
    if (waiter->is_settled) return std::move(waiter->result);
    has_leader_ = true;
  }
  Lead(waiter.get());
  return std::move(waiter->result);
}

void CommitQueue::CommitAsync(WriteBatch batch, Completion done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->batch = std::move(batch);
  waiter->done = std::move(done);
  bool should_wake = false;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.size() < options_.queued_max) {
      should_wake = queue_.empty() && !has_leader_;
      queue_.push_back(std::move(waiter));
    }
  }
  if (waiter != nullptr) {
    waiter->done(QueueFull());
  } else if (should_wake && wake_) {
    wake_();
  }
}

bool CommitQueue::Drain() {
  {
    absl::MutexLock lock(&mutex_);
    if (has_leader_ || queue_.empty()) return false;
    has_leader_ = true;
  }
  Lead(nullptr);
  return true;
}

CommitResult CommitQueue::QueueFull() {
  return {.status = absl::ResourceExhaustedError("too many writes are waiting, try again later")};
}

void CommitQueue::Lead(const Waiter* own) {
  for (int rounds_left = kExtraRoundsMax;;) {
    const Group group = TakeGroup();
    CommitGroup(group);
    Settle(group);
    if (StepDown(own, &rounds_left)) return;
  }
}

CommitQueue::Group CommitQueue::TakeGroup() {
  absl::MutexLock lock(&mutex_);
  Group group;
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < options_.batches_max) {
    bytes += queue_.front()->bytes();
    if (!group.empty() && bytes > options_.bytes_max) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

void CommitQueue::CommitGroup(const Group& group) {
  std::vector<WriteBatch*> batches;
  batches.reserve(group.size());
  for (const auto& waiter : group) batches.push_back(&waiter->batch);
  std::vector<CommitResult> results(group.size());
  const absl::Status status = storage_->Commit(batches, results);
  Count(status, results);
  for (size_t i = 0; i < group.size(); ++i) {
    group[i]->result = status.ok() ? std::move(results[i]) : CommitResult{.status = status};
  }
}

void CommitQueue::Count(const absl::Status& status, const std::vector<CommitResult>& results) {
  is_failing_.store(!status.ok(), std::memory_order_relaxed);
  (status.ok() ? commits_ : failures_).Add(1);
  if (!status.ok()) return;
  for (const CommitResult& result : results) {
    if (!result.status.ok()) continue;
    for (const SubmissionOutcome outcome : result.submissions) {
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

void CommitQueue::Settle(const Group& group) {
  for (const auto& waiter : group) {
    if (waiter->done) waiter->done(std::move(waiter->result));
  }
  absl::MutexLock lock(&mutex_);
  for (const auto& waiter : group) {
    if (waiter->done) continue;
    waiter->is_settled = true;
    waiter->changed.Signal();
  }
}

bool CommitQueue::StepDown(const Waiter* own, int* rounds_left) {
  bool should_wake = false;
  {
    absl::MutexLock lock(&mutex_);
    if (own == nullptr ? !queue_.empty() : !own->is_settled) return false;
    if (queue_.size() >= kManyWaiting && (*rounds_left)-- > 0) return false;
    const auto blocked = std::find_if(queue_.begin(), queue_.end(),
                                      [](const auto& waiter) { return !waiter->done; });
    if (blocked != queue_.end()) {
      (*blocked)->should_lead = true;
      (*blocked)->changed.Signal();
    } else {
      has_leader_ = false;
      should_wake = !queue_.empty();
    }
  }
  if (should_wake && wake_) wake_();
  return true;
}

}  // namespace convoy::storage
