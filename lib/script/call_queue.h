// Queue of calls of payload functions: each owner's in a line of its own, and the lines take turns
// by how much work their owners have made.
//
// The next call is that of the owner whose calls have worked least, so a function that always works
// until it is stopped has its share and no more. Calls of an owner whose last call was slow never
// take the last thread, nor does the first call of one: an owner that is quick is not kept waiting
// by those that are not.
//
// Safe to use from any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

#include "convoy/scripting.h"

namespace convoy::script {

// A call whose work is this part of what a call may do, or more, is slow.
inline constexpr int64_t kSlowShare = 50;

struct QueuedCall {
  ScriptCall call;
  std::function<void(ScriptResult)> done;
  absl::Time queued_at;  // of the steady clock
  bool is_slow = false;  // set by Take: its owner's last call was
};

class CallQueue {
 public:
  struct Limits {
    uint32_t threads = 2;
    uint32_t waiting_per_owner_max = 256;
    uint32_t waiting_max = 4096;
    int64_t steps_max = 0;  // of a call
  };

  explicit CallQueue(const Limits& limits) : limits_(limits) {}

  // nullopt: it waits. Otherwise there is no room, or the queue is closed, and it is given back.
  std::optional<QueuedCall> Add(QueuedCall call);

  // Waits for a call that this thread may run; nullopt once the queue is closed. Finish comes next.
  std::optional<QueuedCall> Take();
  // A call that was taken has ended after `steps_count`.
  void Finish(const QueuedCall& call, int64_t steps_count);

  // Ends Take, now and ever. Gives back what waits.
  std::deque<QueuedCall> Close();

 private:
  struct Owner {
    std::deque<QueuedCall> waiting;
    int64_t work = 0;  // in steps, since the queue was last empty; beginners begin at the least
    uint32_t running_count = 0;
    bool is_slow = true;  // until it has shown that it is quick
  };
  using Owners = absl::flat_hash_map<std::string, Owner>;

  // An owner whose call may be run now, of those the one with the least work.
  Owners::iterator FindNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t LeastWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  absl::Mutex mutex_;
  Owners owners_ ABSL_GUARDED_BY(mutex_);
  uint32_t waiting_count_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t slow_running_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace convoy::script
