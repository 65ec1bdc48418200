// Retention: the removal of events and dedupe keys that have outlived their time.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace convoy {

// How long an expired key is left where it is. Whether it has expired is decided by the instant of
// the submission that brings it, which may be committed later or come from a clock that is behind.
inline constexpr absl::Duration kExpiredKeyGrace = absl::Hours(1);

struct PruneRequest {
  // Events that were made before it go, oldest first, with their deliveries and attempts, as soon
  // as every one of their deliveries has ended (success, failure, discarded), or waits, unclaimed,
  // in a lane that the latest claim to come to it found disabled. When an event was made, its id
  // says, which is a ULID.
  absl::Time events_before = absl::InfinitePast();
  std::string project_id;  // only events of this project; empty: of all
  // Only events behind this id are looked at: where an earlier call has come to, so that those that
  // have not ended are passed but once on the way. Empty: from the oldest on.
  std::string after_event_id;
  // Dedupe keys that have expired by then go, earliest first, whatever has become of their events.
  absl::Time keys_expired_by = absl::InfinitePast();
  // At most so many events are looked at, and no further one once that many rows have gone; at most
  // so many keys go. An event goes whole, however many deliveries it has. A store may do less.
  uint32_t items_max = 256;
};

struct Pruned {
  uint64_t events_count = 0;
  uint64_t deliveries_count = 0;
  uint64_t attempts_count = 0;
  uint64_t keys_count = 0;
  std::string last_event_id;  // the last that was looked at, or where the request began; opaque
  bool may_have_more = false;
};

}  // namespace convoy
