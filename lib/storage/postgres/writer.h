// The committing session of an opener: batches into transactions, and retention.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/group.h"
#include "lib/storage/postgres/lanes.h"
#include "lib/storage/postgres/opener.h"
#include "lib/storage/postgres/session.h"
#include "lib/storage/postgres/slices.h"

namespace convoy::storage::postgres {

// Safe to use from any thread; calls take turns.
class Writer {
 public:
  // The opener must outlive it.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(Opener* opener);

  // Visible and durable on return.
  absl::Status Write(std::span<WriteBatch* const> batches, std::span<CommitResult> results);
  absl::StatusOr<Pruned> Prune(const PruneRequest& request);
  absl::Status CheckWritable();
  // Returns when no write is under way that began before.
  void WaitForWrites() { absl::MutexLock lock(&mutex_); }

 private:
  explicit Writer(Opener* opener) : opener_(*opener), session_(opener, SessionRole::kCommits) {}

  // A refusal of the batch is in `result`; the returned status speaks of the database.
  absl::Status ApplyAll(Connection& connection, std::span<WriteBatch* const> batches,
                        std::span<CommitResult> results, Lanes& lanes, StoredForClaims& out_stored)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRefusable(Connection& connection, const WriteBatch& batch, CommitResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Retention row by row (retention.cc).
  absl::StatusOr<Pruned> PruneRows(const PruneRequest& request);
  absl::StatusOr<Pruned> PruneKeys(const PruneRequest& request, const std::vector<int64_t>& events);

  // Slices of time (slice_upkeep.cc). What was pruned if it is a slice, or rows that keep one.
  absl::StatusOr<std::optional<Pruned>> TendSlices(const PruneRequest& request);
  absl::StatusOr<std::optional<Pruned>> FreeSlice(Connection& own, const std::vector<Slice>& slices,
                                                  const PruneRequest& request,
                                                  std::optional<Slice>& out_free);
  absl::StatusOr<Pruned> PruneCrossing(const PruneRequest& request,
                                       const std::vector<int64_t>& events);
  // Up to which key events are removed one by one.
  int64_t RowsEndOf(const PruneRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Tells other openers of lanes that have been woken.
  void AnnounceIfDue(const Lanes& lanes);

  Opener& opener_;
  absl::Mutex mutex_;
  Session session_ ABSL_GUARDED_BY(mutex_);
  bool is_careful_ ABSL_GUARDED_BY(mutex_) = false;  // the write under way is not the first try
  Foresight foresight_ ABSL_GUARDED_BY(mutex_);
  std::vector<Slice> slices_ ABSL_GUARDED_BY(mutex_);  // as of the latest walk of retention
  // The first key of a slice that could not be dropped since others used the tables.
  std::optional<int64_t> busy_from_ ABSL_GUARDED_BY(mutex_);
};

// Rows of held inputs (held_inputs.cc), in a write transaction.
absl::Status ApplyReleases(Connection& connection, const WriteBatch& batch);
absl::Status WriteHeldInput(Connection& connection, const HeldInputWrite& hold, bool is_careful,
                            CommitResult& result);

}  // namespace convoy::storage::postgres
