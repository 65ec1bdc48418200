// Results of payload functions on their way from the threads of Scripting to the one that steps.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "convoy/scripting.h"

namespace convoy::dispatch {

// Safe to use from any thread.
class FunctionInbox {
 public:
  struct Item {
    uint64_t number;  // of the call
    ScriptResult result;
  };

  void Add(Item item) {
    absl::MutexLock lock(&mutex_);
    items_.push_back(std::move(item));
  }
  bool has_any() const {
    absl::MutexLock lock(&mutex_);
    return !items_.empty();
  }
  std::vector<Item> TakeAll() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(items_, {});
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<Item> items_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::dispatch
