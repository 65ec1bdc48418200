// Queue of encoded spans between the threads that make them and the one that sends them. It is
// bounded: spans that find it full are dropped and counted.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"

namespace convoy::otlp {

struct QueueLimits {
  uint32_t spans_max;
  uint64_t bytes_max;
  uint32_t batch_spans_max;
  uint64_t batch_bytes_max;
  absl::Duration batch_delay;
};

class SpanQueue {
 public:
  SpanQueue(QueueLimits limits, Clock* clock) : limits_(limits), clock_(clock) {}

  // False, and the span is dropped, if there is no room or the queue is closed.
  bool Put(std::string span) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits for a batch: as many as fit into one, or what there is once the oldest has waited for the
  // delay or the queue is closed. Empty: it is closed and nothing is left.
  std::vector<std::string> TakeBatch() ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits for that time; less if the queue is closed.
  void Pause(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on nothing is put, and by `deadline` of the steady clock all is to be over. A second
  // call may only bring it forward.
  void Close(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_);
  bool is_closed() const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Time deadline() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiting {
    std::string span;
    absl::Time since;  // of the steady clock
  };

  bool IsFull() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return waiting_.size() >= limits_.batch_spans_max || bytes_ >= limits_.batch_bytes_max;
  }

  const QueueLimits limits_;
  Clock* const clock_;
  mutable absl::Mutex mutex_;
  absl::CondVar changed_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time deadline_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace convoy::otlp
