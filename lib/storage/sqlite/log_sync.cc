// The log's file is the one of a connection that is used for nothing else, so no file of SQLite's
// is shared between threads; a sync concerns the file, whichever handle wrote it.
//
// A commit in the log at the time of its sync is durable after it. One that is not in the log any
// more was copied into the database by a checkpoint, for which SQLite syncs the log first and the
// database afterwards, before the log is begun anew, shortened or removed. As long as this
// connection is open the log is not removed.
#include "lib/storage/sqlite/log_sync.h"

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include <sqlite3.h>

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/failure.h"

namespace convoy::storage {
namespace {

// Null where the VFS has none.
sqlite3_file* LogFileOf(Connection& connection) {
  sqlite3_file* file = nullptr;
  const int code =
      sqlite3_file_control(connection.db(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  return code == SQLITE_OK && file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogSync>> LogSync::Open(const Connection::OpenOptions& options,
                                                       Poison* poison) {
  CONVOY_ASSIGN_OR_RETURN(auto connection, Connection::Open(options));
  // The first read opens the log, and nothing closes it before the connection.
  CONVOY_RETURN_IF_ERROR(connection->QueryInt("SELECT count(*) FROM sqlite_schema").status());
  const bool is_available = LogFileOf(*connection) != nullptr;
  auto sync = absl::WrapUnique(new LogSync(std::move(connection), poison));
  sync->is_available_ = is_available;
  return sync;
}

absl::Status LogSync::SyncUpTo(uint64_t target) {
  if (!is_available_ || synced_.load() >= target) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  if (synced_.load() >= target) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(poison_.status());
  const uint64_t covered = written_.load();
  sqlite3_file* const file = LogFileOf(*connection_);
  const int code = file == nullptr ? SQLITE_IOERR : file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  if (code != SQLITE_OK) {
    const absl::Status cause = absl::UnknownError(
        absl::StrCat(connection_->path(), ": ", sqlite3_errstr(code), " (SQLite ", code, ")"));
    return poison_.Set(
        "a sync of the log failed, and what was written since the last one may be lost", cause);
  }
  synced_.store(covered);
  return absl::OkStatus();
}

}  // namespace convoy::storage
