// Many callers, one fsync. Callers that want to commit at the same time are merged into one
// Storage::Commit: the first becomes leader and writes for all that queued behind it, while the
// next ones gather (the pattern of LevelDB's writer queue).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "convoy/storage.h"
#include "lib/base/relaxed_counter.h"

namespace convoy::storage {

struct CommitQueueOptions {
  size_t batches_max = 256;            // in one Storage::Commit
  size_t bytes_max = 4 * 1024 * 1024;  // of bodies in one Storage::Commit, beyond the first batch
  size_t queued_max = 64 * 1024;       // beyond it a commit is refused with kResourceExhausted
};

// What has come of the commits since the queue was made.
struct CommitCounters {
  uint64_t commits = 0;     // calls of Storage::Commit that became durable
  uint64_t failures = 0;    // that did not
  bool is_failing = false;  // the latest did not
  // Of the submissions that are durable.
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  uint64_t redelivered = 0;
};

// Safe to use from any thread. The storage must outlive it.
class CommitQueue {
 public:
  using Completion = std::function<void(CommitResult)>;

  explicit CommitQueue(Storage* storage, CommitQueueOptions options = {});
  ~CommitQueue();  // nothing may be queued any more

  // Commits `batch`; returns when it is durable or refused. May commit for others on this thread.
  CommitResult Commit(WriteBatch batch);

  // Queues `batch` and returns. `done` runs once, on whichever thread commits it, without a lock
  // held.
  void CommitAsync(WriteBatch batch, Completion done);

  // Commits all that is queued, on this thread, unless another thread is at it. Returns whether it
  // committed anything.
  bool Drain();

  CommitCounters counters() const;

  // Called, without a lock held, when CommitAsync found an idle queue: somebody should call Drain.
  // Set once, before the first commit.
  void set_wake(std::function<void()> wake);

 private:
  struct Waiter;
  using Group = std::vector<std::shared_ptr<Waiter>>;

  static CommitResult QueueFull();

  // Writes for the front of the queue until `own` is settled (or, without one, until it is empty).
  void Lead(const Waiter* own) ABSL_LOCKS_EXCLUDED(mutex_);
  Group TakeGroup() ABSL_LOCKS_EXCLUDED(mutex_);
  void CommitGroup(const Group& group) ABSL_LOCKS_EXCLUDED(mutex_);
  void Count(const absl::Status& status, const std::vector<CommitResult>& results);
  void Settle(const Group& group) ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives leadership up or away if the leader's part is done.
  bool StepDown(const Waiter* own, int* rounds_left) ABSL_LOCKS_EXCLUDED(mutex_);

  Storage* const storage_;
  const CommitQueueOptions options_;
  std::function<void()> wake_;

  base::RelaxedCounter commits_, failures_, accepted_, duplicates_, redelivered_;
  std::atomic<bool> is_failing_ = false;

  absl::Mutex mutex_;
  std::deque<std::shared_ptr<Waiter>> queue_ ABSL_GUARDED_BY(mutex_);
  bool has_leader_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace convoy::storage
