// Transactions of the writing connection: how they begin and end, what a failure means, and how the
// log is kept short.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/failure.h"
#include "lib/storage/sqlite/log_keeper.h"
#include "lib/storage/sqlite/log_sync.h"
#include "lib/storage/sqlite/poison.h"

namespace convoy::storage {

// Not safe for several threads at once. All that it is given must outlive it.
class LogWriter {
 public:
  LogWriter(Connection* connection, LogSync* log, LogKeeper* keeper, Poison* poison)
      : connection_(*connection), log_(*log), keeper_(*keeper), poison_(*poison) {}

  // Commits do not sync from here on, where the log can be synced apart.
  absl::Status SetUp();

  // Takes the write lock.
  absl::Status Begin();

  // Commits, or rolls back if `status` is not OK. A commit is visible and not durable yet. A
  // failure is a refusal, after which the next transaction may succeed, or poisons.
  absl::Status End(absl::Status status);

  // Copies the log into the database if it has grown long and is not left to the keeper. Between
  // transactions.
  void CheckpointIfLong();

  // Shortens the file of the log if it is larger than it needs to be. Between transactions, when
  // there is time.
  void ShortenLog();

  // OK if a commit would succeed now. After a refused one, makes a small one to find out.
  absl::Status CheckWritable();

 private:
  absl::Status EndHere(absl::Status status);
  // Poisons where `status` is of a class for which that is needed, and returns what to answer.
  absl::Status HandleFailure(Place place, absl::Status status);
  absl::Status Overwrite();
  absl::Status CommitSomething();
  void RollBack();
  absl::Status Checkpoint(int mode);

  Connection& connection_;
  LogSync& log_;
  LogKeeper& keeper_;
  Poison& poison_;
  int64_t data_version_ = 0;    // of when it was looked at last
  int frames_count_ = 0;        // in the log after the last commit
  int checkpointed_count_ = 0;  // of those, at the last checkpoint
  bool has_written_ = false;    // the commit under way wrote to the log
  bool was_refused_ = false;    // the last transaction ended so
};

}  // namespace convoy::storage
