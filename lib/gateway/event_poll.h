// Epoll descriptor over an eventfd and, where given, one more descriptor: epoll descriptors nest,
// so a host can put the result into its own loop whatever that is.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

namespace convoy::gateway {

class EventPoll {
 public:
  // `watched` is another descriptor whose readability counts as well, or -1. It is not owned and
  // must outlive this object, or its Unwatch.
  static absl::StatusOr<std::unique_ptr<EventPoll>> Open(int watched);
  ~EventPoll();
  EventPoll(const EventPoll&) = delete;
  EventPoll& operator=(const EventPoll&) = delete;

  // From now on only the eventfd counts.
  void Unwatch() const;

  // Readable while one of the two is.
  int fd() const { return epoll_fd_; }
  // Not blocking, its counter is 0.
  int event_fd() const { return event_fd_; }

 private:
  EventPoll(int epoll_fd, int event_fd, int watched)
      : epoll_fd_(epoll_fd), event_fd_(event_fd), watched_(watched) {}

  const int epoll_fd_;
  const int event_fd_;
  const int watched_;
};

}  // namespace convoy::gateway
