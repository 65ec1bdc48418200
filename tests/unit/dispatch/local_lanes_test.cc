// Local endpoints in the dispatcher: deliveries wait for the host without cost, and are retried,
// ordered and recorded like all others.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "lib/dispatch/lane_policies.h"
#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;
using Kind = LocalOutcome::Kind;

struct LocalWorld : DispatchWorld {
  explicit LocalWorld(GatewayOptions settings = {}) : DispatchWorld(std::move(settings)) {}

  Endpoint AddLocal(const std::string& id, const std::string& name, bool is_fifo = false) {
    Endpoint endpoint = AddEndpoint(id);
    endpoint.url = "local:" + name;
    endpoint.is_fifo = is_fifo;
    Put("P", endpoint);
    return endpoint;
  }
  std::vector<LocalDelivery> Take(const std::string& name, size_t items_max = 16) {
    for (int i = 0; i < 2; ++i) {  // the first one may only have them fetched
      auto taken = process->mailbox.Take(name, items_max, absl::ZeroDuration()).value();
      Settle();
      if (!taken.empty()) return taken;
    }
    return {};
  }
  void Finish(const LocalDelivery& delivery, LocalOutcome outcome = {}) {
    CHECK(process->mailbox.Finish(delivery.ticket, std::move(outcome)).ok());
    Settle();
  }
};

TEST_CASE("local lanes: deliveries wait untouched while the host takes none") {
  LocalWorld world;
  world.AddLocal("a", "orders");
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(world.AddDelivery("a"));
  world.Settle();
  const int claims_count = world.process->storage.claims_count;
  world.Run(absl::Hours(2));
  CHECK(world.process->storage.claims_count == claims_count);
  for (const std::string& id : ids) {
    const Delivery delivery = world.Get(id);
    CHECK(delivery.status == DeliveryStatus::kScheduled);
    CHECK(delivery.updated_at == delivery.created_at);
  }
  const std::vector<LocalDelivery> taken = world.Take("orders");
  REQUIRE(taken.size() == 5);
  for (size_t i = 0; i < ids.size(); ++i) CHECK(taken[i].delivery_id == ids[i]);
  for (const LocalDelivery& delivery : taken) world.Finish(delivery);
  CHECK(world.process->dispatcher.idle());
}

TEST_CASE("local lanes: an outcome is recorded as an attempt, and a failure retried") {
  LocalWorld world;
  world.AddLocal("a", "orders");
  const std::string id = world.AddDelivery("a");
  LocalDelivery delivery = world.Take("orders").at(0);
  CHECK(delivery.attempt_number == 1);
  CHECK(delivery.event->body == "{}");
  CHECK(delivery.endpoint_id == "a");
  world.Finish(delivery, {.kind = Kind::kRetry, .detail = "no stock"});
  CHECK(world.Get(id).status == DeliveryStatus::kRetry);
  CHECK(world.Get(id).due_at == world.clock.Now() + absl::Seconds(10));
  world.clock.Advance(absl::Seconds(10));
  delivery = world.Take("orders").at(0);
  CHECK(delivery.attempt_number == 2);
  world.Finish(delivery, {.detail = "shipped"});
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  const std::vector<Attempt> attempts = world.Attempts(id);
  REQUIRE(attempts.size() == 2);
  CHECK(attempts[0].url == "local:orders");
  CHECK(attempts[0].method == "LOCAL");
  CHECK(attempts[0].error == "no stock");
  CHECK(!attempts[0].is_success);
  CHECK(attempts[1].is_success);
  CHECK(attempts[1].response_body == "shipped");
  CHECK(world.transport().sent().empty());
}

TEST_CASE("local lanes: the host may ask for a longer wait, or for none at all") {
  LocalWorld world;
  world.AddLocal("a", "orders");
  const std::string later = world.AddDelivery("a");
  const std::string never = world.AddDelivery("a");
  const std::vector<LocalDelivery> taken = world.Take("orders");
  REQUIRE(taken.size() == 2);
  world.Finish(taken[0], {.kind = Kind::kRetry, .retry_after = absl::Minutes(3)});
  world.Finish(taken[1], {.kind = Kind::kFail, .detail = "no such order"});
  CHECK(world.Get(later).due_at == world.clock.Now() + absl::Minutes(3));
  CHECK(world.Get(never).status == DeliveryStatus::kFailure);
  CHECK(world.Get(never).description == "no such order");
  CHECK(world.Get(never).attempts_count == 1);
}

TEST_CASE("local lanes: what the host forgets has timed out; what it does not take is no attempt") {
  LocalWorld world;
  Endpoint endpoint = world.AddLocal("a", "orders");
  endpoint.timeout = absl::Seconds(20);
  world.Put("P", endpoint);
  const std::string id = world.AddDelivery("a");
  CHECK(world.process->mailbox.Take("orders", 1, absl::ZeroDuration()).value().empty());
  world.Run(absl::Minutes(5));  // it was fetched, and went back
  CHECK(world.Get(id).attempts_count == 0);
  CHECK(world.Get(id).status == DeliveryStatus::kScheduled);
  const LocalDelivery delivery = world.Take("orders").at(0);
  CHECK(delivery.deadline == world.clock.Now() + absl::Seconds(20));
  world.Run(absl::Seconds(20));
  CHECK(world.Get(id).status == DeliveryStatus::kRetry);
  REQUIRE(world.Attempts(id).size() == 1);
  CHECK(world.Attempts(id)[0].error.starts_with("the host did not finish it in time"));
  CHECK(absl::IsNotFound(world.process->mailbox.Finish(delivery.ticket, {})));
}

TEST_CASE("local lanes: a FIFO endpoint gives one at a time, retries included") {
  LocalWorld world;
  world.AddLocal("a", "orders", /*is_fifo=*/true);
  const std::string first = world.AddDelivery("a");
  const std::string second = world.AddDelivery("a");
  std::vector<LocalDelivery> taken = world.Take("orders");
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].delivery_id == first);
  CHECK(world.Take("orders").empty());
  world.Finish(taken[0], {.kind = Kind::kRetry});
  CHECK(world.Take("orders").empty());
  world.clock.Advance(absl::Seconds(10));
  taken = world.Take("orders");
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].delivery_id == first);
  world.Finish(taken[0]);
  taken = world.Take("orders");
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].delivery_id == second);
  world.Finish(taken[0]);
}

TEST_CASE("local lanes: the host's pace holds no slots of others") {
  LocalWorld world({.in_flight_max = 4, .in_flight_per_endpoint_max = 4});
  world.AddLocal("a", "orders");
  world.AddEndpoint("b");
  for (int i = 0; i < 10; ++i) world.AddDelivery("a");
  std::vector<LocalDelivery> held;
  for (int i = 0; i < 10 && held.size() < 10; ++i) {
    for (LocalDelivery& delivery : world.Take("orders", 4)) held.push_back(std::move(delivery));
  }
  CHECK(held.size() == 10);
  const std::string id = world.AddDelivery("b");
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  for (const LocalDelivery& delivery : held) world.Finish(delivery);
}

TEST_CASE("local lanes: endpoints of one name share what the host has room for") {
  LocalWorld world;
  for (const char* id : {"a", "b", "c"}) world.AddLocal(id, "orders");
  for (int i = 0; i < 30; ++i) world.AddDelivery(i < 20 ? "a" : i < 25 ? "b" : "c");
  std::map<std::string, int> counts;
  for (int round = 0; round < 20; ++round) {
    for (const LocalDelivery& delivery : world.Take("orders", 3)) {
      ++counts[delivery.endpoint_id];
      world.Finish(delivery);
    }
    if (round == 3) CHECK(counts.size() == 3);
  }
  CHECK(counts == std::map<std::string, int>{{"a", 20}, {"b", 5}, {"c", 5}});
}

TEST_CASE("local lanes: those without work take no room from one that has") {
  LocalWorld world;
  for (int i = 0; i < 400; ++i) {
    const std::string id = absl::StrCat("e", i);
    world.AddLocal(id, "orders");
    world.AddDelivery(id);
  }
  size_t taken_count = 0;
  for (int round = 0; round < 100 && taken_count < 400; ++round) {
    for (const LocalDelivery& delivery : world.Take("orders")) {
      world.Finish(delivery);
      ++taken_count;
    }
  }
  REQUIRE(taken_count == 400);
  for (int i = 0; i < 64; ++i) world.AddDelivery("e7");
  const int claims_count = world.process->storage.claims_count;
  world.Settle();
  CHECK(world.process->mailbox.Take("orders", 64, absl::ZeroDuration()).value().size() == 64);
  CHECK(world.process->storage.claims_count <= claims_count + 4);
}

TEST_CASE("local lanes: an endpoint that is not local any more is sent to") {
  LocalWorld world;
  Endpoint endpoint = world.AddLocal("a", "orders");
  const std::string id = world.AddDelivery("a");
  world.Run(absl::Minutes(1));
  endpoint.url = DispatchWorld::UrlOf("a");
  world.Put("P", endpoint);
  world.process->dispatcher.Notify();
  world.Run(absl::Minutes(1));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.transport().sent().size() == 1);
}

TEST_CASE("local lanes: a closed endpoint sleeps although its name is not served") {
  for (const EndpointStatus status : {EndpointStatus::kInactive, EndpointStatus::kPaused}) {
    LocalWorld world;
    Endpoint endpoint = world.AddLocal("a", "orders");
    endpoint.status = status;
    world.Put("P", endpoint);
    const std::string id = world.AddDelivery("a");
    world.Settle();
    ClaimRequest request = {
        .now = world.clock.Now(),
        .lease = absl::Minutes(1),
        .items_max = 10,
        .policy_of = PoliciesOf(&world.process->configuration, &world.process->mailbox)};
    const Claim claim = world.store->ClaimDue(request).value();
    CHECK(claim.next_due_at > world.clock.Now());
    CHECK(claim.unserved_lanes.empty());
    const int claims_count = world.process->storage.claims_count;
    world.Run(absl::Minutes(10));
    CHECK(world.process->storage.claims_count <= claims_count + 1);
    CHECK(world.Get(id).status == DeliveryStatus::kScheduled);
  }
}

TEST_CASE("local lanes: abandoned deliveries go back as they were") {
  LocalWorld world;
  world.AddLocal("a", "orders");
  const std::string id = world.AddDelivery("a");
  const std::string waiting = world.AddDelivery("a");
  REQUIRE(world.Take("orders", 1).size() == 1);
  world.process->dispatcher.Drain();
  world.process->dispatcher.Abandon();
  world.process->commits.Drain();
  for (const std::string& each : {id, waiting}) {
    CHECK(world.Get(each).status == DeliveryStatus::kScheduled);
    CHECK(world.Get(each).attempts_count == 0);
  }
}

}  // namespace
}  // namespace convoy::dispatch
