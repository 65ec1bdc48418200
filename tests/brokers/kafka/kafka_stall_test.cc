// A broker that is silent for longer than every time-out, with questions under way.
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <catch2/catch.hpp>

#include "tests/brokers/kafka/kafka_bench.h"

namespace convoy::testing {
namespace {

// The client waits for an answer, and for a connection to be made, for 10 s each.
constexpr absl::Duration kStall = absl::Seconds(25);
constexpr absl::Duration kPatience = absl::Seconds(90);
// Of a poll without a message, which may ask the brokers whether they are there, and for the
// topic's id.
constexpr absl::Duration kPollPatience = absl::Seconds(15);

KafkaBench& Bench() { return KafkaBench::Shared(); }

// A source that reaches the broker through a network that "stall" and "heal" break and mend.
Source NewQueueBehindProxy() {
  Source source = Bench().NewQueue().value();
  const std::string queue = absl::StrCat("\"queue\":", Bench().NumberOf(source));
  const auto document = Bench().server().Call("proxy", queue);
  REQUIRE(document.ok());
  json::ObjectReader outer(*document);
  const json::Value* const answer = outer.Object("answer");
  REQUIRE(answer != nullptr);
  json::ObjectReader reader(*answer);
  std::string host;
  uint64_t port = 0;
  REQUIRE(reader.Read("host", &host));
  REQUIRE(reader.Read("port", &port));
  // Restarts the server, which from then on sends its clients to the proxy.
  const auto advertised = Bench().server().Call(
      "pub_sub_at", absl::StrCat(queue, ",\"arguments\":[\"", host, "\",", port, "]"));
  REQUIRE(advertised.ok());
  KafkaOf(source).brokers = {absl::StrCat(host, ":", port)};
  return source;
}

// Polls until the lag is told for the first time, or again after `since`.
BrokerLag WaitForLag(BrokerConsumer& consumer, absl::Time since) {
  consumer.AskLag();
  for (const absl::Time start = absl::Now(); absl::Now() - start < kPatience;) {
    const auto messages = consumer.Poll({}, absl::Milliseconds(100));
    if (!messages.ok()) FAIL(messages.status());
    if (const auto lag = consumer.lag(); lag.ok() && lag->at > since) return *lag;
  }
  FAIL("no lag within the time: " << consumer.lag().status());
  return {};
}

// Waits for messages until one has come: partitions are assigned then.
void ReadOne(BrokerConsumer& consumer, const Source& source) {
  const BenchMessage messages[] = {{.body = "m"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  REQUIRE(consumer.Acknowledge(MustPoll(consumer, 1)).ok());
}

TEST_CASE("kafka: questions that a silent broker does not answer end with an error, and no worse") {
  Bench().set_partitions_count(4);  // so that some have had no message
  const Source source = NewQueueBehindProxy();
  Bench().set_partitions_count(1);
  auto consumer = MustOpen(source);
  ReadOne(*consumer, source);

  REQUIRE(Bench().server().Call("stall").ok());
  const absl::Time stalled_at = absl::Now();
  while (absl::Now() - stalled_at < kStall) {
    consumer->AskLag();
    const absl::Time before = absl::Now();
    // Whatever it says: a consumer that has failed is still there until it is closed.
    static_cast<void>(consumer->Poll({}, absl::Milliseconds(100)));
    CHECK(absl::Now() - before < kPollPatience);
    absl::SleepFor(absl::Milliseconds(100));
  }
  CHECK_FALSE(consumer->lag().ok());

  REQUIRE(Bench().server().Call("heal").ok());
  // Late answers, and connections that are remade, while the client still lives.
  const absl::Time healed_at = absl::Now();
  while (absl::Now() - healed_at < absl::Seconds(5)) {
    static_cast<void>(consumer->Poll({}, absl::Milliseconds(100)));
    absl::SleepFor(absl::Milliseconds(100));
  }
  consumer.reset();
  consumer = MustOpen(source);
  // The commit of the one message may have been lost to the silence; then it comes again, and
  // counts until it has.
  BrokerLag lag = WaitForLag(*consumer, healed_at);
  for (int i = 0; i < 20 && lag.messages_count > 0; ++i) lag = WaitForLag(*consumer, lag.at);
  CHECK(lag.messages_count == 0);
}

TEST_CASE("kafka: a consumer closes soon although a question for its lag is not answered") {
  const Source source = NewQueueBehindProxy();
  auto consumer = MustOpen(source);
  ReadOne(*consumer, source);
  REQUIRE(Bench().server().Call("stall").ok());
  consumer->AskLag();
  static_cast<void>(consumer->Poll({}, absl::ZeroDuration()));
  const absl::Time before = absl::Now();
  consumer.reset();
  CHECK(absl::Now() - before < absl::Seconds(25));
  REQUIRE(Bench().server().Call("heal").ok());
}

}  // namespace
}  // namespace convoy::testing
