// Rows of lanes: when a claim should look at an endpoint, and how much of its rate is used.
//
// A row says no later than when its earliest delivery is due, unless the lane is closed for longer.
// Writes of deliveries only ever make that earlier, so one statement for each endpoint is enough;
// the visit of a claim makes it exact.
#include <algorithm>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/backlogs.h"
#include "lib/storage/sqlite/names.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// A lane without deliveries whose rate is not rested is looked at so long after it is: each visit
// costs a transaction, and most likely another delivery comes before.
constexpr absl::Duration kForgetAfter = absl::Minutes(10);

// Instants of the past say nothing in a lane.
int64_t MicrosOrZero(absl::Time time) { return std::max<int64_t>(base::ToMicros(time), 0); }

}  // namespace

void Writer::Wake(Lanes& lanes, const DeliveryRow& delivery, int64_t wake_at_us) {
  Lane& lane =
      lanes.woken.try_emplace(delivery.endpoint, Lane{.wake_at_us = wake_at_us}).first->second;
  lane.project = delivery.project;  // the present one, should it have been removed in between
  lane.wake_at_us = std::min(lane.wake_at_us, wake_at_us);
}

void Writer::Count(Lanes& lanes, int64_t project, DeliveryStatus former, DeliveryStatus now) {
  if (IsFinal(former) != IsFinal(now)) lanes.backlogs[project] += IsFinal(now) ? -1 : 1;
}

// A lane that is of another project now begins anew. One that has a head wakes with it.
absl::Status Writer::WriteLanes(const Lanes& lanes) {
  constexpr std::string_view kUpsert =
      "INSERT INTO lane (endpoint, project, wake_at_us) VALUES (?, ?, ?) "
      "ON CONFLICT (endpoint) DO UPDATE SET project = excluded.project, "
      "wake_at_us = iif(excluded.project <> lane.project, excluded.wake_at_us, "
      "min(max(excluded.wake_at_us, lane.closed_until_us), lane.wake_at_us)), "
      "head = iif(excluded.project <> lane.project, 0, lane.head), "
      "arrival_us = iif(excluded.project <> lane.project, 0, lane.arrival_us), "
      "closed_until_us = iif(excluded.project <> lane.project, 0, lane.closed_until_us), "
      "is_disabled = iif(excluded.project <> lane.project, 0, lane.is_disabled) "
      "WHERE (max(excluded.wake_at_us, lane.closed_until_us) < lane.wake_at_us AND lane.head = 0) "
      "OR excluded.project <> lane.project";
  for (const auto& [endpoint, lane] : lanes.woken) {
    CONVOY_RETURN_IF_ERROR(
        connection_->Prepare(kUpsert).Int(endpoint).Int(lane.project).Int(lane.wake_at_us).Run());
  }
  for (const int64_t endpoint : lanes.changed) CONVOY_RETURN_IF_ERROR(RefreshHead(endpoint));
  for (const auto& [endpoint, late] : lanes.late) {
    CONVOY_RETURN_IF_ERROR(Retard(endpoint, late));
  }
  for (const auto& [project, by] : lanes.backlogs) {
    CONVOY_RETURN_IF_ERROR(ChangeBacklog(*connection_, project, by));
  }
  return absl::OkStatus();
}

// A lane that is closed stays so for longer. One that is open reckons with it when it is visited.
absl::Status Writer::Retard(int64_t endpoint, const Late& late) {
  return connection_
      ->Prepare(
          "UPDATE lane SET arrival_us = arrival_us + ?1, closed_until_us = closed_until_us + "
          "iif(closed_until_us > ?2, ?1, 0), wake_at_us = iif(closed_until_us > ?2, "
          "max(wake_at_us, closed_until_us + ?1), wake_at_us) WHERE endpoint = ?3 AND "
          "arrival_us > 0")
      .Int(absl::ToInt64Microseconds(late.by))
      .Int(base::ToMicros(late.as_of))
      .Int(endpoint)
      .Run();
}

// The head of a lane may have ended, or wait for another try now.
absl::Status Writer::RefreshHead(int64_t endpoint) {
  LaneRow lane{.endpoint = endpoint};
  {
    Statement row = connection_->Prepare(
        "SELECT project, closed_until_us, head FROM lane WHERE endpoint = ? AND head <> 0 "
        "AND wake_at_us > 0");  // 0: a change of the endpoint has opened it
    const bool has_row = row.Int(endpoint).Next();
    CONVOY_RETURN_IF_ERROR(row.status());
    if (!has_row) return absl::OkStatus();
    lane.project = row.IntAt(0);
    lane.closed_until = base::FromMicros(row.IntAt(1));
    lane.head = row.IntAt(2);
  }
  CONVOY_ASSIGN_OR_RETURN(const std::optional<NextRow> next, FindNext(lane));
  if (!next.has_value() || next->key != lane.head) lane.head = 0;
  // Without any, the visit of a claim decides what becomes of the row.
  const int64_t next_us = next.has_value() ? next->wake_at_us : 0;
  return connection_->Prepare("UPDATE lane SET wake_at_us = ?, head = ? WHERE endpoint = ?")
      .Int(std::max(next_us, MicrosOrZero(lane.closed_until)))
      .Int(lane.head)
      .Int(endpoint)
      .Run();
}

absl::StatusOr<std::optional<Writer::NextRow>> Writer::FindNext(const LaneRow& lane) {
  if (lane.head != 0) {
    Statement head = connection_->Prepare(
        "SELECT wake_at_us FROM delivery WHERE key = ? AND endpoint = ? AND status < 3");
    if (head.Int(lane.head).Int(lane.endpoint).Next()) {
      return NextRow{.key = lane.head, .wake_at_us = head.IntAt(0)};
    }
    CONVOY_RETURN_IF_ERROR(head.status());
  }
  Statement next = connection_->Prepare(
      "SELECT key, wake_at_us FROM delivery INDEXED BY delivery_by_wake WHERE endpoint = ? "
      "AND status < 3 AND project = ? ORDER BY wake_at_us, key LIMIT 1");
  const bool has_row = next.Int(lane.endpoint).Int(lane.project).Next();
  CONVOY_RETURN_IF_ERROR(next.status());
  if (!has_row) return std::nullopt;
  return NextRow{.key = next.IntAt(0), .wake_at_us = next.IntAt(1)};
}

absl::StatusOr<bool> Writer::HasDue(const LaneRow& lane, absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<NextRow> next, FindNext(lane));
  return next.has_value() && next->wake_at_us <= base::ToMicros(now);
}

absl::StatusOr<bool> Writer::RefreshLane(const LaneRow& lane, absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const std::optional<NextRow> next, FindNext(lane));
  if (!next.has_value() && lane.arrival <= now) {
    CONVOY_RETURN_IF_ERROR(
        connection_->Prepare("DELETE FROM lane WHERE endpoint = ?").Int(lane.endpoint).Run());
    return false;
  }
  const int64_t closed_until_us = MicrosOrZero(lane.closed_until);
  const int64_t wake_at_us = next.has_value() ? std::max(next->wake_at_us, closed_until_us)
                                              : base::ToMicros(lane.arrival + kForgetAfter);
  const bool has_head = next.has_value() && next->key == lane.head;
  CONVOY_RETURN_IF_ERROR(connection_
                             ->Prepare("UPDATE lane SET wake_at_us = ?, arrival_us = ?, "
                                       "closed_until_us = ?, head = ?, is_disabled = ? WHERE "
                                       "endpoint = ?")
                             .Int(wake_at_us)
                             .Int(MicrosOrZero(lane.arrival))
                             .Int(closed_until_us)
                             .Int(has_head ? lane.head : 0)
                             .Int(next.has_value() && lane.is_disabled ? 1 : 0)
                             .Int(lane.endpoint)
                             .Run());
  return next.has_value() && next->wake_at_us <= base::ToMicros(now);
}

absl::Status Writer::OpenLanes(std::span<const ConfigWrite> writes) {
  const auto open = [this](std::string_view id)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    CONVOY_ASSIGN_OR_RETURN(const int64_t number, FindName(*connection_, id));
    if (number <= kNoName) return absl::OkStatus();
    return connection_
        ->Prepare(
            "UPDATE lane SET wake_at_us = 0, closed_until_us = 0, is_disabled = 0 WHERE "
            "endpoint = ?")
        .Int(number)
        .Run();
  };
  for (const ConfigWrite& write : writes) {
    for (const ConfigRecord& record : write.puts) CONVOY_RETURN_IF_ERROR(open(record.id));
    for (const ConfigRef& ref : write.removes) CONVOY_RETURN_IF_ERROR(open(ref.id));
    for (const std::string& id : write.changed_lanes) CONVOY_RETURN_IF_ERROR(open(id));
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage
