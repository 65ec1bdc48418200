// Keys whose slow hash was right once in this process. A key that comes from Convoy is stored as
// Convoy stores it, under PBKDF2, which takes a millisecond; a request after the first is as quick
// as with a key of our own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace convoy::http {

// Safe to use from any thread.
class VerifiedKeys {
 public:
  // The print that `Remember` was given for this id; empty if there is none.
  std::string Find(std::string_view id) const {
    absl::MutexLock lock(&mutex_);
    const auto found = prints_.find(id);
    return found == prints_.end() ? std::string() : found->second;
  }
  // `print` covers the stored hash, so that it is worth nothing once that has changed.
  void Remember(std::string_view id, std::string print) {
    absl::MutexLock lock(&mutex_);
    if (prints_.size() >= kKeysMax) prints_.clear();
    prints_[id] = std::move(print);
  }

 private:
  static constexpr size_t kKeysMax = 10'000;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::string> prints_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::http
