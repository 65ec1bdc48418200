// The dispatcher's claims: how much it has room for, what is claimed and when to claim again; and
// intake, which is limited where claims show that deliveries fall behind.
#include <algorithm>
#include <utility>

#include "lib/dispatch/dispatcher_state.h"
#include "lib/dispatch/lane_policies.h"

namespace convoy::dispatch {
namespace {

// How long work that other openers of the store have left may lie.
constexpr absl::Duration kLookForOthers = absl::Milliseconds(500);
// Deliveries that have been due for longer than this are late. Some are always due at full rate.
constexpr absl::Duration kLatenessMax = absl::Milliseconds(200);
// Intake is limited if the dispatcher was behind for so much of a window of time.
constexpr absl::Duration kBalanceWindow = absl::Milliseconds(100);
constexpr double kBehindRatio = 0.8;

// Deliveries of all endpoints that are claimed to wait for a slot, for each slot of the pool.
constexpr size_t kAheadOfSlot = 1;

// While there are no more lanes than this, those without traffic are kept for what is known of
// their endpoints: that they answer, or that they do not.
constexpr size_t kIdleLanesMax = 256;
constexpr size_t kDoubtfulLanesMax = 16 * 1024;

}  // namespace

absl::Time Dispatcher::State::BalanceIntake(Present now) {
  const absl::Duration elapsed = now.steady - balance.measured_at;
  if (elapsed >= absl::ZeroDuration()) {
    balance.total += elapsed;
    if (balance.is_behind) balance.behind += elapsed;
  }
  balance.measured_at = now.steady;
  balance.is_behind =
      is_late && !is_draining && outcomes.kept_count() == 0 && busy_count() < options.in_flight_max;
  if (balance.total >= kBalanceWindow) {
    const bool should_limit = balance.is_behind && balance.behind >= kBehindRatio * balance.total;
    if (should_limit || balance.is_limiting) parts.commits->LimitIntake(should_limit);
    balance.is_limiting = should_limit;
    balance.total = balance.behind = absl::ZeroDuration();
  }
  return balance.is_limiting ? now.steady + kBalanceWindow : absl::InfiniteFuture();
}

void Dispatcher::State::AddRooms(Present now, ClaimRequest& request) {
  AddLocalRooms(now, request);
  for (const auto& [endpoint_id, state] : lanes) {
    if (state.is_local()) continue;
    uint32_t room = 0;
    if (!state.is_blocked(now.steady)) {
      room = state.AheadIn(pool, now.steady);
      if (state.waiting.empty()) room += state.RoomIn(pool, now.steady);
    }
    if (room == 0) {
      request.skipped_endpoint_ids.push_back(endpoint_id);
    } else {
      request.items_max_of_endpoint.emplace(endpoint_id, room);
    }
  }
}

void Dispatcher::State::StartClaim(Present now) {
  if (options.in_flight_max == 0) {  // others deliver
    next_claim_at = absl::InfiniteFuture();
    return;
  }
  const size_t busy_max = options.in_flight_max * (1 + kAheadOfSlot);
  const uint64_t held_bytes = bodies.bytes_count();
  if (busy_count() >= busy_max || held_bytes >= options.in_flight_bytes_max) {
    // Until something ends; a host may hold bodies for longer than its deliveries take.
    next_claim_at = busy_count() > 0 ? absl::InfiniteFuture() : now.steady + kLookAgain;
    return;
  }
  ForgetLanes(now);
  ClaimRequest request = {.now = now.wall,
                          .lease = options.lease,
                          .items_max = static_cast<uint32_t>(busy_max - busy_count()),
                          .items_per_endpoint_max = 1,  // those have yet to earn more
                          .bytes_max = options.in_flight_bytes_max - held_bytes,
                          .policy_of = PoliciesOf(parts.configuration, parts.local)};
  AddRooms(now, request);
  claim_started_at = now;
  next_claim_at = absl::InfiniteFuture();  // what comes up meanwhile asks for the next one
  MindBlockedLanes(now);
  outcomes.StartClaim(std::move(request));
}

// The last claim asks for nothing. A store may have taken the room that the one before left for a
// promise, and keep work from other openers.
void Dispatcher::State::EndClaims(Present now) {
  if (std::exchange(has_ended_claims, true)) return;
  if (options.in_flight_max == 0 || !parts.storage->may_be_shared()) return;
  claim_started_at = now;
  outcomes.StartClaim({.now = now.wall, .lease = options.lease, .items_max = 0});
}

void Dispatcher::State::ForgetLanes(Present now) {
  absl::erase_if(lanes, [this, now](const auto& entry) {
    const LaneState& state = entry.second;
    const bool is_failing = state.standing.is_doubtful(now.steady) || state.is_failure_told ||
                            !state.breaker.is_rested();
    const size_t kept_max = is_failing ? kDoubtfulLanesMax : kIdleLanesMax;
    return state.may_be_forgotten(now.steady) && lanes.size() > kept_max;
  });
}

void Dispatcher::State::TakeInClaim(absl::StatusOr<convoy::Claim> claim, Present now) {
  const Present started_at = *std::exchange(claim_started_at, std::nullopt);
  ++claims_count;
  is_late = claim.ok() && claim->next_due_at < started_at.wall - kLatenessMax;
  if (!claim.ok()) {
    const LogField fields[] = {{"error", claim.status().message()}};
    parts.observer->Log(LogLevel::kError, "cannot claim deliveries", fields);
    failed_claims_count.Add(1);
    next_claim_at = now.steady + kLookAgain;
    return;
  }
  next_claim_at = std::min(next_claim_at, now.steady + (claim->next_due_at - now.wall));
  if (parts.storage->may_be_shared()) {
    next_claim_at = std::min(next_claim_at, now.steady + kLookForOthers);
  }
  CountBodies(*claim);
  for (ClaimedDelivery& claimed : claim->deliveries) {
    Task task = {.claimed = std::move(claimed), .claimed_at = started_at};
    if (is_draining) {
      PutBackTask(task, now);
    } else {
      HandleClaimed(std::move(task), now);
    }
  }
  for (const ThrottledLane& throttled : claim->throttled_lanes) TellThrottled(throttled, now);
  for (const LaneName& lane : claim->unserved_lanes) {
    lanes[lane.endpoint_id].local_project_id = lane.project_id;
  }
  LearnPolicies(claim->unknown_lanes, now);
  MindBlockedLanes(now);
}

void Dispatcher::State::CountBodies(convoy::Claim& claim) {
  absl::flat_hash_map<const Event*, std::shared_ptr<const Event>> counted;
  for (ClaimedDelivery& claimed : claim.deliveries) {
    std::shared_ptr<const Event>& event = counted[claimed.event.get()];
    if (event == nullptr) event = bodies.Count(std::move(claimed.event));
    claimed.event = event;
  }
}

void Dispatcher::State::LearnPolicies(const std::vector<LaneName>& unknown, Present now) {
  for (const LaneName& lane : unknown) {
    if (FindProject(lane.project_id).ok()) continue;
    lanes[lane.endpoint_id].blocked_until = now.steady + kLookAgain;
  }
  if (!unknown.empty()) next_claim_at = std::min(next_claim_at, now.steady);
}

void Dispatcher::State::MindBlockedLanes(Present now) {
  for (const auto& [endpoint_id, state] : lanes) {
    if (state.is_blocked(now.steady)) {
      next_claim_at = std::min(next_claim_at, state.blocked_until);
    }
  }
}

}  // namespace convoy::dispatch
