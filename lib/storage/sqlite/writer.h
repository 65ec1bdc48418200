// The one writing connection: batches into transactions, and claims.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

// Safe to use from any thread; calls take turns.
class Writer {
 public:
  // `connection` has been prepared (schema.h). Draws a lease range that no other opener has.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(std::unique_ptr<Connection> connection);

  absl::Status Commit(std::span<WriteBatch* const> batches, std::span<CommitResult> results);
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request);
  absl::Status ReleaseClaims();
  absl::StatusOr<Pruned> Prune(const PruneRequest& request);
  absl::Status CheckWritable();

 private:
  // Earliest wake time of each endpoint that this transaction gave work to: one lane write for
  // each, however many deliveries.
  using Lanes = absl::flat_hash_map<std::string, int64_t>;

  Writer(std::unique_ptr<Connection> connection, uint64_t first_lease)
      : connection_(std::move(connection)), next_lease_(first_lease) {}

  absl::Status Begin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Commits, or rolls back if `status` is not OK. A commit that fails in an unknown state poisons.
  absl::Status End(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One transaction, of what need not survive a crash: it is not synced. In WAL mode synchronous =
  // NORMAL leaves out the sync at commit only; checkpoints still sync, and the next FULL commit
  // syncs the log with everything before it.
  absl::Status RunUnsynced(absl::FunctionRef<absl::Status()> body)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status ApplyAll(std::span<WriteBatch* const> batches, std::span<CommitResult> results)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A refusal of the batch is in `result`; the returned status speaks of the database.
  absl::Status Apply(const WriteBatch& batch, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRefusable(const WriteBatch& batch, CommitResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyConfig(const WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyReleases(const WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyHold(const Hold& hold) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplySubmission(const Submission& submission, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyUpdate(const DeliveryUpdate& update, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRequeue(const DeliveryRequeue& requeue, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddDelivery(const Delivery& delivery, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> Exists(std::string_view table, std::string_view id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> TakeKey(const DedupeKey& key, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteLanes(const Lanes& lanes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status ClaimAll(const ClaimRequest& request, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ClaimLane(const ClaimRequest& request, const std::string& endpoint_id,
                         size_t items_max, Claim& claim) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RefreshLane(const std::string& endpoint_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status LoadEvents(Claim& claim) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  const std::unique_ptr<Connection> connection_ ABSL_PT_GUARDED_BY(mutex_);
  uint64_t next_lease_ ABSL_GUARDED_BY(mutex_);
  // Claims of ours that are still out: delivery id to lease.
  absl::flat_hash_map<std::string, uint64_t> claimed_ ABSL_GUARDED_BY(mutex_);
  absl::Status poison_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::storage
