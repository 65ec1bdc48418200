// Locks that tell which openers of a database are alive: each holds the byte at the offset of its
// number in a file beside the database. The operating system releases it when the process ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace convoy::storage {

// Safe to use from any thread.
class OpenerLocks {
 public:
  // The file is "<database>-openers"; it stays empty.
  static absl::StatusOr<std::unique_ptr<OpenerLocks>> Open(const std::string& database);
  ~OpenerLocks();  // lets go of what it holds
  OpenerLocks(const OpenerLocks&) = delete;
  OpenerLocks& operator=(const OpenerLocks&) = delete;

  // Takes the number's lock, and keeps it until this object or the process ends. False if another
  // opener has it.
  absl::StatusOr<bool> TryLock(int64_t number);

  // Keeps openers from beginning until this object or the process ends. False if there is one, or
  // another caller.
  absl::StatusOr<bool> HoldAlone();
  // Whether a caller of HoldAlone keeps openers from beginning.
  bool IsClosed() const;

  // Whether another opener holds it, in this process or elsewhere. In doubt it does.
  bool IsHeldByOther(int64_t number) const;

 private:
  explicit OpenerLocks(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;
};

}  // namespace convoy::storage
