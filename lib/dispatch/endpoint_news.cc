// News of endpoints: that they are throttled, fail or have recovered, and what their circuit
// breakers make of it.
#include <utility>

#include "lib/dispatch/dispatcher_state.h"

namespace convoy::dispatch {
namespace {

// An endpoint that fails now and then is logged no more often than this.
constexpr absl::Duration kTellFailureAgain = absl::Seconds(10);
constexpr absl::Duration kTellThrottledAgain = absl::Minutes(1);

}  // namespace

void Dispatcher::State::TellThrottled(const ThrottledLane& throttled, Present now) {
  const std::string& endpoint_id = throttled.lane.endpoint_id;
  health.SetThrottled(endpoint_id, throttled.until);
  LaneState& state = lanes[endpoint_id];
  if (now.steady - state.throttle_told_at < kTellThrottledAgain) return;
  state.throttle_told_at = now.steady;
  const std::string until = absl::FormatTime(throttled.until, absl::UTCTimeZone());
  const LogField fields[] = {{"project_id", throttled.lane.project_id},
                             {"endpoint_id", endpoint_id},
                             {"throttled_until", until}};
  parts.observer->Log(LogLevel::kInfo, "an endpoint is throttled by its rate_limit", fields);
}

void Dispatcher::State::RunBreaker(LaneState& state, const Sending& sending, bool is_success,
                                   Present now) {
  const auto& settings = sending.project->project().config.circuit_breaker;
  if (!settings.has_value()) return;
  const std::string& endpoint_id = sending.attempt.endpoint_id;
  const Breaker::Change change = state.breaker.OnResult(*settings, is_success, now.steady);
  health.SetBreaker(endpoint_id, state.breaker.state(now.steady), state.breaker.open_until(),
                    state.breaker.failure_rate(*settings, now.steady));
  if (change == Breaker::Change::kNone) return;
  const LogField fields[] = {{"project_id", sending.attempt.project_id},
                             {"endpoint_id", endpoint_id}};
  TellNews(change == Breaker::Change::kClosed ? HostOutcome::Kind::kBreakerClosed
                                              : HostOutcome::Kind::kBreakerOpened,
           sending.attempt, "", "", now);
  if (change == Breaker::Change::kClosed) {
    return parts.observer->Log(LogLevel::kInfo, "circuit breaker closed", fields);
  }
  state.blocked_until = state.breaker.open_until();
  parts.observer->Log(LogLevel::kWarning, "circuit breaker opened", fields);
  if (change == Breaker::Change::kExhausted) {
    // Once the endpoint is activated it begins anew, as in every other process.
    state.breaker = Breaker();
    state.blocked_until = now.steady + kLookAgain;
    outcomes.DisableEndpoint(sending.attempt.project_id, endpoint_id, *parts.ulids);
  }
}

void Dispatcher::State::TellNews(HostOutcome::Kind kind, const Attempt& attempt,
                                 std::string_view outcome, std::string_view detail, Present now) {
  if (!parts.tell) return;
  parts.tell({.kind = kind,
              .at = now.wall,
              .project_id = attempt.project_id,
              .endpoint_id = attempt.endpoint_id,
              .delivery_id = attempt.delivery_id,
              .outcome = std::string(outcome),
              .detail = std::string(detail)});
}

void Dispatcher::State::RunAlert(const Sending& sending, const Classification& classification,
                                 Present now) {
  const Delivery& delivery = sending.task.claimed.delivery;
  const Endpoint* const endpoint = sending.project->FindEndpoint(delivery.endpoint_id);
  const Subscription* const subscription =
      sending.project->FindSubscription(delivery.subscription_id);
  if (endpoint == nullptr || subscription == nullptr) return;
  notifier.OnFailure(sending.project->project(), *endpoint, *subscription, classification.error,
                     now.steady);
}

void Dispatcher::State::TellHealth(LaneState& state, const Attempt& attempt,
                                   const Classification& classification, Present now) {
  if (classification.outcome == Outcome::kDelivered) {
    if (!std::exchange(state.is_failure_told, false)) return;
    TellNews(HostOutcome::Kind::kEndpointRecovered, attempt, OutcomeName(classification.outcome),
             "", now);
    const LogField fields[] = {{"project_id", attempt.project_id},
                               {"endpoint_id", attempt.endpoint_id}};
    return parts.observer->Log(LogLevel::kInfo, "deliveries to an endpoint succeed again", fields);
  }
  if (state.is_failure_told || now.steady - state.failure_told_at < kTellFailureAgain) return;
  state.is_failure_told = true;
  state.failure_told_at = now.steady;
  TellNews(HostOutcome::Kind::kEndpointFailing, attempt, OutcomeName(classification.outcome),
           classification.error, now);
  const LogField fields[] = {{"project_id", attempt.project_id},
                             {"endpoint_id", attempt.endpoint_id},
                             {"delivery_id", attempt.delivery_id},
                             {"outcome", OutcomeName(classification.outcome)},
                             {"error", classification.error}};
  parts.observer->Log(LogLevel::kInfo, "deliveries to an endpoint fail", fields);
}

}  // namespace convoy::dispatch
