// The one writing session of an opener: batches into transactions, claims, and what else writes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "convoy/clock.h"
#include "convoy/storage.h"
#include "lib/storage/clock_step.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/lanes.h"
#include "lib/storage/postgres/presence.h"
#include "lib/storage/postgres/session.h"
#include "lib/storage/postgres/silence.h"
#include "lib/storage/postgres/slices.h"

namespace convoy::storage::postgres {

// Safe to use from any thread; calls take turns.
class Writer {
 public:
  // Creates the tables if need be, and draws a lease range that no other opener has. The clock must
  // outlive the writer.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(const ConnectionOptions& options,
                                                      Clock* clock);

  // Visible and durable on return.
  absl::Status Write(std::span<WriteBatch* const> batches, std::span<CommitResult> results);
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request);
  absl::Status ReleaseClaims();
  absl::StatusOr<Pruned> Prune(const PruneRequest& request);
  absl::Status CheckWritable();
  absl::Status CheckAlive() const;  // without waiting for other calls

  // Whether configuration may have changed since the last call.
  absl::StatusOr<bool> HasNews() { return presence_->Refresh(); }
  // See WorkFeed.
  void SetWorkListener(std::function<void()> tell) { presence_->SetWorkListener(std::move(tell)); }

 private:
  struct LaneRow {
    int64_t endpoint = 0;
    int64_t project = 0;
    LaneName name;
    absl::Time arrival;  // Pace
    absl::Time closed_until = absl::UnixEpoch();
    int64_t head = 0;
    bool is_disabled = false;  // as of the latest claim that found anything due
  };
  // The unfinished delivery of a lane that comes first: its head if it has one, otherwise the one
  // that wakes earliest.
  struct NextRow {
    int64_t key = 0;  // 0: the lane has none
    int64_t wake_at_us = 0;
  };
  // A lane that a claim visits, and what it may give.
  struct Visit {
    LaneRow lane;
    LanePolicy policy;
    NextRow next;
    size_t items_max = 0;
    size_t claimed_count = 0;
    size_t ended_count = 0;  // whose lease was over, and they with it
  };
  // A due delivery: of which visit, and where among the answers it stands.
  struct DueRow {
    size_t visit = 0;
    size_t rows = 0;
    int row = 0;
  };

  Writer(const ConnectionOptions& options, Clock* clock)
      : clock_(*clock), session_(options, clock, &is_poisoned_) {}

  // A refusal of the batch is in `result`; the returned status speaks of the database.
  absl::Status ApplyAll(Connection& connection, std::span<WriteBatch* const> batches,
                        std::span<CommitResult> results, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRefusable(Connection& connection, const WriteBatch& batch, CommitResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status ClaimAll(Connection& connection, const ClaimRequest& request,
                        const std::vector<int64_t>& skipped, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<LaneRow>> LockAwake(Connection& connection,
                                                 const ClaimRequest& request,
                                                 const std::vector<int64_t>& skipped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<Visit>> PlanVisits(Connection& connection, const ClaimRequest& request,
                                                std::vector<LaneRow> awake, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FindNext(Connection& connection, std::vector<Visit>& visits);
  absl::Status ChooseHeads(Connection& connection, absl::Time now, std::vector<Visit>& visits);
  // Locks what is due, in the order of the visits. The answers are what `out_due` points into.
  absl::StatusOr<std::vector<Rows>> ReadDue(Connection& connection, absl::Time now,
                                            std::vector<Visit>& visits,
                                            std::vector<DueRow>& out_due);
  absl::Status TakeDeliveries(Connection& connection, const ClaimRequest& request,
                              std::vector<Visit>& visits, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueEnds(Connection& connection, const std::vector<int64_t>& ended);
  absl::Status AttachEvents(Connection& connection, const std::vector<int64_t>& events,
                            Claim& claim);
  void LeaveLanes(Connection& connection, absl::Time now, std::vector<Visit>& visits, Claim& claim);

  // Clock steps (clock_steps.cc).
  absl::Status NoticeClock(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status FollowClock(absl::Duration lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<size_t> CorrectWaits(Connection& connection, absl::Duration lease,
                                      ClockStep& step);
  absl::Status GoToNextLane(Connection& connection, std::optional<ClockStep>& step);

  // Claims of openers (give_back.cc).
  bool IsBeating(int64_t opener, const Sign& sign) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReleaseDead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReleaseDeadNowAndThen(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

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

  // Tells other openers of lanes that have been woken, or takes that back where a claim of this one
  // has left nothing.
  void AnnounceIfDue(const Lanes& lanes);
  void TakeBackIfDone(const ClaimRequest& request, const Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock& clock_;
  std::atomic<bool> is_poisoned_ = false;
  absl::Mutex mutex_;
  Session session_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Presence> presence_;
  int64_t opener_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_lease_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_careful_ ABSL_GUARDED_BY(mutex_) = false;  // the write under way is not the first try
  absl::flat_hash_set<int64_t> visited_ ABSL_GUARDED_BY(mutex_);  // lanes, by the last claim
  // The lane that had waited longest was locked when the last claim came.
  bool should_wait_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time latest_now_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // of a claim
  std::optional<ClockStep> clock_step_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_for_dead_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  Silence silence_ ABSL_GUARDED_BY(mutex_);
  std::vector<Slice> slices_ ABSL_GUARDED_BY(mutex_);  // as of the latest walk of retention
  // The first key of a slice that could not be dropped since others used the tables.
  std::optional<int64_t> busy_from_ ABSL_GUARDED_BY(mutex_);
};

// Leases of one opener: its number, then a counter.
inline constexpr int kLeaseCounterBits = 40;
inline uint64_t FirstLeaseOf(int64_t opener) {
  return static_cast<uint64_t>(opener) << kLeaseCounterBits;
}

// In a transaction, while no opener lives: ends all claims (give_back.cc).
absl::Status GiveBackAll(Connection& connection);

// Rows of held inputs (held_inputs.cc), in a write transaction.
absl::Status ApplyReleases(Connection& connection, const WriteBatch& batch);
absl::Status WriteHeldInput(Connection& connection, const HeldInputWrite& hold, bool is_careful,
                            CommitResult& result);

}  // namespace convoy::storage::postgres
