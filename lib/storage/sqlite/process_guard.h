// Guard against two copies of SQLite on one database in one process.
//
// SQLite locks files with locks that belong to the process: another copy of it in the same process
// is not kept out by them, and when it closes the file, all of them are gone. Both would write at
// once, and the database would be damaged. Other processes are no danger.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace convoy::storage {

// Held by a store as long as it has the database open.
class ProcessGuard {
 public:
  // kFailedPrecondition: another copy of SQLite, or another part of this process, has the database
  // open. A private copy of SQLite (sqlite_copy.h) finds whatever has it open now, and is found by
  // copies of libconvoy that come later. Later opens by the host's own SQLite cannot be seen.
  static absl::StatusOr<std::unique_ptr<ProcessGuard>> Enter(const std::string& database);
  // The same for a given kind of SQLite.
  static absl::StatusOr<std::unique_ptr<ProcessGuard>> Enter(const std::string& database,
                                                             bool is_private);
  ~ProcessGuard();
  ProcessGuard(const ProcessGuard&) = delete;
  ProcessGuard& operator=(const ProcessGuard&) = delete;

 private:
  using FileId = std::pair<dev_t, ino_t>;
  explicit ProcessGuard(std::optional<FileId> file) : file_(file) {}

  const std::optional<FileId> file_;  // none: there is nothing to let go of
};

}  // namespace convoy::storage
