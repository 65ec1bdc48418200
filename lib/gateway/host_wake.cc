// An epoll descriptor over an eventfd, whose counter is above zero while there is a reason, and
// over the watched descriptor.
#include "lib/gateway/host_wake.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

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

absl::StatusOr<std::unique_ptr<HostWake>> HostWake::Open(int watched) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return absl::ErrnoToStatus(errno, "cannot create an epoll descriptor");
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) {
    const int error = errno;
    close(epoll_fd);
    return absl::ErrnoToStatus(error, "cannot create an eventfd");
  }
  auto wake = absl::WrapUnique(new HostWake(epoll_fd, event_fd, watched));
  if (!Watch(epoll_fd, event_fd) || !Watch(epoll_fd, watched)) {
    return absl::ErrnoToStatus(errno, "cannot watch a descriptor");
  }
  return wake;
}

HostWake::~HostWake() {
  close(event_fd_);
  close(epoll_fd_);
}

void HostWake::Set(Reason reason, bool is_there) {
  absl::MutexLock lock(&mutex_);
  const uint8_t before = reasons_;
  const auto bit = static_cast<uint8_t>(reason);
  reasons_ = static_cast<uint8_t>(is_there ? reasons_ | bit : reasons_ & ~bit);
  if ((before == 0) == (reasons_ == 0)) return;
  uint64_t count = 1;
  // Neither can fail: the counter is 0 or 1, as `before` says.
  [[maybe_unused]] const ssize_t size =
      before == 0 ? write(event_fd_, &count, sizeof count) : read(event_fd_, &count, sizeof count);
}

void HostWake::Unwatch() { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, watched_, nullptr); }

}  // namespace convoy::gateway
