// Clocks that were set back. A delivery that was to wait for a minute would wait for hours then,
// because its row says until when, and not for how long. So the waits of all unfinished deliveries
// are reckoned anew from the present instant, in pieces: each claim does one before it claims.
//
// An opener notices it by the instants of its claims and, when it claims first, by ids that were
// made later than now. Several openers may do the same work: a row that one of them has corrected
// was changed now and not later.
#include <optional>
#include <utility>
#include <vector>

#include "convoy/ulid.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

struct WaitingRow {
  int64_t key = 0;
  int64_t wake_at_us = 0;
  bool is_claimed = false;
  std::optional<absl::Time> wake_at;  // another one than before
};

absl::StatusOr<bool> HasIdsSince(Connection& connection, absl::Time time) {
  Statement row = connection.Prepare(
      "SELECT EXISTS (SELECT 1 FROM event WHERE key >= ?1) "
      "OR EXISTS (SELECT 1 FROM attempt WHERE key >= ?1)");
  const bool has_ids = row.Int(LeastKeyAt(time)).Next() && row.IntAt(0) != 0;
  if (!row.status().ok()) return row.status();
  return has_ids;
}

absl::Status Correct(Connection& connection, const WaitingRow& row, absl::Time now) {
  if (!row.wake_at.has_value()) return absl::OkStatus();
  const int64_t wake_at_us = base::ToMicros(*row.wake_at);
  if (row.is_claimed) {
    return connection.Prepare("UPDATE delivery SET wake_at_us = ? WHERE key = ?")
        .Int(wake_at_us)
        .Int(row.key)
        .Run();
  }
  return connection
      .Prepare("UPDATE delivery SET wake_at_us = ?, due_at_us = ?, updated_at_us = ? WHERE key = ?")
      .Int(wake_at_us)
      .Int(wake_at_us)
      .Int(base::ToMicros(now))
      .Int(row.key)
      .Run();
}

}  // namespace

absl::Status Writer::NoticeClock(absl::Time now) {
  bool was_set_back = now < latest_now_ - kClockTolerance;
  if (latest_now_ == absl::InfinitePast()) {
    CONVOY_ASSIGN_OR_RETURN(was_set_back, HasIdsSince(*connection_, now + kIdTolerance));
  }
  if (was_set_back) clock_step_ = ClockStep(latest_now_, now, 0);
  latest_now_ = now;
  return absl::OkStatus();
}

absl::Status Writer::FollowClock(absl::Duration lease) {
  std::optional<ClockStep> next = clock_step_;
  CONVOY_RETURN_IF_ERROR(Run([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    size_t rows_count = 0;
    for (size_t i = 0; i < kClockStepLanesMax && rows_count < kClockStepRowsMax && next.has_value();
         ++i) {
      CONVOY_ASSIGN_OR_RETURN(const size_t seen_count, CorrectWaits(lease, *next));
      rows_count += seen_count;
      if (seen_count < kClockStepRowsMax) CONVOY_RETURN_IF_ERROR(GoToNextLane(next));
    }
    return absl::OkStatus();
  }));
  clock_step_ = next;
  return absl::OkStatus();
}

// The waits of one lane, or, if there are more than a piece may look at, the first of them.
absl::StatusOr<size_t> Writer::CorrectWaits(absl::Duration lease, ClockStep& step) {
  std::vector<WaitingRow> rows;
  {
    Statement row = connection_->Prepare(
        "SELECT key, wake_at_us, lease, status, due_at_us, updated_at_us FROM delivery "
        "INDEXED BY delivery_by_wake WHERE endpoint = ? AND status < 3 "
        "AND (wake_at_us, key) > (?, ?) ORDER BY wake_at_us, key LIMIT ?");
    row.Int(step.endpoint).Int(base::ToMicros(step.wake_at)).Int(step.key).Int(kClockStepRowsMax);
    while (row.Next()) {
      WaitingRow& waiting = rows.emplace_back();
      waiting.key = row.IntAt(0);
      waiting.wake_at_us = row.IntAt(1);
      waiting.is_claimed = row.IntAt(2) != 0;
      if (!waiting.is_claimed) {
        waiting.wake_at = DueAfterClockStep(static_cast<DeliveryStatus>(row.IntAt(3)),
                                            base::FromMicros(row.IntAt(4)),
                                            base::FromMicros(row.IntAt(5)), step.now);
      } else if (waiting.wake_at_us > base::ToMicros(step.now + lease)) {
        waiting.wake_at = step.now + lease;
      }
    }
    if (!row.status().ok()) return row.status();
  }
  for (const WaitingRow& row : rows) {
    CONVOY_RETURN_IF_ERROR(Correct(*connection_, row, step.now));
    step.wake_at = base::FromMicros(row.wake_at_us);
    step.key = row.key;
  }
  return rows.size();
}

// Opens the lane that is done: its next visit finds out when it is due. A rate that was rested
// before the clock was set still is.
absl::Status Writer::GoToNextLane(std::optional<ClockStep>& step) {
  CONVOY_RETURN_IF_ERROR(
      connection_
          ->Prepare("UPDATE lane SET wake_at_us = 0, closed_until_us = 0, "
                    "arrival_us = iif(arrival_us <= ?, 0, arrival_us) WHERE endpoint = ?")
          .Int(base::ToMicros(step->before))
          .Int(step->endpoint)
          .Run());
  Statement lane = connection_->Prepare(
      "SELECT endpoint FROM lane WHERE endpoint > ? ORDER BY endpoint LIMIT 1");
  const bool has_lane = lane.Int(step->endpoint).Next();
  CONVOY_RETURN_IF_ERROR(lane.status());
  if (has_lane) {
    step = ClockStep(step->before, step->now, lane.IntAt(0));
  } else {
    step.reset();
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage
