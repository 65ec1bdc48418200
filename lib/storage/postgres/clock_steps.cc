// Clocks that were set back; the rules are those of lib/storage/sqlite/clock_steps.cc. The waits of
// all unfinished deliveries are reckoned anew, in pieces: each claim does one before it claims.
#include <optional>
#include <utility>
#include <vector>

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

absl::StatusOr<bool> HasIdsSince(Connection& connection, absl::Time time) {
  CONVOY_ASSIGN_OR_RETURN(
      const Rows row, connection.Run("SELECT EXISTS (SELECT 1 FROM event WHERE key >= $1::int8) "
                                     "OR EXISTS (SELECT 1 FROM attempt WHERE key >= $1::int8)",
                                     Params().Int(LeastKeyAt(time))));
  return row.IntAt(0, 0) != 0;
}

}  // namespace

absl::Status Claimer::NoticeClock(absl::Time now) {
  bool was_set_back = now < latest_now_ - kClockTolerance;
  if (latest_now_ == absl::InfinitePast()) {
    CONVOY_ASSIGN_OR_RETURN(Connection * connection, session_.Connect());
    CONVOY_ASSIGN_OR_RETURN(was_set_back, HasIdsSince(*connection, now + kIdTolerance));
  }
  if (was_set_back) clock_step_ = ClockStep(latest_now_, now, -1);
  latest_now_ = now;
  return absl::OkStatus();
}

absl::Status Claimer::FollowClock(absl::Duration lease) {
  std::optional<ClockStep> next;
  CONVOY_RETURN_IF_ERROR(session_.Run(
      [&](Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
        next = clock_step_;
        size_t rows_count = 0;
        for (size_t i = 0;
             i < kClockStepLanesMax && rows_count < kClockStepRowsMax && next.has_value(); ++i) {
          CONVOY_ASSIGN_OR_RETURN(const size_t seen_count, CorrectWaits(connection, lease, *next));
          rows_count += seen_count;
          if (seen_count < kClockStepRowsMax)
            CONVOY_RETURN_IF_ERROR(GoToNextLane(connection, next));
        }
        return absl::OkStatus();
      }));
  clock_step_ = next;
  return absl::OkStatus();
}

// The waits of one lane, or, if there are more than a piece may look at, the first of them.
absl::StatusOr<size_t> Claimer::CorrectWaits(Connection& connection, absl::Duration lease,
                                             ClockStep& step) {
  Params params;
  params.Int(step.endpoint).Int(base::ToMicros(step.wake_at)).Int(step.key).Int(kClockStepRowsMax);
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run("SELECT key, wake_at_us, lease, status, due_at_us, updated_at_us "
                     "FROM delivery WHERE endpoint = $1::int8 AND status < 3 "
                     "AND (wake_at_us, key) > ($2::int8, $3::int8) ORDER BY wake_at_us, key "
                     "LIMIT $4::int8 FOR UPDATE",
                     params));
  for (int i = 0; i < rows.count(); ++i) {
    const int64_t key = rows.IntAt(i, 0);
    step.wake_at = base::FromMicros(rows.IntAt(i, 1));
    step.key = key;
    if (rows.IntAt(i, 2) != 0) {
      if (step.wake_at <= step.now + lease) continue;
      connection.Queue("UPDATE delivery SET wake_at_us = $1::int8 WHERE key = $2::int8",
                       Params().Int(base::ToMicros(step.now + lease)).Int(key));
      continue;
    }
    const std::optional<absl::Time> due_at = DueAfterClockStep(
        static_cast<DeliveryStatus>(rows.IntAt(i, 3)), base::FromMicros(rows.IntAt(i, 4)),
        base::FromMicros(rows.IntAt(i, 5)), step.now);
    if (!due_at.has_value()) continue;
    connection.Queue(
        "UPDATE delivery SET wake_at_us = $1::int8, due_at_us = $1::int8, "
        "updated_at_us = $2::int8 WHERE key = $3::int8",
        Params().Int(base::ToMicros(*due_at)).Int(base::ToMicros(step.now)).Int(key));
  }
  return static_cast<size_t>(rows.count());
}

// Opens the lane that is done: its next visit finds out when it is due. A rate that was rested
// before the clock was set still is.
absl::Status Claimer::GoToNextLane(Connection& connection, std::optional<ClockStep>& step) {
  connection.Queue(
      "UPDATE lane SET wake_at_us = 0, closed_until_us = 0, "
      "arrival_us = CASE WHEN arrival_us <= $1::int8 THEN 0 ELSE arrival_us END "
      "WHERE endpoint = $2::int8",
      Params().Int(base::ToMicros(step->before)).Int(step->endpoint));
  CONVOY_ASSIGN_OR_RETURN(const Rows lane,
                          connection.Run("SELECT endpoint FROM lane WHERE endpoint > $1::int8 "
                                         "ORDER BY endpoint LIMIT 1",
                                         Params().Int(step->endpoint)));
  if (lane.count() > 0) {
    step = ClockStep(step->before, step->now, lane.IntAt(0, 0));
  } else {
    step.reset();
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage::postgres
