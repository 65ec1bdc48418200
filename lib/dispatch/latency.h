// Histogram of the time that deliveries took from acceptance to their final outcome, with the trace
// of the latest of each bucket as its exemplar. Counted by the thread that steps the dispatcher,
// read by any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "lib/base/relaxed_counter.h"

namespace convoy::dispatch {

// Upper bounds of the buckets in seconds: from a delivery at once to a day of retries. Longer
// times are in one more.
inline constexpr std::array<double, 18> kLatencyBounds = {
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400};
inline constexpr size_t kLatencyBuckets = kLatencyBounds.size() + 1;

// A delivery that stands for those of its bucket.
struct LatencyExemplar {
  std::string trace_id;  // empty: there is none
  std::string span_id;   // of its last attempt
  absl::Duration latency;
  absl::Time at;
};

// The counts at one instant; not cumulative.
struct LatencyCounts {
  std::array<uint64_t, kLatencyBuckets> buckets = {};
  uint64_t sum_us = 0;
  std::array<LatencyExemplar, kLatencyBuckets> exemplars;
};

class LatencyHistogram {
 public:
  // `exemplar` is the delivery, if its trace is kept; its latency is set here.
  void Add(absl::Duration latency, std::optional<LatencyExemplar> exemplar = std::nullopt) {
    const size_t bucket = BucketOf(latency);
    buckets_[bucket].Add(1);
    sum_us_.Add(absl::ToInt64Microseconds(latency));
    if (!exemplar.has_value()) return;
    exemplar->latency = latency;
    absl::MutexLock lock(&mutex_);
    exemplars_[bucket] = *std::move(exemplar);
  }

  LatencyCounts counts() const {
    LatencyCounts counts{.sum_us = sum_us_.value()};
    for (size_t i = 0; i < buckets_.size(); ++i) counts.buckets[i] = buckets_[i].value();
    absl::MutexLock lock(&mutex_);
    counts.exemplars = exemplars_;
    return counts;
  }

 private:
  static size_t BucketOf(absl::Duration latency) {
    size_t bucket = 0;
    const double seconds = absl::ToDoubleSeconds(latency);
    while (bucket < kLatencyBounds.size() && seconds > kLatencyBounds[bucket]) ++bucket;
    return bucket;
  }

  std::array<base::RelaxedCounter, kLatencyBuckets> buckets_;
  base::RelaxedCounter sum_us_;
  mutable absl::Mutex mutex_;
  std::array<LatencyExemplar, kLatencyBuckets> exemplars_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::dispatch
