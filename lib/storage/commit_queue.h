// Many callers, few syncs. Batches that wait together are written as one group, and groups that
// were written while the disk was busy are made durable by one sync: writing (Storage::Write) and
// syncing (Storage::Sync) are two parts that overlap, each played by one thread at a time. Work is
// claimed through the queue, too, so that delivering never waits for all that was submitted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "convoy/clock.h"
#include "convoy/storage.h"
#include "lib/base/relaxed_counter.h"
#include "lib/storage/gathering.h"
#include "lib/storage/intake_limit.h"

namespace convoy::storage {

struct CommitQueueOptions {
  size_t batches_max = 256;            // in one group
  size_t bytes_max = 4 * 1024 * 1024;  // of bodies in one group, beyond the first batch
  size_t groups_max = 16;              // written and not durable yet; beyond it writing waits
  size_t queued_max = 64 * 1024;       // beyond it a commit is refused with kResourceExhausted
  // Measures syncs, so that threads that serve let a group grow meanwhile. Null: groups are written
  // as soon as they can be. Must outlive the queue.
  Clock* clock = nullptr;
};

// Counters of commits since the queue was made.
struct CommitCounters {
  uint64_t commits = 0;     // groups that became durable
  uint64_t failures = 0;    // that did not
  bool is_failing = false;  // the latest did not
  // Of the submissions that are durable.
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  uint64_t redelivered = 0;
  uint64_t held_dropped = 0;  // held inputs that made room (CommitResult::held_dropped_count)
};

// Safe to use from any thread. The storage must outlive it.
class CommitQueue {
 public:
  using Completion = std::function<void(CommitResult)>;
  using ClaimCompletion = std::function<void(absl::StatusOr<Claim>)>;

  explicit CommitQueue(Storage* storage, CommitQueueOptions options = {});
  ~CommitQueue();  // nothing may be queued any more

  // Commits `batch`; returns when it is durable or refused. May write and sync for others on this
  // thread.
  CommitResult Commit(WriteBatch batch);

  // Queues `batch` and returns. `done` runs once, when the batch is durable or refused, on the
  // thread that learns it and without a lock held.
  void CommitAsync(WriteBatch batch, Completion done);

  // The same for outcomes of deliveries, which go ahead of everything that CommitAsync and Commit
  // queue. If they are refused, `batch` is as it was. It is the caller's again once `done` runs.
  void CommitOutcomes(std::shared_ptr<WriteBatch> batch, Completion done);

  // Claims due deliveries, after the outcomes that were queued before and ahead of the rest. `done`
  // runs once, as that of CommitAsync, when what was claimed may be sent: at once, unless the claim
  // has to be durable or may hold deliveries that are not.
  void ClaimAsync(ClaimRequest request, ClaimCompletion done);

  // Commits all that is queued, on this thread, except for parts that another thread plays. Returns
  // whether there was anything to do.
  bool Drain();

  // While intake is limited, new deliveries are written no faster than outcomes of others are: for
  // a dispatcher that is behind though it has room, because it does not get to run. Callers wait
  // longer meanwhile. Each call with true lets a few through, so it is to be repeated.
  void LimitIntake(bool is_limited);

  // Plays parts for others until StopServing. Two threads that serve let the parts overlap.
  void Serve();
  // Makes the serving threads return, now and later. Queued work stays for Drain.
  void StopServing();

  CommitCounters counters() const;

  // Called, without a lock held, with the changes of configuration that have become visible, before
  // their callers learn of it. Set once, before the first commit.
  using ConfigListener = std::function<void(std::span<const ConfigWrite>)>;
  void set_config_listener(ConfigListener listener);

  // Called, without a lock held, when there is something to do and no thread at hand that would:
  // Drain should be called. Set once, before the first commit.
  void set_wake(std::function<void()> wake);

 private:
  enum class Part { kNone, kWrite, kSync };
  struct Idle;
  struct Waiter;
  using Group = std::vector<std::shared_ptr<Waiter>>;

  static CommitResult QueueFull();
  void AddUrgent(std::shared_ptr<Waiter> waiter) ABSL_LOCKS_EXCLUDED(mutex_);
  bool is_empty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queue_.empty() && urgent_.empty();
  }

  // Plays parts until `own` is settled (or, without one, while any is free). Returns whether any
  // was played.
  bool Work(Waiter* own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A part that has work and no thread; `preferred` if that is one.
  Part FreePart(Part preferred) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Time Now() const;  // the same all the time without a clock
  // Those that do not go ahead of the rest.
  static size_t CountCallers(std::span<const Group> groups);
  // Waits until the next group is as large as it is worth waiting for.
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ShouldGather() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Let go of the mutex while they work.
  void PlayWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PlaySync() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Waits until called or, of a waiter, settled.
  void Rest(Idle* idle, std::list<Idle*>& resting) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Call(Idle* idle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls a thread that rests if a part is free. False if there is a part and none to play it.
  bool CallHelp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Group TakeGroup() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the front of the queue may be written now.
  bool may_take_in() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteGroup(const Group& group) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status WriteBatches(const Group& group) ABSL_LOCKS_EXCLUDED(mutex_);
  // Whether the group is one after which a claim may find deliveries that are not durable.
  static bool HoldsWork(const Group& group);
  // Takes the claims out of a group that was written, which need no sync.
  Group TakeReadyClaims(Group& group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Settle(const Group& group, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void Count(const Group& group, const absl::Status& status);

  Storage* const storage_;
  const CommitQueueOptions options_;
  std::function<void()> wake_;
  ConfigListener config_listener_;

  base::RelaxedCounter commits_, failures_, accepted_, duplicates_, redelivered_, held_dropped_;
  std::atomic<bool> is_failing_ = false;

  absl::Mutex mutex_;
  std::deque<std::shared_ptr<Waiter>> queue_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Waiter>> urgent_ ABSL_GUARDED_BY(mutex_);
  std::vector<Group> written_ ABSL_GUARDED_BY(mutex_);   // and not durable yet
  int unsynced_work_count_ ABSL_GUARDED_BY(mutex_) = 0;  // of groups that hold work
  IntakeLimit intake_limit_ ABSL_GUARDED_BY(mutex_);
  bool has_writer_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_syncer_ ABSL_GUARDED_BY(mutex_) = false;
  bool should_stop_ ABSL_GUARDED_BY(mutex_) = false;
  int servers_count_ ABSL_GUARDED_BY(mutex_) = 0;
  Gathering gathering_ ABSL_GUARDED_BY(mutex_);
  absl::CondVar gathered_;                            // the writer waits in Gather
  std::list<Idle*> servers_ ABSL_GUARDED_BY(mutex_);  // those that rest
  std::list<Idle*> blocked_ ABSL_GUARDED_BY(mutex_);  // callers in Commit that rest
};

}  // namespace convoy::storage
