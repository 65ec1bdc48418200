// One delivery as a pure state machine: its state after an attempt, given what the attempt came to.
// No I/O, no clock, no hidden state; everything it needs is an argument.
#pragma once

#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/model.h"
#include "lib/dispatch/outcome.h"

namespace convoy::dispatch {

struct Transition {
  Delivery delivery;                     // the next state
  bool should_disable_endpoint = false;  // the endpoint is gone, or exhausted and to be disabled
};

// Whether the delivery may be sent again after such an attempt, tries apart. In the mode
// at_most_once that is so only where nothing of the request was written.
bool MayRepeat(const Delivery& delivery, const Classification& classification);

// The state after an attempt that ended at `now`. `random` jitters exponential retries.
Transition AfterAttempt(Delivery delivery, const Classification& classification,
                        const ProjectConfig& config, absl::Time now, Random& random);

// The state of a delivery that was claimed but not tried: as before, to be looked at from `due_at`.
Delivery PutBack(const Delivery& delivery, absl::Time due_at, absl::Time now);

// The final state of one that will not be tried at all.
// An attempt was made, or may have been, and what became of it cannot be learnt any more: a
// failure.
Delivery EndUnknown(const Delivery& delivery, absl::Time now);

Delivery Discard(const Delivery& delivery, std::string_view reason, absl::Time now);

// How long to wait after the `attempts_count`-th try failed. Linear: the interval. Exponential: the
// interval, doubled with each try, at most two hours, plus up to five seconds of jitter.
absl::Duration RetryDelay(const RetryPolicy& policy, uint32_t attempts_count, Random& random);

}  // namespace convoy::dispatch
