// File descriptor for the host: readable while there is something for it.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace convoy::gateway {

class HostWake {
 public:
  enum class Reason : uint8_t { kDelivery = 1, kClosing = 2, kOutcome = 4, kCompletion = 8 };

  // `watched` is another descriptor whose readability counts as well until Unwatch. It is not owned
  // and must outlive this object.
  static absl::StatusOr<std::unique_ptr<HostWake>> Open(int watched);
  ~HostWake();
  HostWake(const HostWake&) = delete;
  HostWake& operator=(const HostWake&) = delete;

  // Whether there is a reason for fd() to be readable. From any thread; calls for one reason come
  // in the order of its changes.
  void Set(Reason reason, bool is_there) ABSL_LOCKS_EXCLUDED(mutex_);

  void Unwatch();

  int fd() const { return epoll_fd_; }

 private:
  HostWake(int epoll_fd, int event_fd, int watched)
      : epoll_fd_(epoll_fd), event_fd_(event_fd), watched_(watched) {}

  const int epoll_fd_;
  const int event_fd_;
  const int watched_;
  absl::Mutex mutex_;
  uint8_t reasons_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace convoy::gateway
