// Payload functions of subscriptions in the dispatcher: they change what is sent, and their
// failures are the subscription's and not the endpoint's.
#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "tests/unit/dispatch/dispatch_world.h"

namespace convoy::dispatch {
namespace {

using testing::DispatchWorld;
using testing::ScriptedTransport;

// An engine whose calls end when a test says so.
class HeldScripting : public Scripting {
 public:
  void Run(ScriptCall call, std::function<void(ScriptResult)> done) override {
    calls.push_back({std::move(call), std::move(done)});
  }
  void End(ScriptResult result) {
    auto done = std::move(calls.front().second);
    calls.pop_front();
    done(std::move(result));
  }
  void EndWith(std::string payload) {
    End({.outcome = ScriptOutcome::kDone, .payload = std::move(payload)});
  }

  std::deque<std::pair<ScriptCall, std::function<void(ScriptResult)>>> calls;
};

struct FunctionWorld : DispatchWorld {
  explicit FunctionWorld(ProjectConfig config = {}) : DispatchWorld({}, std::move(config)) {
    process = NewProcess(&scripting);
    AddEndpoint("a");
    Put("P",
        Subscription{
            .id = "S", .project_id = "P", .name = "s", .endpoint_id = "a", .function = "text"});
  }

  DeliveryMode mode = DeliveryMode::kAtLeastOnce;  // of what is added

  // A delivery by way of the subscription.
  std::string Add(std::string body = R"({"n":1})", Headers headers = {}) {
    ++count_;
    Submission submission;
    submission.event = {.id = testing::FlowId('W', count_),
                        .project_id = "P",
                        .event_type = "t",
                        .endpoint_ids = {"a"},
                        .headers = std::move(headers),
                        .body = std::move(body),
                        .created_at = clock.Now()};
    submission.deliveries.push_back({.id = testing::FlowId('F', count_),
                                     .project_id = "P",
                                     .event_id = submission.event.id,
                                     .endpoint_id = "a",
                                     .subscription_id = "S",
                                     .event_type = "t",
                                     .mode = mode,
                                     .retry = {RetryStrategy::kLinear, absl::Seconds(10), 2},
                                     .due_at = clock.Now(),
                                     .created_at = clock.Now(),
                                     .updated_at = clock.Now()});
    const std::string id = submission.deliveries.front().id;
    WriteBatch batch;
    batch.submissions.push_back(std::move(submission));
    Commit(std::move(batch));
    process->dispatcher.Notify();
    Settle();
    return id;
  }

  HeldScripting scripting;

 private:
  int count_ = 0;
};

TEST_CASE("functions: what a function returns is signed and sent, the event stays") {
  FunctionWorld world;
  const std::string id = world.Add(R"({"n":1})", {{"Content-Encoding", "identity"}, {"X-A", "1"}});
  CHECK(world.transport().sent().empty());
  REQUIRE(world.scripting.calls.size() == 1);
  const ScriptCall& call = world.scripting.calls.front().first;
  CHECK(call.owner == "S");
  CHECK(call.function == "text");
  CHECK(call.payload == R"({"n":1})");
  CHECK(call.now == world.clock.Now());
  world.scripting.EndWith(R"({"n":2})");
  world.Settle();
  REQUIRE(world.transport().sent().size() == 1);
  const OutgoingRequest& sent = world.transport().sent().front();
  CHECK(*sent.body == R"({"n":2})");
  const auto has = [&](std::string_view name) {
    return std::any_of(sent.headers.begin(), sent.headers.end(),
                       [&](const Header& header) { return header.name == name; });
  };
  CHECK(has("X-A"));
  CHECK_FALSE(has("Content-Encoding"));
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
  CHECK(world.store->GetEvent("P", world.Get(id).event_id)->body == R"({"n":1})");
}

TEST_CASE("functions: a failure is an attempt that the endpoint has no part in") {
  FunctionWorld world({.should_disable_endpoint = true});
  const std::string id = world.Add();
  world.scripting.End({.outcome = ScriptOutcome::kThrew, .error = "Error: no (line 3)"});
  world.Settle();
  const Delivery delivery = world.Get(id);
  CHECK(delivery.status == DeliveryStatus::kRetry);
  CHECK(delivery.attempts_count == 1);
  CHECK(delivery.description ==
        "function: Error: no (line 3); correct the subscription's function");
  REQUIRE(world.Attempts(id).size() == 1);
  CHECK_FALSE(world.Attempts(id)[0].is_success);
  world.Run(absl::Seconds(11));
  world.scripting.End({.outcome = ScriptOutcome::kTooManySteps, .error = "stopped"});
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kFailure);
  CHECK(world.transport().sent().empty());
  const auto endpoint = GetConfig<Endpoint>(*world.store, "P", "a");
  CHECK(endpoint->status == EndpointStatus::kActive);
}

TEST_CASE("functions: a body that is not JSON is a failure, and nothing is run") {
  FunctionWorld world;
  const std::string id = world.Add("no json");
  CHECK(world.scripting.calls.empty());
  CHECK(world.Get(id).attempts_count == 1);
  CHECK(world.Get(id).description.starts_with("function: the event's body is not JSON"));
}

TEST_CASE("functions: one that could not be run uses up no try") {
  FunctionWorld world;
  const std::string id = world.Add();
  world.scripting.End({.error = "too many are waiting"});
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kScheduled);
  CHECK(world.Get(id).attempts_count == 0);
  world.Run(absl::Seconds(3));
  REQUIRE(world.scripting.calls.size() == 1);
  world.scripting.EndWith("1");
  world.Settle();
  CHECK(world.Get(id).status == DeliveryStatus::kSuccess);
}

TEST_CASE("functions: deliveries go back when the gateway goes, and late results find nothing") {
  FunctionWorld world;
  SECTION("at least once") {}
  SECTION("at most once: nothing was sent") { world.mode = DeliveryMode::kAtMostOnce; }
  const std::string id = world.Add();
  world.process->dispatcher.Abandon();
  world.process->commits.Drain();
  CHECK(world.Get(id).status == DeliveryStatus::kScheduled);
  CHECK(world.process->dispatcher.idle());
  world.scripting.EndWith("1");
  world.process->dispatcher.Step();
  CHECK(world.transport().sent().empty());
}

TEST_CASE("functions: without scripting nothing goes out unchanged") {
  FunctionWorld world;
  world.process = world.NewProcess();
  const std::string id = world.Add();
  CHECK(world.Get(id).description.starts_with("function: payload functions are not built in"));
  CHECK(world.transport().sent().empty());
}

}  // namespace
}  // namespace convoy::dispatch
