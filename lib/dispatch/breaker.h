// The circuit breaker of one endpoint: closed while it answers, open once too many of its attempts
// have failed, half-open after a rest, when one attempt at a time probes it.
//
// Its counts are kept in memory: each process has its own, which begin at zero after a restart.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy::dispatch {

class Breaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };
  enum class Change : uint8_t {
    kNone,
    kOpened,
    kClosed,
    kExhausted,  // opened as often in a row as the settings allow
  };

  // An attempt has ended.
  Change OnResult(const CircuitBreaker& settings, bool is_success, absl::Time now);

  State state(absl::Time now) const;
  // Until when nothing is to be sent; meaningful while it is open.
  absl::Time open_until() const { return open_until_; }
  // In percent, over the window; 0 if nothing was seen in it.
  double failure_rate(const CircuitBreaker& settings, absl::Time now) const;
  // Whether forgetting it gives nothing away.
  bool is_rested() const { return !is_tripped_ && opened_count_ == 0; }

 private:
  static constexpr int kSlicesCount = 10;
  struct Slice {
    int64_t number = -1;  // which slice of time since the epoch
    uint32_t successes = 0;
    uint32_t failures = 0;
  };
  struct Sums {
    uint64_t successes = 0;
    uint64_t failures = 0;
  };

  void Count(const CircuitBreaker& settings, bool is_success, absl::Time now);
  Sums SumsOf(const CircuitBreaker& settings, absl::Time now) const;
  Change Open(const CircuitBreaker& settings, absl::Time now);

  std::array<Slice, kSlicesCount> slices_;  // of the window, as a ring
  bool is_tripped_ = false;                 // open or half-open
  absl::Time open_until_ = absl::InfinitePast();
  absl::Time opened_at_ = absl::InfinitePast();
  absl::Time evaluated_at_ = absl::InfinitePast();
  uint32_t opened_count_ = 0;  // since it was closed last
  Sums probes_;                // since it became half-open
};

}  // namespace convoy::dispatch
