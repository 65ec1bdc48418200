// Lanes in the dispatcher: what waits for its endpoint's rate, or until it is resumed.
#include <catch2/catch.hpp>

#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;

TEST_CASE("lanes: an endpoint gets what its rate allows, and its backlog in time") {
  DispatchWorld world;
  Endpoint limited = world.AddEndpoint("a");
  limited.rate_limit = {.count = 10, .window = absl::Seconds(10)};
  world.Put("P", limited);
  std::vector<std::string> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(world.AddDelivery("a"));
  world.Run(absl::Seconds(10) - absl::Microseconds(1));
  CHECK(world.transport().sent().size() == 10);
  // The rest is not touched while it waits.
  CHECK(world.Get(ids.back()).updated_at == world.Get(ids.back()).created_at);
  CHECK(world.process->storage.claims_count < 50);
  world.Run(absl::Seconds(15));
  CHECK(world.transport().sent().size() >= 24);
  CHECK(world.transport().sent().size() <= 26);
  world.Run(absl::Seconds(20));
  REQUIRE(world.transport().sent().size() == 40);
  absl::Time last_sent_at = absl::InfinitePast();
  for (const std::string& id : ids) {
    CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
    REQUIRE(world.Attempts(id).size() == 1);
    const absl::Time sent_at = world.Attempts(id)[0].requested_at;
    CHECK(sent_at > last_sent_at);
    last_sent_at = sent_at;
  }
}

TEST_CASE("lanes: what follows a delivery that was sent late keeps its distance") {
  DispatchWorld world;
  Endpoint limited = world.AddEndpoint("a");
  limited.rate_limit = {.count = 10, .window = absl::Seconds(10)};
  world.Put("P", limited);
  std::vector<std::string> ids;
  for (int i = 0; i < 30; ++i) ids.push_back(world.AddDelivery("a"));
  // The store takes its time to answer the first claim.
  for (int round = 0; round < 2; ++round) {
    world.process->dispatcher.Step();
    world.process->commits.Drain();
  }
  REQUIRE(world.transport().sent().empty());
  world.clock.Advance(absl::Milliseconds(900));
  world.Run(absl::Seconds(40));
  REQUIRE(world.transport().sent().size() == 30);
  std::vector<absl::Time> times;
  for (const std::string& id : ids) times.push_back(world.Attempts(id)[0].requested_at);
  for (size_t i = 10; i < times.size(); ++i) CHECK(times[i] - times[i - 10] >= absl::Seconds(10));
  CHECK(times.back() - times.front() < absl::Seconds(31));
}

TEST_CASE("lanes: an endpoint without a limit of its own has none") {
  DispatchWorld world({.in_flight_max = 1000, .in_flight_per_endpoint_max = 500},
                      {.rate_limit = {.count = 10, .window = absl::Seconds(10)}});
  world.AddEndpoint("a");
  for (int i = 0; i < 400; ++i) world.AddDelivery("a");
  world.Settle();
  CHECK(world.transport().sent().size() == 400);
}

TEST_CASE("lanes: a subscription's limit is one of its endpoint's traffic") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const auto put = [&world](const std::string& id, RateLimit limit) {
    world.Put("P",
              Subscription{.id = id, .project_id = "P", .endpoint_id = "a", .rate_limit = limit});
  };
  put("S", {.count = 10, .window = absl::Seconds(10)});
  for (int i = 0; i < 40; ++i) world.AddDelivery("a");
  world.Run(absl::Seconds(10) - absl::Microseconds(1));
  CHECK(world.transport().sent().size() == 10);
  world.Run(absl::Seconds(50));
  CHECK(world.transport().sent().size() == 40);
}

TEST_CASE("lanes: of several limits of an endpoint none is exceeded") {
  // Alone, the first would let several go at once and the second half as many in the long run.
  const RateLimit limits[] = {{.count = 20, .window = absl::Seconds(1)},
                              {.count = 60, .window = absl::Seconds(30)},
                              {.count = 300, .window = absl::Seconds(60)}};
  DispatchWorld world;
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.rate_limit = limits[0];
  world.Put("P", endpoint);
  for (int i = 1; i < 3; ++i) {
    world.Put("P", Subscription{.id = std::to_string(i),
                                .project_id = "P",
                                .endpoint_id = "a",
                                .rate_limit = limits[i]});
  }
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(world.AddDelivery("a"));
  world.Run(absl::Minutes(2));
  REQUIRE(world.transport().sent().size() == 100);
  std::vector<absl::Time> times;
  for (const std::string& id : ids) times.push_back(world.Attempts(id)[0].requested_at);
  for (const RateLimit& limit : limits) {
    for (size_t i = limit.count; i < times.size(); ++i) {
      CHECK(times[i] - times[i - limit.count] >= limit.window);
    }
  }
  CHECK(times.back() - times.front() < absl::Seconds(65));
}

TEST_CASE("lanes: a lane that a subscription's limit has closed opens when that is changed") {
  DispatchWorld world;
  world.AddEndpoint("a");
  Subscription limited{.id = "S",
                       .project_id = "P",
                       .endpoint_id = "a",
                       .rate_limit = RateLimit{.count = 1, .window = absl::Hours(10)}};
  world.Put("P", limited);
  for (int i = 0; i < 5; ++i) world.AddDelivery("a");
  world.Run(absl::Minutes(1));
  REQUIRE(world.transport().sent().size() == 1);
  limited.rate_limit.reset();
  WriteBatch batch;
  batch.config.push_back({.scope = "P",
                          .expected_revision = world.store->ConfigRevision("P").value(),
                          .puts = {limited},
                          .changed_lanes = {"a"}});
  world.Commit(std::move(batch));
  world.process->dispatcher.Notify();
  world.Run(absl::Seconds(1));
  CHECK(world.transport().sent().size() == 5);
}

TEST_CASE("lanes: what is for a paused endpoint waits, and uses up no try") {
  DispatchWorld world;
  Endpoint endpoint = world.AddEndpoint("a");
  endpoint.status = EndpointStatus::kPaused;
  world.Put("P", endpoint);
  const std::string id = world.AddDelivery("a");
  world.Run(absl::Minutes(2));
  CHECK(world.transport().sent().empty());
  CHECK(world.Get(id).attempts_count == 0);
  CHECK(world.process->storage.claims_count < 5);  // it sleeps
  endpoint.status = EndpointStatus::kActive;
  world.Put("P", endpoint);
  world.process->dispatcher.Notify();
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("lanes: an endpoint in order gets one at a time, and what fails holds up the rest") {
  DispatchWorld world;
  Endpoint in_order = world.AddEndpoint("a");
  in_order.is_fifo = true;
  world.Put("P", in_order);
  world.AddEndpoint("b");
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(world.AddDelivery("a", {RetryStrategy::kLinear, absl::Seconds(10), 2}));
  }
  const std::string other = world.AddDelivery("b");
  world.transport().set_rule([](const OutgoingRequest& request) {
    return testing::ScriptedTransport::Status(request.url == DispatchWorld::UrlOf("a") ? 500 : 200);
  });
  world.Settle();
  CHECK(world.transport().sent_count_to(DispatchWorld::UrlOf("a")) == 1);
  CHECK(world.Get(other).status == DeliveryStatus::kSuccess);
  world.Run(absl::Seconds(10));  // it fails for good, and the next one fails once
  CHECK(world.Get(ids[0]).status == DeliveryStatus::kFailure);
  CHECK(world.Get(ids[1]).status == DeliveryStatus::kRetry);
  CHECK(world.transport().sent_count_to(DispatchWorld::UrlOf("a")) == 3);
  world.transport().set_rule(testing::ScriptedTransport::AlwaysStatus(200));
  world.Run(absl::Seconds(10));
  for (size_t i = 1; i < ids.size(); ++i) {
    CHECK(world.Get(ids[i]).status == DeliveryStatus::kSuccess);
    CHECK(world.Attempts(ids[i]).back().requested_at >=
          world.Attempts(ids[i - 1]).back().responded_at);
  }
}

}  // namespace
}  // namespace convoy::dispatch
