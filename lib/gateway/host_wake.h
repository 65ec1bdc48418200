// File descriptor for the host: readable while there is something for it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "lib/gateway/event_poll.h"

namespace convoy::gateway {

class HostWake {
 public:
  enum class Reason : uint8_t { kDelivery = 1, kClosing = 2, kOutcome = 4, kCompletion = 8 };

  // `watched` is another descriptor whose readability counts as well until Unwatch. It is not owned
  // and must outlive this object.
  static absl::StatusOr<std::unique_ptr<HostWake>> Open(int watched);
  HostWake(const HostWake&) = delete;
  HostWake& operator=(const HostWake&) = delete;

  // Whether there is a reason for fd() to be readable. From any thread; calls for one reason come
  // in the order of its changes.
  void Set(Reason reason, bool is_there) ABSL_LOCKS_EXCLUDED(mutex_);

  void Unwatch() { poll_->Unwatch(); }

  int fd() const { return poll_->fd(); }

 private:
  explicit HostWake(std::unique_ptr<EventPoll> poll) : poll_(std::move(poll)) {}

  const std::unique_ptr<EventPoll> poll_;
  absl::Mutex mutex_;
  uint8_t reasons_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace convoy::gateway
