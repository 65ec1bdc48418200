// Payload functions of sources that read from brokers, and the release of what they failed on.
#include <string>
#include <vector>

#include "catch2/catch.hpp"

#include "tests/unit/intake/broker_world.h"

namespace convoy::intake {
namespace {

constexpr std::string_view kEnvelope =
    R"({"endpoint_id":"E1","event_type":"a","data":2,"custom_headers":{"X-A":"1"}})";

struct FunctionWorld : World {
  FunctionWorld() {
    Subscribe("B1", "E1");
    source.body_function = "body";
    source.header_function = "headers";
  }

  PreparedMessages PrepareWith(const BrokerMessage& message, FunctionRuns& runs) {
    return intake_of_brokers.Prepare(*Snapshot(), source, {&message, 1}, {&runs, 1});
  }
  static ScriptResult Done(std::string_view payload) {
    return {.outcome = ScriptOutcome::kDone, .payload = std::string(payload)};
  }
};

TEST_CASE("broker_functions: the body becomes an envelope, and its headers are changed") {
  FunctionWorld world;
  FunctionRuns runs;
  const BrokerMessage message = MakeMessage(R"({"mine":1})", {{"x-trace", "7"}}, "q/1");
  CHECK(world.PrepareWith(message, runs).wants_functions);
  REQUIRE(runs.wanted() != nullptr);
  CHECK(runs.wanted()->function == "body");
  CHECK(runs.wanted()->payload == R"({"mine":1})");
  runs.Add(FunctionWorld::Done(kEnvelope));
  CHECK(world.PrepareWith(message, runs).wants_functions);
  CHECK(runs.wanted()->function == "headers");
  CHECK(runs.wanted()->payload == R"({"X-A":"1","x-trace":"7"})");
  runs.Add(FunctionWorld::Done(R"({"X-B":"2"})"));
  const PreparedMessages prepared = world.PrepareWith(message, runs);
  CHECK_FALSE(prepared.wants_functions);
  REQUIRE(prepared.batch.submissions.size() == 1);
  const Submission& submission = prepared.batch.submissions.front();
  CHECK(submission.event.body == "2");
  CHECK(submission.event.headers == Headers{{"X-B", "2"}});
  CHECK(submission.redelivery.has_value());
}

TEST_CASE("broker_functions: a message whose function fails is a dead letter, as it came") {
  FunctionWorld world;
  FunctionRuns runs;
  const BrokerMessage message = MakeMessage(R"({"mine":1})", {}, "q/1");
  world.PrepareWith(message, runs);
  runs.Add({.outcome = ScriptOutcome::kThrew, .error = "Error: no"});
  const PreparedMessages prepared = world.PrepareWith(message, runs);
  REQUIRE(prepared.batch.holds.size() == 1);
  const HeldInput& input = prepared.batch.holds.front().input;
  CHECK(input.reason == "function_failed");
  CHECK(input.detail == "body_function: Error: no");
  CHECK(input.body == R"({"mine":1})");

  // Released, its functions run again.
  FunctionRuns again;
  const auto redrive = [&] {
    return world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, input,
                                                      &again);
  };
  redrive().IgnoreError();
  again.Add(FunctionWorld::Done(kEnvelope));
  redrive().IgnoreError();
  again.Add(FunctionWorld::Done("{}"));
  const auto batch = redrive();
  REQUIRE(batch.ok());
  CHECK(batch->submissions.front().event.body == "2");
  CHECK(batch->releases.size() == 1);
}

TEST_CASE("broker_functions: without scripting no message passes unchanged") {
  FunctionWorld world;
  CHECK(world.Refuse(kEnvelope) ==
        "function_failed: body_function: payload functions are not built in");
  world.source.body_function.clear();
  CHECK(world.Refuse(kEnvelope) ==
        "function_failed: header_function: payload functions are not built in");
}

TEST_CASE("broker_functions: what is no JSON is refused as before, and no function sees it") {
  FunctionWorld world;
  FunctionRuns runs;
  const BrokerMessage message = MakeMessage("{");
  const PreparedMessages prepared = world.PrepareWith(message, runs);
  CHECK(runs.wanted() == nullptr);
  CHECK(prepared.batch.holds.front().input.reason == "malformed_json");
}

}  // namespace
}  // namespace convoy::intake
