// Payload functions in a consumer: they run before the commit, and what fails is a dead letter.
#include <memory>
#include <string>
#include <vector>

#include "lib/consume/consumer_loop.h"
#include "tests/unit/consume/consume_world.h"

namespace convoy::consume {
namespace {

// Makes an envelope of a number, throws at "bad", and runs nothing while it is told so.
class NumberScripting : public Scripting {
 public:
  void Run(ScriptCall call, std::function<void(ScriptResult)> done) override {
    ++calls_count;
    if (is_busy) return done({.error = "too many are waiting"});
    if (call.payload == R"("bad")") {
      return done({.outcome = ScriptOutcome::kThrew, .error = "Error: bad"});
    }
    done({.outcome = ScriptOutcome::kDone,
          .payload =
              absl::StrCat(R"({"endpoint_id":"E1","event_type":"a","data":)", call.payload, "}")});
  }

  bool is_busy = false;
  int calls_count = 0;
};

struct FunctionWorld : World {
  FunctionWorld() {
    parts.scripting = &scripting;
    source.body_function = "text";
    loop = std::make_unique<ConsumerLoop>(parts, broker, source, "S-0");
  }
  NumberScripting scripting;
  std::unique_ptr<ConsumerLoop> loop;
};

TEST_CASE("consumer functions: messages are changed, those that fail are kept") {
  FunctionWorld world;
  for (int i = 0; i < 100; ++i) world.PublishBody(absl::StrCat(i));
  world.PublishBody(R"("bad")");
  world.loop->Step();
  CHECK(world.EventBodies() == World::Numbers(0, 100));
  CHECK(world.broker->CountLeft("orders") == 0);
  const std::vector<HeldInput> dead = world.DeadLetters();
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].reason == "function_failed");
  CHECK(dead[0].body == R"("bad")");
  CHECK(world.scripting.calls_count == 101);
}

TEST_CASE("consumer functions: while they cannot run the broker keeps the messages") {
  FunctionWorld world;
  world.scripting.is_busy = true;
  world.PublishBody("1");
  const absl::Duration pause = world.loop->Step();
  CHECK(pause > absl::ZeroDuration());
  CHECK(world.EventBodies().empty());
  CHECK(world.DeadLetters().empty());
  CHECK(world.broker->CountLeft("orders") == 1);
  world.scripting.is_busy = false;
  world.clock.Advance(pause);
  world.loop->Step();
  CHECK(world.EventBodies() == World::Numbers(1, 2));
  CHECK(world.broker->CountLeft("orders") == 0);
}

}  // namespace
}  // namespace convoy::consume
