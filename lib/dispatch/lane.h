// A lane: the traffic of one endpoint. It admits what its rate allows, and says when there will be
// room. Lanes do not know of each other, so a slow endpoint holds up only itself.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy::dispatch {

// A token bucket: `count` tokens at most, refilled evenly over `window`.
class TokenBucket {
 public:
  // Takes a token if there is one. A limit of 0 always has one.
  bool Take(const RateLimit& limit, absl::Time now);
  // When the next token will be there; `now` if there is one.
  absl::Time NextAt(const RateLimit& limit, absl::Time now) const;
  // Whether it has been left alone so long that it is full, and forgetting it gives nothing away.
  bool is_rested(absl::Time now) const { return tokens_ < 0 || now - refilled_at_ > window_; }

 private:
  void Refill(const RateLimit& limit, absl::Time now);

  double tokens_ = -1;  // negative: never used, therefore full
  absl::Time refilled_at_;
  absl::Duration window_;  // in which it fills up
};

class Lane {
 public:
  bool is_blocked(absl::Time now) const { return blocked_until_ > now; }
  absl::Time blocked_until() const { return blocked_until_; }
  // Nothing is lost by forgetting this lane.
  bool may_be_forgotten(absl::Time now) const {
    return in_flight_ == 0 && !is_blocked(now) && bucket_.is_rested(now);
  }

  // Nothing more is claimed for it until then.
  void Block(absl::Time until) { blocked_until_ = until; }

  // Takes one more in if the rate allows; otherwise blocks itself until it does.
  bool TryAcquire(const RateLimit& limit, absl::Time now);
  void Release() { --in_flight_; }

 private:
  uint32_t in_flight_ = 0;
  absl::Time blocked_until_ = absl::InfinitePast();
  TokenBucket bucket_;
};

}  // namespace convoy::dispatch
