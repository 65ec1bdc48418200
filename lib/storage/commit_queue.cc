// Commit queue in two parts, writing and syncing, each played by one thread at a time. A caller
// that blocks plays whatever part is free until its own batch is durable, so that a lone caller
// needs no other thread; threads that serve are called first, as they stay. A thread goes on with
// the part it has: another one would have to be woken first.
//
// Invariant: a part that is free and has work has been offered, to a thread that rests or by
// `wake_`; a thread that ends a part looks for the next one before it rests or leaves.
#include "lib/storage/commit_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/storage/commit_waiter.h"

namespace convoy::storage {
namespace {

// Rounds of a blocking caller for others once its own batch is durable: its caller waits that long.
constexpr int kExtraRoundsMax = 8;
constexpr size_t kManyWaiting = 4;

}  // namespace

CommitQueue::CommitQueue(Storage* storage, CommitQueueOptions options)
    : storage_(storage), options_(options) {}

CommitQueue::~CommitQueue() = default;

CommitCounters CommitQueue::counters() const {
  return {.commits = commits_.value(),
          .failures = failures_.value(),
          .is_failing = is_failing_.load(std::memory_order_relaxed),
          .accepted = accepted_.value(),
          .duplicates = duplicates_.value(),
          .redelivered = redelivered_.value(),
          .held_dropped = held_dropped_.value()};
}

void CommitQueue::set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

void CommitQueue::set_config_listener(ConfigListener listener) {
  config_listener_ = std::move(listener);
}

CommitResult CommitQueue::Commit(WriteBatch batch) {
  const auto waiter = std::make_shared<Waiter>();
  waiter->batch = std::make_shared<WriteBatch>(std::move(batch));
  bool should_wake = false;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.size() >= options_.queued_max) return QueueFull();
    queue_.push_back(waiter);
    if (has_writer_ && !ShouldGather()) gathered_.Signal();
    Work(waiter.get());
    should_wake = !CallHelp() && servers_count_ == 0;
  }
  if (should_wake && wake_) wake_();
  return std::move(waiter->result);
}

void CommitQueue::CommitAsync(WriteBatch batch, Completion done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->batch = std::make_shared<WriteBatch>(std::move(batch));
  waiter->done = std::move(done);
  bool should_wake = false;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.size() < options_.queued_max) {
      const bool is_first = is_empty();
      queue_.push_back(std::move(waiter));
      if (has_writer_ && !ShouldGather()) gathered_.Signal();
      should_wake = is_first && !CallHelp() && servers_count_ == 0;
    }
  }
  if (waiter != nullptr) {
    waiter->done(QueueFull());
  } else if (should_wake && wake_) {
    wake_();
  }
}

void CommitQueue::CommitOutcomes(std::shared_ptr<WriteBatch> batch, Completion done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->batch = std::move(batch);
  waiter->done = std::move(done);
  AddUrgent(std::move(waiter));
}

void CommitQueue::ClaimAsync(ClaimRequest request, ClaimCompletion done) {
  auto waiter = std::make_shared<Waiter>();
  waiter->request = std::move(request);
  waiter->claimed = std::move(done);
  AddUrgent(std::move(waiter));
}

// Bounded by what a dispatcher has in flight, so that these are never refused.
void CommitQueue::AddUrgent(std::shared_ptr<Waiter> waiter) {
  bool should_wake = false;
  {
    absl::MutexLock lock(&mutex_);
    const bool is_first = urgent_.empty();
    waiter->is_urgent = true;
    urgent_.push_back(std::move(waiter));
    should_wake = is_first && !CallHelp() && servers_count_ == 0;
  }
  if (should_wake && wake_) wake_();
}

bool CommitQueue::Drain() {
  absl::MutexLock lock(&mutex_);
  return Work(nullptr);
}

void CommitQueue::LimitIntake(bool is_limited) {
  bool should_wake = false;
  {
    absl::MutexLock lock(&mutex_);
    intake_limit_.Set(is_limited);
    should_wake = !CallHelp() && servers_count_ == 0;
  }
  if (should_wake && wake_) wake_();
}

bool CommitQueue::may_take_in() const {
  if (queue_.empty()) return false;
  return !intake_limit_.is_on() || intake_limit_.may_take(queue_.front()->deliveries_count());
}

void CommitQueue::Serve() {
  Idle idle;
  absl::MutexLock lock(&mutex_);
  ++servers_count_;
  while (!should_stop_) {
    if (!Work(nullptr)) Rest(&idle, servers_);
  }
  --servers_count_;
}

void CommitQueue::StopServing() {
  absl::MutexLock lock(&mutex_);
  should_stop_ = true;
  gathered_.Signal();
  while (!servers_.empty()) Call(servers_.front());
}

CommitResult CommitQueue::QueueFull() {
  return {.status = absl::ResourceExhaustedError("too many writes are waiting, try again later")};
}

// The parts.

bool CommitQueue::Work(Waiter* own) {
  bool has_worked = false;
  Part part = Part::kWrite;
  int rounds_left = own != nullptr ? kExtraRoundsMax : 0;
  while (true) {
    if (own != nullptr && own->is_settled) {
      const bool should_stay =
          queue_.size() >= kManyWaiting && servers_count_ == 0 && rounds_left-- > 0;
      if (!should_stay) return has_worked;
    }
    part = FreePart(part);
    if (part != Part::kNone) {
      has_worked = true;
      part == Part::kWrite ? PlayWrite() : PlaySync();
    } else if (own != nullptr && !own->is_settled) {
      Rest(&own->idle, blocked_);
    } else {
      return has_worked;
    }
  }
}

CommitQueue::Part CommitQueue::FreePart(Part preferred) const {
  const bool has_work = !urgent_.empty() || may_take_in();
  const bool may_write = !has_writer_ && has_work && written_.size() < options_.groups_max;
  const bool may_sync = !has_syncer_ && !written_.empty();
  if (may_sync && (preferred == Part::kSync || !may_write)) return Part::kSync;
  return may_write ? Part::kWrite : Part::kNone;
}

absl::Time CommitQueue::Now() const {
  return options_.clock == nullptr ? absl::Time() : options_.clock->Now();
}

size_t CommitQueue::CountCallers(std::span<const Group> groups) {
  size_t count = 0;
  for (const Group& group : groups) {
    for (const auto& waiter : group) count += waiter->is_urgent ? 0 : 1;
  }
  return count;
}

// Only where another thread is there that syncs meanwhile.
bool CommitQueue::ShouldGather() const {
  return options_.clock != nullptr && servers_count_ > 1 && !should_stop_ &&
         queue_.size() < options_.batches_max && !gathering_.is_complete(queue_.size());
}

void CommitQueue::Gather() {
  if (!ShouldGather()) return;
  CallHelp();
  while (ShouldGather()) {
    if (has_syncer_ || !written_.empty()) {
      gathered_.Wait(&mutex_);  // the end of the sync tells
      continue;
    }
    const absl::Duration left = gathering_.TimeLeft(Now());
    if (left <= absl::ZeroDuration() || gathered_.WaitWithTimeout(&mutex_, left)) return;
  }
}

void CommitQueue::PlayWrite() {
  has_writer_ = true;
  Gather();
  Group group = TakeGroup();
  gathering_.OnWriteBegin(Now());
  CallHelp();
  mutex_.Unlock();
  const absl::Status status = WriteGroup(group);
  if (!status.ok()) Settle(group, status);
  const absl::Time ended_at = Now();
  mutex_.Lock();
  gathering_.OnWriteEnd(ended_at, group.size());
  has_writer_ = false;
  if (!status.ok()) return;
  if (HoldsWork(group)) ++unsynced_work_count_;
  const Group ready = TakeReadyClaims(group);
  if (!group.empty()) written_.push_back(std::move(group));
  if (ready.empty()) return;
  CallHelp();
  mutex_.Unlock();
  Settle(ready, absl::OkStatus());
  mutex_.Lock();
}

void CommitQueue::PlaySync() {
  has_syncer_ = true;
  const std::vector<Group> groups = std::exchange(written_, {});
  gathering_.OnSyncBegin(Now(), CountCallers(groups));
  CallHelp();
  mutex_.Unlock();
  const absl::Status status = storage_->Sync();
  const absl::Time ended_at = Now();
  for (const Group& group : groups) Settle(group, status);
  mutex_.Lock();
  has_syncer_ = false;
  unsynced_work_count_ -= static_cast<int>(std::count_if(groups.begin(), groups.end(), HoldsWork));
  gathering_.OnSyncEnd(ended_at, queue_.size() + CountCallers(written_));
  gathered_.Signal();
}

void CommitQueue::Rest(Idle* idle, std::list<Idle*>& resting) {
  idle->list = &resting;
  idle->position = resting.insert(resting.end(), idle);
  while (idle->list != nullptr) idle->changed.Wait(&mutex_);
}

void CommitQueue::Call(Idle* idle) {
  idle->list->erase(idle->position);
  idle->list = nullptr;
  idle->changed.Signal();
}

bool CommitQueue::CallHelp() {
  if (FreePart(Part::kWrite) == Part::kNone) return true;
  if (servers_.empty() && blocked_.empty()) return false;
  Call(servers_.empty() ? blocked_.front() : servers_.front());
  return true;
}

}  // namespace convoy::storage
