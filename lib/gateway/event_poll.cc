// Epoll descriptor over an eventfd.
#include "lib/gateway/event_poll.h"

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

absl::StatusOr<std::unique_ptr<EventPoll>> EventPoll::Open(int watched) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return absl::ErrnoToStatus(errno, "cannot create an epoll descriptor");
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) {
    const int error = errno;
    close(epoll_fd);
    return absl::ErrnoToStatus(error, "cannot create an eventfd");
  }
  auto poll = absl::WrapUnique(new EventPoll(epoll_fd, event_fd, watched));
  if (!Watch(epoll_fd, event_fd) || (watched >= 0 && !Watch(epoll_fd, watched))) {
    return absl::ErrnoToStatus(errno, "cannot watch a descriptor");
  }
  return poll;
}

EventPoll::~EventPoll() {
  close(event_fd_);
  close(epoll_fd_);
}

void EventPoll::Unwatch() const { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, watched_, nullptr); }

}  // namespace convoy::gateway
