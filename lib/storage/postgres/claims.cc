// Claims of due deliveries; the rules are those of lib/storage/sqlite/claims.cc. All awake lanes of
// a claim are visited together: a claim costs about as many round trips whatever it hands out.
//
// A claim locks the rows of the lanes that it visits and passes by those that another opener, or a
// writer, holds at the moment. So that no lane is passed by for ever, a claim that left out one
// which has waited for long is followed by one that waits for that lane, before it holds any other.
// Deliveries that are locked are being written, and passed by, too. Before it lets a lane sleep, it
// shuts out the writers that leave the row of an awake lane alone (lanes.h).
#include <algorithm>
#include <iterator>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "absl/memory/memory.h"

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/postgres/claimer.h"
#include "lib/storage/postgres/names.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage::postgres {
namespace {

// A lane without deliveries whose rate is not rested is looked at so long after it is.
constexpr absl::Duration kForgetAfter = absl::Minutes(10);
// A lane that others hold whenever a claim comes is waited for after so long.
constexpr absl::Duration kPatience = absl::Milliseconds(100);
// A lane that a writer is at, and of which nothing is due, is looked at again so long after; longer
// each time.
constexpr absl::Duration kLingerMin = absl::Milliseconds(2);
constexpr absl::Duration kLingerMax = absl::Milliseconds(16);
constexpr size_t kLingeringMax = 16 * 1024;

constexpr std::string_view kNextWake =
    "SELECT wake_at_us, endpoint FROM lane WHERE NOT endpoint = ANY ($1::int8[]) "
    "ORDER BY wake_at_us LIMIT 1";
constexpr std::string_view kLockFirst =
    "SELECT endpoint FROM lane WHERE wake_at_us <= $1::int8 AND NOT endpoint = ANY ($2::int8[]) "
    "ORDER BY wake_at_us LIMIT 1 FOR UPDATE";
constexpr std::string_view kLockAwake =
    "SELECT l.endpoint, l.project, l.arrival_us, l.closed_until_us, l.head, "
    "(SELECT n.id FROM name AS n WHERE n.number = l.endpoint), "
    "(SELECT p.id FROM name AS p WHERE p.number = l.project), l.is_disabled FROM lane AS l "
    "WHERE l.wake_at_us <= $1::int8 AND NOT l.endpoint = ANY ($2::int8[]) "
    "ORDER BY l.wake_at_us LIMIT $3::int8 FOR UPDATE OF l SKIP LOCKED";
// For each lane: its head, if that is unfinished, and the first of its unfinished deliveries.
constexpr std::string_view kFindNext =
    "SELECT w.n, (SELECT h.wake_at_us FROM delivery AS h WHERE h.key = w.head "
    "AND h.endpoint = w.endpoint AND h.status < 3), f.key, f.wake_at_us FROM "
    "unnest($1::int8[], $2::int8[], $3::int8[]) WITH ORDINALITY AS w(endpoint, project, head, n) "
    "LEFT JOIN LATERAL (SELECT d.key, d.wake_at_us FROM delivery AS d WHERE d.endpoint = "
    "w.endpoint AND d.status < 3 AND d.project = w.project ORDER BY d.wake_at_us, d.key LIMIT 1) "
    "AS f ON true";

template <typename T>
std::vector<T*> PointersTo(std::vector<T>& items) {
  std::vector<T*> pointers;
  for (T& item : items) pointers.push_back(&item);
  return pointers;
}

absl::StatusOr<std::vector<int64_t>> NumbersOf(Connection& connection,
                                               const std::vector<std::string>& ids) {
  std::vector<int64_t> numbers;
  if (ids.empty()) return numbers;
  CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                          connection.Run("SELECT n.number FROM unnest($1::bytea[]) AS w(id) "
                                         "JOIN name AS n ON n.id = w.id",
                                         Params().Texts(ids)));
  for (int i = 0; i < rows.count(); ++i) numbers.push_back(rows.IntAt(i, 0));
  return numbers;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Claimer>> Claimer::Open(Opener* opener) {
  auto claimer = absl::WrapUnique(new Claimer(opener));
  absl::MutexLock lock(&claimer->mutex_);
  CONVOY_RETURN_IF_ERROR(claimer->session_.Register());
  if (opener->may_be_early()) claimer->session_.Unsettle();
  if (claimer->session_.IsSettled()) CONVOY_RETURN_IF_ERROR(claimer->ReleaseDead());
  return claimer;
}

absl::StatusOr<Claim> Claimer::ClaimDue(const ClaimRequest& request) {
  absl::MutexLock lock(&mutex_);
  CONVOY_RETURN_IF_ERROR(opener_.CheckHealth());
  opener_.recent_events().NoteClaim();
  const uint64_t announcement = opener_.presence().announcement();
  CONVOY_RETURN_IF_ERROR(ReleaseDeadNowAndThen(request.now));
  CONVOY_RETURN_IF_ERROR(NoticeClock(request.now));
  if (clock_step_.has_value()) CONVOY_RETURN_IF_ERROR(FollowClock(request.lease));
  std::vector<ClaimedDelivery> early = TakeEarly(request);
  absl::StatusOr<Claim> claim = ClaimStored(request);
  const bool has_failed = !claim.ok();
  if (has_failed) {
    opener_.early_claims().Withdraw();
    if (early.empty()) return claim;
    claim = Claim{.next_due_at = request.now};  // the next call meets the same failure
  }
  claim->deliveries.insert(claim->deliveries.begin(), std::make_move_iterator(early.begin()),
                           std::make_move_iterator(early.end()));
  if (!has_failed) opener_.early_claims().Offer(request, *claim);
  if (announcement != 0 && IsDone(request, *claim)) opener_.presence().TakeBack(announcement);
  if (clock_step_.has_value()) claim->next_due_at = std::min(claim->next_due_at, request.now);
  claim->needs_sync = false;  // it has seen durable writes only, and is durable where it must be
  return claim;
}

absl::StatusOr<Claim> Claimer::ClaimStored(const ClaimRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(Connection * looking, session_.Connect());
  CONVOY_ASSIGN_OR_RETURN(const std::vector<int64_t> skipped,
                          NumbersOf(*looking, request.skipped_endpoint_ids));
  // Most calls find nothing: look before a transaction.
  CONVOY_ASSIGN_OR_RETURN(const Rows next, looking->Run(kNextWake, Params().Ints(skipped)));
  Claim claim;
  if (next.count() > 0) claim.next_due_at = base::FromMicros(next.IntAt(0, 0));
  const bool is_due = claim.next_due_at <= request.now && request.items_max > handed_count_;
  if (!is_due) return claim;
  // The claim itself is the record that a delivery of the mode at_most_once is about to be sent.
  bool may_be_lost = false;
  const auto body = [&](Connection& connection)
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::Status {
    claim = Claim();
    CONVOY_RETURN_IF_ERROR(ClaimAll(connection, request, skipped, claim));
    may_be_lost = std::none_of(claim.deliveries.begin(), claim.deliveries.end(),
                               [](const ClaimedDelivery& claimed) {
                                 return claimed.delivery.mode == DeliveryMode::kAtMostOnce;
                               });
    return absl::OkStatus();
  };
  CONVOY_RETURN_IF_ERROR(session_.Run(body, &may_be_lost));
  should_wait_ = !visited_.contains(next.IntAt(0, 1)) &&
                 base::FromMicros(next.IntAt(0, 0)) < request.now - kPatience;
  return claim;
}

absl::Status Claimer::ClaimAll(Connection& connection, const ClaimRequest& request,
                               const std::vector<int64_t>& skipped, Claim& claim) {
  CONVOY_ASSIGN_OR_RETURN(std::vector<LaneRow> awake, LockAwake(connection, request, skipped));
  CONVOY_ASSIGN_OR_RETURN(std::vector<Visit> visits,
                          PlanVisits(connection, request, std::move(awake), claim));
  CONVOY_RETURN_IF_ERROR(ChooseHeads(connection, request.now, visits));
  CONVOY_RETURN_IF_ERROR(TakeDeliveries(connection, request, visits, claim));
  CONVOY_RETURN_IF_ERROR(FindNext(connection, PointersTo(visits)));
  MovePaces(request.now, visits);
  CONVOY_RETURN_IF_ERROR(ShutOutWriters(connection, request.now, visits));
  LeaveLanes(connection, request.now, visits, claim);
  CONVOY_ASSIGN_OR_RETURN(const Rows next, connection.Run(kNextWake, Params().Ints(skipped)));
  if (next.count() > 0) claim.next_due_at = base::FromMicros(next.IntAt(0, 0));
  return absl::OkStatus();
}

// Whether the claim has left nothing that other openers should be told of.
bool Claimer::IsDone(const ClaimRequest& request, const Claim& claim) {
  const absl::Time soon = request.now + kAnnouncedAhead;
  if (claim.next_due_at <= soon || !claim.unserved_lanes.empty()) return false;
  if (request.skipped_endpoint_ids.empty()) return true;
  // In doubt others are told.
  const absl::StatusOr<Connection*> connection = session_.Connect();
  if (!connection.ok()) return false;
  const absl::StatusOr<Rows> first =
      (*connection)->Run("SELECT wake_at_us FROM lane ORDER BY wake_at_us LIMIT 1");
  if (!first.ok()) return false;
  return first->count() == 0 || first->IntAt(0, 0) > base::ToMicros(soon);
}

// The lanes that are awake, longest waiting first, locked; those of removed projects are dropped.
absl::StatusOr<std::vector<Claimer::LaneRow>> Claimer::LockAwake(
    Connection& connection, const ClaimRequest& request, const std::vector<int64_t>& skipped) {
  const int64_t now_us = base::ToMicros(request.now);
  const auto items_max = static_cast<int64_t>(request.items_max - handed_count_);
  if (should_wait_) connection.Queue(kLockFirst, Params().Int(now_us).Ints(skipped));
  CONVOY_ASSIGN_OR_RETURN(
      const Rows rows,
      connection.Run(kLockAwake, Params().Int(now_us).Ints(skipped).Int(items_max)));
  visited_.clear();
  std::vector<LaneRow> awake;
  std::vector<int64_t> dropped;
  for (int i = 0; i < rows.count(); ++i) {
    visited_.insert(rows.IntAt(i, 0));
    if (rows.IsNullAt(i, 6)) {
      dropped.push_back(rows.IntAt(i, 0));
      continue;
    }
    awake.push_back({.endpoint = rows.IntAt(i, 0),
                     .project = rows.IntAt(i, 1),
                     .name = {.project_id = rows.TextAt(i, 6), .endpoint_id = rows.TextAt(i, 5)},
                     .arrival = base::FromMicros(rows.IntAt(i, 2)),
                     .closed_until = base::FromMicros(rows.IntAt(i, 3)),
                     .head = rows.IntAt(i, 4),
                     .is_disabled = rows.IntAt(i, 7) != 0});
  }
  if (!dropped.empty()) {
    connection.Queue("DELETE FROM lane WHERE endpoint = ANY ($1::int8[])", Params().Ints(dropped));
  }
  return awake;
}

// The lanes that are visited, by their policies. A policy that holds back counts only if it is of
// the present revision: it may have been changed since, and then the lane would sleep although it
// is open.
absl::StatusOr<std::vector<Claimer::Visit>> Claimer::PlanVisits(Connection& connection,
                                                                const ClaimRequest& request,
                                                                std::vector<LaneRow> awake,
                                                                Claim& claim) {
  const size_t share =
      std::max<size_t>((request.items_max - handed_count_) / std::max<size_t>(awake.size(), 1), 1);
  std::vector<std::optional<LanePolicy>> policies;
  std::set<std::string> scopes;
  for (const LaneRow& lane : awake) {
    policies.push_back(request.policy_of == nullptr
                           ? LanePolicy{}
                           : request.policy_of(lane.name.project_id, lane.name.endpoint_id));
    if (policies.back().has_value() && policies.back()->holds_back()) {
      scopes.insert(lane.name.project_id);
    }
  }
  absl::flat_hash_map<std::string, uint64_t> revisions;
  if (!scopes.empty() && request.policy_of != nullptr) {
    CONVOY_ASSIGN_OR_RETURN(const Rows rows,
                            connection.Run("SELECT r.scope, r.revision FROM unnest($1::bytea[]) "
                                           "AS w(scope) JOIN config_revision AS r "
                                           "ON r.scope = w.scope",
                                           Params().Texts({scopes.begin(), scopes.end()})));
    for (int i = 0; i < rows.count(); ++i) {
      revisions[rows.TextAt(i, 0)] = static_cast<uint64_t>(rows.IntAt(i, 1));
    }
  }
  std::vector<Visit> visits;
  for (size_t i = 0; i < awake.size(); ++i) {
    LaneRow& lane = awake[i];
    const size_t items_max = std::min(share, RoomOf(request, lane.name.endpoint_id));
    if (items_max == 0) continue;
    std::optional<LanePolicy>& policy = policies[i];
    if (policy.has_value() && policy->holds_back() && request.policy_of != nullptr &&
        revisions[lane.name.project_id] != policy->revision) {
      policy.reset();
    }
    if (!policy.has_value()) {
      claim.unknown_lanes.push_back(lane.name);
      continue;
    }
    if (policy->is_unserved) {
      claim.unserved_lanes.push_back(lane.name);
      continue;
    }
    opener_.early_claims().Learn(lane.name.project_id, lane.name.endpoint_id,
                                 !policy->holds_back());
    Visit visit{.lane = std::move(lane), .policy = *policy};
    const Pace pace(policy->rate_limit);
    visit.items_max =
        policy->is_closed()
            ? 0
            : std::min<size_t>(items_max, pace.RoomAt(request.now, visit.lane.arrival));
    visits.push_back(std::move(visit));
  }
  return visits;
}

absl::Status Claimer::FindNext(Connection& connection, std::span<Visit* const> visits) {
  Columns lanes;
  for (const Visit* visit : visits) {
    lanes.AddRow({visit->lane.endpoint, visit->lane.project, visit->lane.head});
  }
  if (visits.empty()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const Rows rows, connection.Run(kFindNext, Params().All(lanes)));
  for (int i = 0; i < rows.count(); ++i) {
    Visit& visit = *visits[static_cast<size_t>(rows.IntAt(i, 0) - 1)];
    if (!rows.IsNullAt(i, 1)) {
      visit.next = {.key = visit.lane.head, .wake_at_us = rows.IntAt(i, 1)};
    } else if (!rows.IsNullAt(i, 2)) {
      visit.next = {.key = rows.IntAt(i, 2), .wake_at_us = rows.IntAt(i, 3)};
    } else {
      visit.next = {};
    }
  }
  return absl::OkStatus();
}

// Of lanes that get one at a time: which one each is at. One that is not due yet may be overtaken,
// unless it is the head already.
absl::Status Claimer::ChooseHeads(Connection& connection, absl::Time now,
                                  std::vector<Visit>& visits) {
  const bool has_fifo = std::any_of(visits.begin(), visits.end(), [](const Visit& visit) {
    return visit.policy.is_fifo && !visit.policy.is_closed();
  });
  if (has_fifo) CONVOY_RETURN_IF_ERROR(FindNext(connection, PointersTo(visits)));
  for (Visit& visit : visits) {
    if (visit.policy.is_closed()) continue;
    const int64_t former = std::exchange(visit.lane.head, 0);
    if (!visit.policy.is_fifo) continue;
    const bool is_head = visit.next.key != 0 &&
                         (visit.next.key == former || visit.next.wake_at_us <= base::ToMicros(now));
    if (is_head) visit.lane.head = visit.next.key;
  }
  return absl::OkStatus();
}

// How much of its rate each lane has used, and until when it is closed. A visit that found nothing
// due leaves both as they are.
void Claimer::MovePaces(absl::Time now, std::vector<Visit>& visits) {
  for (Visit& visit : visits) {
    LaneRow& lane = visit.lane;
    const bool is_due = visit.claimed_count > 0 || visit.ended_count > 0 || visit.HasDueBy(now);
    if (!is_due) continue;
    const Pace pace(visit.policy.rate_limit);
    if (visit.policy.is_closed()) {
      lane.closed_until = now + kLaneClosureMax;
      lane.is_disabled = visit.policy.is_disabled;
    } else {
      lane.arrival = pace.After(static_cast<uint32_t>(visit.claimed_count), now, lane.arrival);
      lane.closed_until = pace.ClosedUntil(now, lane.arrival);
      lane.is_disabled = false;
    }
  }
}

// Of lanes that would sleep for longer than they are closed, or go: takes the locks that keep
// writers out until the end of the transaction, and looks again at what came before that. Where a
// writer is at a lane, the lane lingers.
absl::Status Claimer::ShutOutWriters(Connection& connection, absl::Time now,
                                     std::vector<Visit>& visits) {
  std::vector<int64_t> endpoints;
  std::vector<Visit*> sleeping;
  for (Visit& visit : visits) {
    if (visit.has_head() || visit.HasDueBy(std::max(now, visit.lane.closed_until))) continue;
    sleeping.push_back(&visit);
    endpoints.push_back(visit.lane.endpoint);
  }
  if (sleeping.empty()) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const Rows locked, Lanes::TryShutOut(connection, endpoints));
  std::vector<Visit*> alone;
  for (int i = 0; i < locked.count(); ++i) {
    Visit* const visit = sleeping[static_cast<size_t>(locked.IntAt(i, 0) - 1)];
    visit->has_writer = locked.IntAt(i, 1) == 0;
    if (visit->has_writer) {
      Linger(*visit);
    } else {
      lingers_.erase(visit->lane.endpoint);
      alone.push_back(visit);
    }
  }
  return FindNext(connection, alone);
}

void Claimer::Linger(Visit& visit) {
  if (lingers_.size() > kLingeringMax) lingers_.clear();
  absl::Duration& linger = lingers_[visit.lane.endpoint];
  linger = std::clamp(2 * linger, kLingerMin, kLingerMax);
  visit.linger = linger;
}

// Writes the rows of the lanes: each wakes when it opens and something of it is due.
void Claimer::LeaveLanes(Connection& connection, absl::Time now, std::vector<Visit>& visits,
                         Claim& claim) {
  const auto micros = [](absl::Time time) { return std::max<int64_t>(base::ToMicros(time), 0); };
  std::vector<int64_t> done;
  Columns left;
  for (Visit& visit : visits) {
    LaneRow& lane = visit.lane;
    const bool has_next = visit.next.key != 0;
    if (!has_next && lane.arrival <= now && !visit.has_writer) {
      done.push_back(lane.endpoint);
      continue;
    }
    const int64_t closed_until_us = micros(lane.closed_until);
    int64_t wake_at_us = has_next ? std::max(visit.next.wake_at_us, closed_until_us)
                                  : base::ToMicros(lane.arrival + kForgetAfter);
    if (visit.has_writer) wake_at_us = std::min(wake_at_us, base::ToMicros(now + visit.linger));
    left.AddRow({lane.endpoint, wake_at_us, micros(lane.arrival), closed_until_us,
                 visit.has_head() ? lane.head : int64_t{0}, int64_t{lane.is_disabled}});
    if (visit.HasDueBy(now) && lane.closed_until > now && !visit.policy.is_closed()) {
      claim.throttled_lanes.push_back({.lane = std::move(lane.name), .until = lane.closed_until});
    }
  }
  if (!done.empty()) {
    connection.Queue("DELETE FROM lane WHERE endpoint = ANY ($1::int8[])", Params().Ints(done));
  }
  if (left.rows_count() > 0) {
    connection.Queue(
        "UPDATE lane AS l SET wake_at_us = w.wake_at_us, arrival_us = w.arrival_us, "
        "closed_until_us = w.closed_until_us, head = w.head, is_disabled = w.is_disabled FROM "
        "unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[]) AS "
        "w(endpoint, wake_at_us, arrival_us, closed_until_us, head, is_disabled) "
        "WHERE l.endpoint = w.endpoint",
        Params().All(left));
  }
}

}  // namespace convoy::storage::postgres
