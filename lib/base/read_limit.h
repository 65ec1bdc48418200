// Time limit of the reads of a thread. The code that answers a request sets it, the code that does
// long work for the request looks at it; the layers between the two need not know.
//
//   const ReadLimit limit(clock, deadline, &is_cancelled);   // for this thread, for this scope
//   if (ReadLimit::IsOver()) return absl::DeadlineExceededError(…);
#pragma once

#include <atomic>

#include "absl/time/time.h"

#include "convoy/clock.h"

namespace convoy::base {

class ReadLimit {
 public:
  // Until `deadline`, or until `is_cancelled`, which may be null, is true. All must outlive it.
  ReadLimit(Clock* clock, absl::Time deadline, const std::atomic<bool>* is_cancelled)
      : clock_(clock), deadline_(deadline), is_cancelled_(is_cancelled), outer_(current_) {
    current_ = this;
  }
  ~ReadLimit() { current_ = outer_; }
  ReadLimit(const ReadLimit&) = delete;
  ReadLimit& operator=(const ReadLimit&) = delete;

  // Whether this thread has to stop reading. False where no limit was set.
  static bool IsOver() { return current_ != nullptr && current_->IsOverNow(); }

 private:
  bool IsOverNow() const {
    return (is_cancelled_ != nullptr && *is_cancelled_) || clock_->Now() >= deadline_;
  }

  Clock* const clock_;
  const absl::Time deadline_;
  const std::atomic<bool>* const is_cancelled_;
  const ReadLimit* const outer_;
  static inline thread_local const ReadLimit* current_ = nullptr;
};

}  // namespace convoy::base
