// One step of the dispatcher: run the transport, turn what has ended into one batch of outcomes,
// take in what the commits said, claim what there is room for, send.
//
// Every claimed delivery ends in exactly one update: an outcome, a discard, or being put back.
#include "lib/dispatch/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/base/relaxed_counter.h"
#include "lib/dispatch/delivery_machine.h"
#include "lib/dispatch/lane_policies.h"
#include "lib/dispatch/outcome.h"
#include "lib/dispatch/outcome_writer.h"
#include "lib/dispatch/redaction.h"
#include "lib/dispatch/request_builder.h"
#include "lib/dispatch/slots.h"
#include "lib/fetch/access_tokens.h"

namespace convoy::dispatch {
namespace {

using Snapshot = std::shared_ptr<const route::ProjectSnapshot>;

// An attempt must have ended, and its outcome be on its way, before the lease does.
constexpr absl::Duration kLeaseMargin = absl::Seconds(2);
// How long a store that refuses, or an endpoint that cannot be judged, is left alone.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
// How long work that other openers of the store have left may lie.
constexpr absl::Duration kLookForOthers = absl::Milliseconds(500);
// Interval between log lines about a local failure, which every attempt would meet.
constexpr absl::Duration kLocalFailureLogInterval = absl::Minutes(1);
// Intake is limited if the dispatcher was behind for so much of a window of time.
constexpr absl::Duration kBalanceWindow = absl::Milliseconds(100);
constexpr double kBehindRatio = 0.8;

// While there are no more lanes than this, those without traffic are kept for what is known of
// their endpoints: that they answer, or that they do not.
constexpr size_t kIdleLanesMax = 256;
constexpr size_t kDoubtfulLanesMax = 16 * 1024;

// An endpoint that fails now and then is logged no more often than this.
constexpr absl::Duration kTellFailureAgain = absl::Seconds(10);
constexpr absl::Duration kTellThrottledAgain = absl::Minutes(1);

// A claimed delivery until its outcome is known.
struct Task {
  ClaimedDelivery claimed;
  absl::Time lease_ends_at;
};

// An attempt on its way.
struct Sending {
  Task task;
  Snapshot project;
  Attempt attempt;
};

// For how much of a window of time deliveries were due while there were free slots.
struct Balance {
  absl::Time measured_at = absl::InfiniteFuture();
  bool is_behind = false;  // since then
  absl::Duration total, behind;
  bool is_limiting = false;
};

struct LaneState {
  absl::Time blocked_until = absl::InfinitePast();  // nothing is claimed before that
  Standing standing;
  Breaker breaker;
  // A failure was logged that no success has followed; when that was.
  bool is_failure_told = false;
  absl::Time failure_told_at = absl::InfinitePast();
  absl::Time throttle_told_at = absl::InfinitePast();

  bool is_blocked(absl::Time now) const { return blocked_until > now; }
  // Nothing is lost by forgetting it, if its endpoint is well.
  bool may_be_forgotten(absl::Time now) const {
    return waiting.empty() && standing.held_count() == 0 && !is_blocked(now);
  }
  // How many more attempts may start: one at a time while the breaker probes the endpoint.
  uint32_t RoomIn(const SlotPool& pool, absl::Time now) const {
    const Breaker::State state = breaker.state(now);
    if (state == Breaker::State::kOpen) return 0;
    const uint32_t room = pool.RoomOf(standing, now);
    if (state == Breaker::State::kClosed) return room;
    return standing.held_count() == 0 ? std::min(room, 1u) : 0;
  }
  std::deque<Task> waiting;  // claimed, but the lane was full
};

}  // namespace

struct Dispatcher::State {
  State(const GatewayOptions& o, DispatcherParts p)
      : options(o),
        parts(p),
        outcomes(p.commits, p.configuration, p.clock, p.observer),
        tokens({}, p.transport, p.clock, p.ulids),
        pool{.slots_max = o.in_flight_max, .slots_per_endpoint_max = o.in_flight_per_endpoint_max} {
  }

  absl::Time Step();
  void TakeInNews(absl::Time now);
  void StartClaim(absl::Time now);
  void TakeInClaim(absl::StatusOr<convoy::Claim> claim, absl::Time now);
  // Loads the projects of lanes that the claim left alone because it did not know them.
  void LearnPolicies(const std::vector<LaneName>& unknown, absl::Time now);
  // The store is not asked about blocked lanes: their work may be due as soon as they are open.
  void MindBlockedLanes(absl::Time now);
  // Limits intake while deliveries are due and slots are free nearly all of the time. Returns when
  // to look again at the latest.
  absl::Time BalanceIntake(absl::Time now);
  // Says for the endpoints that are known here how many deliveries could start at once.
  void AddRooms(absl::Time now, ClaimRequest& request) const;

  // As the store has it when it is first asked in a step.
  const absl::StatusOr<Snapshot>& FindProject(const std::string& id);

  // Sends, queues or ends a claimed delivery.
  void Admit(Task task, absl::Time now);
  // Whether the lease leaves an attempt the time it may take.
  bool HasTime(const Task& task, const Endpoint& endpoint, absl::Time now) const;
  void Start(Task task, Snapshot project, const Endpoint& endpoint, absl::Time now);
  void StartWaiting(const std::string& endpoint_id, absl::Time now);

  // The end of an attempt.
  void OnSent(Sending& sending, TransportResult result);
  void End(Sending& sending, TransportResult result, absl::Time now);
  void RecordOutcome(Sending& sending, TransportResult result, const Classification& classification,
                     absl::Time now);
  void PutBackTask(const Task& task, absl::Time due_at, absl::Time now);
  // The endpoint's rate limit holds its deliveries back: shown, and logged now and then.
  void TellThrottled(const ThrottledLane& throttled, absl::Time now);
  // Feeds the breaker of an endpoint, and acts on what it says.
  void RunBreaker(LaneState& state, const Sending& sending, bool is_success, absl::Time now);
  // Logs the first failure of an endpoint after a success, or ever, and its recovery.
  void TellHealth(LaneState& state, const Attempt& attempt, const Classification& classification,
                  absl::Time now);
  // This process could not make the attempt: the delivery waits, and so does claiming.
  void OnLocalFailure(const Task& task, std::string_view error, absl::Time now);

  // The part of a lease that is kept free for recording the outcome.
  absl::Duration lease_margin() const { return std::min(kLeaseMargin, options.lease / 4); }

  const GatewayOptions& options;
  const DispatcherParts parts;
  OutcomeWriter outcomes;
  fetch::AccessTokens tokens;

  // Touched only by the thread that steps.
  absl::flat_hash_map<std::string, absl::StatusOr<Snapshot>> projects;  // of this step
  absl::flat_hash_map<std::string, LaneState> lanes;
  SlotPool pool;
  absl::Time next_claim_at = absl::InfinitePast();
  absl::Time local_failure_logged_at = absl::InfinitePast();
  std::optional<absl::Time> claim_started_at;  // a claim is under way
  bool has_more_due = false;                   // than the last claim handed out
  Balance balance;
  bool is_abandoning = false;

  // Counted by the thread that steps, read by any.
  base::RelaxedCounter sending_count, waiting_count, failed_claims_count;
  std::array<base::RelaxedCounter, kOutcomesCount> attempts_counts;
  LatencyHistogram delivered_latency, failed_latency, discarded_latency;
  HealthBoard health;

  std::atomic<int64_t> last_local_failure_us = std::numeric_limits<int64_t>::min();
  std::atomic<bool> is_draining = false;  // also set by the closing thread
};

// Stepping.

absl::Time Dispatcher::State::Step() {
  projects.clear();
  parts.transport->Step();
  const absl::Time now = parts.clock->Now();
  TakeInNews(now);
  std::vector<std::string> ready;
  pool.doubtful_count = 0;
  for (const auto& [endpoint_id, state] : lanes) {
    if (state.standing.is_doubtful(now)) pool.doubtful_count += state.standing.held_count();
    if (!state.waiting.empty() && !state.is_blocked(now)) ready.push_back(endpoint_id);
  }
  for (const std::string& endpoint_id : ready) StartWaiting(endpoint_id, now);
  outcomes.Flush();
  const bool may_claim =
      !is_draining && !claim_started_at.has_value() && outcomes.kept_count() == 0;
  if (may_claim && now >= next_claim_at) StartClaim(now);

  absl::Time next = may_claim ? next_claim_at : absl::InfiniteFuture();
  next = std::min({next, outcomes.retry_at(), BalanceIntake(now)});
  for (const auto& [endpoint_id, state] : lanes) {
    if (!state.waiting.empty() && state.is_blocked(now)) {
      next = std::min(next, state.blocked_until);
    }
  }
  return std::max(next, now);
}

void Dispatcher::State::TakeInNews(absl::Time now) {
  StoreNews news = outcomes.TakeNews();
  if (news.has_work) next_claim_at = std::min(next_claim_at, now);
  if (news.is_refusing) next_claim_at = now + kLookAgain;
  if (news.is_lost) is_draining = true;
  if (news.claim.has_value()) TakeInClaim(*std::move(news.claim), now);
}

absl::Time Dispatcher::State::BalanceIntake(absl::Time now) {
  const absl::Duration elapsed = now - balance.measured_at;
  if (elapsed >= absl::ZeroDuration()) {
    balance.total += elapsed;
    if (balance.is_behind) balance.behind += elapsed;
  }
  balance.measured_at = now;
  balance.is_behind = has_more_due && !is_draining && outcomes.kept_count() == 0 &&
                      sending_count.value() + waiting_count.value() < options.in_flight_max;
  if (balance.total >= kBalanceWindow) {
    const bool should_limit = balance.is_behind && balance.behind >= kBehindRatio * balance.total;
    if (should_limit || balance.is_limiting) parts.commits->LimitIntake(should_limit);
    balance.is_limiting = should_limit;
    balance.total = balance.behind = absl::ZeroDuration();
  }
  return balance.is_limiting ? now + kBalanceWindow : absl::InfiniteFuture();
}

void Dispatcher::State::AddRooms(absl::Time now, ClaimRequest& request) const {
  for (const auto& [endpoint_id, state] : lanes) {
    const bool is_closed = state.is_blocked(now) || !state.waiting.empty();
    const uint32_t room = is_closed ? 0 : state.RoomIn(pool, now);
    if (room == 0) {
      request.skipped_endpoint_ids.push_back(endpoint_id);
    } else {
      request.items_max_of_endpoint.emplace(endpoint_id, room);
    }
  }
}

void Dispatcher::State::StartClaim(absl::Time now) {
  const size_t busy_count = sending_count.value() + waiting_count.value();
  if (busy_count >= options.in_flight_max) {
    next_claim_at = absl::InfiniteFuture();  // until something ends
    return;
  }
  absl::erase_if(lanes, [this, now](const auto& entry) {
    const LaneState& state = entry.second;
    const bool is_failing =
        state.standing.is_doubtful(now) || state.is_failure_told || !state.breaker.is_rested();
    const size_t kept_max = is_failing ? kDoubtfulLanesMax : kIdleLanesMax;
    return state.may_be_forgotten(now) && lanes.size() > kept_max;
  });
  ClaimRequest request = {.now = now,
                          .lease = options.lease,
                          .items_max = static_cast<uint32_t>(options.in_flight_max - busy_count),
                          .items_per_endpoint_max = 1,  // those have yet to earn more
                          .policy_of = PoliciesOf(parts.configuration)};
  AddRooms(now, request);
  claim_started_at = now;
  next_claim_at = absl::InfiniteFuture();  // what comes up meanwhile asks for the next one
  MindBlockedLanes(now);
  outcomes.StartClaim(std::move(request));
}

void Dispatcher::State::TakeInClaim(absl::StatusOr<convoy::Claim> claim, absl::Time now) {
  const absl::Time lease_ends_at = *claim_started_at + options.lease;
  claim_started_at.reset();
  has_more_due = claim.ok() && claim->next_due_at <= lease_ends_at - options.lease;
  if (!claim.ok()) {
    const LogField fields[] = {{"error", claim.status().message()}};
    parts.observer->Log(LogLevel::kError, "cannot claim deliveries", fields);
    failed_claims_count.Add(1);
    next_claim_at = now + kLookAgain;
    return;
  }
  next_claim_at = std::min(next_claim_at, claim->next_due_at);
  if (parts.storage->may_be_shared()) next_claim_at = std::min(next_claim_at, now + kLookForOthers);
  for (ClaimedDelivery& claimed : claim->deliveries) {
    Task task = {.claimed = std::move(claimed), .lease_ends_at = lease_ends_at};
    if (is_draining) {
      PutBackTask(task, task.claimed.delivery.due_at, now);
    } else {
      Admit(std::move(task), now);
    }
  }
  for (const ThrottledLane& throttled : claim->throttled_lanes) TellThrottled(throttled, now);
  LearnPolicies(claim->unknown_lanes, now);
  MindBlockedLanes(now);
}

void Dispatcher::State::LearnPolicies(const std::vector<LaneName>& unknown, absl::Time now) {
  for (const LaneName& lane : unknown) {
    if (!FindProject(lane.project_id).ok())
      lanes[lane.endpoint_id].blocked_until = now + kLookAgain;
  }
  if (!unknown.empty()) next_claim_at = std::min(next_claim_at, now);
}

void Dispatcher::State::MindBlockedLanes(absl::Time now) {
  for (const auto& [endpoint_id, state] : lanes) {
    if (state.is_blocked(now)) {
      next_claim_at = std::min(next_claim_at, state.blocked_until);
    }
  }
}

// One delivery.

const absl::StatusOr<Snapshot>& Dispatcher::State::FindProject(const std::string& id) {
  const auto known = projects.find(id);
  if (known != projects.end()) return known->second;
  return projects.emplace(id, parts.configuration->FindProject(id)).first->second;
}

void Dispatcher::State::Admit(Task task, absl::Time now) {
  const Delivery& delivery = task.claimed.delivery;
  const absl::StatusOr<Snapshot> project = FindProject(delivery.project_id);
  if (!project.ok() && !absl::IsNotFound(project.status())) {
    return PutBackTask(task, now + kLookAgain, now);
  }
  const Endpoint* endpoint =
      project.ok() ? (*project)->FindEndpoint(delivery.endpoint_id) : nullptr;
  if (endpoint == nullptr || endpoint->status == EndpointStatus::kInactive) {
    const std::string_view reason =
        endpoint == nullptr ? "the endpoint was deleted" : "the endpoint is inactive";
    Delivery discarded = Discard(delivery, reason, now);
    discarded_latency.Add(discarded.latency);
    return outcomes.Add(task.claimed.lease, std::move(discarded), std::nullopt);
  }
  LaneState& state = lanes[delivery.endpoint_id];
  // It was paused since it was claimed; the next claim knows that.
  if (endpoint->status == EndpointStatus::kPaused) return PutBackTask(task, delivery.due_at, now);
  if (!HasTime(task, *endpoint, now)) return PutBackTask(task, delivery.due_at, now);
  if (state.RoomIn(pool, now) == 0) {
    state.waiting.push_back(std::move(task));
    waiting_count.Add(1);
    return;
  }
  if (state.standing.is_doubtful(now)) ++pool.doubtful_count;
  state.standing.OnStart(now);
  ++pool.used_count;
  Start(std::move(task), *project, *endpoint, now);
}

// A task that has waited must not be cut short for it: that would look like a failure of the
// endpoint. Where the lease is shorter than the attempt may take, three quarters of it have to do.
bool Dispatcher::State::HasTime(const Task& task, const Endpoint& endpoint, absl::Time now) const {
  return task.lease_ends_at - now >=
         std::min(options.lease * 3 / 4, TimeoutOf(endpoint) + lease_margin());
}

void Dispatcher::State::Start(Task task, Snapshot project, const Endpoint& endpoint,
                              absl::Time now) {
  auto sending = std::make_shared<Sending>();
  sending->task = std::move(task);
  sending->project = std::move(project);
  const ClaimedDelivery& claimed = sending->task.claimed;
  sending->attempt = {.id = parts.ulids->Next(),
                      .project_id = claimed.delivery.project_id,
                      .delivery_id = claimed.delivery.id,
                      .endpoint_id = endpoint.id,
                      .url = endpoint.url,
                      .requested_at = now};
  sending_count.Add(1);
  absl::StatusOr<OutgoingRequest> request = BuildRequest(
      sending->project->project().config, endpoint, claimed.delivery, claimed.event, now);
  if (!request.ok()) {
    return End(*sending,
               {.outcome = TransportOutcome::kInvalidUrl,
                .error = std::string(request.status().message())},
               now);
  }
  request->timeout = std::min(request->timeout, sending->task.lease_ends_at - now - lease_margin());
  sending->attempt.url = request->url;
  sending->attempt.request_headers = RedactHeaders(request->headers, endpoint.auth);
  const auto on_sent = [this, sending](TransportResult result) {
    OnSent(*sending, std::move(result));
  };
  if (const auto* oauth2 = std::get_if<OAuth2Auth>(&endpoint.auth)) {
    tokens.Send(endpoint.id, *oauth2, *std::move(request), on_sent);
  } else {
    parts.transport->Send(*std::move(request), on_sent);
  }
}

void Dispatcher::State::OnSent(Sending& sending, TransportResult result) {
  const absl::Time now = parts.clock->Now();
  const std::string endpoint_id = sending.attempt.endpoint_id;
  End(sending, std::move(result), now);
  StartWaiting(endpoint_id, now);
}

void Dispatcher::State::End(Sending& sending, TransportResult result, absl::Time now) {
  sending_count.Add(-1);
  if (!is_draining) next_claim_at = std::min(next_claim_at, now);  // there is room again
  LaneState& state = lanes[sending.attempt.endpoint_id];
  --pool.used_count;
  const Classification classification = Classify(result, now);
  if (classification.outcome == Outcome::kDelivered || classification.counts_against_endpoint) {
    state.standing.OnEnd(sending.attempt.requested_at,
                         classification.outcome == Outcome::kDelivered, result.elapsed);
    TellHealth(state, sending.attempt, classification, now);
    RunBreaker(state, sending, classification.outcome == Outcome::kDelivered, now);
  } else {
    state.standing.OnCancelled(sending.attempt.requested_at);
  }
  RecordOutcome(sending, std::move(result), classification, now);
}

void Dispatcher::State::StartWaiting(const std::string& endpoint_id, absl::Time now) {
  // Each round either sends, ends or puts back the front, so this comes to an end.
  while (true) {
    LaneState& state = lanes[endpoint_id];
    const bool has_room = state.RoomIn(pool, now) > 0;
    if (state.waiting.empty() || (!has_room && !is_abandoning)) return;
    Task task = std::move(state.waiting.front());
    state.waiting.pop_front();
    waiting_count.Add(-1);
    if (is_abandoning) {
      PutBackTask(task, task.claimed.delivery.due_at, now);
    } else {
      Admit(std::move(task), now);
    }
  }
}

void Dispatcher::State::RecordOutcome(Sending& sending, TransportResult result,
                                      const Classification& classification, absl::Time now) {
  if (classification.outcome == Outcome::kCancelled) {
    const Delivery& delivery = sending.task.claimed.delivery;
    if (delivery.mode == DeliveryMode::kAtMostOnce) {
      return outcomes.Add(sending.task.claimed.lease, EndUnknown(delivery, now), std::nullopt);
    }
    return PutBackTask(sending.task, sending.task.claimed.delivery.due_at, now);
  }
  attempts_counts[static_cast<size_t>(classification.outcome)].Add(1);
  if (classification.outcome == Outcome::kLocalFailure) {
    return OnLocalFailure(sending.task, result.error, now);
  }
  const Delivery& before = sending.task.claimed.delivery;
  Transition transition =
      AfterAttempt(before, classification, sending.project->project().config, now, *parts.random);
  Attempt attempt = std::move(sending.attempt);
  attempt.http_status = result.http_status;
  attempt.response_headers = std::move(result.headers);
  attempt.response_body = std::move(result.body);
  attempt.remote_ip = std::move(result.remote_ip);
  attempt.is_success = classification.outcome == Outcome::kDelivered;
  attempt.error = classification.error;
  attempt.responded_at = now;
  attempt.phases = result.phases;
  attempt.elapsed = result.elapsed;
  parts.observer->Count("convoy_delivery_attempt_total", 1);
  if (attempt.is_success) parts.observer->Count("convoy_delivery_success_total", 1);
  if (transition.should_disable_endpoint) {
    outcomes.DisableEndpoint(before.project_id, before.endpoint_id);
  }
  if (transition.delivery.status == DeliveryStatus::kSuccess) {
    delivered_latency.Add(transition.delivery.latency);
  } else if (transition.delivery.status == DeliveryStatus::kFailure) {
    failed_latency.Add(transition.delivery.latency);
  }
  outcomes.Add(sending.task.claimed.lease, std::move(transition.delivery), std::move(attempt));
}

void Dispatcher::State::TellThrottled(const ThrottledLane& throttled, absl::Time now) {
  const std::string& endpoint_id = throttled.lane.endpoint_id;
  health.SetThrottled(endpoint_id, throttled.until);
  LaneState& state = lanes[endpoint_id];
  if (now - state.throttle_told_at < kTellThrottledAgain) return;
  state.throttle_told_at = now;
  const std::string until = absl::FormatTime(throttled.until, absl::UTCTimeZone());
  const LogField fields[] = {{"project_id", throttled.lane.project_id},
                             {"endpoint_id", endpoint_id},
                             {"throttled_until", until}};
  parts.observer->Log(LogLevel::kInfo, "an endpoint is throttled by its rate_limit", fields);
}

void Dispatcher::State::RunBreaker(LaneState& state, const Sending& sending, bool is_success,
                                   absl::Time now) {
  const auto& settings = sending.project->project().config.circuit_breaker;
  if (!settings.has_value()) return;
  const std::string& endpoint_id = sending.attempt.endpoint_id;
  const Breaker::Change change = state.breaker.OnResult(*settings, is_success, now);
  health.SetBreaker(endpoint_id, state.breaker.state(now), state.breaker.open_until(),
                    state.breaker.failure_rate(*settings, now));
  if (change == Breaker::Change::kNone) return;
  const LogField fields[] = {{"project_id", sending.attempt.project_id},
                             {"endpoint_id", endpoint_id}};
  if (change == Breaker::Change::kClosed) {
    return parts.observer->Log(LogLevel::kInfo, "circuit breaker closed", fields);
  }
  state.blocked_until = state.breaker.open_until();
  parts.observer->Log(LogLevel::kWarning, "circuit breaker opened", fields);
  if (change == Breaker::Change::kExhausted) {
    outcomes.DisableEndpoint(sending.attempt.project_id, endpoint_id);
  }
}

void Dispatcher::State::TellHealth(LaneState& state, const Attempt& attempt,
                                   const Classification& classification, absl::Time now) {
  if (classification.outcome == Outcome::kDelivered) {
    if (!std::exchange(state.is_failure_told, false)) return;
    const LogField fields[] = {{"project_id", attempt.project_id},
                               {"endpoint_id", attempt.endpoint_id}};
    return parts.observer->Log(LogLevel::kInfo, "deliveries to an endpoint succeed again", fields);
  }
  if (state.is_failure_told || now - state.failure_told_at < kTellFailureAgain) return;
  state.is_failure_told = true;
  state.failure_told_at = now;
  const LogField fields[] = {{"project_id", attempt.project_id},
                             {"endpoint_id", attempt.endpoint_id},
                             {"delivery_id", attempt.delivery_id},
                             {"outcome", OutcomeName(classification.outcome)},
                             {"error", classification.error}};
  parts.observer->Log(LogLevel::kInfo, "deliveries to an endpoint fail", fields);
}

void Dispatcher::State::OnLocalFailure(const Task& task, std::string_view error, absl::Time now) {
  last_local_failure_us = absl::ToUnixMicros(now);
  PutBackTask(task, now + kLookAgain, now);
  // The next attempts would meet the same; what is in flight may end meanwhile and make room.
  next_claim_at = std::max(next_claim_at, now + kLookAgain);
  if (now - local_failure_logged_at < kLocalFailureLogInterval) return;
  local_failure_logged_at = now;
  const LogField fields[] = {{"error", error}};
  parts.observer->Log(LogLevel::kError, "this process lacks resources; deliveries wait", fields);
}

void Dispatcher::State::PutBackTask(const Task& task, absl::Time due_at, absl::Time now) {
  outcomes.Add(task.claimed.lease, PutBack(task.claimed.delivery, due_at, now), std::nullopt);
}

// The face.

Dispatcher::Dispatcher(const GatewayOptions& options, DispatcherParts parts)
    : state_(std::make_unique<State>(options, parts)) {}

Dispatcher::~Dispatcher() = default;

absl::Time Dispatcher::Step() { return state_->Step(); }

void Dispatcher::set_wake(std::function<void()> wake) {
  state_->outcomes.set_wake(std::move(wake));
}

void Dispatcher::Notify() { state_->outcomes.NotifyWork(); }

void Dispatcher::Drain() { state_->is_draining = true; }

bool Dispatcher::idle() const {
  return state_->sending_count.value() == 0 && state_->waiting_count.value() == 0 &&
         state_->outcomes.is_settled();
}

DispatcherStatus Dispatcher::status() const {
  DispatcherStatus status = {.delivered_latency = state_->delivered_latency.counts(),
                             .failed_latency = state_->failed_latency.counts(),
                             .discarded_latency = state_->discarded_latency.counts(),
                             .failed_claims = state_->failed_claims_count.value(),
                             .in_flight = state_->sending_count.value(),
                             .throttled = state_->health.CountThrottled(state_->parts.clock->Now()),
                             .waiting = state_->waiting_count.value(),
                             .unwritten = state_->outcomes.kept_count()};
  const int64_t failed_us = state_->last_local_failure_us;
  if (failed_us != std::numeric_limits<int64_t>::min()) {
    status.last_local_failure_at = absl::FromUnixMicros(failed_us);
  }
  for (size_t i = 0; i < kOutcomesCount; ++i)
    status.attempts[i] = state_->attempts_counts[i].value();
  return status;
}

std::optional<EndpointHealth> Dispatcher::HealthOf(const std::string& endpoint_id) const {
  return state_->health.Find(endpoint_id, state_->parts.clock->Now());
}

void Dispatcher::Abandon() {
  state_->is_draining = state_->is_abandoning = true;
  state_->parts.transport->Cancel();
  const absl::Time now = state_->parts.clock->Now();
  std::vector<std::string> endpoint_ids;
  for (const auto& [endpoint_id, state] : state_->lanes) endpoint_ids.push_back(endpoint_id);
  for (const std::string& endpoint_id : endpoint_ids) state_->StartWaiting(endpoint_id, now);
  state_->outcomes.RetryNow();
  state_->outcomes.Flush();
}

}  // namespace convoy::dispatch
