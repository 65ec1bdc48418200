// Retention: the removal of events and dedupe keys that have outlived their time.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace convoy {

// How long an expired key is kept. A submission with the key decides by its own instant whether the
// key has expired; it may be committed later, or come from a clock that is behind.
inline constexpr absl::Duration kExpiredKeyGrace = absl::Hours(1);

struct PruneRequest {
  // Events that were made before this instant are removed, oldest first, with their deliveries and
  // attempts. An event stays until each of its deliveries has ended (success, failure, discarded),
  // or waits, unclaimed, in a lane that the latest claim to look at it found disabled. The id of an
  // event, which is a ULID, says when it was made.
  absl::Time events_before = absl::InfinitePast();
  std::string project_id;  // only events of this project; empty: of all
  // Only events after this id are looked at: Pruned::last_event_id of an earlier call, so that
  // events that have not ended are looked at only once. Empty: begin with the oldest.
  std::string after_event_id;
  // Dedupe keys that have expired by then are removed, earliest first, even if their events stay.
  absl::Time keys_expired_by = absl::InfinitePast();
  // At most this many events are looked at, and no further one once this many rows were removed. At
  // most this many keys are removed. An event is removed whole, with any number of deliveries. A
  // store may do less.
  uint32_t items_max = 256;
};

struct Pruned {
  uint64_t events_count = 0;
  uint64_t deliveries_count = 0;
  uint64_t attempts_count = 0;
  uint64_t keys_count = 0;
  std::string last_event_id;  // the last one looked at, or the request's after_event_id; opaque
  bool may_have_more = false;
};

}  // namespace convoy
