// Wall clocks that are set while the dispatcher runs: whatever waits, waits as long as it was to.
#include <catch2/catch.hpp>

#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;
using testing::ScriptedTransport;

absl::Duration AnyStep() { return GENERATE(absl::Hours(2), -absl::Hours(2)); }

// Sets the wall clock, or one that has no steady one beside it: then time seems to run back.
void SetAnyClock(testing::SimClock& clock) {
  switch (GENERATE(0, 1, 2)) {
    case 0:
      return clock.StepWall(absl::Hours(2));
    case 1:
      return clock.StepWall(-absl::Hours(2));
    default:
      return clock.Advance(-absl::Hours(2));
  }
}

TEST_CASE("clock_steps: a retry comes no later than its delay") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  const std::string id = world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(10), 3});
  world.Settle();
  REQUIRE(world.Attempts(id).size() == 1);
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  SetAnyClock(world.clock);
  world.Run(absl::Seconds(10));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("clock_steps: new events are delivered at once, and what was accepted before, too") {
  DispatchWorld world({.in_flight_max = 1});
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::Hang);
  world.AddDelivery("a");
  world.Settle();
  const std::string before = world.AddDelivery("a");
  SetAnyClock(world.clock);
  const std::string after = world.AddDelivery("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Settle();
  CHECK(world.Get(before).status == DeliveryStatus::kSuccess);
  CHECK(world.Get(after).status == DeliveryStatus::kSuccess);
}

TEST_CASE("clock_steps: a throttled endpoint waits for one interval at most") {
  DispatchWorld world;
  Endpoint limited = world.AddEndpoint("a");
  limited.rate_limit = {.count = 10, .window = absl::Seconds(10)};
  world.Put("P", limited);
  for (int i = 0; i < 20; ++i) world.AddDelivery("a");
  world.Run(absl::Seconds(5));
  const size_t sent_count = world.transport().sent().size();
  SetAnyClock(world.clock);
  world.Run(absl::Seconds(2));
  CHECK(world.transport().sent().size() > sent_count);
  world.Run(absl::Seconds(20));
  CHECK(world.transport().sent().size() == 20);
}

TEST_CASE("clock_steps: a circuit breaker opens again after its rest") {
  const absl::Duration step = AnyStep();
  CircuitBreaker settings;
  settings.requests_min = 3;
  settings.failure_threshold = 50;
  settings.sample_interval = absl::ZeroDuration();
  settings.error_timeout = absl::Seconds(30);
  DispatchWorld world({}, {.circuit_breaker = settings});
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  for (int i = 0; i < 6; ++i) {
    world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 1});
    world.Settle();
  }
  const size_t sent_count = world.transport().sent().size();
  const std::string id = world.AddDelivery("a");
  world.Settle();
  REQUIRE(world.transport().sent().size() == sent_count);  // it is open
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.clock.StepWall(step);
  world.Run(absl::Seconds(29));
  CHECK(world.transport().sent().size() == sent_count);
  world.Run(absl::Seconds(2));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("clock_steps: an outcome that the store refused is written as soon as it takes it") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.process->storage.commit_status = absl::ResourceExhaustedError("disk full");
  world.Settle();
  REQUIRE(world.process->dispatcher.status().unwritten == 1);
  SetAnyClock(world.clock);
  world.process->storage.commit_status = absl::OkStatus();
  world.Run(absl::Seconds(2));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.transport().sent().size() == 1);
}

TEST_CASE("clock_steps: an attempt on its way is not taken for one that takes long") {
  const absl::Duration step = AnyStep();
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::Hang);
  const std::string id = world.AddDelivery("a");
  world.Settle();
  world.clock.StepWall(step);
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.Get(id).latency >= absl::ZeroDuration());
  CHECK(world.transport().sent().size() == 1);
}

}  // namespace
}  // namespace convoy::dispatch
