// Interruption by eventfd.
#include "lib/broker/interruption.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace convoy::broker {

absl::StatusOr<std::unique_ptr<Interruption>> Interruption::New() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot create an eventfd");
  return absl::WrapUnique(new Interruption(fd));
}

Interruption::~Interruption() { close(fd_); }

void Interruption::Raise() {
  // Can only fail when the counter is full, and then it is readable anyway.
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

bool Interruption::Take() {
  uint64_t count = 0;
  return read(fd_, &count, sizeof count) == sizeof count;
}

}  // namespace convoy::broker
