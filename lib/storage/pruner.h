// Pruner: removes records from the store that are older than the retention, in small pieces with
// pauses between them, so that intake never waits for long. A state machine without threads: its
// driver calls Step. Several, also of other processes, may prune one store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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
  // Events are removed `retention` after they were made (infinite: never), those of projects with a
  // retention of their own after that if it is shorter, dedupe keys once they have expired.
  Pruner(absl::Duration retention, Storage* storage, Clock* clock, Observer* observer);

  // Removes a piece, if it is time to; no event that was made at `kept_from` or later. Returns when
  // to call again at the latest. One thread at a time.
  absl::Time Step(absl::Time kept_from = absl::InfiniteFuture());

  PruneCounters counters() const;  // from any thread

 private:
  // A walk through the events of one project, or of all.
  struct Walk {
    std::string project_id;  // empty: of all
    absl::Duration retention;
  };

  void Prune(absl::Time now, absl::Time kept_from);
  // Goes on to the next walk; false if this was the last one before the rest.
  absl::StatusOr<bool> NextWalk();
  absl::Status LoadWalks();
  void Rest(absl::Time end);

  const absl::Duration retention_;
  Storage& storage_;
  Clock& clock_;
  Observer& observer_;

  // Touched only by the thread that steps.
  absl::Time next_at_ = absl::InfinitePast();
  Walk walk_;
  std::string last_event_id_;       // how far the walk has come; empty: it begins
  std::vector<Walk> waiting_;       // of projects, the next one last
  std::string projects_cursor_;     // behind those
  bool are_all_loaded_ = false;     // there are no projects behind those
  absl::Duration retention_least_;  // of what was walked since the last rest

  base::RelaxedCounter events_, deliveries_, attempts_, keys_, failures_;
};

}  // namespace convoy::storage
