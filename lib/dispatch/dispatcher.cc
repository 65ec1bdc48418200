// One step of the dispatcher: run the transport, turn what has ended into one batch of outcomes,
// take in what the commits said, claim what there is room for, send.
#include "lib/dispatch/dispatcher.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "lib/dispatch/dispatcher_state.h"

namespace convoy::dispatch {
namespace {

// A wall clock that has moved by more than this against the steady one was set.
constexpr absl::Duration kClockStep = absl::Milliseconds(100);

}  // namespace

// Stepping.

absl::Time Dispatcher::State::Step() {
  projects.clear();
  parts.transport->Step();
  const absl::Time local_next =
      parts.local == nullptr ? absl::InfiniteFuture() : parts.local->Step();
  const Present now = GetPresent();
  NoticeClock(now);
  TakeInNews(now);
  TakeInFunctions(now);
  std::vector<std::string> ready;
  pool.doubtful_count = pool.new_count = 0;
  for (const auto& [endpoint_id, state] : lanes) {
    pool.Count(state.standing, now.steady);
    if (!state.waiting.empty() && !state.is_blocked(now.steady)) ready.push_back(endpoint_id);
  }
  for (const std::string& endpoint_id : ready) StartWaiting(endpoint_id, now);
  outcomes.Flush();
  const bool may_claim =
      !is_draining && !claim_started_at.has_value() && outcomes.kept_count() == 0;
  if (may_claim && now.steady >= next_claim_at) StartClaim(now);
  if (is_draining && !claim_started_at.has_value()) EndClaims(now);

  absl::Time next = may_claim ? next_claim_at : absl::InfiniteFuture();
  next = std::min(
      {next, outcomes.retry_at(), BalanceIntake(now), local_next, notifier.Step(now.steady)});
  for (const auto& [endpoint_id, state] : lanes) {
    if (!state.waiting.empty() && state.is_blocked(now.steady)) {
      next = std::min(next, state.blocked_until);
    }
  }
  if (functions.has_any()) next = now.steady;  // of those that ended at once
  return now.wall + std::max(next - now.steady, absl::ZeroDuration());
}

void Dispatcher::State::TakeInNews(Present now) {
  CommitFeedback feedback = outcomes.TakeFeedback();
  if (feedback.has_work) next_claim_at = std::min(next_claim_at, now.steady);
  if (feedback.is_refusing) next_claim_at = now.steady + kLookAgain;
  if (feedback.is_lost) is_draining = has_ended_claims = true;
  if (feedback.claim.has_value()) TakeInClaim(*std::move(feedback.claim), now);
}

void Dispatcher::State::NoticeClock(Present now) {
  const absl::Duration offset = now.wall - now.steady;
  const absl::Duration moved = offset - std::exchange(clock_offset, offset);
  // A host's clock may have no steady one of its own.
  const bool is_back = now.steady < std::exchange(latest_steady, now.steady);
  if (absl::AbsDuration(moved) > kClockStep || is_back) next_claim_at = now.steady;
  if (!is_back) return;
  for (auto& [endpoint_id, state] : lanes) state.blocked_until = absl::InfinitePast();
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

void Dispatcher::Drain() {
  state_->is_draining = true;
  if (state_->parts.local != nullptr) state_->parts.local->Drain();
}

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
  const Present now = state_->GetPresent();
  return state_->health.Find(endpoint_id, now.wall, now.steady);
}

void Dispatcher::Abandon() {
  state_->is_draining = state_->is_abandoning = true;
  state_->parts.transport->Cancel();
  if (state_->parts.local != nullptr) state_->parts.local->Cancel();
  const Present now = state_->GetPresent();
  state_->CancelFunctions(now);
  std::vector<std::string> endpoint_ids;
  for (const auto& [endpoint_id, state] : state_->lanes) endpoint_ids.push_back(endpoint_id);
  for (const std::string& endpoint_id : endpoint_ids) state_->StartWaiting(endpoint_id, now);
  state_->outcomes.RetryNow();
  state_->outcomes.Flush();
}

}  // namespace convoy::dispatch
