// State of a dispatcher, for the files that are its parts: dispatcher.cc steps, claiming.cc asks
// the store for work, sending.cc takes a delivery to its outcome, local_lanes.cc does what is
// different where the host itself receives, endpoint_news.cc says what was learnt of endpoints.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "lib/base/relaxed_counter.h"
#include "lib/dispatch/breaker.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/dispatch/function_inbox.h"
#include "lib/dispatch/held_bodies.h"
#include "lib/dispatch/notifier.h"
#include "lib/dispatch/outcome.h"
#include "lib/dispatch/outcome_writer.h"
#include "lib/dispatch/slots.h"
#include "lib/fetch/access_tokens.h"

namespace convoy::dispatch {

using Snapshot = std::shared_ptr<const route::ProjectSnapshot>;

// The present instant. Stored instants are those of the wall clock; waits in memory use the steady
// clock, which is not set back.
struct Present {
  absl::Time wall;
  absl::Time steady;
};

// How long a store that refuses, or an endpoint that cannot be judged, is left alone.
inline constexpr absl::Duration kLookAgain = absl::Seconds(1);

// The part of a lease that is kept free for recording the outcome: an attempt must have ended, and
// its outcome be on its way, before the lease does.
inline absl::Duration LeaseMargin(absl::Duration lease) {
  return std::min(absl::Seconds(2), lease / 4);
}

// A claimed delivery until its outcome is known.
struct Task {
  ClaimedDelivery claimed;
  Present claimed_at;
};

// An attempt on its way.
struct Sending {
  Task task;
  Snapshot project;
  Attempt attempt;
  absl::Time started_at;  // of the steady clock
  bool is_local = false;
};

// For how much of a window of time deliveries were due while there were free slots.
struct Balance {
  absl::Time measured_at = absl::InfiniteFuture();
  bool is_behind = false;  // since then
  absl::Duration total, behind;
  bool is_limiting = false;
};

// An endpoint as this process knows it. Instants are of the steady clock.
struct LaneState {
  absl::Time blocked_until = absl::InfinitePast();  // nothing is claimed or begun before that
  Standing standing;
  Breaker breaker;
  // A failure was logged that no success has followed; when that was.
  bool is_failure_told = false;
  absl::Time failure_told_at = absl::InfinitePast();
  absl::Time throttle_told_at = absl::InfinitePast();

  bool is_blocked(absl::Time now) const { return blocked_until > now; }
  // Nothing is lost by forgetting it, if its endpoint is well. A local lane whose name has no room
  // has to be skipped by claims, so it is remembered: there are no more than endpoints.
  bool may_be_forgotten(absl::Time now) const {
    const bool is_idle = waiting.empty() && standing.held_count() == 0 && local_count == 0;
    return is_idle && !is_blocked(now) && (!is_local() || has_local_room);
  }
  bool is_local() const { return !local_project_id.empty(); }
  // How many more attempts may start here while the breaker is in this state: the host's own pace
  // bounds them otherwise.
  uint32_t LocalRoomIn(absl::Time now) const {
    const Breaker::State state = breaker.state(now);
    if (state == Breaker::State::kClosed) return std::numeric_limits<uint32_t>::max();
    return state == Breaker::State::kHalfOpen && local_count == 0 ? 1 : 0;
  }
  // How many more attempts may start: one at a time while the breaker probes the endpoint.
  uint32_t RoomIn(const SlotPool& pool, absl::Time now) const {
    const Breaker::State state = breaker.state(now);
    if (state == Breaker::State::kOpen) return 0;
    const uint32_t room = pool.RoomOf(standing, now);
    if (state == Breaker::State::kClosed) return room;
    return standing.held_count() == 0 ? std::min(room, 1u) : 0;
  }
  // How many more may be claimed to wait for a slot, so that the next attempt starts when one ends
  // and not when a claim has been made durable.
  uint32_t AheadIn(const SlotPool& pool, absl::Time now) const {
    const bool is_well =
        breaker.state(now) == Breaker::State::kClosed && !standing.is_doubtful(now);
    if (!may_wait || !is_well) return 0;
    const uint32_t waiting_max = pool.WaitingMaxOf(standing);
    return waiting_max - std::min(waiting_max, static_cast<uint32_t>(waiting.size()));
  }
  // Not where a claim keeps a pace or an order, or is the record that a delivery is sent now.
  bool may_wait = false;
  bool has_records = false;  // a delivery of mode at_most_once was among its deliveries
  std::deque<Task> waiting;  // claimed, but the lane was full
  // Of a lane whose endpoint was local when it was last looked at: its project, and how many
  // attempts are on their way. They hold no slot.
  std::string local_project_id;
  uint32_t local_count = 0;
  bool has_local_room = false;  // its name had, at the last claim
  uint64_t given_in_claim = 0;  // the last claim that brought some of it
};

struct Dispatcher::State {
  State(const GatewayOptions& o, DispatcherParts p)
      : options(o),
        parts(p),
        outcomes(p.commits, p.configuration, p.clock, p.observer, p.tell),
        tokens({}, p.transport, p.clock, p.ulids),
        notifier(o, p.transport, p.clock, p.observer),
        pool{.slots_max = o.in_flight_max, .slots_per_endpoint_max = o.in_flight_per_endpoint_max} {
    outcomes.set_on_disabled([this](const Project& project, const Endpoint& endpoint) {
      notifier.TellDisabled(project, endpoint);
    });
  }

  Present GetPresent() const { return {parts.clock->Now(), parts.clock->SteadyNow()}; }

  // Returns when to step again at the latest, by the wall clock.
  absl::Time Step();
  void TakeInNews(Present now);
  // Claims at once if the wall clock was set: other deliveries are due then.
  void NoticeClock(Present now);

  // Claiming.
  void StartClaim(Present now);
  void EndClaims(Present now);
  void TakeInClaim(absl::StatusOr<convoy::Claim> claim, Present now);
  void ForgetLanes(Present now);
  // Loads the projects of lanes that the claim left alone because it did not know them.
  void LearnPolicies(const std::vector<LaneName>& unknown, Present now);
  // The store is not asked about blocked lanes: their work may be due as soon as they are open.
  void MindBlockedLanes(Present now);
  // Limits intake while deliveries are late and slots are free nearly all of the time. Returns when
  // to look again at the latest, by the steady clock.
  absl::Time BalanceIntake(Present now);
  // Those of a claim, each event's counted once.
  void CountBodies(convoy::Claim& claim);
  // Says for the endpoints that are known here how many deliveries could start at once.
  void AddRooms(Present now, ClaimRequest& request);
  // How many more of a lane could start at once, those that would wait for a slot left out.
  uint32_t RoomOf(const LaneState& state, absl::Time now) const {
    return state.is_local() ? state.LocalRoomIn(now) : state.RoomIn(pool, now);
  }
  // The local lanes by the names of their endpoints; one whose endpoint is not local any more
  // becomes an ordinary lane again. See local_lanes.cc.
  absl::flat_hash_map<std::string, std::vector<std::string>> LocalLanes();
  // Divides what the host has room for among the lanes of each name that have work.
  void AddLocalRooms(Present now, ClaimRequest& request);
  size_t busy_count() const {
    return sending_count.value() - local_count.value() + waiting_count.value();
  }

  // As the store has it when it is first asked in a step.
  const absl::StatusOr<Snapshot>& FindProject(const std::string& id);

  // Sends, queues or ends a claimed delivery.
  void HandleClaimed(Task task, Present now);
  // The rest of its lease: the store reckons by the wall clock, which may have been set meanwhile.
  absl::Duration LeaseLeft(const Task& task, Present now) const;
  // Whether the lease leaves an attempt the time it may take.
  bool HasTime(const Task& task, const Endpoint& endpoint, Present now) const;
  void Start(Task task, Snapshot project, const Endpoint& endpoint, Present now);
  // Sends `event`, which is the delivery's or what a function has made of it.
  void Send(std::shared_ptr<Sending> sending, const Endpoint& endpoint,
            const std::shared_ptr<const Event>& event, Present now);
  void StartLocal(std::shared_ptr<Sending> sending, const Endpoint& endpoint, std::string_view name,
                  const std::shared_ptr<const Event>& event, Present now);

  // Payload functions of subscriptions. See functions.cc.
  void RunFunction(std::shared_ptr<Sending> sending, const Endpoint& endpoint,
                   const std::string& function, Present now);
  void TakeInFunctions(Present now);
  void OnFunction(std::shared_ptr<Sending> sending, ScriptResult result, Present now);
  void CancelFunctions(Present now);
  void StartWaiting(const std::string& endpoint_id, Present now);

  // The end of an attempt.
  void OnSent(Sending& sending, TransportResult result);
  void End(Sending& sending, TransportResult result, Present now);
  void RecordOutcome(Sending& sending, TransportResult result, const Classification& classification,
                     Present now);
  // Tells the span of an attempt, if its project takes part in traces. Returns what stands for the
  // delivery among latencies, unless the trace is kept nowhere.
  std::optional<LatencyExemplar> Trace(const Sending& sending, const Attempt& attempt,
                                       Outcome outcome);
  // A delivery's next state, and how it came to that: recorded and, once it is, told to the host.
  void AddOutcome(const Task& task, Delivery next, std::optional<Attempt> attempt,
                  std::string_view outcome, std::string_view detail,
                  absl::Duration lateness = absl::ZeroDuration());
  // News of the endpoint that an attempt was for.
  void TellNews(HostOutcome::Kind kind, const Attempt& attempt, std::string_view outcome,
                std::string_view detail, Present now);
  // Gives a delivery back as it was.
  void PutBackTask(const Task& task, Present now);
  // This process could not make the attempt: the delivery waits, and so does claiming.
  void OnLocalFailure(const Task& task, std::string_view error, Present now);

  // The endpoint's rate limit holds its deliveries back: shown, and logged now and then.
  void TellThrottled(const ThrottledLane& throttled, Present now);
  // Feeds the breaker of an endpoint, and acts on what it says.
  void RunBreaker(LaneState& state, const Sending& sending, bool is_success, Present now);
  // Tells people whose alert this failed attempt makes up.
  void RunAlert(const Sending& sending, const Classification& classification, Present now);
  // Logs the first failure of an endpoint after a success, or ever, and its recovery.
  void TellHealth(LaneState& state, const Attempt& attempt, const Classification& classification,
                  Present now);

  const GatewayOptions& options;
  const absl::Duration lease_margin = LeaseMargin(options.lease);
  const absl::Duration lease_mostly = options.lease * 3 / 4;
  const DispatcherParts parts;
  OutcomeWriter outcomes;
  fetch::AccessTokens tokens;
  Notifier notifier;

  // Touched only by the thread that steps. Instants are of the steady clock.
  absl::flat_hash_map<std::string, absl::StatusOr<Snapshot>> projects;  // of this step
  absl::flat_hash_map<std::string, LaneState> lanes;
  SlotPool pool;
  HeldBodies bodies;
  absl::Time next_claim_at = absl::InfinitePast();
  absl::Time local_failure_logged_at = absl::InfinitePast();
  std::optional<Present> claim_started_at;  // a claim is under way
  bool has_ended_claims = false;
  absl::Duration clock_offset = absl::InfiniteDuration();  // of the wall clock, in the last step
  absl::Time latest_steady = absl::InfinitePast();         // the last step
  uint64_t claims_count = 0;
  bool is_late = false;  // the last claim left some that have been due for long
  Balance balance;
  bool is_abandoning = false;

  // Counted by the thread that steps, read by any.
  base::RelaxedCounter sending_count, waiting_count, failed_claims_count;
  base::RelaxedCounter local_count;  // of those that are sending, to local endpoints
  std::array<base::RelaxedCounter, kOutcomesCount> attempts_counts;
  LatencyHistogram delivered_latency, failed_latency, discarded_latency;
  HealthBoard health;

  FunctionInbox functions;
  // By the number of the call: deliveries whose function runs. Of the thread that steps.
  absl::flat_hash_map<uint64_t, std::shared_ptr<Sending>> in_functions;
  uint64_t functions_count = 0;

  std::atomic<int64_t> last_local_failure_us = std::numeric_limits<int64_t>::min();
  std::atomic<bool> is_draining = false;  // also set by the closing thread
};

}  // namespace convoy::dispatch
