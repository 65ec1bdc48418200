// The end of writing: once it is not known what is on the disk, a store refuses all further writes.
#pragma once

#include <atomic>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/sqlite/failure.h"

namespace convoy::storage {

// Safe to use from any thread. The first reason stays.
class Poison {
 public:
  // OK, or the kDataLoss that every later write is answered with.
  absl::Status status() const {
    if (!is_set_.load(std::memory_order_acquire)) return absl::OkStatus();
    absl::MutexLock lock(&mutex_);
    return reason_;
  }

  // Returns what status() returns from now on.
  absl::Status Set(std::string_view what, const absl::Status& cause) {
    absl::MutexLock lock(&mutex_);
    if (reason_.ok()) {
      reason_ = absl::DataLossError(absl::StrCat(
          what, "; nothing is written until the store is opened anew: ", cause.message()));
      is_set_.store(true, std::memory_order_release);
    }
    return reason_;
  }

  // After a failure of this class: Set if nothing may be written any more, else `cause` as it is.
  absl::Status SetAfter(FailureClass failure, const absl::Status& cause) {
    switch (failure) {
      case FailureClass::kRefused:
      case FailureClass::kUnsettled:
        return cause;
      case FailureClass::kUnknown:
        return Set("it is not known whether the latest commits have reached the disk", cause);
      case FailureClass::kDamaged:
        return Set("the database is damaged", cause);
    }
    return cause;
  }

 private:
  std::atomic<bool> is_set_ = false;
  mutable absl::Mutex mutex_;
  absl::Status reason_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::storage
