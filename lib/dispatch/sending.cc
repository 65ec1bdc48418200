// The way of one claimed delivery: admitted, sent, its outcome recorded. Every claimed delivery
// ends in exactly one update: an outcome, a discard, or being put back.
#include <algorithm>
#include <utility>

#include "lib/dispatch/delivery_machine.h"
#include "lib/dispatch/dispatcher_state.h"
#include "lib/dispatch/redaction.h"
#include "lib/dispatch/request_builder.h"
#include "lib/dispatch/trace.h"
#include "lib/model/local_name.h"
#include "lib/model/meta_event.h"

namespace convoy::dispatch {
namespace {

// Interval between log lines about a local failure, which every attempt would meet.
constexpr absl::Duration kLocalFailureLogInterval = absl::Minutes(1);

// A pace has some room for what the way adds; only more than that is told.
constexpr absl::Duration kLatenessMin = absl::Milliseconds(20);
constexpr absl::Duration kLatenessMax = absl::Seconds(10);

// From the claim to the request: waiting for the store, then for a connection.
absl::Duration LatenessOf(const Sending& sending, const PhaseTimings& phases) {
  if (!sending.task.claimed.sets_pace) return absl::ZeroDuration();
  const absl::Duration lateness = sending.started_at - sending.task.claimed_at.steady +
                                  phases.name_lookup + phases.connect + phases.tls;
  return lateness < kLatenessMin ? absl::ZeroDuration() : std::min(lateness, kLatenessMax);
}

}  // namespace

const absl::StatusOr<Snapshot>& Dispatcher::State::FindProject(const std::string& id) {
  const auto known = projects.find(id);
  if (known != projects.end()) return known->second;
  return projects.emplace(id, parts.configuration->FindProject(id)).first->second;
}

void Dispatcher::State::HandleClaimed(Task task, Present now) {
  const Delivery& delivery = task.claimed.delivery;
  const absl::StatusOr<Snapshot> project = FindProject(delivery.project_id);
  if (!project.ok() && !absl::IsNotFound(project.status())) {
    lanes[delivery.endpoint_id].blocked_until = now.steady + kLookAgain;
    return PutBackTask(task, now);
  }
  const Endpoint* endpoint =
      project.ok() ? (*project)->FindEndpoint(delivery.endpoint_id) : nullptr;
  if (endpoint == nullptr) {
    constexpr std::string_view kReason = "the endpoint was deleted";
    Delivery discarded = Discard(delivery, kReason, now.wall);
    discarded_latency.Add(discarded.latency);
    return AddOutcome(task, std::move(discarded), std::nullopt, "discarded", kReason);
  }
  LaneState& state = lanes[delivery.endpoint_id];
  const std::optional<std::string_view> local_name = model::LocalNameOf(endpoint->url);
  state.local_project_id = local_name.has_value() ? delivery.project_id : "";
  state.given_in_claim = claims_count;
  // It was paused, disabled or made local since it was claimed; the next claim knows that.
  const bool is_served = !local_name.has_value() || parts.local != nullptr;
  if (endpoint->status != EndpointStatus::kActive || !is_served) return PutBackTask(task, now);
  if (!HasTime(task, *endpoint, now)) return PutBackTask(task, now);
  state.has_records |= delivery.mode == DeliveryMode::kAtMostOnce;
  state.may_wait = endpoint->rate_limit.count == 0 && !endpoint->is_fifo && !state.has_records;
  if (RoomOf(state, now.steady) == 0) {
    state.waiting.push_back(std::move(task));
    waiting_count.Add(1);
    return;
  }
  if (local_name.has_value()) {
    ++state.local_count;
    local_count.Add(1);
  } else {
    if (state.standing.is_doubtful(now.steady)) {
      ++pool.doubtful_count;
    } else if (state.standing.is_new()) {
      ++pool.new_count;
    }
    state.standing.OnStart(now.steady);
    ++pool.used_count;
  }
  Start(std::move(task), *project, *endpoint, now);
}

absl::Duration Dispatcher::State::LeaseLeft(const Task& task, Present now) const {
  return options.lease -
         std::max(now.steady - task.claimed_at.steady, now.wall - task.claimed_at.wall);
}

// A task that has waited must not be cut short for it: that would look like a failure of the
// endpoint. Where the lease is shorter than the attempt may take, three quarters of it have to do.
bool Dispatcher::State::HasTime(const Task& task, const Endpoint& endpoint, Present now) const {
  return LeaseLeft(task, now) >= std::min(lease_mostly, TimeoutOf(endpoint) + lease_margin);
}

void Dispatcher::State::Start(Task task, Snapshot project, const Endpoint& endpoint, Present now) {
  auto sending = std::make_shared<Sending>();
  sending->task = std::move(task);
  sending->project = std::move(project);
  const ClaimedDelivery& claimed = sending->task.claimed;
  sending->attempt = {.id = parts.ulids->Next(),
                      .project_id = claimed.delivery.project_id,
                      .delivery_id = claimed.delivery.id,
                      .endpoint_id = endpoint.id,
                      .url = endpoint.url,
                      .requested_at = now.wall};
  sending->started_at = now.steady;
  sending->is_local = model::LocalNameOf(endpoint.url).has_value();
  sending_count.Add(1);
  const Subscription* const subscription =
      sending->project->FindSubscription(claimed.delivery.subscription_id);
  if (subscription != nullptr && !subscription->function.empty()) {
    return RunFunction(std::move(sending), endpoint, subscription->function, now);
  }
  const std::shared_ptr<const Event> event = claimed.event;
  Send(std::move(sending), endpoint, event, now);
}

void Dispatcher::State::Send(std::shared_ptr<Sending> sending, const Endpoint& endpoint,
                             const std::shared_ptr<const Event>& event, Present now) {
  if (const auto name = model::LocalNameOf(endpoint.url)) {
    return StartLocal(std::move(sending), endpoint, *name, event, now);
  }
  absl::StatusOr<OutgoingRequest> request =
      BuildRequest(sending->project->project().config, endpoint, sending->task.claimed.delivery,
                   event, now.wall, options.trace_header);
  if (!request.ok()) {
    return End(*sending,
               {.outcome = TransportOutcome::kInvalidUrl,
                .error = std::string(request.status().message()),
                .may_have_arrived = false},
               now);
  }
  request->timeout = std::min(request->timeout, LeaseLeft(sending->task, now) - lease_margin);
  sending->attempt.url = request->url;
  sending->attempt.request_headers = RedactHeaders(request->headers, endpoint.auth);
  SendCompletion on_sent = [this, sending](TransportResult result) {
    OnSent(*sending, std::move(result));
  };
  if (const auto* oauth2 = std::get_if<OAuth2Auth>(&endpoint.auth)) {
    tokens.Send(endpoint.id, *oauth2, *std::move(request), std::move(on_sent));
  } else {
    parts.transport->Send(*std::move(request), std::move(on_sent));
  }
}

void Dispatcher::State::OnSent(Sending& sending, TransportResult result) {
  const Present now = GetPresent();
  const std::string endpoint_id = sending.attempt.endpoint_id;
  End(sending, std::move(result), now);
  StartWaiting(endpoint_id, now);
}

void Dispatcher::State::End(Sending& sending, TransportResult result, Present now) {
  sending_count.Add(-1);
  if (!is_draining) next_claim_at = std::min(next_claim_at, now.steady);  // there is room again
  LaneState& state = lanes[sending.attempt.endpoint_id];
  if (sending.is_local) {
    --state.local_count;
    local_count.Add(-1);
  } else {
    --pool.used_count;
  }
  const Classification classification = Classify(result, now.wall);
  if (classification.outcome == Outcome::kDelivered || classification.counts_against_endpoint) {
    if (!sending.is_local) {
      state.standing.OnEnd(sending.started_at, classification.outcome == Outcome::kDelivered,
                           result.elapsed);
    }
    TellHealth(state, sending.attempt, classification, now);
    RunBreaker(state, sending, classification.outcome == Outcome::kDelivered, now);
    if (classification.counts_against_endpoint) RunAlert(sending, classification, now);
  } else {
    state.standing.OnCancelled(sending.started_at);
  }
  RecordOutcome(sending, std::move(result), classification, now);
}

void Dispatcher::State::StartWaiting(const std::string& endpoint_id, Present now) {
  // Each round either sends, ends or puts back the front, so this comes to an end.
  while (true) {
    LaneState& state = lanes[endpoint_id];
    const bool has_room = RoomOf(state, now.steady) > 0 && !state.is_blocked(now.steady);
    if (state.waiting.empty() || (!has_room && !is_abandoning)) return;
    Task task = std::move(state.waiting.front());
    state.waiting.pop_front();
    waiting_count.Add(-1);
    if (is_abandoning) {
      PutBackTask(task, now);
    } else {
      HandleClaimed(std::move(task), now);
    }
  }
}

void Dispatcher::State::RecordOutcome(Sending& sending, TransportResult result,
                                      const Classification& classification, Present now) {
  const bool is_own = classification.outcome == Outcome::kCancelled ||
                      classification.outcome == Outcome::kLocalFailure;
  if (classification.outcome != Outcome::kCancelled) {
    attempts_counts[static_cast<size_t>(classification.outcome)].Add(1);
  }
  if (is_own && !MayRepeat(sending.task.claimed.delivery, classification)) {
    return AddOutcome(sending.task, EndUnknown(sending.task.claimed.delivery, now.wall),
                      std::nullopt, OutcomeName(classification.outcome), classification.error);
  }
  if (classification.outcome == Outcome::kCancelled) return PutBackTask(sending.task, now);
  if (classification.outcome == Outcome::kNotTaken) return PutBackTask(sending.task, now);
  if (classification.outcome == Outcome::kLocalFailure) {
    return OnLocalFailure(sending.task, result.error, now);
  }
  Attempt attempt = std::move(sending.attempt);
  attempt.http_status = result.http_status;
  attempt.response_headers = std::move(result.headers);
  attempt.response_body = std::move(result.body);
  attempt.remote_ip = std::move(result.remote_ip);
  attempt.is_success = classification.outcome == Outcome::kDelivered;
  attempt.error = classification.error;
  attempt.responded_at = now.wall;
  attempt.phases = result.phases;
  attempt.elapsed = result.elapsed;
  const ProjectConfig& config = sending.project->project().config;
  const std::optional<LatencyExemplar> exemplar = Trace(sending, attempt, classification.outcome);
  Transition transition = AfterAttempt(std::move(sending.task.claimed.delivery), classification,
                                       config, now.wall, *parts.random);
  parts.observer->Count("convoy_delivery_attempt_total", 1);
  if (attempt.is_success) parts.observer->Count("convoy_delivery_success_total", 1);
  if (transition.should_disable_endpoint) {
    outcomes.DisableEndpoint(attempt.project_id, attempt.endpoint_id, *parts.ulids);
  }
  if (transition.delivery.status == DeliveryStatus::kSuccess) {
    delivered_latency.Add(transition.delivery.latency, exemplar);
  } else if (transition.delivery.status == DeliveryStatus::kFailure) {
    failed_latency.Add(transition.delivery.latency, exemplar);
  }
  if (config.meta_events.has_value()) {
    outcomes.AddMetaEvent(config, model::MetaEventTypeOf(transition.delivery.status),
                          model::MetaDataOf(transition.delivery), now.wall, *parts.ulids);
  }
  AddOutcome(sending.task, std::move(transition.delivery), std::move(attempt),
             OutcomeName(classification.outcome), classification.error,
             LatenessOf(sending, result.phases));
}

std::optional<LatencyExemplar> Dispatcher::State::Trace(const Sending& sending,
                                                        const Attempt& attempt, Outcome outcome) {
  if (!sending.project->project().config.has_trace_headers || sending.is_local) return std::nullopt;
  const Event& event = *sending.task.claimed.event;
  const Delivery& delivery = sending.task.claimed.delivery;
  const trace::TraceContext context = trace::TraceOf(
      event, trace::HeaderOf(sending.project->project().config, options.trace_header));
  TellSpan({.event = event,
            .delivery = delivery,
            .attempt = attempt,
            .context = context,
            .outcome = OutcomeName(outcome)},
           *parts.observer, parts.spans);
  if (!context.is_sampled()) return std::nullopt;  // a trace that is kept nowhere
  return LatencyExemplar{
      .trace_id = context.trace_id,
      .span_id = trace::AttemptSpanIdOf(delivery.id, delivery.attempts_count + 1),
      .at = attempt.responded_at};
}

void Dispatcher::State::AddOutcome(const Task& task, Delivery next, std::optional<Attempt> attempt,
                                   std::string_view outcome, std::string_view detail,
                                   absl::Duration lateness) {
  if (outcomes.is_telling()) {
    const bool will_retry = next.status == DeliveryStatus::kRetry;
    outcomes.TellOfNext({.kind = HostOutcome::Kind::kDelivery,
                         .at = next.updated_at,
                         .project_id = next.project_id,
                         .endpoint_id = next.endpoint_id,
                         .delivery_id = next.id,
                         .event_id = next.event_id,
                         .event_type = next.event_type,
                         .outcome = std::string(outcome),
                         .detail = std::string(detail),
                         .attempt_number = next.attempts_count,
                         .is_success = next.status == DeliveryStatus::kSuccess,
                         .will_retry = will_retry,
                         .retry_at = will_retry ? next.due_at : absl::InfiniteFuture()});
  }
  outcomes.Add({.lease = task.claimed.lease,
                .delivery = std::move(next),
                .attempt = std::move(attempt),
                .lateness = lateness});
}

void Dispatcher::State::OnLocalFailure(const Task& task, std::string_view error, Present now) {
  last_local_failure_us = absl::ToUnixMicros(now.wall);
  lanes[task.claimed.delivery.endpoint_id].blocked_until = now.steady + kLookAgain;
  PutBackTask(task, now);
  // The next attempts would meet the same; what is in flight may end meanwhile and make room.
  next_claim_at = std::max(next_claim_at, now.steady + kLookAgain);
  if (now.steady - local_failure_logged_at < kLocalFailureLogInterval) return;
  local_failure_logged_at = now.steady;
  const LogField fields[] = {{"error", error}};
  parts.observer->Log(LogLevel::kError, "this process lacks resources; deliveries wait", fields);
}

void Dispatcher::State::PutBackTask(const Task& task, Present now) {
  const Delivery& delivery = task.claimed.delivery;
  outcomes.Add(
      {.lease = task.claimed.lease, .delivery = PutBack(delivery, delivery.due_at, now.wall)});
}

}  // namespace convoy::dispatch
