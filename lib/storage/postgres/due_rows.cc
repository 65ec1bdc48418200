// Due deliveries of the lanes that a claim visits: which of them are handed out, with which bodies.
//
// Lanes are served in the order in which they are visited, those that have waited longest first,
// until the bodies fill what the request has room for. The size of a body is read without it.
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/backlogs.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/postgres/rows.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

// Of an answer: the number of the lane, the size of the body, then the delivery.
constexpr int kFirstColumn = 2;

std::string SelectDue(std::string_view rows) {
  return absl::StrCat("SELECT w.n, octet_length(e.body), ", kDeliveryColumns, " FROM ", rows,
                      " AS d JOIN event AS e ON e.key = d.event");
}
const std::string& SelectDueOfLanes() {
  static const std::string* const kSql = new std::string(SelectDue(
      "unnest($1::int8[], $2::int8[], $3::int8[]) WITH ORDINALITY AS w(endpoint, project, "
      "items_max, n) CROSS JOIN LATERAL (SELECT * FROM delivery AS r WHERE r.endpoint = w.endpoint "
      "AND r.status < 3 AND r.wake_at_us <= $4::int8 AND r.project = w.project "
      "ORDER BY r.wake_at_us, r.key LIMIT w.items_max FOR UPDATE SKIP LOCKED)"));
  return *kSql;
}
const std::string& SelectDueHeads() {
  static const std::string* const kSql = new std::string(SelectDue(
      "unnest($1::int8[]) WITH ORDINALITY AS w(key, n) CROSS JOIN LATERAL (SELECT * FROM delivery "
      "AS r WHERE r.key = w.key AND r.status < 3 AND r.wake_at_us <= $2::int8 "
      "FOR UPDATE SKIP LOCKED)"));
  return *kSql;
}

using Events = absl::flat_hash_map<int64_t, std::shared_ptr<const Event>>;  // by the key

// Events of the keys, each with its project.
absl::Status ReadEvents(Connection& connection,
                        const absl::flat_hash_map<int64_t, std::string>& projects,
                        Events& out_events) {
  // As a join: then each key is looked up in its own partition alone.
  static const std::string* const kSelect = new std::string(absl::StrCat(
      "SELECT ", kEventColumns, " FROM unnest($1::int8[]) AS w(at) JOIN event ON key = w.at"));
  std::vector<int64_t> keys;
  for (const auto& [key, project] : projects) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(*kSelect, Params().Ints(keys)));
  for (int i = 0; i < rows.count(); ++i) {
    const Row row(&rows, i);
    const int64_t key = row.IntAt(0);
    CONVOY_ASSIGN_OR_RETURN(Event event, ReadEvent(connection, row, projects.at(key)));
    out_events[key] = std::make_shared<const Event>(std::move(event));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Rows>> Claimer::ReadDue(Connection& connection, absl::Time now,
                                                   std::vector<Visit>& visits,
                                                   std::vector<DueRow>& out_due) {
  const int64_t now_us = base::ToMicros(now);
  Columns lanes;
  std::vector<int64_t> heads;
  std::vector<size_t> of_lanes, of_heads;
  for (size_t i = 0; i < visits.size(); ++i) {
    const Visit& visit = visits[i];
    if (visit.items_max == 0) continue;
    if (visit.lane.head != 0) {
      heads.push_back(visit.lane.head);
      of_heads.push_back(i);
    } else {
      lanes.AddRow(
          {visit.lane.endpoint, visit.lane.project, static_cast<int64_t>(visit.items_max)});
      of_lanes.push_back(i);
    }
  }
  std::vector<const std::vector<size_t>*> owners;
  if (!of_lanes.empty()) {
    connection.Queue(SelectDueOfLanes(), Params().All(lanes).Int(now_us));
    owners.push_back(&of_lanes);
  }
  if (!of_heads.empty()) {
    connection.Queue(SelectDueHeads(), Params().Ints(heads).Int(now_us));
    owners.push_back(&of_heads);
  }
  if (owners.empty()) return std::vector<Rows>();
  CONVOY_ASSIGN_OR_RETURN(std::vector<Rows> answers, connection.Flush());
  // Those to what was queued before are in front.
  answers.erase(answers.begin(), answers.end() - static_cast<ptrdiff_t>(owners.size()));
  for (size_t k = 0; k < owners.size(); ++k) {
    for (int i = 0; i < answers[k].count(); ++i) {
      const auto lane = static_cast<size_t>(answers[k].IntAt(i, 0) - 1);
      out_due.push_back({.visit = (*owners[k])[lane], .rows = k, .row = i});
    }
  }
  std::stable_sort(out_due.begin(), out_due.end(),
                   [](const DueRow& a, const DueRow& b) { return a.visit < b.visit; });
  return answers;
}

absl::Status Claimer::TakeDeliveries(Connection& connection, const ClaimRequest& request,
                                     std::vector<Visit>& visits, Claim& claim) {
  std::vector<DueRow> due;
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> answers,
                          ReadDue(connection, request.now, visits, due));
  Columns claimed;
  std::vector<int64_t> ended, events;
  std::map<int64_t, int64_t> backlogs;
  std::set<int64_t> counted;
  uint64_t bytes_count = handed_bytes_;
  for (const DueRow& at : due) {
    Visit& visit = visits[at.visit];
    const Rows& rows = answers[at.rows];
    const Row row(&rows, at.row, kFirstColumn);
    CONVOY_ASSIGN_OR_RETURN(Delivery delivery,
                            ReadDelivery(connection, row, visit.lane.name.project_id));
    const bool was_claimed = delivery.status == DeliveryStatus::kProcessing;
    if (was_claimed && !EndClaim(delivery)) {
      ended.push_back(row.IntAt(0));
      --backlogs[visit.lane.project];
      ++visit.ended_count;
      continue;
    }
    const int64_t event = row.IntAt(3);
    if (counted.insert(event).second) {
      bytes_count += static_cast<uint64_t>(rows.IntAt(at.row, 1));
      const bool is_first = claim.deliveries.empty() && handed_count_ == 0;
      if (bytes_count > request.bytes_max && !is_first) break;
    }
    delivery.status = DeliveryStatus::kProcessing;
    ++visit.claimed_count;
    const bool sets_pace = visit.claimed_count == 1 && Pace(visit.policy.rate_limit).is_limited();
    const uint64_t lease = opener_.NextLease();
    claimed.AddRow({row.IntAt(0), static_cast<int64_t>(lease)});
    events.push_back(event);
    claim.deliveries.push_back(
        {.lease = lease, .delivery = std::move(delivery), .sets_pace = sets_pace});
  }
  QueueEnds(connection, ended);
  QueueBacklogs(connection, backlogs);
  if (claim.deliveries.empty()) return absl::OkStatus();
  Params params;
  params.All(claimed).Int(base::ToMicros(request.now + request.lease));
  connection.Queue(
      "UPDATE delivery AS d SET status = 1, lease = w.lease, wake_at_us = $3::int8 FROM "
      "unnest($1::int8[], $2::int8[]) AS w(key, lease) WHERE d.key = w.key",
      params);
  static_assert(static_cast<int>(DeliveryStatus::kProcessing) == 1);
  return AttachEvents(connection, events, claim);
}

// They may have been sent, and in their mode are sent once at most.
void Claimer::QueueEnds(Connection& connection, const std::vector<int64_t>& ended) {
  if (ended.empty()) return;
  Params params;
  params.Int(static_cast<int64_t>(DeliveryStatus::kFailure)).Bytes(kUnknownArrival).Ints(ended);
  connection.Queue(
      "UPDATE delivery SET status = $1::int8, description = $2::bytea, lease = 0 "
      "WHERE key = ANY ($3::int8[])",
      params);
}

absl::Status Claimer::AttachEvents(Connection& connection, const std::vector<int64_t>& events,
                                   Claim& claim) {
  Events shared;
  absl::flat_hash_map<int64_t, std::string> projects;  // of those that must be read
  for (size_t i = 0; i < events.size(); ++i) {
    const Delivery& delivery = claim.deliveries[i].delivery;
    if (shared.contains(events[i]) || projects.contains(events[i])) continue;
    auto recent = opener_.recent_events().Take(delivery.project_id, delivery.event_id);
    if (recent != nullptr) {
      shared[events[i]] = std::move(recent);
    } else {
      projects[events[i]] = delivery.project_id;
    }
  }
  if (!projects.empty()) CONVOY_RETURN_IF_ERROR(ReadEvents(connection, projects, shared));
  for (size_t i = 0; i < events.size(); ++i) {
    claim.deliveries[i].event = shared[events[i]];
    if (claim.deliveries[i].event == nullptr) {
      return absl::DataLossError("a delivery without its event");
    }
  }
  return absl::OkStatus();
}

}  // namespace convoy::storage::postgres
