// Policies that objects of several kinds have: retries, rate limits, circuit breakers.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace convoy {

enum class RetryStrategy : uint8_t { kLinear, kExponential };

// How a failed delivery is tried again. Linear waits `interval` each time; exponential doubles it.
struct RetryPolicy {
  RetryStrategy strategy = RetryStrategy::kLinear;
  absl::Duration interval = absl::Seconds(100);
  uint32_t attempts_max = 10;

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// At most `count` requests in each `window`. A count of 0 means unlimited.
struct RateLimit {
  uint32_t count = 1000;
  absl::Duration window = absl::Seconds(60);

  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

// Conditions under which sending to an endpoint pauses because too many of its attempts fail.
struct CircuitBreaker {
  absl::Duration sample_interval = absl::Seconds(30);  // "sample_rate": time between checks
  absl::Duration error_timeout = absl::Seconds(30);    // how long it stays open
  uint32_t failure_threshold = 70;                     // percent of failures that open it
  uint32_t success_threshold = 5;                      // percent of probes that close it
  absl::Duration window = absl::Minutes(5);            // "observability_window"
  uint32_t requests_min = 10;                          // "minimum_request_count" within the window
  // "consecutive_failure_threshold": after opening this often in a row, the endpoint is disabled.
  uint32_t consecutive_failures_max = 10;

  friend bool operator==(const CircuitBreaker&, const CircuitBreaker&) = default;
};

}  // namespace convoy
