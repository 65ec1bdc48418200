// Pruner: removes records from the store that are older than the retention, in small pieces with
// pauses between them, so that intake never waits for long. A state machine without threads: its
// driver calls Step. Several, also of other processes, may prune one store.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/observer.h"
#include "convoy/storage.h"
#include "lib/base/relaxed_counter.h"

namespace convoy::storage {

// Counters of removed records since the pruner was made.
struct PruneCounters {
  uint64_t events = 0;
  uint64_t deliveries = 0;
  uint64_t attempts = 0;
  uint64_t keys = 0;
  uint64_t failures = 0;  // pieces that the store could not remove
};

// The parts must outlive it.
class Pruner {
 public:
  // Events are removed `retention` after they were made (infinite: never), dedupe keys once they
  // have expired.
  Pruner(absl::Duration retention, Storage* storage, Clock* clock, Observer* observer);

  // Removes a piece, if it is time to; no event that was made at `kept_from` or later. Returns when
  // to call again at the latest. One thread at a time.
  absl::Time Step(absl::Time kept_from = absl::InfiniteFuture());

  PruneCounters counters() const;  // from any thread

 private:
  void Prune(absl::Time now, absl::Time kept_from);

  const absl::Duration retention_;
  const absl::Duration rest_;  // between two walks through the events
  Storage& storage_;
  Clock& clock_;
  Observer& observer_;

  // Touched only by the thread that steps.
  absl::Time next_at_ = absl::InfinitePast();
  std::string last_event_id_;  // how far the walk has come; empty: it begins

  base::RelaxedCounter events_, deliveries_, attempts_, keys_, failures_;
};

}  // namespace convoy::storage
