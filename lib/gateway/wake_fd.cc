// Signal of the driver: one write for however many signals until the next Clear.
#include "lib/gateway/wake_fd.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"

#include "lib/base/status_macros.h"

namespace convoy::gateway {

absl::StatusOr<std::unique_ptr<WakeFd>> WakeFd::Open(int watched) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<EventPoll> poll, EventPoll::Open(watched));
  return absl::WrapUnique(new WakeFd(std::move(poll)));
}

void WakeFd::Signal() {
  if (is_signalled_.exchange(true)) return;
  const uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable anyway.
  [[maybe_unused]] const ssize_t written = write(poll_->event_fd(), &one, sizeof one);
}

void WakeFd::Clear() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = read(poll_->event_fd(), &count, sizeof count);
  // After the read: a signal that comes between the two finds the flag set and writes nothing, but
  // its work is there to be seen by the caller, who looks only now.
  is_signalled_.store(false);
}

void WakeFd::Wait(absl::Duration patience) const {
  constexpr absl::Duration kLongest = absl::Minutes(1);
  const absl::Duration bounded = std::clamp(patience, absl::ZeroDuration(), kLongest);
  pollfd descriptor = {.fd = poll_->fd(), .events = POLLIN, .revents = 0};
  // Rounded up, so that the caller does not spin during the last fraction of a millisecond.
  const int milliseconds =
      static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(bounded, absl::Milliseconds(1))));
  poll(&descriptor, 1, milliseconds);
}

}  // namespace convoy::gateway
