// An epoll descriptor over an eventfd and, where given, one more descriptor: epoll descriptors
// nest, so a host can put the result into its own loop whatever that is.
#include "lib/gateway/wake_fd.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "absl/memory/memory.h"
#include "absl/status/status.h"

namespace convoy::gateway {
namespace {

bool Watch(int epoll_fd, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WakeFd>> WakeFd::Open(int watched) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return absl::ErrnoToStatus(errno, "cannot create an epoll descriptor");
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) {
    const int error = errno;
    close(epoll_fd);
    return absl::ErrnoToStatus(error, "cannot create an eventfd");
  }
  auto wake = absl::WrapUnique(new WakeFd(epoll_fd, event_fd));
  if (!Watch(epoll_fd, event_fd) || (watched >= 0 && !Watch(epoll_fd, watched))) {
    return absl::ErrnoToStatus(errno, "cannot watch a descriptor");
  }
  return wake;
}

WakeFd::~WakeFd() {
  close(event_fd_);
  close(epoll_fd_);
}

void WakeFd::Signal() {
  if (is_signalled_.exchange(true)) return;
  const uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable anyway.
  [[maybe_unused]] const ssize_t written = write(event_fd_, &one, sizeof one);
}

void WakeFd::Clear() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = read(event_fd_, &count, sizeof count);
  // After the read: a signal that comes between the two finds the flag set and writes nothing, but
  // its work is there to be seen by the caller, who looks only now.
  is_signalled_.store(false);
}

void WakeFd::Wait(absl::Duration patience) const {
  constexpr absl::Duration kLongest = absl::Minutes(1);
  const absl::Duration bounded = std::clamp(patience, absl::ZeroDuration(), kLongest);
  pollfd descriptor = {.fd = epoll_fd_, .events = POLLIN, .revents = 0};
  // Rounded up, so that the caller does not spin during the last fraction of a millisecond.
  const int milliseconds =
      static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(bounded, absl::Milliseconds(1))));
  poll(&descriptor, 1, milliseconds);
}

}  // namespace convoy::gateway
