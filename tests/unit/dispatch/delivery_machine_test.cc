#include "lib/dispatch/delivery_machine.h"

#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::dispatch {
namespace {

using testing::SeededRandom;
using testing::SimEpoch;

const absl::Time kNow = SimEpoch();

Delivery MakeDelivery(uint32_t attempts_count = 0) {
  return {.id = "D",
          .status = DeliveryStatus::kProcessing,
          .retry = {RetryStrategy::kLinear, absl::Seconds(100), 3},
          .attempts_count = attempts_count,
          .due_at = kNow - absl::Seconds(1),
          .created_at = kNow - absl::Seconds(5),
          .updated_at = kNow - absl::Seconds(5)};
}

Transition After(const Delivery& delivery, Classification classification,
                 const ProjectConfig& config = {}) {
  SeededRandom random;
  return AfterAttempt(delivery, classification, config, kNow, random);
}

TEST_CASE("delivery_machine: a delivered event is a success, with its latency") {
  const Transition next = After(MakeDelivery(), {.outcome = Outcome::kDelivered});
  CHECK(next.delivery.status == DeliveryStatus::kSuccess);
  CHECK(next.delivery.attempts_count == 1);
  CHECK(next.delivery.latency == absl::Seconds(5));
  CHECK(next.delivery.updated_at == kNow);
  CHECK_FALSE(next.should_disable_endpoint);
}

TEST_CASE("delivery_machine: a failed try is followed by another, until there are none left") {
  Delivery delivery = MakeDelivery();
  for (uint32_t tries = 1; tries < 3; ++tries) {
    const Transition next = After(delivery, {.outcome = Outcome::kTimedOut, .error = "timed out"});
    CHECK(next.delivery.status == DeliveryStatus::kRetry);
    CHECK(next.delivery.attempts_count == tries);
    CHECK(next.delivery.due_at == kNow + absl::Seconds(100));
    CHECK(next.delivery.description == "timed out");
    delivery = next.delivery;
  }
  const Transition last = After(delivery, {.outcome = Outcome::kTimedOut});
  CHECK(last.delivery.status == DeliveryStatus::kFailure);
  CHECK(last.delivery.description == "Retry limit exceeded");
  CHECK_FALSE(last.should_disable_endpoint);
  ProjectConfig config;
  config.should_disable_endpoint = true;
  CHECK(After(delivery, {.outcome = Outcome::kTimedOut}, config).should_disable_endpoint);
}

TEST_CASE("delivery_machine: 410 Gone ends the delivery and the endpoint") {
  const Transition next =
      After(MakeDelivery(), {.outcome = Outcome::kGone, .resend = Resend::kNever});
  CHECK(next.delivery.status == DeliveryStatus::kFailure);
  CHECK(next.should_disable_endpoint);
}

TEST_CASE("delivery_machine: what the receiver asks for is a lower bound of the wait") {
  const auto wait = [](absl::Duration asked) {
    const Transition next =
        After(MakeDelivery(),
              {.outcome = Outcome::kThrottled, .resend = Resend::kAtLeastOnce, .wait_min = asked});
    return next.delivery.due_at - kNow;
  };
  CHECK(wait(absl::Seconds(10)) == absl::Seconds(100));
  CHECK(wait(absl::Seconds(500)) == absl::Seconds(500));
}

TEST_CASE("delivery_machine: at most once is repeated only where nothing was sent") {
  Delivery delivery = MakeDelivery();
  delivery.mode = DeliveryMode::kAtMostOnce;
  const Transition refused = After(delivery, {.outcome = Outcome::kRejected,
                                              .resend = Resend::kAtLeastOnce,
                                              .error = "the endpoint answered 500"});
  CHECK(refused.delivery.status == DeliveryStatus::kFailure);
  CHECK(refused.delivery.description ==
        "the endpoint answered 500; not repeated, because the delivery mode is at_most_once");
  CHECK(After(delivery, {.outcome = Outcome::kConnectFailed, .resend = Resend::kAlways})
            .delivery.status == DeliveryStatus::kRetry);
  for (const bool may_have_arrived : {false, true}) {
    const DeliveryStatus wanted =
        may_have_arrived ? DeliveryStatus::kFailure : DeliveryStatus::kRetry;
    CHECK(After(delivery, {.outcome = Outcome::kTimedOut,
                           .resend = Resend::kUnlessSent,
                           .may_have_arrived = may_have_arrived})
              .delivery.status == wanted);
    CHECK(After(MakeDelivery(), {.outcome = Outcome::kTimedOut,
                                 .resend = Resend::kUnlessSent,
                                 .may_have_arrived = may_have_arrived})
              .delivery.status == DeliveryStatus::kRetry);
  }
}

TEST_CASE("delivery_machine: exponential waits double, are capped, and jitter within bounds") {
  SeededRandom random;
  const RetryPolicy policy = {RetryStrategy::kExponential, absl::Seconds(10), 100};
  for (int round = 0; round < 200; ++round) {
    for (const auto& [tries, seconds] :
         {std::pair{0u, 10}, {1u, 20}, {2u, 40}, {9u, 5120}, {10u, 7200}, {1000u, 7200}}) {
      const absl::Duration delay = RetryDelay(policy, tries, random);
      CHECK(delay >= absl::Seconds(seconds));
      CHECK(delay < absl::Seconds(seconds + 5));
    }
  }
  CHECK(RetryDelay({RetryStrategy::kLinear, absl::Seconds(10), 3}, 7, random) == absl::Seconds(10));
}

TEST_CASE("delivery_machine: putting back uses up no try") {
  const Delivery untried = PutBack(MakeDelivery(0), kNow + absl::Seconds(9), kNow);
  CHECK(untried.status == DeliveryStatus::kScheduled);
  CHECK(untried.attempts_count == 0);
  CHECK(untried.due_at == kNow + absl::Seconds(9));
  CHECK(PutBack(MakeDelivery(2), kNow, kNow).status == DeliveryStatus::kRetry);
}

TEST_CASE("delivery_machine: discarding is final and says why") {
  const Delivery discarded = Discard(MakeDelivery(), "the endpoint was deleted", kNow);
  CHECK(discarded.status == DeliveryStatus::kDiscarded);
  CHECK(discarded.description == "the endpoint was deleted");
}

}  // namespace
}  // namespace convoy::dispatch
