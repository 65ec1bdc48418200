// The log is copied into the database here and not by SQLite's automatism, which keeps the errors
// to itself: a checkpoint syncs the log, and if that fails, frames that a later sync seems to
// confirm may be lost.
#include "lib/storage/sqlite/log_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include <sqlite3.h>

#include "lib/base/status_macros.h"

namespace convoy::storage {
namespace {

// Beyond it the file of the log is cut when the log begins anew.
constexpr int kLogBytesMax = 32 << 20;

}  // namespace

absl::Status LogWriter::SetUp() {
  if (log_.is_available()) {
    CONVOY_RETURN_IF_ERROR(connection_.Execute("PRAGMA synchronous = NORMAL"));
  }
  CONVOY_RETURN_IF_ERROR(
      connection_.QueryInt(absl::StrCat("PRAGMA journal_size_limit = ", kLogBytesMax).c_str())
          .status());
  // The hook takes the place of the automatic checkpoint.
  sqlite3_wal_hook(
      connection_.db(),
      +[](void* self, sqlite3*, const char*, int frames_count) {
        static_cast<LogWriter*>(self)->frames_count_ = frames_count;
        static_cast<LogWriter*>(self)->has_written_ = true;
        return SQLITE_OK;
      },
      this);
  log_.NoteForeign();  // what an earlier process left in the log
  CONVOY_ASSIGN_OR_RETURN(data_version_, connection_.QueryInt("PRAGMA data_version"));
  return absl::OkStatus();
}

absl::Status LogWriter::Begin() {
  CONVOY_RETURN_IF_ERROR(poison_.status());
  if (connection_.is_in_transaction()) RollBack();  // the last one could not be
  CONVOY_RETURN_IF_ERROR(
      HandleFailure(Place::kBegin, connection_.Prepare("BEGIN IMMEDIATE").Run()));
  // Writes of other openers, perhaps not durable yet, may decide the results of this transaction.
  const absl::StatusOr<int64_t> version = connection_.QueryInt("PRAGMA data_version");
  if (!version.ok()) return EndHere(version.status());
  if (*version != data_version_) {
    data_version_ = *version;
    connection_.names().ForgetNumbers();
    log_.NoteForeign();
  }
  return absl::OkStatus();
}

absl::Status LogWriter::End(absl::Status status) {
  if (!status.ok()) return EndHere(std::move(status));
  has_written_ = false;
  const absl::Status committed = connection_.Prepare("COMMIT").Run();
  if (committed.ok()) {
    if (has_written_) log_.NoteWritten();
    was_refused_ = false;
    return committed;
  }
  RollBack();
  return HandleFailure(Place::kCommit, committed);
}

absl::Status LogWriter::EndHere(absl::Status status) {
  RollBack();
  return HandleFailure(Place::kStatement, std::move(status));
}

absl::Status LogWriter::HandleFailure(Place place, absl::Status status) {
  const int code = SqliteCodeOf(status);
  if (code == 0) return status;
  was_refused_ = true;
  const FailureClass failure = ClassOf(place, code);
  if (failure == FailureClass::kUnsettled) {
    if (const absl::Status overwritten = Overwrite(); !overwritten.ok()) {
      return poison_.Set("a commit failed that may come back, and cannot be overwritten",
                         overwritten);
    }
  }
  return poison_.SetAfter(failure, status);
}

// Another commit takes the place in the log of the one that failed.
absl::Status LogWriter::Overwrite() {
  CONVOY_RETURN_IF_ERROR(CommitSomething());
  return log_.SyncAll();
}

// The number of openers may have gaps.
absl::Status LogWriter::CommitSomething() {
  const auto commit = [this]() -> absl::Status {
    CONVOY_RETURN_IF_ERROR(connection_.Prepare("BEGIN IMMEDIATE").Run());
    CONVOY_RETURN_IF_ERROR(connection_.Prepare("UPDATE opener SET count = count + 1").Run());
    return connection_.Prepare("COMMIT").Run();
  };
  absl::Status status = commit();
  if (status.ok()) {
    log_.NoteWritten();
  } else {
    RollBack();
  }
  return status;
}

void LogWriter::RollBack() {
  connection_.names().ForgetNumbers();
  // Many errors make SQLite roll back by itself.
  if (connection_.is_in_transaction()) connection_.Prepare("ROLLBACK").Run().IgnoreError();
}

// The log's length.

void LogWriter::CheckpointIfLong() {
  if (frames_count_ < checkpointed_count_) checkpointed_count_ = 0;  // it began anew
  keeper_.NoteLength(frames_count_);
  if (!keeper_.is_left_to_writer(frames_count_, checkpointed_count_)) return;
  Checkpoint(SQLITE_CHECKPOINT_PASSIVE).IgnoreError();  // else later: the log has it all
}

absl::Status LogWriter::Checkpoint(int mode) {
  const int code = sqlite3_wal_checkpoint_v2(connection_.db(), "main", mode, nullptr, nullptr);
  if (code == SQLITE_OK && mode == SQLITE_CHECKPOINT_TRUNCATE) frames_count_ = 0;
  checkpointed_count_ = frames_count_;
  absl::Status status =
      SqliteStatus(connection_.db(), code, "cannot copy the log into the database");
  if (!status.ok() && ClassOf(Place::kCheckpoint, code) != FailureClass::kRefused) {
    return HandleFailure(Place::kCheckpoint, std::move(status));
  }
  return status;
}

void LogWriter::ShortenLog() {
  // TRUNCATE waits for readers as long as for a lock; here it is not worth that.
  if (!poison_.status().ok() || frames_count_ * int64_t{4096} < kLogBytesMax) return;
  connection_.WaitForLocks(false);
  Checkpoint(SQLITE_CHECKPOINT_TRUNCATE).IgnoreError();
  connection_.WaitForLocks(true);
}

absl::Status LogWriter::CheckWritable() {
  CONVOY_RETURN_IF_ERROR(poison_.status());
  if (was_refused_) {
    CONVOY_RETURN_IF_ERROR(HandleFailure(Place::kCommit, CommitSomething()));
    was_refused_ = false;
    return absl::OkStatus();
  }
  CONVOY_RETURN_IF_ERROR(Begin());
  RollBack();
  return absl::OkStatus();
}

}  // namespace convoy::storage
