// Lock of an open file description: two readers in one process exclude each other, too. A child of
// fork that executes no other program shares it with its parent.
#include "lib/broker/outbox/reader_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/database_file.h"

namespace convoy::broker::outbox {

absl::StatusOr<std::unique_ptr<ReaderLock>> ReaderLock::Open(const std::string& database) {
  int fd = -1;
  CONVOY_RETURN_IF_ERROR(storage::OpenSideFile(absl::StrCat(database, "-outbox"), database, fd));
  return absl::WrapUnique(new ReaderLock(fd));
}

ReaderLock::~ReaderLock() { close(fd_); }

bool ReaderLock::TryLock() {
  if (is_held_) return true;
#ifdef F_OFD_SETLK
  struct flock lock = {};  // l_pid must be 0
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  is_held_ = fcntl(fd_, F_OFD_SETLK, &lock) == 0;
#else  // without such locks each reader reads
  is_held_ = true;
#endif
  return is_held_;
}

}  // namespace convoy::broker::outbox
