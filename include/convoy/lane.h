// Lanes: the traffic of each endpoint, and how much of it may flow. For those who write a Storage:
// the arithmetic is the same in every store.
//
// A rate limit of N in each window means that no window holds more than N arrivals at the receiver,
// so it is a pace and not a purse: N saved up and N earned meanwhile would be 2N. Of a lane one
// number is stored, the theoretical arrival time of the generic cell rate algorithm (GCRA): the
// instant from which on the lane counts as rested. All openers of a store share it.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy {

// The wishes of an endpoint's configuration for its lane.
struct LanePolicy {
  RateLimit rate_limit{.count = 0, .window = absl::ZeroDuration()};  // count 0: no limit
  bool is_paused = false;                                            // nothing is handed out
  // Nothing is handed out, and retention need not wait for its deliveries to end.
  bool is_disabled = false;
  bool is_fifo = false;  // Endpoint::is_fifo
  // Of the project's scope, as of which this holds. A lane is held back only if the scope still has
  // this revision; otherwise the policy is unknown.
  uint64_t revision = 0;

  bool is_closed() const { return is_paused || is_disabled; }
  bool holds_back() const { return is_closed() || is_fifo || rate_limit.count > 0; }
};

// The longest time for which a lane is closed without another look.
inline constexpr absl::Duration kLaneClosureMax = absl::Hours(1);

// The pace of a rate limit: one delivery in each interval, or a few at once after a rest. A part of
// the limit is kept free for what the way to the receiver adds and takes (100 ms, of a short window
// a tenth), and for those few.
class Pace {
 public:
  explicit Pace(const RateLimit& limit);

  bool is_limited() const { return interval_ > absl::ZeroDuration(); }
  absl::Duration interval() const { return interval_; }

  // How many may be handed out now.
  uint32_t RoomAt(absl::Time now, absl::Time arrival) const;
  // The arrival time once `count` (also 0) were handed out.
  absl::Time After(uint32_t count, absl::Time now, absl::Time arrival) const;
  // Until when the lane is closed: until one may be handed out, or, where a few may go at once,
  // half of those; never for longer than kLaneClosureMax. InfinitePast if there is room now.
  absl::Time ClosedUntil(absl::Time now, absl::Time arrival) const;

 private:
  // One that lies further ahead than this pace can have put it is of another pace, or of a clock
  // that was set back: then the next one goes after one interval.
  absl::Time Sane(absl::Time now, absl::Time arrival) const;

  absl::Duration interval_ = absl::ZeroDuration();
  absl::Duration tolerance_ = absl::ZeroDuration();  // how far the arrival time may lie ahead
};

}  // namespace convoy
