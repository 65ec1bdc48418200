// Claims of due deliveries. Lanes that are awake are visited in the order of their waiting; each
// gives a fair share, so an endpoint with a million deliveries due cannot keep the others waiting.
// A lane that its policy closes sleeps until it opens; its deliveries are not touched for it.
//
// A claim need not survive a crash: if it is forgotten, the delivery is claimed again.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/sqlite/backlogs.h"
#include "lib/storage/sqlite/config_rows.h"
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
    if (number <= kNoName) continue;
    connection.names().KeepNumber(id, number);  // the writer's: skipped again by the next claims
    numbers.insert(number);
  }
  return numbers;
}

enum class Body { kRead, kLeft };

absl::StatusOr<Event> LoadEvent(Connection& connection, int64_t key, std::string_view project_id,
                                Body body) {
  static const std::string* const kSelect =
      new std::string(absl::StrCat("SELECT ", kEventColumns, " FROM event WHERE key = ?"));
  static const std::string* const kSelectWithoutBody =
      new std::string(absl::StrReplaceAll(*kSelect, {{" body,", " x'',"}}));
  Statement row = connection.Prepare(body == Body::kRead ? *kSelect : *kSelectWithoutBody);
  if (!row.Int(key).Next()) {
    CONVOY_RETURN_IF_ERROR(row.status());
    return absl::DataLossError("a delivery without its event");
  }
  return ReadEvent(connection, row, project_id);
}

}  // namespace

absl::StatusOr<Claim> Writer::ClaimDue(const ClaimRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(poison_.status());
  CONVOY_RETURN_IF_ERROR(ReleaseDeadNowAndThen(request.now));
  CONVOY_RETURN_IF_ERROR(NoticeClock(request.now));
  if (clock_step_.has_value()) CONVOY_RETURN_IF_ERROR(FollowClock(request.lease));
  CONVOY_ASSIGN_OR_RETURN(const Numbers skipped,
                          NumbersOf(*connection_, request.skipped_endpoint_ids));
  // Most calls find nothing: look before taking the write lock.
  CONVOY_ASSIGN_OR_RETURN(const absl::Time next_wake, FindNextWake(*connection_, skipped));
  Claim claim{.needs_sync = false,
              .next_due_at = clock_step_.has_value() ? request.now : next_wake};
  if (next_wake > request.now || request.items_max == 0) return claim;

  const absl::Status status = Run(
      [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ClaimAll(request, skipped, claim); });
  kept_bodies_.clear();  // what it did not take is read when its turn comes
  CONVOY_RETURN_IF_ERROR(status);
  if (claim.needs_sync) log_.NoteOwed();
  claim.needs_sync |= log_.has_foreign();
  transactions_.CheckpointIfLong();
  return claim;
}

absl::Status Writer::ClaimAll(const ClaimRequest& request, const Numbers& skipped, Claim& claim) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<LaneRow> awake, FindAwake(request, skipped));
  ClaimRows rows{.claim = claim};
  if (!awake.empty()) {
    const size_t share = std::max<size_t>(request.items_max / awake.size(), 1);
    for (const LaneRow& lane : awake) {
      if (rows.is_full) break;
      CONVOY_RETURN_IF_ERROR(VisitLane(request, lane, share, rows));
    }
  }
  CONVOY_ASSIGN_OR_RETURN(claim.next_due_at, FindNextWake(*connection_, skipped));
  if (clock_step_.has_value()) claim.next_due_at = std::min(claim.next_due_at, request.now);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Writer::LaneRow>> Writer::FindAwake(const ClaimRequest& request,
                                                               const Numbers& skipped) {
  std::vector<LaneRow> awake;
  std::vector<int64_t> dropped;
  {
    Statement lane = connection_->Prepare(
        "SELECT endpoint, project, project <> 0 AND NOT EXISTS (SELECT 1 FROM name WHERE number = "
        "lane.project), arrival_us, closed_until_us, head, is_disabled FROM lane WHERE "
        "wake_at_us <= ? ORDER BY wake_at_us");
    lane.Int(base::ToMicros(request.now));
    while (awake.size() < request.items_max && dropped.size() < kDroppedLanesMax && lane.Next()) {
      if (lane.IntAt(2) != 0) {
        dropped.push_back(lane.IntAt(0));
      } else if (!skipped.contains(lane.IntAt(0))) {
        awake.push_back({.endpoint = lane.IntAt(0),
                         .project = lane.IntAt(1),
                         .arrival = base::FromMicros(lane.IntAt(3)),
                         .closed_until = base::FromMicros(lane.IntAt(4)),
                         .head = lane.IntAt(5),
                         .is_disabled = lane.IntAt(6) != 0});
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

// The policy of a lane; nullopt if it is not known, which the claim tells.
absl::StatusOr<std::optional<LanePolicy>> Writer::FindPolicy(const ClaimRequest& request,
                                                             const LaneName& name, Claim& claim) {
  if (request.policy_of == nullptr) return LanePolicy{};
  std::optional<LanePolicy> policy = request.policy_of(name.project_id, name.endpoint_id);
  if (policy.has_value() && policy->holds_back()) {
    ConfigRows configuration(*connection_);
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, configuration.Revision(name.project_id));
    // It may have been changed since; then the lane would sleep although it is open.
    if (revision != policy->revision) policy.reset();
  }
  if (!policy.has_value()) claim.unknown_lanes.push_back(name);
  return policy;
}

absl::Status Writer::VisitLane(const ClaimRequest& request, LaneRow lane, size_t share,
                               ClaimRows& rows) {
  LaneName name;
  CONVOY_ASSIGN_OR_RETURN(name.endpoint_id, NameOf(*connection_, lane.endpoint));
  CONVOY_ASSIGN_OR_RETURN(name.project_id, NameOf(*connection_, lane.project));
  const size_t room = request.items_max - rows.claim.deliveries.size();
  const size_t items_max = std::min({share, room, ItemsMaxOf(request, name.endpoint_id)});
  if (items_max == 0) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const std::optional<LanePolicy> policy,
                          FindPolicy(request, name, rows.claim));
  if (!policy.has_value()) return absl::OkStatus();
  if (policy->is_unserved) {
    rows.claim.unserved_lanes.push_back(std::move(name));
    return absl::OkStatus();
  }
  if (policy->is_closed()) return CloseLane(lane, policy->is_disabled, request.now);
  const Pace pace(policy->rate_limit);
  const size_t allowed = std::min<size_t>(items_max, pace.RoomAt(request.now, lane.arrival));
  const size_t claimed_before = rows.claim.deliveries.size();
  const size_t ended_before = rows.ended_count;
  CONVOY_RETURN_IF_ERROR(ChooseHead(*policy, request.now, lane));
  if (allowed > 0) {
    CONVOY_RETURN_IF_ERROR(ClaimLane(request, lane, name.project_id, allowed, rows));
  }
  const size_t claimed_count = rows.claim.deliveries.size() - claimed_before;
  if (claimed_count > 0) rows.claim.deliveries[claimed_before].sets_pace = pace.is_limited();
  // A visit that finds nothing due leaves the lane as it is.
  bool is_due = claimed_count > 0 || rows.ended_count > ended_before;
  if (!is_due) {
    CONVOY_ASSIGN_OR_RETURN(is_due, HasDue(lane, request.now));
  }
  if (is_due) {
    lane.arrival = pace.After(static_cast<uint32_t>(claimed_count), request.now, lane.arrival);
    lane.closed_until = pace.ClosedUntil(request.now, lane.arrival);
    lane.is_disabled = false;
  }
  CONVOY_ASSIGN_OR_RETURN(const bool has_more_due, RefreshLane(lane, request.now));
  if (has_more_due && lane.closed_until > request.now) {
    rows.claim.throttled_lanes.push_back({.lane = std::move(name), .until = lane.closed_until});
  }
  return absl::OkStatus();
}

// A lane where nothing is due sleeps by itself.
absl::Status Writer::CloseLane(LaneRow lane, bool is_disabled, absl::Time now) {
  CONVOY_ASSIGN_OR_RETURN(const bool is_due, HasDue(lane, now));
  if (is_due) {
    lane.closed_until = now + kLaneClosureMax;
    lane.is_disabled = is_disabled;
  }
  return RefreshLane(lane, now).status();
}

absl::Status Writer::ChooseHead(const LanePolicy& policy, absl::Time now, LaneRow& lane) {
  const int64_t former = std::exchange(lane.head, 0);
  if (!policy.is_fifo) return absl::OkStatus();
  lane.head = former;
  CONVOY_ASSIGN_OR_RETURN(const std::optional<NextRow> next, FindNext(lane));
  // One that is not due yet may be overtaken, unless it is the head already.
  const bool is_head =
      next.has_value() && (next->key == former || next->wake_at_us <= base::ToMicros(now));
  lane.head = is_head ? next->key : 0;
  return absl::OkStatus();
}

absl::Status Writer::ClaimLane(const ClaimRequest& request, const LaneRow& lane,
                               const std::string& project_id, size_t items_max, ClaimRows& rows) {
  static const std::string* const kSelectDue = new std::string(
      absl::StrCat("SELECT ", kDeliveryColumns,
                   " FROM delivery INDEXED BY delivery_by_wake WHERE endpoint = ? AND status < 3 "
                   "AND wake_at_us <= ? AND project = ? ORDER BY wake_at_us, key LIMIT ?"));
  static const std::string* const kSelectHead = new std::string(
      absl::StrCat("SELECT ", kDeliveryColumns,
                   " FROM delivery WHERE key = ? AND status < 3 AND wake_at_us <= ?"));
  const int64_t now_us = base::ToMicros(request.now);
  const size_t first = rows.claim.deliveries.size();
  Keys keys;
  {
    const bool has_head = lane.head != 0;
    Statement row = connection_->Prepare(has_head ? *kSelectHead : *kSelectDue);
    if (has_head) {
      row.Int(lane.head).Int(now_us);
    } else {
      row.Int(lane.endpoint).Int(now_us).Int(lane.project).Int(static_cast<int64_t>(items_max));
    }
    CONVOY_RETURN_IF_ERROR(TakeRows(project_id, request.bytes_max, row, rows, keys));
    // The head of a lane is due because of the outcome of the one before it.
    rows.claim.needs_sync |= has_head && !keys.claimed.empty();
  }
  for (const int64_t key : keys.ended) CONVOY_RETURN_IF_ERROR(EndUnknown(key));
  CONVOY_RETURN_IF_ERROR(
      ChangeBacklog(*connection_, lane.project, -static_cast<int64_t>(keys.ended.size())));
  rows.ended_count += keys.ended.size();
  for (size_t i = 0; i < keys.claimed.size(); ++i) {
    const DeliveryRow row{.key = keys.claimed[i],
                          .project = lane.project,
                          .endpoint = lane.endpoint,
                          .status = DeliveryStatus::kProcessing,
                          .lease = rows.claim.deliveries[first + i].lease};
    CONVOY_RETURN_IF_ERROR(
        connection_
            ->Prepare("UPDATE delivery SET status = ?, lease = ?, wake_at_us = ? WHERE key = ?")
            .Int(static_cast<int64_t>(row.status))
            .Int(static_cast<int64_t>(row.lease))
            .Int(base::ToMicros(request.now + request.lease))
            .Int(row.key)
            .Run());
    claimed_.Keep(row);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Event>> Writer::TakeEvent(int64_t key,
                                                               const std::string& project_id) {
  if (const auto kept = kept_bodies_.find(key); kept != kept_bodies_.end()) {
    CONVOY_ASSIGN_OR_RETURN(Event event, LoadEvent(*connection_, key, project_id, Body::kLeft));
    if (event.id == kept->second.event_id) {
      event.body = std::move(kept->second.body);
      return std::make_shared<const Event>(std::move(event));
    }
  }
  CONVOY_ASSIGN_OR_RETURN(Event event, LoadEvent(*connection_, key, project_id, Body::kRead));
  return std::make_shared<const Event>(std::move(event));
}

absl::Status Writer::TakeRows(const std::string& project_id, uint64_t bytes_max, Statement& row,
                              ClaimRows& rows, Keys& keys) {
  while (row.Next()) {
    std::shared_ptr<const Event>& event = rows.events[EventOf(row)];
    if (event == nullptr) {
      CONVOY_ASSIGN_OR_RETURN(event, TakeEvent(EventOf(row), project_id));
      rows.bytes_count += event->body.size();
      rows.is_full = rows.bytes_count > bytes_max && !rows.claim.deliveries.empty();
      if (rows.is_full) return absl::OkStatus();
    }
    const EventHead head{event->id, event->event_type, event->idempotency_key};
    CONVOY_ASSIGN_OR_RETURN(Delivery delivery, ReadDelivery(*connection_, row, project_id, head));
    const bool was_claimed = delivery.status == DeliveryStatus::kProcessing;
    if (was_claimed && !EndClaim(delivery)) {
      keys.ended.push_back(row.IntAt(0));
      continue;
    }
    delivery.status = DeliveryStatus::kProcessing;
    // The claim itself is the record that such a delivery is about to be sent.
    rows.claim.needs_sync |= delivery.mode == DeliveryMode::kAtMostOnce;
    rows.claim.deliveries.push_back(
        {.lease = next_lease_++, .delivery = std::move(delivery), .event = event});
    keys.claimed.push_back(row.IntAt(0));
  }
  return row.status();
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
