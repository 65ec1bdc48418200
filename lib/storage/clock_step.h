// Correction of waits after the clock was set back, as stores do it: how far it has come, and how
// much one piece of it may cost. DueAfterClockStep (write_rules.h) is the rule for one delivery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace convoy::storage {

// Rows and lanes that one piece looks at.
inline constexpr size_t kClockStepRowsMax = 256;
inline constexpr size_t kClockStepLanesMax = 64;

// Ids may be this much later than now without anything being wrong: makers of ids differ.
inline constexpr absl::Duration kIdTolerance = absl::Minutes(1);

struct ClockStep {
  ClockStep(absl::Time before_in, absl::Time now_in, int64_t endpoint_in)
      : before(before_in), now(now_in), endpoint(endpoint_in) {}

  absl::Time before;  // the instant before it was set; InfinitePast if that is not known
  absl::Time now;     // as of which waits are reckoned
  int64_t endpoint;   // the lane that is being corrected
  // The last row of it that was looked at; those that are due already need not be.
  absl::Time wake_at = now;
  int64_t key = std::numeric_limits<int64_t>::max();
};

}  // namespace convoy::storage
