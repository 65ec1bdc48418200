// Outcomes that the store refuses, and deliveries whose outcome cannot be learnt any more.
#include "lib/dispatch/outcome_writer.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;
using testing::ScriptedTransport;

TEST_CASE("outcome_writer: a refused outcome is kept, and the delivery is sent once") {
  DispatchWorld world({.lease = absl::Seconds(60)});
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.process->storage.commit_status = absl::ResourceExhaustedError("disk full");
  world.Settle();
  CHECK(world.transport().sent().size() == 1);
  CHECK(world.process->dispatcher.status().unwritten == 1);
  CHECK_FALSE(world.process->dispatcher.idle());
  const int claims_count = world.process->storage.claims_count;
  const std::string other = world.AddDelivery("a");
  world.Run(absl::Minutes(10));  // far beyond the lease
  CHECK(world.transport().sent().size() == 1);
  CHECK(world.process->storage.claims_count == claims_count);
  CHECK(world.Attempts(id).empty());

  world.process->storage.commit_status = absl::OkStatus();
  world.Run(absl::Seconds(2));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.Get(id).attempts_count == 1);
  CHECK(world.Attempts(id).size() == 1);
  CHECK(world.Get(other).status == DeliveryStatus::kSuccess);
  CHECK(world.transport().sent().size() == 2);
  CHECK(world.process->dispatcher.status().unwritten == 0);
  CHECK(world.process->dispatcher.idle());
}

TEST_CASE("outcome_writer: a recorded success asks for no claim, a recorded retry does") {
  DispatchWorld world;
  world.AddEndpoint("a");
  SECTION("success") {
    world.AddDelivery("a");
    world.Settle();  // the first claim of an endpoint learns its policy
    const int before = world.process->storage.claims_count;
    world.AddDelivery("a");
    world.Settle();
    // One that brought the delivery, and one because there was room again.
    CHECK(world.process->storage.claims_count - before == 2);
  }
  SECTION("retry that is due at once") {
    world.AddDelivery("a", {RetryStrategy::kLinear, absl::ZeroDuration(), 2});
    world.transport().set_rule(ScriptedTransport::AlwaysStatus(500));
    world.Settle();
    CHECK(world.transport().sent().size() == 2);
  }
}

TEST_CASE("outcome_writer: batches that are filled again carry what was added last") {
  DispatchWorld world;
  world.AddEndpoint("a");
  std::vector<std::string> ids;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i <= round; ++i) ids.push_back(world.AddDelivery("a"));
    world.Settle();
  }
  for (const std::string& id : ids) {
    CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
    CHECK(world.Attempts(id).size() == 1);
  }
  CHECK(world.transport().sent().size() == ids.size());
}

TEST_CASE("outcome_writer: closing tries once more to record what the store refused") {
  DispatchWorld world;
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.process->storage.commit_status = absl::UnavailableError("busy");
  world.Settle();
  world.process->storage.commit_status = absl::OkStatus();
  world.process->dispatcher.Abandon();
  world.process->commits.Drain();
  CHECK(world.process->dispatcher.idle());
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("outcome_writer: in the mode at_most_once what may have been sent is not sent again") {
  DispatchWorld world({.lease = absl::Seconds(60)});
  world.AddEndpoint("a");
  const std::string id = world.AddDelivery("a");
  world.SetMode(id, DeliveryMode::kAtMostOnce);
  world.transport().set_rule(ScriptedTransport::Hang);
  world.Settle();
  CHECK(world.transport().sent().size() == 1);
  SECTION("when its process closes") {
    world.process->dispatcher.Abandon();
    world.process->commits.Drain();
  }
  SECTION("when its process dies and the lease ends") {
    world.process = world.NewProcess();
    world.Run(absl::Seconds(61));
  }
  world.Run(absl::Hours(1));
  CHECK(world.Get(id).status == DeliveryStatus::kFailure);
  CHECK(world.Get(id).description == "it is not known whether it arrived");
  const auto heir = world.NewProcess();
  heir->Settle(world.clock.Now());
  CHECK(heir->transport.sent().empty());
}

}  // namespace
}  // namespace convoy::dispatch
