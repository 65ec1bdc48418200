// Board of endpoint states, bounded and guarded by one mutex.
#include "lib/dispatch/health.h"

namespace convoy::dispatch {
namespace {

constexpr size_t kEntriesMax = 16 * 1024;

}  // namespace

std::string_view NameOf(Breaker::State state) {
  switch (state) {
    case Breaker::State::kClosed:
      return "closed";
    case Breaker::State::kOpen:
      return "open";
    case Breaker::State::kHalfOpen:
      break;
  }
  return "half-open";
}

std::optional<EndpointHealth> HealthBoard::Find(const std::string& endpoint_id, absl::Time now,
                                                absl::Time steady_now) const {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(endpoint_id);
  if (found == entries_.end()) return std::nullopt;
  EndpointHealth health = found->second.health;
  if (health.throttled_until.has_value() && *health.throttled_until <= now) {
    health.throttled_until.reset();
  }
  if (health.breaker_state == Breaker::State::kOpen && found->second.open_until <= steady_now) {
    health.breaker_state = Breaker::State::kHalfOpen;
  }
  return health;
}

size_t HealthBoard::CountThrottled(absl::Time now) const {
  absl::MutexLock lock(&mutex_);
  size_t count = 0;
  for (const auto& [endpoint_id, entry] : entries_) {
    count += entry.health.throttled_until.value_or(absl::InfinitePast()) > now ? 1 : 0;
  }
  return count;
}

HealthBoard::Entry& HealthBoard::EntryOf(const std::string& endpoint_id) {
  if (entries_.size() >= kEntriesMax && !entries_.contains(endpoint_id)) entries_.clear();
  return entries_[endpoint_id];
}

void HealthBoard::SetBreaker(const std::string& endpoint_id, Breaker::State state,
                             absl::Time open_until, double failure_rate) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = EntryOf(endpoint_id);
  entry.health.has_breaker = true;
  entry.health.breaker_state = state;
  entry.health.failure_rate = failure_rate;
  entry.open_until = open_until;
}

void HealthBoard::SetThrottled(const std::string& endpoint_id, absl::Time until) {
  absl::MutexLock lock(&mutex_);
  EntryOf(endpoint_id).health.throttled_until = until;
}

}  // namespace convoy::dispatch
