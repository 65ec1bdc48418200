// The pace of a lane. With interval I and a burst of B, i.e. a tolerance of (B-1)·I, the most that
// are admitted in any time of length L, its end excluded, is ceil(L/I) + B-1. With L the window and
// the margin, and I = L/(N-B+1), that is N.
#include "convoy/lane.h"

#include <algorithm>
#include <limits>

namespace convoy {
namespace {

// Time that the way from the store to the receiver may add to one delivery and not to a later one.
constexpr absl::Duration kJitterMax = absl::Milliseconds(100);
constexpr int kJitterPart = 10;  // of a short window
// A burst saves claims where the pace is fast. It costs its size of the limit.
constexpr absl::Duration kBurstTime = absl::Milliseconds(100);
constexpr uint32_t kBurstPart = 50;
constexpr absl::Duration kLongInterval = absl::Microseconds(100);

// Rounded up to what is stored.
absl::Time WholeMicros(absl::Time time) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), absl::Microseconds(1));
}

}  // namespace

Pace::Pace(const RateLimit& limit) {
  if (limit.count == 0 || limit.window <= absl::ZeroDuration()) return;
  const auto of_time = static_cast<uint32_t>(
      std::min<double>(absl::FDivDuration(kBurstTime, limit.window), 1) * limit.count);
  const uint32_t burst = 1 + std::min(limit.count / kBurstPart, of_time);
  const absl::Duration guarded = limit.window + std::min(limit.window / kJitterPart, kJitterMax);
  // Rounded up, so that it is never too quick, and to what is stored where that changes little.
  interval_ = guarded / (limit.count - burst + 1) + absl::Nanoseconds(1);
  if (interval_ > kLongInterval) interval_ = absl::Ceil(interval_, absl::Microseconds(1));
  tolerance_ = interval_ * (burst - 1);
}

absl::Time Pace::Sane(absl::Time now, absl::Time arrival) const {
  return std::min(arrival, now + tolerance_ + interval_);
}

uint32_t Pace::RoomAt(absl::Time now, absl::Time arrival) const {
  if (!is_limited()) return std::numeric_limits<uint32_t>::max();
  const absl::Duration ahead = std::max(Sane(now, arrival) - now, absl::ZeroDuration());
  if (ahead > tolerance_) return 0;
  return static_cast<uint32_t>((tolerance_ - ahead) / interval_) + 1;
}

absl::Time Pace::After(uint32_t count, absl::Time now, absl::Time arrival) const {
  if (!is_limited()) return absl::UnixEpoch();
  const absl::Time from = count == 0 ? arrival : std::max(Sane(now, arrival), now);
  return WholeMicros(Sane(now, from + interval_ * count));
}

absl::Time Pace::ClosedUntil(absl::Time now, absl::Time arrival) const {
  if (RoomAt(now, arrival) > 0) return absl::InfinitePast();
  return WholeMicros(std::min(Sane(now, arrival) - tolerance_ / 2, now + kLaneClosureMax));
}

}  // namespace convoy
