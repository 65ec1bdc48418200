// Wake-up of the host: the eventfd's counter is above zero while there is a reason.
#include "lib/gateway/host_wake.h"

#include <unistd.h>

#include <utility>

#include "absl/memory/memory.h"

#include "lib/base/status_macros.h"

namespace convoy::gateway {

absl::StatusOr<std::unique_ptr<HostWake>> HostWake::Open(int watched) {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<EventPoll> poll, EventPoll::Open(watched));
  return absl::WrapUnique(new HostWake(std::move(poll)));
}

void HostWake::Set(Reason reason, bool is_there) {
  absl::MutexLock lock(&mutex_);
  const uint8_t before = reasons_;
  const auto bit = static_cast<uint8_t>(reason);
  reasons_ = static_cast<uint8_t>(is_there ? reasons_ | bit : reasons_ & ~bit);
  if ((before == 0) == (reasons_ == 0)) return;
  uint64_t count = 1;
  // Neither can fail: the counter is 0 or 1, as `before` says.
  [[maybe_unused]] const ssize_t size = before == 0 ? write(poll_->event_fd(), &count, sizeof count)
                                                    : read(poll_->event_fd(), &count, sizeof count);
}

}  // namespace convoy::gateway
