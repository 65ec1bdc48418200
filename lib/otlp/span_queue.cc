// Bounded queue of spans; see span_queue.h.
#include "lib/otlp/span_queue.h"

#include <algorithm>
#include <utility>

namespace convoy::otlp {

bool SpanQueue::Put(std::string span) {
  absl::MutexLock lock(&mutex_);
  if (is_closed_ || waiting_.size() >= limits_.spans_max ||
      span.size() > limits_.bytes_max - bytes_) {
    return false;
  }
  bytes_ += span.size();
  waiting_.push_back({std::move(span), clock_->SteadyNow()});
  // The first begins the delay, a whole batch ends it; between them there is nothing to do.
  if (waiting_.size() == 1 || IsFull()) changed_.Signal();
  return true;
}

std::vector<std::string> SpanQueue::TakeBatch() {
  absl::MutexLock lock(&mutex_);
  while (!is_closed_ && !IsFull()) {
    if (waiting_.empty()) {
      changed_.Wait(&mutex_);
      continue;
    }
    // A steady clock that is none, as in simulations, may be set back: no wait is longer than the
    // delay.
    const absl::Duration left =
        limits_.batch_delay - (clock_->SteadyNow() - waiting_.front().since);
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitWithTimeout(&mutex_, std::min(left, limits_.batch_delay));
  }
  std::vector<std::string> batch;
  uint64_t batch_bytes = 0;
  while (!waiting_.empty() && batch.size() < limits_.batch_spans_max) {
    const uint64_t size = waiting_.front().span.size();
    if (!batch.empty() && batch_bytes + size > limits_.batch_bytes_max) break;
    batch_bytes += size;
    bytes_ -= size;
    batch.push_back(std::move(waiting_.front().span));
    waiting_.pop_front();
  }
  return batch;
}

void SpanQueue::Pause(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  const absl::Time until = clock_->SteadyNow() + duration;
  while (!is_closed_) {
    const absl::Duration left = until - clock_->SteadyNow();
    if (left <= absl::ZeroDuration()) return;
    changed_.WaitWithTimeout(&mutex_, std::min(left, duration));
  }
}

void SpanQueue::Close(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  is_closed_ = true;
  deadline_ = std::min(deadline_, deadline);
  changed_.SignalAll();
}

bool SpanQueue::is_closed() const {
  absl::MutexLock lock(&mutex_);
  return is_closed_;
}

absl::Time SpanQueue::deadline() const {
  absl::MutexLock lock(&mutex_);
  return deadline_;
}

uint64_t SpanQueue::size() const {
  absl::MutexLock lock(&mutex_);
  return waiting_.size();
}

}  // namespace convoy::otlp
