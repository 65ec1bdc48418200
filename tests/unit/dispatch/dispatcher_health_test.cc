// Dispatcher: endpoints that hang, fail or are throttled, and what is told of them.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/dispatch/dispatcher.h"
#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;
using testing::ScriptedTransport;

TEST_CASE("dispatcher_health: endpoints that hang, however many, hold up no other") {
  for (const int hanging_count : {0, 1, 20, 500}) {
    INFO(hanging_count << " of 1,000 hang");
    constexpr int kEndpointsCount = 1000;
    DispatchWorld world;
    for (int i = 0; i < kEndpointsCount; ++i) world.AddEndpoint(absl::StrCat("e", i));
    world.transport().set_rule(
        [hanging_count](const OutgoingRequest& request) -> std::optional<TransportResult> {
          int number = 0;
          const std::string_view host = std::string_view(request.url).substr(9);
          if (!absl::SimpleAtoi(host.substr(0, host.find('.')), &number)) return std::nullopt;
          if (number < hanging_count) return std::nullopt;
          return ScriptedTransport::Status(200);
        });
    for (int i = 0; i < hanging_count; ++i) {
      for (int n = 0; n < 10; ++n) world.AddDelivery(absl::StrCat("e", i));
    }
    world.Settle();
    for (int round = 0; round < 3; ++round) {
      std::vector<std::string> ids;
      for (int i = hanging_count; i < kEndpointsCount; i += 7) {
        ids.push_back(world.AddDelivery(absl::StrCat("e", i)));
      }
      world.Settle();  // no time passes
      CHECK(std::all_of(ids.begin(), ids.end(), [&](const std::string& id) {
        return world.Get(id).status == DeliveryStatus::kSuccess;
      }));
      CHECK(world.transport().in_flight_count() <= world.options.in_flight_max);
      world.clock.Advance(absl::Seconds(2));
    }
    CHECK(world.transport().in_flight_count() >= static_cast<size_t>(hanging_count));
  }
}

TEST_CASE("dispatcher_health: the first failure of an endpoint and its recovery are logged") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const RetryPolicy patient = {RetryStrategy::kLinear, absl::Seconds(30), 10};
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  for (int i = 0; i < 5; ++i) world.AddDelivery("a", patient);
  world.Run(absl::Seconds(65));
  std::vector<std::string>& events = world.process->observer.events;
  CHECK(events == std::vector<std::string>{"deliveries to an endpoint fail"});
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Seconds(60));
  CHECK(events == std::vector<std::string>{"deliveries to an endpoint fail",
                                           "deliveries to an endpoint succeed again"});
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  world.AddDelivery("a", patient);
  world.Settle();
  CHECK(events.size() == 3);
}

TEST_CASE("dispatcher_health: the time to the final outcome is counted by outcome") {
  DispatchWorld world;
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(20), 2});
  world.AddDelivery("unknown");
  world.Run(absl::Seconds(25));
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.AddDelivery("a");
  world.Settle();
  const DispatcherStatus status = world.process->dispatcher.status();
  CHECK(status.delivered_latency.buckets[0] == 1);
  CHECK(status.discarded_latency.buckets[0] == 1);
  CHECK(status.failed_latency.buckets[11] == 1);  // at most 30 s
  CHECK(status.failed_latency.sum_us == 20'000'000);
}

TEST_CASE("dispatcher_health: an open circuit breaker rests the endpoint and probes it with one") {
  ProjectConfig config;
  config.circuit_breaker = {.sample_interval = absl::Seconds(1),
                            .error_timeout = absl::Seconds(30),
                            .requests_min = 4,
                            .consecutive_failures_max = 5};
  DispatchWorld world({}, config);
  world.AddEndpoint("a");
  world.EarnSlots("a");
  world.clock.Advance(absl::Minutes(10));  // beyond the window
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  for (int i = 0; i < 20; ++i)
    world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 99});
  world.Run(absl::Seconds(5));
  const size_t sent_count = world.transport().sent().size();
  const dispatch::Dispatcher& dispatcher = world.process->dispatcher;
  REQUIRE(dispatcher.HealthOf("a").has_value());
  CHECK(dispatcher.HealthOf("a")->breaker_state == Breaker::State::kOpen);
  CHECK(dispatcher.HealthOf("a")->failure_rate >= 70);
  world.Run(absl::Seconds(20));
  CHECK(world.transport().sent().size() == sent_count);  // it rests
  world.Run(absl::Seconds(10));
  CHECK(world.transport().sent().size() == sent_count + 1);  // a probe
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Seconds(35));
  CHECK(dispatcher.HealthOf("a")->breaker_state == Breaker::State::kClosed);
  CHECK(world.transport().sent().size() == sent_count + 1 + 20);
}

TEST_CASE("dispatcher_health: an endpoint whose breaker opens again and again becomes inactive") {
  ProjectConfig config;
  config.circuit_breaker = {.sample_interval = absl::Seconds(1),
                            .error_timeout = absl::Seconds(5),
                            .requests_min = 2,
                            .consecutive_failures_max = 3};
  DispatchWorld world({}, config);
  world.AddEndpoint("a");
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
  for (int i = 0; i < 9; ++i)
    world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(1), 99});
  world.Run(absl::Minutes(1));
  CHECK(LoadProject(*world.store, "P")->endpoints.at(0).status == EndpointStatus::kInactive);
  const size_t sent_count = world.transport().sent().size();
  CHECK(sent_count < 12);
  // Activated, it begins anew: what waited goes on, and a single failure does not disable it.
  Endpoint endpoint = LoadProject(*world.store, "P")->endpoints.at(0);
  endpoint.status = EndpointStatus::kActive;
  world.Put("P", endpoint);
  world.process->dispatcher.Notify();
  world.transport().set_rule(ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Minutes(1));
  CHECK(world.transport().sent().size() == sent_count + 9);
  CHECK(LoadProject(*world.store, "P")->endpoints.at(0).status == EndpointStatus::kActive);
}

TEST_CASE("dispatcher_health: an endpoint that its rate limit holds back is seen to be") {
  DispatchWorld world;
  Endpoint limited = world.AddEndpoint("a");
  limited.rate_limit = {.count = 1, .window = absl::Seconds(10)};
  world.Put("P", limited);
  for (int i = 0; i < 3; ++i) world.AddDelivery("a");
  world.Settle();
  const dispatch::Dispatcher& dispatcher = world.process->dispatcher;
  CHECK(dispatcher.status().throttled == 1);
  const absl::Duration wait = *dispatcher.HealthOf("a")->throttled_until - world.clock.Now();
  CHECK(wait >= absl::Seconds(10));
  CHECK(wait < absl::Seconds(11));
  CHECK(world.process->observer.events ==
        std::vector<std::string>{"an endpoint is throttled by its rate_limit"});
  world.Run(absl::Seconds(40));
  CHECK(dispatcher.status().throttled == 0);
  CHECK_FALSE(dispatcher.HealthOf("a")->throttled_until.has_value());
  CHECK(world.process->observer.events.size() == 1);
}

TEST_CASE("dispatcher_health: a limit without a window of its own holds in that of the project") {
  DispatchWorld world({}, {.rate_limit = {.count = 1, .window = absl::Seconds(10)}});
  Endpoint limited = world.AddEndpoint("a");
  limited.rate_limit = {.count = 5, .window = absl::ZeroDuration()};
  world.Put("P", limited);
  for (int i = 0; i < 40; ++i) world.AddDelivery("a");
  world.Run(absl::Seconds(10) - absl::Microseconds(1));
  CHECK(world.transport().sent().size() == 5);
  world.Run(absl::Seconds(10));
  CHECK(world.transport().sent().size() == 10);
}

}  // namespace
}  // namespace convoy::dispatch
