// The table of failures.
//
// Before COMMIT nothing reaches the log that a recovery would take for a transaction, so whatever
// fails is rolled back. COMMIT writes the frames, of which the last makes the transaction, and then
// enters them into the index in shared memory. A write that fails leaves the last frame incomplete:
// refused. If the index cannot be extended, or memory runs out, the last frame may be there:
// unsettled.
#include "lib/storage/sqlite/failure.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <sqlite3.h>

namespace convoy::storage {
namespace {

constexpr char kPayload[] = "convoy/sqlite";

int PrimaryOf(int code) { return code & 0xFF; }

bool IsFailedSync(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

FailureClass ClassOfCommit(int code) {
  switch (code) {
    case SQLITE_IOERR:  // without a detail: it may have been anything
      return FailureClass::kUnknown;
    case SQLITE_IOERR_SHMOPEN:
    case SQLITE_IOERR_SHMSIZE:
    case SQLITE_IOERR_SHMLOCK:
    case SQLITE_IOERR_SHMMAP:
    case SQLITE_IOERR_NOMEM:
      return FailureClass::kUnsettled;
    default:
      break;
  }
  switch (PrimaryOf(code)) {
    case SQLITE_NOMEM:
      return FailureClass::kUnsettled;
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
      return FailureClass::kRefused;
    default:  // what COMMIT does not answer with, as far as is known
      return FailureClass::kUnknown;
  }
}

}  // namespace

FailureClass ClassOf(Place place, int code) {
  if (PrimaryOf(code) == SQLITE_CORRUPT || PrimaryOf(code) == SQLITE_NOTADB) {
    return FailureClass::kDamaged;
  }
  if (place == Place::kOpen) return FailureClass::kRefused;  // nothing was promised yet
  if (place == Place::kSync || IsFailedSync(code)) return FailureClass::kUnknown;
  return place == Place::kCommit ? ClassOfCommit(code) : FailureClass::kRefused;
}

absl::StatusCode StatusCodeOf(int code) {
  if (IsFailedSync(code)) return absl::StatusCode::kDataLoss;
  switch (PrimaryOf(code)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
      return absl::StatusCode::kUnavailable;
    case SQLITE_INTERRUPT:
      return absl::StatusCode::kDeadlineExceeded;
    case SQLITE_CONSTRAINT:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInternal;
  }
}

int SqliteCodeOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  int code = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &code)) return 0;
  return code;
}

void AttachSqliteCode(absl::Status& status, int code) {
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(code)));
}

}  // namespace convoy::storage
