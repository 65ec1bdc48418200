// The adapter against Google's own servers: the conformance suite, and what is Pub/Sub's own.
#include <string>

#include <catch2/catch.hpp>

#include "tests/brokers/live_cases.h"
#include "tests/brokers/pubsub/pubsub_bench.h"

namespace convoy::testing {
namespace {

PubSubBench& Front() {
  static const std::unique_ptr<PubSubBench> bench = PubSubBench::Start("google_front").value();
  return *bench;
}

// Google's emulator where it is installed, otherwise pstest again.
TEST_CASE("pubsub: the adapter does what every adapter must do, with Google's emulator") {
  const auto bench = PubSubBench::Start("pubsub").value();
  CheckConformance(*bench, 15);
  CheckThousands(*bench);
  CheckAbandonedPoll(*bench);
}

TEST_CASE("pubsub: the adapter does what every adapter must do, with Google's pstest") {
  const auto bench = PubSubBench::Start("pstest").value();
  CheckConformance(*bench, 16);
  CheckThousands(*bench);
  CheckAbandonedPoll(*bench);
}

TEST_CASE("pubsub: the adapter does what every adapter must do, where a token is demanded") {
  CheckConformance(Front(), 16);
}

TEST_CASE("pubsub: a token that is no longer good is an error, and a new consumer has a new one") {
  const Source source = Front().NewQueue().value();
  const BenchMessage messages[] = {{.body = "a"}};
  REQUIRE(Front().Publish(source, messages).ok());
  auto consumer = OpenAt(Front(), source).value();
  const auto got = PollUntil(*consumer, 1);
  REQUIRE(Front().server().Call("expire_tokens").ok());
  CHECK(absl::IsUnauthenticated(consumer->Acknowledge(got)));
  CHECK(absl::IsUnauthenticated(consumer->Poll({}, absl::Seconds(60)).status()));
  consumer = OpenAt(Front(), source).value();
  const auto again = PollUntil(*consumer, 1);
  REQUIRE(again.size() == 1);
  CHECK(again[0].redelivery_id == got[0].redelivery_id);
  CHECK(consumer->Acknowledge(again).ok());
}

TEST_CASE("pubsub: a key that is revoked is an error until it is back") {
  const Source source = Front().NewQueue().value();
  REQUIRE(Front().server().Call("revoke_key").ok());
  CHECK(absl::IsUnauthenticated(OpenAt(Front(), source).status()));
  REQUIRE(Front().server().Call("restore_key").ok());
  CHECK(OpenAt(Front(), source).ok());
}

}  // namespace
}  // namespace convoy::testing
