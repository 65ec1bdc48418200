// Lock of the one reader of an outbox in SQLite: a file beside the database. The operating system
// releases it when the process ends.
//
// It spares others the same work and keeps two stores from reading the same rows; that a row makes
// one event does not depend on it.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace convoy::broker::outbox {

class ReaderLock {
 public:
  // The file is "<database>-outbox"; it stays empty.
  static absl::StatusOr<std::unique_ptr<ReaderLock>> Open(const std::string& database);
  ~ReaderLock();  // lets go
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

  // Takes the lock unless this or another reader holds it. Returns whether this holds it now.
  bool TryLock();

 private:
  explicit ReaderLock(int fd) : fd_(fd) {}

  const int fd_;
  bool is_held_ = false;
};

}  // namespace convoy::broker::outbox
