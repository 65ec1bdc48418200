// One step of the dispatcher: run the transport, turn what has ended into one batch of outcomes,
// take in what the commits said, claim what there is room for, send.
//
// Every claimed delivery ends in exactly one update: an outcome, a discard, or being put back.
#include "lib/dispatch/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/base/relaxed_counter.h"
#include "lib/dispatch/delivery_machine.h"
#include "lib/dispatch/lane.h"
#include "lib/dispatch/outcome.h"
#include "lib/dispatch/outcome_writer.h"
#include "lib/dispatch/redaction.h"
#include "lib/dispatch/request_builder.h"

namespace convoy::dispatch {
namespace {

using Snapshot = std::shared_ptr<const route::ProjectSnapshot>;

// An attempt must have ended, and its outcome be on its way, before the lease does.
constexpr absl::Duration kLeaseMargin = absl::Seconds(2);
// How long a paused endpoint, or a store that refuses, is left alone before looking again.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
// Interval between log lines about a local failure, which every attempt would meet.
constexpr absl::Duration kLocalFailureLogInterval = absl::Minutes(1);

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

struct LaneState {
  Lane lane;
  std::deque<Task> waiting;  // claimed, but the lane was full
};

// The endpoint's limit; what it leaves open is the project's.
RateLimit RateLimitOf(const Endpoint& endpoint, const ProjectConfig& config) {
  if (endpoint.rate_limit.count == 0) return config.rate_limit;
  RateLimit limit = endpoint.rate_limit;
  if (limit.window <= absl::ZeroDuration()) limit.window = config.rate_limit.window;
  return limit;
}

}  // namespace

struct Dispatcher::State {
  State(const GatewayOptions& o, DispatcherParts p)
      : options(o), parts(p), outcomes(p.commits, p.configuration, p.clock, p.observer) {}

  absl::Time Step();
  void TakeInNews(absl::Time now);
  void Claim(absl::Time now);
  std::vector<std::string> SkippedEndpoints(absl::Time now) const;

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
  void RecordOutcome(Sending& sending, TransportResult result, absl::Time now);
  void PutBackTask(const Task& task, absl::Time due_at, absl::Time now);
  // This process could not make the attempt: the delivery waits, and so does claiming.
  void OnLocalFailure(const Task& task, std::string_view error, absl::Time now);

  // The part of a lease that is kept free for recording the outcome.
  absl::Duration lease_margin() const { return std::min(kLeaseMargin, options.lease / 4); }

  const GatewayOptions& options;
  const DispatcherParts parts;
  OutcomeWriter outcomes;

  // Touched only by the thread that steps.
  absl::flat_hash_map<std::string, absl::StatusOr<Snapshot>> projects;  // of this step
  absl::flat_hash_map<std::string, LaneState> lanes;
  absl::Time next_claim_at = absl::InfinitePast();
  absl::Time local_failure_logged_at = absl::InfinitePast();
  bool is_abandoning = false;

  // Counted by the thread that steps, read by any.
  base::RelaxedCounter sending_count, waiting_count, failed_claims_count;
  std::array<base::RelaxedCounter, kOutcomesCount> attempts_counts;

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
  for (const auto& [endpoint_id, state] : lanes) {
    if (!state.waiting.empty() && !state.lane.is_blocked(now)) ready.push_back(endpoint_id);
  }
  for (const std::string& endpoint_id : ready) StartWaiting(endpoint_id, now);
  if (!is_draining && now >= next_claim_at) Claim(now);
  outcomes.Flush();

  absl::Time next = is_draining ? absl::InfiniteFuture() : next_claim_at;
  for (const auto& [endpoint_id, state] : lanes) {
    if (!state.waiting.empty() && state.lane.is_blocked(now)) {
      next = std::min(next, state.lane.blocked_until());
    }
  }
  return std::max(next, now);
}

void Dispatcher::State::TakeInNews(absl::Time now) {
  const StoreNews news = outcomes.TakeNews();
  if (news.has_work) next_claim_at = std::min(next_claim_at, now);
  if (news.is_refusing) next_claim_at = now + kLookAgain;
  if (news.is_lost) is_draining = true;
}

std::vector<std::string> Dispatcher::State::SkippedEndpoints(absl::Time now) const {
  std::vector<std::string> skipped;
  for (const auto& [endpoint_id, state] : lanes) {
    if (state.lane.is_blocked(now) || !state.waiting.empty() ||
        state.lane.room(options.in_flight_per_endpoint_max) == 0) {
      skipped.push_back(endpoint_id);
    }
  }
  return skipped;
}

void Dispatcher::State::Claim(absl::Time now) {
  const size_t busy_count = sending_count.value() + waiting_count.value();
  if (busy_count >= options.in_flight_max) {
    next_claim_at = absl::InfiniteFuture();  // until something ends
    return;
  }
  absl::erase_if(lanes, [now](const auto& entry) {
    return entry.second.waiting.empty() && entry.second.lane.may_be_forgotten(now);
  });
  absl::StatusOr<convoy::Claim> claim = parts.storage->ClaimDue(
      {.now = now,
       .lease = options.lease,
       .items_max = static_cast<uint32_t>(options.in_flight_max - busy_count),
       .items_per_endpoint_max = options.in_flight_per_endpoint_max,
       .skipped_endpoint_ids = SkippedEndpoints(now)});
  if (!claim.ok()) {
    const LogField fields[] = {{"error", claim.status().message()}};
    parts.observer->Log(LogLevel::kError, "cannot claim deliveries", fields);
    failed_claims_count.Add(1);
    next_claim_at = now + kLookAgain;
    return;
  }
  next_claim_at = claim->next_due_at;
  for (ClaimedDelivery& claimed : claim->deliveries) {
    Admit({.claimed = std::move(claimed), .lease_ends_at = now + options.lease}, now);
  }
  // The store was not asked about blocked lanes: their work may be due as soon as they are open.
  for (const auto& [endpoint_id, state] : lanes) {
    if (state.lane.is_blocked(now)) {
      next_claim_at = std::min(next_claim_at, state.lane.blocked_until());
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
    return outcomes.Add(task.claimed.lease, Discard(delivery, reason, now), std::nullopt);
  }
  LaneState& state = lanes[delivery.endpoint_id];
  if (endpoint->status == EndpointStatus::kPaused) {
    state.lane.Block(now + kLookAgain);
    return PutBackTask(task, delivery.due_at, now);
  }
  if (!HasTime(task, *endpoint, now)) return PutBackTask(task, delivery.due_at, now);
  if (state.lane.room(options.in_flight_per_endpoint_max) == 0) {
    state.waiting.push_back(std::move(task));
    waiting_count.Add(1);
    return;
  }
  const RateLimit limit = RateLimitOf(*endpoint, (*project)->project().config);
  if (!state.lane.Admit(limit, now)) {
    return PutBackTask(task, state.lane.blocked_until(), now);
  }
  Start(std::move(task), *project, *endpoint, now);
}

// A task that has waited must not be cut short for it: that would look like a failure of the
// endpoint. One that comes fresh from the store has all the time there can be.
bool Dispatcher::State::HasTime(const Task& task, const Endpoint& endpoint, absl::Time now) const {
  return task.lease_ends_at - now >= std::min(options.lease, TimeoutOf(endpoint) + lease_margin());
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
  parts.transport->Send(*std::move(request), [this, sending](TransportResult result) {
    OnSent(*sending, std::move(result));
  });
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
  lanes[sending.attempt.endpoint_id].lane.Release();
  RecordOutcome(sending, std::move(result), now);
}

void Dispatcher::State::StartWaiting(const std::string& endpoint_id, absl::Time now) {
  // Each round either sends, ends or puts back the front, so this comes to an end.
  while (true) {
    LaneState& state = lanes[endpoint_id];
    const bool has_room = state.lane.room(options.in_flight_per_endpoint_max) > 0;
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

void Dispatcher::State::RecordOutcome(Sending& sending, TransportResult result, absl::Time now) {
  const Classification classification = Classify(result, now);
  if (classification.outcome == Outcome::kCancelled) {
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
  if (!attempt.is_success) {
    attempt.error = result.error.empty() ? std::string(OutcomeName(classification.outcome))
                                         : std::move(result.error);
  }
  attempt.responded_at = now;
  parts.observer->Count("convoy_delivery_attempt_total", 1);
  if (attempt.is_success) parts.observer->Count("convoy_delivery_success_total", 1);
  if (transition.should_disable_endpoint) {
    outcomes.DisableEndpoint(before.project_id, before.endpoint_id);
  }
  outcomes.Add(sending.task.claimed.lease, std::move(transition.delivery), std::move(attempt));
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
  DispatcherStatus status = {.failed_claims = state_->failed_claims_count.value(),
                             .in_flight = state_->sending_count.value(),
                             .waiting = state_->waiting_count.value()};
  const int64_t failed_us = state_->last_local_failure_us;
  if (failed_us != std::numeric_limits<int64_t>::min()) {
    status.last_local_failure_at = absl::FromUnixMicros(failed_us);
  }
  for (size_t i = 0; i < kOutcomesCount; ++i)
    status.attempts[i] = state_->attempts_counts[i].value();
  return status;
}

void Dispatcher::Abandon() {
  state_->is_draining = state_->is_abandoning = true;
  state_->parts.transport->Cancel();
  const absl::Time now = state_->parts.clock->Now();
  std::vector<std::string> endpoint_ids;
  for (const auto& [endpoint_id, state] : state_->lanes) endpoint_ids.push_back(endpoint_id);
  for (const std::string& endpoint_id : endpoint_ids) state_->StartWaiting(endpoint_id, now);
  state_->outcomes.Flush();
}

}  // namespace convoy::dispatch
