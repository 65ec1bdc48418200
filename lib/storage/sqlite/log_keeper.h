// Checkpoints beside the writer, through a connection of their own, and the lengths of the log at
// which they are due.
#pragma once

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/poison.h"

namespace convoy::storage {

// Safe to use from any thread.
class LogKeeper {
 public:
  // `poison` is set when a checkpoint fails so that commits may be lost, and must outlive the
  // keeper. No file is opened before the first Shorten.
  LogKeeper(Connection::OpenOptions options, Poison* poison)
      : options_(std::move(options)), poison_(*poison) {}

  // From the writer, after a commit: how many frames the log has now.
  void NoteLength(int frames_count) { frames_count_ = frames_count; }

  // See LogUpkeep.
  bool is_long();
  absl::Status Shorten() ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether the writer has to copy a log of so many frames, of which `copied_count` were in the
  // last checkpoint of its own.
  bool is_left_to_writer(int frames_count, int copied_count) const;

 private:
  absl::Status OpenIfNeeded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Copies what is in the log now; `out_frames_count` of them were there.
  absl::Status Copy(int* out_frames_count) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Connection::OpenOptions options_;
  Poison& poison_;
  std::atomic<int> frames_count_ = 0;
  std::atomic<int> tried_count_ = 0;  // the length at the end of the last Shorten
  std::atomic<bool> is_tended_ = false;

  absl::Mutex mutex_;  // one at a time
  std::unique_ptr<Connection> connection_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::storage
