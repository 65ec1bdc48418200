// A checkpoint copies each page that has changed into the database and syncs both files: tens of
// milliseconds after large bodies, in which the writer would write nothing. SQLite lets it run
// beside a writer. Frames that are added meanwhile keep the log from beginning anew, so they are
// copied, too, as long as they get fewer.
#include "lib/storage/sqlite/log_keeper.h"

#include <utility>

#include <sqlite3.h>

#include "lib/base/status_macros.h"
#include "lib/storage/sqlite/failure.h"

namespace convoy::storage {
namespace {

// A page that changes with every commit is copied into the database once for each checkpoint, so
// they are made rare: 16 MiB of log at most, unless a reader pins it or a transaction is larger.
constexpr int kFramesMax = 4096;
// While a reader pins the log, a checkpoint is tried again each time it has grown by this.
constexpr int kFramesBetweenTries = 1024;
// A log that a writer keeps from beginning anew is copied each time it has grown by this: each copy
// writes the pages that change with every commit once more.
constexpr int kFramesBetweenCopies = 4096;
// With a thread that copies, the writer does so from here on: that one does not keep up.
constexpr int kTendedFramesMax = 3 * kFramesMax;

constexpr int kCopiesMax = 3;

bool IsDue(int frames_count, int tried_count, int frames_max, int frames_between) {
  if (frames_count < frames_max) return false;
  // It began anew, or has grown enough since.
  return frames_count < tried_count || frames_count >= tried_count + frames_between ||
         tried_count < frames_max;
}

}  // namespace

bool LogKeeper::is_long() {
  is_tended_ = true;
  return IsDue(frames_count_, tried_count_, kFramesMax, kFramesBetweenCopies) &&
         poison_.status().ok();
}

bool LogKeeper::is_left_to_writer(int frames_count, int copied_count) const {
  return IsDue(frames_count, copied_count, is_tended_ ? kTendedFramesMax : kFramesMax,
               kFramesBetweenTries);
}

absl::Status LogKeeper::Shorten() {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  absl::Status status = OpenIfNeeded();
  for (int i = 0; status.ok() && i < kCopiesMax; ++i) {
    int frames_count = 0;
    status = Copy(&frames_count);
    if (frames_count_ <= frames_count) break;
  }
  tried_count_ = frames_count_.load();
  return status;
}

absl::Status LogKeeper::OpenIfNeeded() {
  if (connection_ != nullptr) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(auto connection, Connection::Open(options_));
  CONVOY_RETURN_IF_ERROR(connection->Execute("PRAGMA synchronous = NORMAL"));
  // The first read opens the log.
  CONVOY_RETURN_IF_ERROR(connection->QueryInt("SELECT count(*) FROM sqlite_schema").status());
  connection_ = std::move(connection);
  return absl::OkStatus();
}

absl::Status LogKeeper::Copy(int* out_frames_count) {
  const int code = sqlite3_wal_checkpoint_v2(connection_->db(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                             out_frames_count, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return poison_.SetAfter(
      ClassOf(Place::kCheckpoint, code),
      SqliteStatus(connection_->db(), code, "cannot copy the log into the database"));
}

}  // namespace convoy::storage
