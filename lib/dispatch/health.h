// State of endpoints that are throttled or have a circuit breaker, for other threads to read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "lib/dispatch/breaker.h"

namespace convoy::dispatch {

struct EndpointHealth {
  bool has_breaker = false;
  Breaker::State breaker_state = Breaker::State::kClosed;
  double failure_rate = 0;                    // in percent; of the breaker's window
  std::optional<absl::Time> throttled_until;  // its rate limit lets nothing through until then
};

std::string_view NameOf(Breaker::State state);  // "closed", "open", "half-open"

// Bounded: beyond that many endpoints, those that were told first are forgotten with all others.
class HealthBoard {
 public:
  // From any thread; `now` and `steady_now` end what has passed.
  std::optional<EndpointHealth> Find(const std::string& endpoint_id, absl::Time now,
                                     absl::Time steady_now) const;
  size_t CountThrottled(absl::Time now) const;

  // By the thread that steps. `open_until` is of the steady clock.
  void SetBreaker(const std::string& endpoint_id, Breaker::State state, absl::Time open_until,
                  double failure_rate);
  void SetThrottled(const std::string& endpoint_id, absl::Time until);

 private:
  struct Entry {
    EndpointHealth health;
    absl::Time open_until = absl::InfinitePast();
  };
  Entry& EntryOf(const std::string& endpoint_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::dispatch
