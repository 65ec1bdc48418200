#include "lib/consume/consumer_loop.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "convoy/config_read.h"
#include "tests/unit/consume/consume_world.h"

namespace convoy::consume {
namespace {

using testing::SimBroker;
using Call = SimBroker::Call;

std::unique_ptr<ConsumerLoop> MakeLoop(World& world) {
  return std::make_unique<ConsumerLoop>(world.parts, world.broker, world.source, "S-0");
}

// Steps until there is nothing to do at once, or `rounds_max` times.
absl::Duration StepOn(ConsumerLoop& loop, int rounds_max = 3) {
  absl::Duration pause;
  for (int i = 0; i < rounds_max && pause == absl::ZeroDuration(); ++i) pause = loop.Step();
  return pause;
}

// Steps and lets the pauses pass until the loop runs again.
void Recover(World& world, ConsumerLoop& loop) {
  for (int i = 0; i < 50; ++i) {
    const absl::Duration pause = loop.Step();
    if (loop.status().state == ConsumerState::kRunning && pause == absl::ZeroDuration()) return;
    world.clock.Advance(pause);
  }
  FAIL("the loop did not recover");
}

TEST_CASE("consumer_loop: messages become events, and are acknowledged") {
  World world;
  world.Publish(0, 3);
  const auto loop = MakeLoop(world);
  CHECK(loop->status().state == ConsumerState::kConnecting);
  StepOn(*loop);
  CHECK(world.EventBodies() == World::Numbers(0, 3));
  CHECK(world.broker->CountLeft("orders") == 0);
  CHECK(world.notices_count == 1);
  const ConsumerStatus status = loop->status();
  CHECK(status.state == ConsumerState::kRunning);
  CHECK(status.consumer_id == "S-0");
  CHECK(status.counters.received == 3);
  CHECK(status.counters.accepted == 3);
  CHECK(status.last_message_at == world.clock.Now());
  CHECK(status.last_error.empty());
}

TEST_CASE("consumer_loop: the messages of a poll share one commit") {
  World world;
  int commits_count = 0;
  world.storage.before_commit = [&] { ++commits_count; };
  world.Publish(0, 200);
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(world.EventBodies().size() == 200);
  CHECK(commits_count == 1);
}

TEST_CASE("consumer_loop: nothing is acknowledged before it is stored") {
  World world;
  size_t left = 0;
  world.storage.before_commit = [&] { left = world.broker->CountLeft("orders"); };
  world.Publish(0, 5);
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(left == 5);
  CHECK(world.broker->CountLeft("orders") == 0);
}

TEST_CASE("consumer_loop: what a crash left unacknowledged is stored once") {
  World world;
  world.Publish(0, 10);
  world.PublishBody("poison");
  world.broker->set_loses_acknowledgements(true);
  for (int crash = 0; crash < 5; ++crash) {
    const auto loop = MakeLoop(world);  // and dies with everything it knows
    loop->Step();
    CHECK(world.broker->CountLeft("orders") == 11);
  }
  world.broker->set_loses_acknowledgements(false);
  const auto loop = MakeLoop(world);
  StepOn(*loop);
  CHECK(world.broker->CountLeft("orders") == 0);
  CHECK(world.EventBodies() == World::Numbers(0, 10));
  CHECK(world.DeadLetters().size() == 1);
  CHECK(loop->status().counters.redelivered == 10);
  CHECK(loop->status().counters.accepted == 0);
}

TEST_CASE("consumer_loop: an id that repeats is no redelivery where the broker says it is new") {
  World world;
  const auto publish = [&](bool may_be_redelivery) {
    world.broker->Publish("orders", {.body = R"({"endpoint_id":"E1","event_type":"a","data":0})",
                                     .id = "m-1",
                                     .redelivery_id = "orders/m-1",
                                     .may_be_redelivery = may_be_redelivery});
  };
  const auto loop = MakeLoop(world);
  for (const bool may_be_redelivery : {false, false, true}) {
    publish(may_be_redelivery);
    StepOn(*loop);
  }
  CHECK(world.EventBodies() == std::vector<std::string>{"0", "0"});
  CHECK(loop->status().counters.accepted == 2);
  CHECK(loop->status().counters.redelivered == 1);
}

TEST_CASE(
    "consumer_loop: a message stored under an earlier form of its redelivery id is recognised") {
  World world;
  const auto publish = [&](std::string redelivery_id, std::string former_redelivery_id) {
    world.broker->Publish("orders", {.body = R"({"endpoint_id":"E1","event_type":"a","data":0})",
                                     .redelivery_id = std::move(redelivery_id),
                                     .former_redelivery_id = std::move(former_redelivery_id)});
  };
  const auto loop = MakeLoop(world);
  publish("id/1", "");  // as the version before
  StepOn(*loop);
  publish("place/1", "id/1");
  publish("place/2", "id/2");
  StepOn(*loop);
  CHECK(loop->status().counters.accepted == 2);
  CHECK(loop->status().counters.redelivered == 1);
}

TEST_CASE("consumer_loop: messages acknowledged without a new event leave a trace") {
  World world;
  const std::vector<std::string>& warnings = world.observer.warnings;
  const auto publish = [&](int count) {
    for (int i = 0; i < count; ++i) {
      world.broker->Publish("orders", {.body = R"({"endpoint_id":"E1","event_type":"a","data":0})",
                                       .id = absl::StrCat("m-", i),
                                       .redelivery_id = "orders/1"});
    }
  };
  const auto loop = MakeLoop(world);
  publish(1);
  StepOn(*loop);
  CHECK(loop->status().redelivered_last.empty());
  publish(20);
  StepOn(*loop);
  const ConsumerStatus some = loop->status();
  CHECK(some.redelivered_in_a_row == 20);
  CHECK(some.redelivered_last.size() == kTracedMessagesMax);
  CHECK(some.redelivered_last.back().id == "m-19");
  CHECK(some.redelivered_last.back().redelivery_id == "orders/1");
  CHECK_FALSE(some.is_mostly_redelivered());
  CHECK(warnings.empty());
  world.clock.Advance(absl::Minutes(2));
  for (int i = 0; i < 2; ++i) {
    publish(1);
    StepOn(*loop);
  }
  CHECK(loop->status().is_mostly_redelivered());
  CHECK(warnings == std::vector<std::string>{"only messages that were stored before"});
  world.Publish(0, 1);
  StepOn(*loop);
  CHECK_FALSE(loop->status().is_mostly_redelivered());
}

TEST_CASE("consumer_loop: what comes again in another format stays what it has become") {
  World world;
  world.Publish(0, 1);
  world.PublishBody("raw");
  world.broker->set_loses_acknowledgements(true);
  MakeLoop(world)->Step();
  CHECK(world.EventBodies() == World::Numbers(0, 1));
  CHECK(world.DeadLetters().size() == 1);
  world.source.message_format = MessageFormat::kRaw;
  world.source.raw_event_type = "a";
  world.PublishBody("raw, too");
  MakeLoop(world)->Step();
  world.source.message_format = MessageFormat::kEnvelope;
  world.broker->set_loses_acknowledgements(false);
  StepOn(*MakeLoop(world));
  CHECK(world.broker->CountLeft("orders") == 0);
  CHECK(world.EventBodies() == std::vector<std::string>{"0", "raw, too"});
  CHECK(world.DeadLetters().size() == 1);
}

TEST_CASE("consumer_loop: the lag is asked for at its interval, with and without messages") {
  World world;
  world.broker->set_tells_lag(true);
  world.Publish(0, 600);
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(loop->status().lag == 600 - 256);
  const absl::Time asked_at = world.clock.Now();
  CHECK(loop->status().lag_at == asked_at);
  StepOn(*loop);
  world.clock.Advance(absl::Seconds(29));
  StepOn(*loop);
  CHECK(world.broker->CountCalls(Call::kAskLag) == 1);
  CHECK(loop->status().lag_at == asked_at);
  world.clock.Advance(absl::Seconds(1));
  StepOn(*loop);
  CHECK(world.broker->CountCalls(Call::kAskLag) == 2);
  CHECK(loop->status().lag == 0);
  CHECK(loop->status().lag_error == "");

  // It is not known: that is no trouble with reading.
  world.broker->FailNext(Call::kAskLag, absl::PermissionDeniedError("may not ask"));
  world.clock.Advance(absl::Minutes(1));
  StepOn(*loop);
  CHECK(loop->status().lag == std::nullopt);
  CHECK(loop->status().lag_error == "may not ask");
  CHECK(loop->status().state == ConsumerState::kRunning);
  // A clock that was set back does not keep it from being asked for.
  world.clock.Advance(-absl::Hours(5));
  StepOn(*loop);
  world.clock.Advance(absl::Seconds(30));
  StepOn(*loop);
  CHECK(loop->status().lag == 0);
}

TEST_CASE("consumer_loop: of several consumers of a queue one tells its lag, or none can") {
  World world;
  world.Publish(0, 1);
  const auto unable = MakeLoop(world);
  StepOn(*unable);
  CHECK(world.broker->CountCalls(Call::kAskLag) == 0);
  CHECK(unable->status().lag_error == "this broker does not tell how many messages wait");

  world.broker->set_tells_lag(true);
  ConsumerLoop second(world.parts, world.broker, world.source, "S-1", /*is_first=*/false);
  StepOn(second);
  CHECK(world.broker->CountCalls(Call::kAskLag) == 0);
  CHECK(second.status().lag == std::nullopt);
  CHECK(second.status().lag_error == "that of the queue is the first worker's");
}

TEST_CASE("consumer_loop: an acknowledgement that fails costs nothing but a repetition") {
  World world;
  world.Publish(0, 4);
  world.broker->FailNext(Call::kAcknowledge, absl::UnavailableError("connection lost"));
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(loop->status().state == ConsumerState::kBackingOff);
  CHECK(world.broker->CountLeft("orders") == 4);
  Recover(world, *loop);
  StepOn(*loop);
  CHECK(world.broker->CountLeft("orders") == 0);
  CHECK(world.EventBodies() == World::Numbers(0, 4));
  CHECK(loop->status().counters.redelivered == 4);
}

TEST_CASE("consumer_loop: an idempotency key makes a duplicate, not a second event to deliver") {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.PublishBody(R"({"endpoint_id":"E1","event_type":"a","data":1,"idempotency_key":"same"})");
  }
  const auto loop = MakeLoop(world);
  StepOn(*loop);
  CHECK(loop->status().counters.accepted == 1);
  CHECK(loop->status().counters.duplicates == 2);
  CHECK(world.memory->ListDeliveries({.project_id = "P"}, {})->items.size() == 1);
}

TEST_CASE("consumer_loop: what cannot become an event is kept, and does not hold up the rest") {
  World world;
  world.Publish(0, 1);
  world.PublishBody("{");
  world.PublishBody(R"({"endpoint_id":"nobody","event_type":"a","data":1})");
  world.Publish(1, 2);
  const auto loop = MakeLoop(world);
  StepOn(*loop);
  CHECK(world.EventBodies() == World::Numbers(0, 2));
  CHECK(world.broker->CountLeft("orders") == 0);
  std::vector<std::string> reasons;
  for (const HeldInput& held : world.DeadLetters()) reasons.push_back(held.reason);
  std::sort(reasons.begin(), reasons.end());
  CHECK(reasons == std::vector<std::string>{"malformed_json", "unknown_endpoint"});
  CHECK(loop->status().counters.dead_letters == 2);
  REQUIRE(world.broker->dead_letters().size() == 2);
  CHECK(world.broker->dead_letters()[0].body == "{");
  CHECK(world.broker->dead_letters()[0].reason == "malformed_json");
}

TEST_CASE("consumer_loop: a broker that refuses the copy of a dead letter is no obstacle") {
  World world;
  world.PublishBody("{");
  world.broker->FailNext(Call::kPublishDeadLetter, absl::UnavailableError("no"));
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(world.broker->CountLeft("orders") == 0);
  CHECK(world.DeadLetters().size() == 1);
  CHECK(loop->status().state == ConsumerState::kRunning);
}

TEST_CASE("consumer_loop: while the store fails nothing more is polled, and nothing is lost") {
  World world;
  world.Publish(0, 3);
  world.storage.failures_left = 4;
  const auto loop = MakeLoop(world);
  absl::Duration pause = loop->Step();
  CHECK(pause > absl::ZeroDuration());
  CHECK(loop->status().state == ConsumerState::kBackingOff);
  CHECK(loop->status().last_error == "store: the disk is full");
  world.Publish(3, 6);
  for (int i = 0; i < 20 && world.storage.failures_left > 0; ++i) {
    world.clock.Advance(pause);
    pause = loop->Step();
  }
  CHECK(world.broker->CountCalls(Call::kPoll) == 1);
  CHECK(world.broker->CountLeft("orders") == 6);
  Recover(world, *loop);
  CHECK(world.EventBodies() == World::Numbers(0, 3));
  StepOn(*loop);
  CHECK(world.EventBodies() == World::Numbers(0, 6));
  CHECK(loop->status().counters.redelivered == 0);
}

TEST_CASE("consumer_loop: messages that wait for the store are extended") {
  World world;
  world.broker->set_extension_interval(absl::Seconds(3));
  world.Publish(0, 3);
  world.storage.failures_left = 8;
  const auto loop = MakeLoop(world);
  absl::Duration pause = loop->Step();
  const auto other = std::make_unique<ConsumerLoop>(world.parts, world.broker, world.source, "S-1");
  while (world.storage.failures_left > 0) {
    CHECK(pause <= absl::Seconds(1));
    world.clock.Advance(pause);
    pause = loop->Step();
    other->Step();
  }
  CHECK(other->status().counters.received == 0);
  CHECK(world.broker->CountCalls(Call::kExtend) > 5);
  Recover(world, *loop);
  CHECK(world.EventBodies() == World::Numbers(0, 3));
}

TEST_CASE("consumer_loop: a project that changes in between is read again") {
  World world;
  world.Remove(ConfigKind::kSubscription, "B1");
  int changes_left = 3;
  world.storage.before_commit = [&] {
    if (changes_left-- > 0) {
      world.Put("P", {Endpoint{.id = absl::StrCat("X", changes_left), .project_id = "P"}});
    }
  };
  world.Publish(0, 2);  // brings the endpoint's subscription, which needs the revision
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(world.EventBodies() == World::Numbers(0, 2));
  CHECK(world.broker->CountLeft("orders") == 0);
  CHECK(LoadProject(*world.memory, "P")->subscriptions.size() == 1);
}

TEST_CASE("consumer_loop: a broker that is away is tried again, ever more slowly, not at once") {
  World world;
  world.broker->FailNext(Call::kOpen, absl::UnavailableError("connection refused"), 12);
  const auto loop = MakeLoop(world);
  absl::Duration first, last;
  for (int i = 0; i < 12; ++i) {
    last = loop->Step();
    if (i == 0) first = last;
    CHECK(loop->status().state == ConsumerState::kBackingOff);
    CHECK(loop->Step() == last);  // does not try before its time
    world.clock.Advance(last);
  }
  CHECK(world.broker->CountCalls(Call::kOpen) == 12);
  CHECK(first >= absl::Milliseconds(125));
  CHECK(first <= absl::Milliseconds(250));
  CHECK(last >= absl::Milliseconds(7500));
  CHECK(last <= absl::Seconds(15));
  CHECK(loop->status().last_error == "connection refused");
  world.Publish(0, 1);
  Recover(world, *loop);
  StepOn(*loop);
  CHECK(world.EventBodies() == World::Numbers(0, 1));
  CHECK(loop->status().last_error == "connection refused");  // kept for later inspection
}

TEST_CASE("consumer_loop: a clock that is set back prolongs no pause") {
  World world;
  world.Publish(0, 1);
  SECTION("after a failure") {
    world.broker->FailNext(Call::kOpen, absl::UnavailableError("connection refused"));
    const auto loop = MakeLoop(world);
    loop->Step();
    world.clock.Advance(-absl::Hours(24));
    CHECK(loop->Step() <= absl::Seconds(15));
    world.clock.Advance(absl::Seconds(15));
    StepOn(*loop);
    CHECK(world.EventBodies() == World::Numbers(0, 1));
  }
  SECTION("between extensions") {
    world.broker->set_extension_interval(absl::Seconds(30));
    world.storage.failures_left = 1'000'000;
    const auto loop = MakeLoop(world);
    loop->Step();
    world.clock.Advance(-absl::Hours(24));
    loop->Step();
    world.clock.Advance(absl::Seconds(10));
    loop->Step();
    CHECK(world.broker->CountCalls(Call::kExtend) == 1);
  }
}

TEST_CASE("consumer_loop: a broker that says no is misconfigured, until it says yes") {
  World world;
  world.broker->set_password("changed");
  const auto loop = MakeLoop(world);
  loop->Step();
  CHECK(loop->status().state == ConsumerState::kMisconfigured);
  CHECK(loop->status().last_error == "wrong user or password");
  world.broker->set_password("");
  Recover(world, *loop);
  CHECK(loop->status().state == ConsumerState::kRunning);
}

TEST_CASE("consumer_loop: an open that tells nothing does not hide a failure") {
  World world;
  world.broker->FailNext(Call::kPoll, absl::UnauthenticatedError("the token has expired"), 3);
  const auto loop = MakeLoop(world);
  for (int i = 0; i < 3; ++i) {
    const absl::Duration pause = StepOn(*loop);
    CHECK(loop->status().state == ConsumerState::kMisconfigured);
    CHECK(world.broker->CountConsumers() == 0);
    world.clock.Advance(pause);
  }
  StepOn(*loop);
  CHECK(loop->status().state == ConsumerState::kRunning);
}

TEST_CASE("consumer_loop: after stop nothing is taken, and what was polled goes back") {
  World world;
  world.Publish(0, 3);
  world.storage.failures_left = 1000;
  const auto loop = MakeLoop(world);
  loop->Step();
  loop->Stop();
  CHECK(loop->Step() == absl::InfiniteDuration());
  CHECK(loop->status().state == ConsumerState::kStopped);
  CHECK(world.broker->CountConsumers() == 0);
  world.storage.failures_left = 0;
  const auto next = MakeLoop(world);
  StepOn(*next);
  CHECK(world.EventBodies() == World::Numbers(0, 3));
}

TEST_CASE("consumer_loop: random failures of broker, store and process lose and double nothing") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    World world;
    testing::SeededRandom random(seed);
    std::unique_ptr<ConsumerLoop> loops[2] = {MakeLoop(world), MakeLoop(world)};
    int published_count = 0;
    int poison_count = 0;
    const Call calls[] = {Call::kOpen, Call::kPoll, Call::kAcknowledge, Call::kExtend};
    for (int round = 0; round < 300; ++round) {
      if (random.Chance(30)) {
        world.Publish(published_count, published_count + 3);
        published_count += 3;
      }
      if (random.Chance(5)) world.PublishBody(absl::StrCat("poison ", ++poison_count));
      if (random.Chance(10)) {
        world.broker->FailNext(calls[random.Below(4)], absl::UnavailableError("lost"));
      }
      if (random.Chance(5)) world.storage.failures_left = 2;
      world.broker->set_loses_acknowledgements(random.Chance(10));
      auto& loop = loops[random.Below(2)];
      const absl::Duration pause = loop->Step();
      if (random.Chance(50)) world.clock.Advance(pause);
      if (random.Chance(5)) {
        loop.reset();  // killed
        loop = MakeLoop(world);
      }
    }
    world.broker->set_loses_acknowledgements(false);
    for (auto& loop : loops) loop.reset();
    loops[0] = MakeLoop(world);
    for (int i = 0; i < 100 && world.broker->CountLeft("orders") > 0; ++i) {
      world.clock.Advance(loops[0]->Step());
    }
    INFO("seed " << seed);
    std::vector<std::string> bodies = world.EventBodies();
    std::vector<std::string> expected = World::Numbers(0, published_count);
    std::sort(bodies.begin(), bodies.end());
    std::sort(expected.begin(), expected.end());
    CHECK(bodies == expected);
    CHECK(static_cast<int>(world.DeadLetters().size()) == poison_count);
    CHECK(world.broker->CountLeft("orders") == 0);
  }
}

}  // namespace
}  // namespace convoy::consume
