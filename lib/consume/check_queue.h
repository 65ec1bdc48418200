// Queue of broker checks: asks brokers whether a source could be read from, one after the other on
// its own thread. A check takes seconds, and the caller may be an event loop.
#pragma once

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace convoy::consume {

// Safe to use from any thread.
class CheckQueue {
 public:
  using Check = std::function<absl::Status()>;
  using Completion = std::function<void(absl::Status)>;

  ~CheckQueue() { Stop(absl::InfiniteDuration()); }

  void Start() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waiting checks are answered with kCancelled. False if a check still runs after `patience`.
  bool Stop(absl::Duration patience) ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs `check` and then `done` on the thread. Without a thread, or with too many checks waiting,
  // `done` runs at once, with kUnavailable: unknown.
  void Add(Check check, Completion done) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    Check check;
    Completion done;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !entries_.empty() || should_stop_;
  }

  absl::Mutex mutex_;
  std::deque<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  bool is_running_ ABSL_GUARDED_BY(mutex_) = false;  // the thread
  bool should_stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace convoy::consume
