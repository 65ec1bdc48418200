// File descriptor that wakes the driver: signalled by any other thread, or by file descriptors that
// are watched along with it.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/gateway/event_poll.h"

namespace convoy::gateway {

class WakeFd {
 public:
  // `watched` is another descriptor whose readability counts as well, or -1. It is not owned and
  // must outlive this object.
  static absl::StatusOr<std::unique_ptr<WakeFd>> Open(int watched);
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  // Makes fd() readable until the next Clear. From any thread; cheap when already signalled.
  void Signal();

  // Takes the signal back. Look for work after this call, never before: what was signalled until
  // now is then seen, and what comes later signals anew.
  void Clear();

  // Waits until fd() is readable, at most `patience`.
  void Wait(absl::Duration patience) const;

  int fd() const { return poll_->fd(); }

 private:
  explicit WakeFd(std::unique_ptr<EventPoll> poll) : poll_(std::move(poll)) {}

  const std::unique_ptr<EventPoll> poll_;
  std::atomic<bool> is_signalled_ = false;
};

}  // namespace convoy::gateway
