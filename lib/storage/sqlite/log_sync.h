// Syncs of the write-ahead log, on another thread than the one that writes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/poison.h"

namespace convoy::storage {

// Safe to use from any thread.
class LogSync {
 public:
  // The database must have its log already. `poison` is set when a sync fails, and must outlive
  // this object.
  static absl::StatusOr<std::unique_ptr<LogSync>> Open(const Connection::OpenOptions& options,
                                                       Poison* poison);

  // Whether the log can be synced apart. If not, each commit has to sync it.
  bool is_available() const { return is_available_; }

  // The log has frames that may not be durable: ours, or those of another opener that was seen to
  // have written.
  void NoteWritten() { written_.fetch_add(1); }
  // And an answer depends on what is in it now.
  void NoteOwed() { owed_.store(written_.load()); }
  // Another opener, or an earlier process, has written what may not be durable.
  void NoteForeign() {
    NoteWritten();
    NoteOwed();
    foreign_.store(owed_.load());
  }
  // Whether some of that has not been synced since.
  bool has_foreign() const { return is_available_ && synced_.load() < foreign_.load(); }

  // Makes durable all that was noted as owed before the call. No system call if it is already.
  absl::Status Sync() { return SyncUpTo(owed_.load()); }
  // Of everything that was noted as written before the call.
  absl::Status SyncAll() { return SyncUpTo(written_.load()); }

 private:
  LogSync(std::unique_ptr<Connection> connection, Poison* poison)
      : poison_(*poison), connection_(std::move(connection)) {}

  absl::Status SyncUpTo(uint64_t target) ABSL_LOCKS_EXCLUDED(mutex_);

  Poison& poison_;
  bool is_available_ = false;
  std::atomic<uint64_t> written_ = 0;
  std::atomic<uint64_t> owed_ = 0;
  std::atomic<uint64_t> foreign_ = 0;  // what NoteForeign noted last
  std::atomic<uint64_t> synced_ = 0;

  absl::Mutex mutex_;  // one sync at a time
  const std::unique_ptr<Connection> connection_ ABSL_PT_GUARDED_BY(mutex_);
};

}  // namespace convoy::storage
