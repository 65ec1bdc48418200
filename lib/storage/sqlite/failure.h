// Classes of SQLite errors: what one means for what was being written is decided by its code and by
// the place where it came up.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace convoy::storage {

enum class Place : uint8_t {
  kOpen,
  kBegin,
  kStatement,  // anything inside a transaction that is not its beginning or end
  kCommit,
  kCheckpoint,  // copying the log into the database, after a commit
  kSync,        // making the log durable
};

enum class FailureClass : uint8_t {
  // Nothing was written, or what was written is rolled back. The next call may succeed.
  kRefused,
  // Not visible, but perhaps whole in the log: would come back if the process died now. Refused as
  // soon as another commit has taken its place there and is durable.
  kUnsettled,
  // A sync failed, or SQLite itself does not know: what earlier commits left in the log may be
  // lost.
  kUnknown,
  // The file is damaged, or no database.
  kDamaged,
};

// `code` is an extended result code other than SQLITE_OK, SQLITE_ROW and SQLITE_DONE.
FailureClass ClassOf(Place place, int code);

// The status code for callers: kDataLoss for a damaged file and for a failed sync,
// kResourceExhausted for a lack of space or memory, kUnavailable for what another moment may bring,
// kDeadlineExceeded for a read that took too long, kAlreadyExists for a broken constraint,
// kInternal for a fault of ours.
absl::StatusCode StatusCodeOf(int code);

// The extended result code that a status of SqliteStatus carries; 0 if it carries none.
int SqliteCodeOf(const absl::Status& status);
void AttachSqliteCode(absl::Status& status, int code);

}  // namespace convoy::storage
