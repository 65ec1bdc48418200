// Lock-free counter, incremented where the work is done and read by metrics.
//
// Increments and reads are relaxed: the values of two counters, read one after the other, may
// belong to different instants.
#pragma once

#include <atomic>
#include <cstdint>

namespace convoy::base {

// Safe to use from any thread.
class RelaxedCounter {
 public:
  void Add(int64_t delta) { value_.fetch_add(delta, std::memory_order_relaxed); }
  uint64_t value() const { return static_cast<uint64_t>(value_.load(std::memory_order_relaxed)); }

 private:
  std::atomic<int64_t> value_ = 0;
};

}  // namespace convoy::base
