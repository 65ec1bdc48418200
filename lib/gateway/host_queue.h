// Queue of things for the host, which makes its descriptor readable while there are some.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "lib/gateway/host_wake.h"

namespace convoy::gateway {

// Safe to use from any thread.
template <typename T>
class HostQueue {
 public:
  // Beyond `items_max` what comes is dropped and counted. `wake` outlives the queue.
  HostQueue(size_t items_max, HostWake* wake, HostWake::Reason reason)
      : items_max_(items_max), wake_(*wake), reason_(reason) {}

  void Push(T item) {
    absl::MutexLock lock(&mutex_);
    if (items_.size() >= items_max_) {
      ++dropped_count_;
      return;
    }
    items_.push_back(std::move(item));
    if (items_.size() == 1) wake_.Set(reason_, true);
  }

  std::optional<T> Pop() {
    absl::MutexLock lock(&mutex_);
    if (items_.empty()) return std::nullopt;
    std::optional<T> item = std::move(items_.front());
    items_.pop_front();
    if (items_.empty()) wake_.Set(reason_, false);
    return item;
  }

  size_t size() const {
    absl::MutexLock lock(&mutex_);
    return items_.size();
  }

  uint64_t dropped_count() const {
    absl::MutexLock lock(&mutex_);
    return dropped_count_;
  }

 private:
  const size_t items_max_;
  HostWake& wake_;
  const HostWake::Reason reason_;
  mutable absl::Mutex mutex_;
  std::deque<T> items_ ABSL_GUARDED_BY(mutex_);
  uint64_t dropped_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace convoy::gateway
