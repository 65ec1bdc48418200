// Lane of one endpoint: rate and concurrency; see lane.h.
#include "lib/dispatch/lane.h"

#include <algorithm>

namespace convoy::dispatch {

void TokenBucket::Refill(const RateLimit& limit, absl::Time now) {
  if (tokens_ < 0) {
    tokens_ = limit.count;
  } else if (now > refilled_at_) {
    tokens_ += limit.count * absl::FDivDuration(now - refilled_at_, limit.window);
    tokens_ = std::min<double>(tokens_, limit.count);
  }
  refilled_at_ = now;
  window_ = limit.window;
}

bool TokenBucket::Take(const RateLimit& limit, absl::Time now) {
  if (limit.count == 0 || limit.window <= absl::ZeroDuration()) return true;
  Refill(limit, now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

absl::Time TokenBucket::NextAt(const RateLimit& limit, absl::Time now) const {
  if (limit.count == 0 || tokens_ < 0 || tokens_ >= 1) return now;
  // Rounded up, so that the token is there when the time has come.
  const absl::Duration wait = limit.window * ((1 - tokens_) / limit.count);
  return now + absl::Ceil(wait, absl::Microseconds(1));
}

bool Lane::TryAcquire(const RateLimit& limit, absl::Time now) {
  if (!bucket_.Take(limit, now)) {
    blocked_until_ = bucket_.NextAt(limit, now);
    return false;
  }
  ++in_flight_;
  return true;
}

}  // namespace convoy::dispatch
