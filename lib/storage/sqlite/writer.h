// The one writing connection: batches into transactions, and claims.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "convoy/storage.h"
#include "lib/storage/clock_step.h"
#include "lib/storage/sqlite/claim_memo.h"
#include "lib/storage/sqlite/connection.h"
#include "lib/storage/sqlite/dedupe_keys.h"
#include "lib/storage/sqlite/log_keeper.h"
#include "lib/storage/sqlite/log_sync.h"
#include "lib/storage/sqlite/log_writer.h"
#include "lib/storage/sqlite/opener_locks.h"
#include "lib/storage/sqlite/poison.h"
#include "lib/storage/sqlite/rows.h"

namespace convoy::storage {

// Safe to use from any thread; calls take turns.
class Writer {
 public:
  // `connection` has been prepared (schema.h); the others must outlive the writer. Draws a lease
  // range that no other opener has.
  static absl::StatusOr<std::unique_ptr<Writer>> Open(std::unique_ptr<Connection> connection,
                                                      LogSync* log, LogKeeper* keeper,
                                                      Poison* poison);

  // Visible on return, durable after a sync of the log.
  absl::Status Write(std::span<WriteBatch* const> batches, std::span<CommitResult> results);
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request);
  absl::Status ReleaseClaims();
  absl::StatusOr<Pruned> Prune(const PruneRequest& request);
  absl::Status CheckWritable();

 private:
  // Of an endpoint that this transaction gave work to.
  struct Lane {
    int64_t project = 0;
    int64_t wake_at_us = 0;  // the earliest
  };
  // Of an endpoint whose deliveries were sent late.
  struct Late {
    absl::Duration by = absl::ZeroDuration();
    absl::Time as_of = absl::InfinitePast();
  };
  // By the endpoint's number: one write for each, however many deliveries.
  struct Lanes {
    absl::flat_hash_map<int64_t, Lane> woken;
    absl::flat_hash_set<int64_t> changed;  // whose head may have got another state
    absl::flat_hash_map<int64_t, Late> late;
    absl::flat_hash_map<int64_t, int64_t> backlogs;  // by the project: more unfinished deliveries
  };
  // A delivery has got another status.
  static void Count(Lanes& lanes, int64_t project, DeliveryStatus former, DeliveryStatus now);
  static void Wake(Lanes& lanes, const DeliveryRow& delivery, int64_t wake_at_us);

  using Numbers = absl::flat_hash_set<int64_t>;

  struct LaneRow {
    int64_t endpoint = 0;
    int64_t project = 0;
    absl::Time arrival;  // Pace
    absl::Time closed_until = absl::UnixEpoch();
    int64_t head = 0;
    bool is_disabled = false;
  };

  struct KeptBody {
    std::string event_id;
    std::string body;
  };

  // Deliveries of a lane that a claim came upon.
  struct Keys {
    std::vector<int64_t> claimed;
    std::vector<int64_t> ended;  // their lease, and with it they
  };

  // The claim that is being filled, and the events of it by their keys.
  struct ClaimRows {
    Claim& claim;
    absl::flat_hash_map<int64_t, std::shared_ptr<const Event>> events;
    size_t ended_count = 0;    // of deliveries that ended instead
    uint64_t bytes_count = 0;  // of the bodies
    bool is_full = false;      // one more would be too many of them
  };

  Writer(std::unique_ptr<Connection> connection, LogSync* log, LogKeeper* keeper, Poison* poison)
      : log_(*log),
        poison_(*poison),
        connection_(std::move(connection)),
        transactions_(connection_.get(), log, keeper, poison) {}

  // One transaction.
  absl::Status Run(absl::FunctionRef<absl::Status()> body) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status ApplyAll(std::span<WriteBatch* const> batches, std::span<CommitResult> results)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A refusal of the batch is in `result`; the returned status speaks of the database.
  absl::Status Apply(const WriteBatch& batch, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRefusable(const WriteBatch& batch, CommitResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyReleases(const WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteHeldInput(const HeldInputWrite& hold, CommitResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplySubmission(const Submission& submission, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyUpdate(const DeliveryUpdate& update, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<DeliveryRow>> TakeClaimed(const DeliveryUpdate& update)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> WriteOutcome(int64_t key, const DeliveryUpdate& update)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ApplyRequeue(const DeliveryRequeue& requeue, CommitResult& result, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Keeps the large bodies of `batches`, which have been written, for the next claim.
  void KeepBodies(std::span<WriteBatch* const> batches) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddEvent(const Submission& submission, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AddDelivery(const Delivery& delivery, const EventRow& event, Lanes& lanes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<DedupeRow> RowOf(const DedupeKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> TakeKey(const DedupeKey& key, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether an input has not been stored before, by its redelivery keys. The first is taken then.
  absl::StatusOr<bool> TakeRedelivery(const std::optional<DedupeKey>& key,
                                      const std::optional<DedupeKey>& former_key, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Lanes (lanes.cc).
  absl::Status WriteLanes(const Lanes& lanes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status RefreshHead(int64_t endpoint) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Retard(int64_t endpoint, const Late& late) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The unfinished delivery of a lane that comes first: its head if it has one, otherwise the one
  // that wakes earliest.
  struct NextRow {
    int64_t key = 0;
    int64_t wake_at_us = 0;
  };
  absl::StatusOr<std::optional<NextRow>> FindNext(const LaneRow& lane)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<bool> HasDue(const LaneRow& lane, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Writes the row of a lane after a visit: it wakes when it opens and something of it is due.
  // Returns whether something is due already.
  absl::StatusOr<bool> RefreshLane(const LaneRow& lane, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Opens the lanes of the endpoints among the records that were changed.
  absl::Status OpenLanes(std::span<const ConfigWrite> writes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status ClaimAll(const ClaimRequest& request, const Numbers& skipped, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The lanes that are awake, longest waiting first; those of removed projects are dropped.
  absl::StatusOr<std::vector<LaneRow>> FindAwake(const ClaimRequest& request,
                                                 const Numbers& skipped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<LanePolicy>> FindPolicy(const ClaimRequest& request,
                                                       const LaneName& name, Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Hands out at most `share` of a lane, as its policy allows.
  absl::Status VisitLane(const ClaimRequest& request, LaneRow lane, size_t share, ClaimRows& rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CloseLane(LaneRow lane, bool is_disabled, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ClaimLane(const ClaimRequest& request, const LaneRow& lane,
                         const std::string& project_id, size_t items_max, ClaimRows& rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<const Event>> TakeEvent(int64_t key, const std::string& project_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds the selected deliveries to the claim, and their keys to `keys`.
  absl::Status TakeRows(const std::string& project_id, uint64_t bytes_max, Statement& row,
                        ClaimRows& rows, Keys& keys) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a lane that gets one at a time: which one it is at.
  absl::Status ChooseHead(const LanePolicy& policy, absl::Time now, LaneRow& lane)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EndUnknown(int64_t key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Clock steps (clock_steps.cc).
  absl::Status NoticeClock(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // One piece of it; clock_step_ is empty when all is done.
  absl::Status FollowClock(absl::Duration lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<size_t> CorrectWaits(absl::Duration lease, ClockStep& step)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status GoToNextLane(std::optional<ClockStep>& step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Draws the number of this opener and holds its lock, in one transaction.
  absl::Status Register() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the claims of an opener, within a transaction.
  absl::Status GiveBack(int64_t opener, Lanes& lanes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the claims of openers that have died.
  absl::Status ReleaseDead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReleaseDeadNowAndThen(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  LogSync& log_;
  Poison& poison_;

  absl::Mutex mutex_;
  const std::unique_ptr<Connection> connection_ ABSL_PT_GUARDED_BY(mutex_);
  LogWriter transactions_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<OpenerLocks> openers_ ABSL_GUARDED_BY(mutex_);
  int64_t opener_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_lease_ ABSL_GUARDED_BY(mutex_) = 0;
  ClaimMemo claimed_ ABSL_GUARDED_BY(mutex_);
  absl::Time latest_now_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // of a claim
  std::optional<ClockStep> clock_step_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_for_dead_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();

  // Large events of the present transaction that have deliveries, with their keys.
  absl::flat_hash_map<const Event*, int64_t> large_events_ ABSL_GUARDED_BY(mutex_);
  // Bodies that were written since the last claim, by the keys of their events.
  absl::flat_hash_map<int64_t, KeptBody> kept_bodies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::storage
