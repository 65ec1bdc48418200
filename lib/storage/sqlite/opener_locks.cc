// Locks of open file descriptions, not of processes: two openers in one process exclude each other,
// and closing another descriptor of the file lets nothing go. A process that forks and does not
// execute another program shares its locks with the child; until that ends, too, leases bound what
// the dead opener had claimed.
//
// A process that is stopped (SIGSTOP) keeps its locks: its claims end with their leases.
#include "lib/storage/sqlite/opener_locks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/database_file.h"

namespace convoy::storage {
namespace {

struct flock LockOf(int64_t number) {
  struct flock lock = {};  // l_pid must be 0
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return lock;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OpenerLocks>> OpenerLocks::Open(const std::string& database) {
  std::string path = absl::StrCat(database, "-openers");
  int fd = -1;
  CONVOY_RETURN_IF_ERROR(OpenSideFile(path, database, fd));
  return absl::WrapUnique(new OpenerLocks(std::move(path), fd));
}

OpenerLocks::~OpenerLocks() { close(fd_); }

#ifdef F_OFD_SETLK

absl::StatusOr<bool> OpenerLocks::TryLock(int64_t number) {
  struct flock lock = LockOf(number);
  if (fcntl(fd_, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return absl::UnavailableError(
      absl::StrCat(path_, ": cannot be locked: ", std::generic_category().message(errno),
                   "; a local file system is needed"));
}

bool OpenerLocks::IsHeldByOther(int64_t number) const {
  struct flock lock = LockOf(number);
  return fcntl(fd_, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

// No opener has the number 0.
absl::StatusOr<bool> OpenerLocks::HoldAlone() {
  CONVOY_ASSIGN_OR_RETURN(const bool is_first, TryLock(0));
  if (!is_first) return false;
  struct flock others = LockOf(1);
  others.l_len = 0;  // to the end, wherever that is
  return fcntl(fd_, F_OFD_GETLK, &others) == 0 && others.l_type == F_UNLCK;
}

bool OpenerLocks::IsClosed() const { return IsHeldByOther(0); }

#else  // without such locks only leases tell that an opener is gone

absl::StatusOr<bool> OpenerLocks::TryLock(int64_t) { return true; }

bool OpenerLocks::IsHeldByOther(int64_t) const { return true; }

absl::StatusOr<bool> OpenerLocks::HoldAlone() {
  return absl::UnimplementedError(
      "on this system it cannot be learned whether a process has the database open");
}

bool OpenerLocks::IsClosed() const { return false; }

#endif

}  // namespace convoy::storage
