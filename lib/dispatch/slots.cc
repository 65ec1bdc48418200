// Shares of the pool of slots, from what an endpoint has shown.
#include "lib/dispatch/slots.h"

#include <algorithm>

namespace convoy::dispatch {
namespace {

// An answer that takes no longer than this is quick. A slower endpoint gets fewer slots in
// proportion, so that all hold about as many slot-seconds for each second of traffic.
constexpr absl::Duration kQuick = absl::Seconds(1);
constexpr uint32_t kDoubtfulFailures = 3;
// While less than half of the pool is free, an endpoint may hold this part of what is.
constexpr uint32_t kShareOfFree = 16;
// From the question to the answer, where much is committed at the time.
constexpr absl::Duration kClaimTakes = absl::Milliseconds(100);
constexpr uint32_t kEndsPerClaimMax = 8;
constexpr uint32_t kShareThatWaits = 8;  // of the pool

// Three quarters of `average` and one of `latest`; in whole numbers, as it is reckoned for each
// attempt.
absl::Duration Average(absl::Duration average, absl::Duration latest) {
  return absl::Nanoseconds((absl::ToInt64Nanoseconds(average) / 4) * 3 +
                           absl::ToInt64Nanoseconds(latest) / 4);
}

}  // namespace

void Standing::OnCancelled(absl::Time started_at) {
  const auto found = std::find(started_at_.begin(), started_at_.end(), started_at);
  if (found != started_at_.end()) started_at_.erase(found);
}

void Standing::OnEnd(absl::Time started_at, bool is_success, absl::Duration elapsed) {
  OnCancelled(started_at);
  if (!is_success) {
    const bool is_quick = elapsed <= kQuick;
    failures_count_ += is_quick ? 1 : kDoubtfulFailures;
    earned_ = is_quick ? std::max(1u, earned_ / 2) : 1;
    return;
  }
  failures_count_ = 0;
  latency_ = latency_ == absl::ZeroDuration() ? elapsed : Average(latency_, elapsed);
  constexpr uint32_t kEarnedMax = 1 << 20;
  earned_ = std::min(earned_ * 2, kEarnedMax);
}

bool Standing::is_doubtful(absl::Time now) const {
  if (failures_count_ >= kDoubtfulFailures) return true;
  return !started_at_.empty() && now - started_at_.front() > std::max(kQuick, latency_ + latency_);
}

uint32_t Standing::earned_count(uint32_t slots_per_endpoint_max) const {
  if (latency_ <= kQuick) return std::min(earned_, slots_per_endpoint_max);
  const double share = absl::FDivDuration(kQuick, latency_) * slots_per_endpoint_max;
  return std::clamp<uint32_t>(static_cast<uint32_t>(share), 1, earned_);
}

uint32_t Standing::ends_per_claim() const {
  if (latency_ == absl::ZeroDuration() || latency_ >= kClaimTakes) return 1;
  if (latency_ <= kClaimTakes / kEndsPerClaimMax) return kEndsPerClaimMax;
  return static_cast<uint32_t>(absl::FDivDuration(kClaimTakes, latency_));
}

uint32_t SlotPool::WaitingMaxOf(const Standing& standing) const {
  const uint32_t earned = standing.earned_count(slots_per_endpoint_max);
  return std::max(earned,
                  std::min(earned * standing.ends_per_claim(), slots_max / kShareThatWaits));
}

uint32_t SlotPool::RoomOf(const Standing& standing, absl::Time now) const {
  const uint32_t free_count = slots_max - std::min(used_count, slots_max);
  uint32_t limit = standing.earned_count(slots_per_endpoint_max);
  if (free_count < slots_max / 2) {
    limit = std::min(limit, std::max(1u, free_count / kShareOfFree));
  }
  if (standing.is_doubtful(now)) {
    limit = doubtful_count < std::max(1u, slots_max / 2) ? 1 : 0;
  } else if (standing.is_new() && doubtful_count + new_count >= std::max(1u, slots_max / 4 * 3)) {
    limit = 0;
  }
  const uint32_t room = limit - std::min(standing.held_count(), limit);
  return std::min(room, free_count);
}

}  // namespace convoy::dispatch
