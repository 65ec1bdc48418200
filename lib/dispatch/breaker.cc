// Circuit breaker: a ring of counters as the window, and the three states.
#include "lib/dispatch/breaker.h"

#include <algorithm>

namespace convoy::dispatch {
namespace {

double PercentOf(uint64_t part, uint64_t other) {
  const uint64_t all = part + other;
  return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

// Which slice of the window an instant lies in.
int64_t SliceNumber(const CircuitBreaker& settings, absl::Time now, int slices_count) {
  const absl::Duration length = std::max(settings.window / slices_count, absl::Milliseconds(1));
  return (now - absl::UnixEpoch()) / length;
}

}  // namespace

void Breaker::Count(const CircuitBreaker& settings, bool is_success, absl::Time now) {
  const int64_t number = SliceNumber(settings, now, kSlicesCount);
  Slice& slice = slices_[static_cast<size_t>(number % kSlicesCount)];
  if (slice.number != number) slice = {.number = number};
  ++(is_success ? slice.successes : slice.failures);
}

Breaker::Sums Breaker::SumsOf(const CircuitBreaker& settings, absl::Time now) const {
  const int64_t last = SliceNumber(settings, now, kSlicesCount);
  Sums sums;
  for (const Slice& slice : slices_) {
    if (slice.number <= last - kSlicesCount || slice.number > last) continue;
    sums.successes += slice.successes;
    sums.failures += slice.failures;
  }
  return sums;
}

double Breaker::failure_rate(const CircuitBreaker& settings, absl::Time now) const {
  const Sums sums = SumsOf(settings, now);
  return PercentOf(sums.failures, sums.successes);
}

// A clock that was set back must not keep it open for longer than it was to be.
Breaker::State Breaker::state(absl::Time now) const {
  if (!is_tripped_) return State::kClosed;
  return now < open_until_ && now >= opened_at_ ? State::kOpen : State::kHalfOpen;
}

Breaker::Change Breaker::Open(const CircuitBreaker& settings, absl::Time now) {
  is_tripped_ = true;
  opened_at_ = now;
  open_until_ = now + settings.error_timeout;
  probes_ = {};
  ++opened_count_;
  return opened_count_ >= settings.consecutive_failures_max ? Change::kExhausted : Change::kOpened;
}

Breaker::Change Breaker::OnResult(const CircuitBreaker& settings, bool is_success, absl::Time now) {
  Count(settings, is_success, now);
  switch (state(now)) {
    case State::kOpen:  // one that was on its way when it opened
      return Change::kNone;
    case State::kHalfOpen:
      ++(is_success ? probes_.successes : probes_.failures);
      if (PercentOf(probes_.successes, probes_.failures) < settings.success_threshold ||
          !is_success) {
        return Open(settings, now);
      }
      *this = Breaker();  // what was seen before it opened says nothing any more
      return Change::kClosed;
    case State::kClosed:
      break;
  }
  if (now >= evaluated_at_ && now - evaluated_at_ < settings.sample_interval) return Change::kNone;
  const Sums sums = SumsOf(settings, now);
  if (sums.successes + sums.failures < settings.requests_min) return Change::kNone;
  evaluated_at_ = now;
  if (PercentOf(sums.failures, sums.successes) < settings.failure_threshold) return Change::kNone;
  return Open(settings, now);
}

}  // namespace convoy::dispatch
