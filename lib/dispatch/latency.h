// Histogram of the time that deliveries took from acceptance to their final outcome. Counted by
// the thread that steps the dispatcher, read by any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

#include "lib/base/relaxed_counter.h"

namespace convoy::dispatch {

// Upper bounds of the buckets in seconds: from a delivery at once to a day of retries. What took
// longer is in one more.
inline constexpr std::array<double, 18> kLatencyBounds = {
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400};

// The counts at one instant; not cumulative.
struct LatencyCounts {
  std::array<uint64_t, kLatencyBounds.size() + 1> buckets = {};
  uint64_t sum_us = 0;
};

class LatencyHistogram {
 public:
  void Add(absl::Duration latency) {
    size_t bucket = 0;
    const double seconds = absl::ToDoubleSeconds(latency);
    while (bucket < kLatencyBounds.size() && seconds > kLatencyBounds[bucket]) ++bucket;
    buckets_[bucket].Add(1);
    sum_us_.Add(absl::ToInt64Microseconds(latency));
  }

  LatencyCounts counts() const {
    LatencyCounts counts{.sum_us = sum_us_.value()};
    for (size_t i = 0; i < buckets_.size(); ++i) counts.buckets[i] = buckets_[i].value();
    return counts;
  }

 private:
  std::array<base::RelaxedCounter, kLatencyBounds.size() + 1> buckets_;
  base::RelaxedCounter sum_us_;
};

}  // namespace convoy::dispatch
