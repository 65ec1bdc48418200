// Lanes: the traffic of each endpoint, and its limits. The arithmetic is here for authors of a
// Storage, because it is the same in every store.
//
// A rate limit of N per window means that every window has at most N arrivals at the receiver. So
// it is a pace, not a budget: N saved and N earned in the meantime would be 2N. A store keeps one
// number per lane, the theoretical arrival time of the generic cell rate algorithm (GCRA): the
// instant from which the lane counts as rested. All openers of a store share it.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy {

// The limits that an endpoint's configuration sets for its lane.
struct LanePolicy {
  RateLimit rate_limit{.count = 0, .window = absl::ZeroDuration()};  // count 0: no limit
  bool is_paused = false;                                            // nothing is handed out
  // Nothing is handed out, and retention need not wait for its deliveries to end.
  bool is_disabled = false;
  bool is_fifo = false;  // Endpoint::is_fifo
  // This opener cannot handle its deliveries; others may. Nothing is handed out, and nothing is
  // recorded.
  bool is_unserved = false;
  // The revision of the project's scope that this policy is from. A lane is held back only if the
  // scope still has this revision; otherwise its policy is unknown.
  uint64_t revision = 0;

  bool is_closed() const { return is_paused || is_disabled; }
  bool holds_back() const { return is_closed() || is_fifo || rate_limit.count > 0; }
};

// The longest time for which a lane is closed without another look.
inline constexpr absl::Duration kLaneClosureMax = absl::Hours(1);

// The pace of a rate limit: one delivery in each interval, or a few at once after a rest. A part of
// the limit is reserved for varying travel times (100 ms, or a tenth of a short window), and for
// those few.
class Pace {
 public:
  explicit Pace(const RateLimit& limit);

  bool is_limited() const { return interval_ > absl::ZeroDuration(); }
  absl::Duration interval() const { return interval_; }

  // How many may be handed out now.
  uint32_t RoomAt(absl::Time now, absl::Time arrival) const;
  // The arrival time once `count` (also 0) were handed out.
  absl::Time After(uint32_t count, absl::Time now, absl::Time arrival) const;
  // The instant until which the lane is closed: when one may be handed out or, if a few may go at
  // once, half of those. At most kLaneClosureMax from now. InfinitePast if there is room now.
  absl::Time ClosedUntil(absl::Time now, absl::Time arrival) const;

 private:
  // An arrival time further ahead than this pace can make it stems from another pace, or from a
  // clock that was set back. It is replaced by one that lets the next delivery go after one
  // interval.
  absl::Time Sane(absl::Time now, absl::Time arrival) const;

  absl::Duration interval_ = absl::ZeroDuration();
  absl::Duration tolerance_ = absl::ZeroDuration();  // how far the arrival time may lie ahead
};

}  // namespace convoy
