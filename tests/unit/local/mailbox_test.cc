// The mailbox by itself: what waits, what is taken, and every way in which that ends.
#include "lib/transport/local/mailbox.h"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::transport {
namespace {

using Kind = LocalOutcome::Kind;

struct World {
  World() {
    mailbox.set_wake([this] { ++wakes_count; });
    mailbox.set_tell([this](bool has_any) { has_something = has_any; });
  }

  void Send(const std::string& name, const std::string& id,
            absl::Duration timeout = absl::Seconds(30)) {
    mailbox.Send({.delivery = {.name = name, .delivery_id = id},
                  .timeout = timeout,
                  .time_left = absl::Seconds(88)},
                 [this, id](TransportResult result) {
                   REQUIRE(results.emplace(id, std::move(result)).second);
                 });
  }
  std::vector<LocalDelivery> Take(const std::string& name, size_t items_max) {
    return mailbox.Take(name, items_max, absl::ZeroDuration()).value();
  }

  testing::SimClock clock;
  Mailbox mailbox{{.clock = &clock, .waiting_max = absl::Seconds(10), .window_max = 100}};
  std::atomic<int> wakes_count = 0;
  std::atomic<bool> has_something = false;
  std::map<std::string, TransportResult> results;
};

TEST_CASE("mailbox: there is room for what the host takes, and more as it keeps up") {
  World world;
  CHECK(world.mailbox.RoomOf("orders") == 0);
  CHECK(world.Take("orders", 4).empty());
  CHECK(world.wakes_count > 0);
  CHECK(world.mailbox.RoomOf("orders") == 8);
  CHECK(world.mailbox.RoomOf("others") == 0);
  for (int i = 0; i < 3; ++i) world.Send("orders", absl::StrCat(i));
  CHECK(world.mailbox.RoomOf("orders") == 5);
  CHECK(world.Take("orders", 4).size() == 3);
  CHECK(world.mailbox.RoomOf("orders") == 16);  // it emptied the box
  CHECK(world.Take("orders", 5000).empty());
  CHECK(world.mailbox.RoomOf("orders") == 100);
}

TEST_CASE("mailbox: deliveries are handed out in order, once, each to its name") {
  World world;
  for (const char* id : {"1", "2", "3"}) world.Send("orders", id);
  world.Send("others", "4");
  CHECK(world.has_something);
  const std::vector<LocalDelivery> first = world.Take("orders", 2);
  REQUIRE(first.size() == 2);
  CHECK(first[0].delivery_id == "1");
  CHECK(first[1].delivery_id == "2");
  CHECK(first[0].deadline == world.clock.Now() + absl::Seconds(30));
  CHECK(world.Take("orders", 2).size() == 1);
  CHECK(world.has_something);
  CHECK(world.Take("others", 2).size() == 1);
  CHECK(!world.has_something);
}

TEST_CASE("mailbox: an outcome reaches the sender from Step, and once") {
  World world;
  for (const char* id : {"1", "2", "3"}) world.Send("orders", id);
  const std::vector<LocalDelivery> taken = world.Take("orders", 3);
  world.clock.Advance(absl::Seconds(2));
  CHECK(world.mailbox.Finish(taken[0].ticket, {.detail = "fine"}).ok());
  CHECK(
      world.mailbox.Finish(taken[1].ticket, {.kind = Kind::kRetry, .retry_after = absl::Seconds(7)})
          .ok());
  CHECK(world.mailbox.Finish(taken[2].ticket, {.kind = Kind::kFail, .detail = "no order"}).ok());
  CHECK(world.results.empty());
  world.mailbox.Step();
  REQUIRE(world.results.size() == 3);
  CHECK(world.results["1"].outcome == TransportOutcome::kHandled);
  CHECK(world.results["1"].body == "fine");
  CHECK(world.results["1"].elapsed == absl::Seconds(2));
  CHECK(world.results["2"].outcome == TransportOutcome::kHandlerFailed);
  CHECK(world.results["2"].retry_after == absl::Seconds(7));
  CHECK(!world.results["2"].error.empty());
  CHECK(world.results["3"].outcome == TransportOutcome::kHandlerRefused);
  CHECK(world.results["3"].error == "no order");
  CHECK(absl::IsNotFound(world.mailbox.Finish(taken[0].ticket, {})));
  CHECK(absl::IsNotFound(world.mailbox.Finish(99, {})));
}

TEST_CASE("mailbox: what is not taken goes back, and its name is left alone until it is taken") {
  World world;
  CHECK(world.Take("orders", 4).empty());
  world.Send("orders", "1");
  CHECK(world.mailbox.Step() == world.clock.SteadyNow() + absl::Seconds(10));
  world.clock.Advance(absl::Seconds(10));
  CHECK(world.mailbox.Step() == absl::InfiniteFuture());
  CHECK(world.results["1"].outcome == TransportOutcome::kNotTaken);
  CHECK(world.mailbox.RoomOf("orders") == 0);
  CHECK(world.has_something);  // a host that waits to be told must ask again
  CHECK(world.Take("others", 4).empty());
  CHECK(world.has_something);
  CHECK(world.Take("orders", 4).empty());
  CHECK(!world.has_something);
  CHECK(world.mailbox.RoomOf("orders") == 8);
}

TEST_CASE("mailbox: the host is not told of a name that it has never asked for") {
  World world;
  world.Send("orders", "1");
  world.clock.Advance(absl::Seconds(10));
  world.mailbox.Step();
  CHECK(world.results["1"].outcome == TransportOutcome::kNotTaken);
  CHECK(!world.has_something);
}

TEST_CASE("mailbox: nothing is there to take once it drains") {
  World world;
  CHECK(world.Take("orders", 4).empty());
  world.Send("orders", "1");
  world.clock.Advance(absl::Seconds(10));
  world.mailbox.Step();
  CHECK(world.has_something);
  world.mailbox.Drain();
  CHECK(!world.has_something);
}

TEST_CASE("mailbox: a delivery that is not finished in time has timed out") {
  World world;
  world.Send("orders", "1", absl::Seconds(5));
  world.Send("orders", "2", absl::InfiniteDuration());  // as long as its lease
  world.clock.Advance(absl::Seconds(1));
  const std::vector<LocalDelivery> taken = world.Take("orders", 2);
  REQUIRE(taken.size() == 2);
  CHECK(taken[1].deadline == world.clock.Now() + absl::Seconds(87));
  CHECK(world.mailbox.Step() == world.clock.SteadyNow() + absl::Seconds(5));
  world.clock.Advance(absl::Seconds(5));
  world.mailbox.Step();
  CHECK(world.results["1"].outcome == TransportOutcome::kTimedOut);
  CHECK(world.results["1"].elapsed == absl::Seconds(5));
  CHECK(absl::IsNotFound(world.mailbox.Finish(taken[0].ticket, {})));
  CHECK(world.mailbox.Finish(taken[1].ticket, {}).ok());
}

TEST_CASE("mailbox: closing gives back what was not taken and ends what was") {
  World world;
  for (const char* id : {"1", "2"}) world.Send("orders", id);
  const std::vector<LocalDelivery> taken = world.Take("orders", 1);
  world.mailbox.Drain();
  world.Send("orders", "3");
  world.mailbox.Step();
  CHECK(world.results.size() == 2);
  CHECK(world.results["2"].outcome == TransportOutcome::kNotTaken);
  CHECK(world.results["3"].outcome == TransportOutcome::kNotTaken);
  const auto refused = world.mailbox.Take("orders", 1, absl::Hours(1));
  CHECK(absl::IsFailedPrecondition(refused.status()));
  world.mailbox.Cancel();
  CHECK(world.results["1"].outcome == TransportOutcome::kCancelled);
  CHECK(absl::IsNotFound(world.mailbox.Finish(taken[0].ticket, {})));
}

TEST_CASE("mailbox: a host waits for a delivery, and is let go when the gateway closes") {
  World world;
  absl::StatusOr<std::vector<LocalDelivery>> first, second;
  std::thread host([&] {
    first = world.mailbox.Take("orders", 4, absl::Minutes(1));
    second = world.mailbox.Take("orders", 4, absl::Minutes(1));
  });
  world.Send("orders", "1");
  while (world.has_something) std::this_thread::yield();
  world.mailbox.Drain();
  host.join();
  REQUIRE(first.ok());
  CHECK(first->size() == 1);
  CHECK(absl::IsFailedPrecondition(second.status()));
}

TEST_CASE("mailbox: a long detail is cut between characters") {
  World world;
  world.Send("orders", "1");
  std::string detail(1023, 'x');
  detail += "é and more";
  CHECK(world.mailbox
            .Finish(world.Take("orders", 1)[0].ticket, {.kind = Kind::kFail, .detail = detail})
            .ok());
  world.mailbox.Step();
  CHECK(world.results["1"].error == std::string(1023, 'x'));
}

}  // namespace
}  // namespace convoy::transport
