// Timer on a timerfd that is reset lazily; see lazy_timer.h.
#include "lib/transport/curl/lazy_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace convoy::transport {
namespace {

constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

int64_t MonotonicNanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
}

LazyTimer::LazyTimer() : fd_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {}

LazyTimer::~LazyTimer() {
  if (fd_ >= 0) close(fd_);
}

void LazyTimer::SetIn(int64_t milliseconds) {
  wanted_ns_ = MonotonicNanoseconds() + milliseconds * kNanosecondsPerMillisecond;
}

bool LazyTimer::is_due() const {
  return wanted_ns_ != kNever && (wanted_ns_ == 0 || wanted_ns_ <= MonotonicNanoseconds());
}

bool LazyTimer::is_overdue(int64_t milliseconds) const {
  return wanted_ns_ != kNever && wanted_ns_ != 0 &&
         MonotonicNanoseconds() - wanted_ns_ > milliseconds * kNanosecondsPerMillisecond;
}

bool LazyTimer::TakeDue() {
  const bool was_due = is_due();
  if (was_due) Unset();
  return was_due;
}

void LazyTimer::Arm(int64_t other_ns) {
  const int64_t until_ns = std::min(wanted_ns_, other_ns);
  if (until_ns >= armed_ns_) return;
  armed_ns_ = until_ns;
  // An instant of zero would switch it off; one that has passed makes it readable at once.
  const int64_t at = std::max<int64_t>(armed_ns_, 1);
  itimerspec spec = {};
  spec.it_value.tv_sec = static_cast<time_t>(at / kNanosecondsPerSecond);
  spec.it_value.tv_nsec = static_cast<long>(at % kNanosecondsPerSecond);
  timerfd_settime(fd_, TFD_TIMER_ABSTIME, &spec, nullptr);
}

void LazyTimer::Disarm() {
  uint64_t expirations = 0;
  [[maybe_unused]] const ssize_t size = read(fd_, &expirations, sizeof expirations);
  armed_ns_ = kNever;
}

}  // namespace convoy::transport
