// Claims of due deliveries. Lanes that are awake are visited in the order of their waiting; each
// gives a fair share, so an endpoint with a million deliveries due cannot keep the others waiting.
//
// A claim need not survive a crash: if it is forgotten, the delivery is claimed again.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/row_keys.h"
#include "lib/storage/sqlite/rows.h"
#include "lib/storage/sqlite/writer.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// Lanes of removed projects that one claim drops at most.
constexpr size_t kDroppedLanesMax = 1'000;

absl::StatusOr<absl::Time> FindNextWake(Connection& connection,
                                        const absl::flat_hash_set<int64_t>& skipped) {
  Statement lane = connection.Prepare("SELECT endpoint, wake_at_us FROM lane ORDER BY wake_at_us");
  while (lane.Next()) {
    if (!skipped.contains(lane.IntAt(0))) return base::FromMicros(lane.IntAt(1));
  }
  if (!lane.status().ok()) return lane.status();
  return absl::InfiniteFuture();
}

absl::StatusOr<absl::flat_hash_set<int64_t>> NumbersOf(Connection& connection,
                                                       const std::vector<std::string>& ids) {
  absl::flat_hash_set<int64_t> numbers;
  for (const std::string& id : ids) {
    CONVOY_ASSIGN_OR_RETURN(const int64_t number, FindName(connection, id));
    numbers.insert(number);
  }
  return numbers;
}

absl::StatusOr<std::shared_ptr<const Event>> LoadEvent(Connection& connection, int64_t key,
                                                       std::string_view project_id) {
  static const std::string* const kSelect =
      new std::string(absl::StrCat("SELECT ", kEventColumns, " FROM event WHERE key = ?"));
  Statement row = connection.Prepare(*kSelect);
  if (!row.Int(key).Next()) {
    CONVOY_RETURN_IF_ERROR(row.status());
    return absl::DataLossError("a delivery without its event");
  }
  CONVOY_ASSIGN_OR_RETURN(Event event, ReadEvent(connection, row, project_id));
  return std::make_shared<const Event>(std::move(event));
}

}  // namespace

absl::StatusOr<Claim> Writer::ClaimDue(const ClaimRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  CONVOY_RETURN_IF_ERROR(ReleaseDeadNowAndThen(request.now));
  CONVOY_ASSIGN_OR_RETURN(const Numbers skipped,
                          NumbersOf(*connection_, request.skipped_endpoint_ids));
  // Most calls find nothing: look before taking the write lock.
  CONVOY_ASSIGN_OR_RETURN(const absl::Time next_wake, FindNextWake(*connection_, skipped));
  Claim claim{.next_due_at = next_wake};
  if (next_wake > request.now || request.items_max == 0) return claim;

  CONVOY_RETURN_IF_ERROR(Run(
      [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ClaimAll(request, skipped, claim); }));
  // The claim itself is the record that such a delivery is about to be sent.
  const bool is_record = std::any_of(claim.deliveries.begin(), claim.deliveries.end(),
                                     [](const ClaimedDelivery& claimed) {
                                       return claimed.delivery.mode == DeliveryMode::kAtMostOnce;
                                     });
  if (is_record) log_.NoteOwed();
  transactions_.CheckpointIfLong();
  return claim;
}

absl::Status Writer::ClaimAll(const ClaimRequest& request, const Numbers& skipped, Claim& claim) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<LaneRef> awake, FindAwake(request, skipped));
  ClaimRows rows{.claim = claim};
  if (!awake.empty()) {
    const size_t share = std::max<size_t>(request.items_max / awake.size(), 1);
    for (const LaneRef& lane : awake) {
      const size_t room = request.items_max - claim.deliveries.size();
      CONVOY_ASSIGN_OR_RETURN(const std::string endpoint_id, NameOf(*connection_, lane.endpoint));
      const size_t items_max = std::min({share, room, ItemsMaxOf(request, endpoint_id)});
      CONVOY_RETURN_IF_ERROR(ClaimLane(request, lane, items_max, rows));
    }
  }
  CONVOY_ASSIGN_OR_RETURN(claim.next_due_at, FindNextWake(*connection_, skipped));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Writer::LaneRef>> Writer::FindAwake(const ClaimRequest& request,
                                                               const Numbers& skipped) {
  std::vector<LaneRef> awake;
  std::vector<int64_t> dropped;
  {
    Statement lane = connection_->Prepare(
        "SELECT endpoint, project, project <> 0 AND NOT EXISTS (SELECT 1 FROM name WHERE number = "
        "lane.project) FROM lane WHERE wake_at_us <= ? ORDER BY wake_at_us");
    lane.Int(base::ToMicros(request.now));
    while (awake.size() < request.items_max && dropped.size() < kDroppedLanesMax && lane.Next()) {
      if (lane.IntAt(2) != 0) {
        dropped.push_back(lane.IntAt(0));
      } else if (!skipped.contains(lane.IntAt(0))) {
        awake.push_back({.endpoint = lane.IntAt(0), .project = lane.IntAt(1)});
      }
    }
    if (!lane.status().ok()) return lane.status();
  }
  for (const int64_t endpoint : dropped) {
    CONVOY_RETURN_IF_ERROR(
        connection_->Prepare("DELETE FROM lane WHERE endpoint = ?").Int(endpoint).Run());
  }
  return awake;
}

absl::Status Writer::ClaimLane(const ClaimRequest& request, const LaneRef& lane, size_t items_max,
                               ClaimRows& rows) {
  if (items_max == 0) return absl::OkStatus();
  static const std::string* const kSelect = new std::string(
      absl::StrCat("SELECT ", kDeliveryColumns,
                   " FROM delivery INDEXED BY delivery_by_wake WHERE endpoint = ? AND status < 3 "
                   "AND wake_at_us <= ? AND project = ? ORDER BY wake_at_us LIMIT ?"));
  CONVOY_ASSIGN_OR_RETURN(const std::string project_id, NameOf(*connection_, lane.project));
  std::vector<int64_t> keys;
  std::vector<int64_t> ended;
  {
    Statement row = connection_->Prepare(*kSelect);
    row.Int(lane.endpoint).Int(base::ToMicros(request.now)).Int(lane.project);
    row.Int(static_cast<int64_t>(items_max));
    while (row.Next()) {
      std::shared_ptr<const Event>& event = rows.events[EventOf(row)];
      if (event == nullptr) {
        CONVOY_ASSIGN_OR_RETURN(event, LoadEvent(*connection_, EventOf(row), project_id));
      }
      const EventHead head{event->id, event->event_type, event->idempotency_key};
      CONVOY_ASSIGN_OR_RETURN(Delivery delivery, ReadDelivery(*connection_, row, project_id, head));
      const bool was_claimed = delivery.status == DeliveryStatus::kProcessing;
      if (was_claimed && !EndClaim(delivery)) {
        ended.push_back(row.IntAt(0));
        continue;
      }
      delivery.status = DeliveryStatus::kProcessing;
      rows.claim.deliveries.push_back(
          {.lease = next_lease_++, .delivery = std::move(delivery), .event = event});
      keys.push_back(row.IntAt(0));
    }
    CONVOY_RETURN_IF_ERROR(row.status());
  }
  for (const int64_t key : ended) CONVOY_RETURN_IF_ERROR(EndUnknown(key));
  const size_t first = rows.claim.deliveries.size() - keys.size();
  for (size_t i = 0; i < keys.size(); ++i) {
    CONVOY_RETURN_IF_ERROR(
        connection_
            ->Prepare("UPDATE delivery SET status = ?, lease = ?, wake_at_us = ? WHERE key = ?")
            .Int(static_cast<int64_t>(DeliveryStatus::kProcessing))
            .Int(static_cast<int64_t>(rows.claim.deliveries[first + i].lease))
            .Int(base::ToMicros(request.now + request.lease))
            .Int(keys[i])
            .Run());
  }
  return RefreshLane(lane);
}

// Makes the lane's bound exact again: what was due is claimed now, and may have been the last.
absl::Status Writer::RefreshLane(const LaneRef& lane) {
  int64_t wake_at_us = 0;
  {
    Statement next = connection_->Prepare(
        "SELECT wake_at_us FROM delivery INDEXED BY delivery_by_wake "
        "WHERE endpoint = ? AND status < 3 AND project = ? ORDER BY wake_at_us LIMIT 1");
    const bool has_row = next.Int(lane.endpoint).Int(lane.project).Next();
    CONVOY_RETURN_IF_ERROR(next.status());
    if (!has_row) {
      return connection_->Prepare("DELETE FROM lane WHERE endpoint = ?").Int(lane.endpoint).Run();
    }
    wake_at_us = next.IntAt(0);
  }
  return connection_->Prepare("UPDATE lane SET wake_at_us = ? WHERE endpoint = ?")
      .Int(wake_at_us)
      .Int(lane.endpoint)
      .Run();
}

// It may have been sent, and in its mode is sent once at most.
absl::Status Writer::EndUnknown(int64_t key) {
  return connection_
      ->Prepare("UPDATE delivery SET status = ?, description = ?, lease = 0 WHERE key = ?")
      .Int(static_cast<int64_t>(DeliveryStatus::kFailure))
      .Text(kUnknownArrival)
      .Int(key)
      .Run();
}

}  // namespace convoy::storage
