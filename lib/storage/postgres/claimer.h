// The claiming session of an opener: claims of due deliveries, and ends of claims that have no
// outcome. Calls may come beside those of the committing session (writer.h), as another opener's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/base/time_text.h"
#include "lib/storage/clock_step.h"
#include "lib/storage/postgres/connection.h"
#include "lib/storage/postgres/lanes.h"
#include "lib/storage/postgres/opener.h"
#include "lib/storage/postgres/presence.h"
#include "lib/storage/postgres/session.h"
#include "lib/storage/postgres/silence.h"

namespace convoy::storage::postgres {

// Safe to use from any thread; calls take turns.
class Claimer {
 public:
  // Ends the claims of openers that have died. The opener must outlive it.
  static absl::StatusOr<std::unique_ptr<Claimer>> Open(Opener* opener);

  // See Storage.
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request);
  absl::Status ReleaseClaims();

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
    size_t ended_count = 0;   // whose lease was over, and they with it
    bool has_writer = false;  // that may add a delivery which this claim does not see
    absl::Duration linger;    // how long the lane stays awake for it

    bool HasDueBy(absl::Time time) const {
      return next.key != 0 && next.wake_at_us <= base::ToMicros(time);
    }
    // Whether the lane waits for the end of one delivery.
    bool has_head() const { return next.key != 0 && next.key == lane.head; }
  };
  // A due delivery: of which visit, and where among the answers it stands.
  struct DueRow {
    size_t visit = 0;
    size_t rows = 0;
    int row = 0;
  };

  explicit Claimer(Opener* opener) : opener_(*opener), session_(opener, SessionRole::kClaims) {}

  // The early claims that the request has room for; gives back the rest.
  std::vector<ClaimedDelivery> TakeEarly(const ClaimRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status GiveBackEarly(const std::vector<EarlyClaim>& claims)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many early claims of the delivery's endpoint the request has room for in all.
  size_t EarlyRoomOf(const ClaimRequest& request, const Delivery& delivery) const;
  // How many more of an endpoint the request has room for.
  size_t RoomOf(const ClaimRequest& request, const std::string& endpoint_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Claims what is due beyond those.
  absl::StatusOr<Claim> ClaimStored(const ClaimRequest& request)
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
  absl::Status FindNext(Connection& connection, std::span<Visit* const> visits);
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
  void MovePaces(absl::Time now, std::vector<Visit>& visits);
  absl::Status ShutOutWriters(Connection& connection, absl::Time now, std::vector<Visit>& visits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Linger(Visit& visit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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

  bool IsDone(const ClaimRequest& request, const Claim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Opener& opener_;
  absl::Mutex mutex_;
  Session session_ ABSL_GUARDED_BY(mutex_);
  // Deliveries that the present claim has handed out so far.
  absl::flat_hash_map<std::string, size_t> handed_ ABSL_GUARDED_BY(mutex_);  // by the endpoint
  size_t handed_count_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t handed_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<int64_t> visited_ ABSL_GUARDED_BY(mutex_);  // lanes, by the last claim
  // The lane that had waited longest was locked when the last claim came.
  bool should_wait_ ABSL_GUARDED_BY(mutex_) = false;
  // By the endpoint, how long it has stayed awake for a writer the last time.
  absl::flat_hash_map<int64_t, absl::Duration> lingers_ ABSL_GUARDED_BY(mutex_);
  absl::Time latest_now_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // of a claim
  std::optional<ClockStep> clock_step_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_for_dead_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  Silence silence_ ABSL_GUARDED_BY(mutex_);
};

// In a transaction, while no opener lives: ends all claims (give_back.cc).
absl::Status GiveBackAll(Connection& connection);

}  // namespace convoy::storage::postgres
