// Upkeep of a store's log, for a host that has a thread for it: what it copies, writers need not
// copy in between. A store may implement it in addition to Storage.
#pragma once

#include "absl/status/status.h"

namespace convoy::storage {

// Safe to use from any thread.
class LogUpkeep {
 public:
  virtual ~LogUpkeep() = default;

  // Whether the log is worth shortening now. Reads no file. A store that is asked takes it that
  // ShortenLog will follow, and leaves the log to it as long as it does not grow far beyond.
  virtual bool is_log_long() = 0;

  // Copies the log to where it belongs, beside writers and readers; for some milliseconds, or as
  // long as the disk takes. Not OK: the log is as long as it was, or, after a failed sync, the
  // store is poisoned.
  virtual absl::Status ShortenLog() = 0;
};

}  // namespace convoy::storage
