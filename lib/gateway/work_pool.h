// Threads for requests that may take long, so that the thread that brings a request goes on at
// once.
//
// Each project waits in a queue of its own and the queues are served in turn: one that asks a lot
// delays itself. Reads leave one thread free for intake. The threads give way to those that commit,
// deliver and accept.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

#include "lib/http/request/work.h"

namespace convoy::gateway {

class WorkPool {
 public:
  struct Limits {
    uint32_t threads = 3;
    uint32_t waiting_max = 1024;
    uint32_t waiting_per_queue_max = 128;
  };
  // Runs once, on a thread of the pool. `is_cancelled`: the pool is stopping, be quick.
  using Work = std::function<void(bool is_cancelled)>;

  explicit WorkPool(const Limits& limits) : limits_(limits) {}
  ~WorkPool() { Stop(); }

  void Start();
  // Cancels what waits and ends the threads. Repeatable. Not from work of the pool.
  void Stop();

  // False: too much is waiting; `work` will not run. From any thread.
  bool Add(http::WorkKind kind, const std::string& queue, Work work);

  // Work has taken longer than it may.
  void CountTimeOut();
  http::WorkCounts counts() const;

 private:
  struct Queue {
    std::deque<Work> waiting;
  };
  // The queues of one kind that have something waiting, in the order in which they are served.
  struct Line {
    absl::flat_hash_map<std::string, Queue> queues;
    std::deque<std::string> turns;
  };

  void Run();
  bool MayTake(http::WorkKind kind) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasNews() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Work Take(Line& line) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  mutable absl::Mutex mutex_;
  Line lines_[http::kWorkKindsCount] ABSL_GUARDED_BY(mutex_);
  http::WorkCounts counts_ ABSL_GUARDED_BY(mutex_);
  uint32_t reading_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool should_stop_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace convoy::gateway
