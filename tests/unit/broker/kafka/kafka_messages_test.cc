// Reading and acknowledging.
#include <map>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/kafka/mock_kafka.h"

namespace convoy::kafka {
namespace {

using Strings = std::vector<std::string>;

// A new group takes three seconds to form on the mock: the groups of all tests form at once. They
// are closed before the libraries clean up that their threads use.
BrokerConsumer& ConsumerOf(const std::string& topic) {
  static const auto consumers = [] {
    std::map<std::string, std::unique_ptr<BrokerConsumer>> made;
    for (const char* name : {"contents", "bounds", "commits", "interrupts", "extensions", "lag"}) {
      SharedKafka().MakeTopic(name, 1);
      made[name] = MustOpen(SharedKafka().MakeSource(name, name));
      CHECK(made[name]->Poll({}, absl::ZeroDuration()).ok());  // joins
    }
    return made;
  }();
  return *consumers.at(topic);
}

TEST_CASE("kafka: a message comes with its bytes, key, headers and redelivery id") {
  BrokerConsumer& consumer = ConsumerOf("contents");
  const std::string binary("\0\xFF{\n\x01", 5);
  const std::string text("d\xC3\xA9 f");
  SharedKafka().Produce({.topic = "contents",
                         .body = binary,
                         .key = "key-1",
                         .headers = {{"X-Trace", "abc"},
                                     {"x-trace", text},
                                     {"bytes", std::string("\0\1\2\xFF", 4)},
                                     {"empty", ""}}});
  SharedKafka().Produce({.topic = "contents", .body = "", .key = binary});
  const auto messages = PollMany(consumer, 2);

  CHECK(messages[0].body == binary);
  CHECK(messages[0].id == "key-1");
  CHECK(messages[0].attributes ==
        Headers{{"X-Trace", "abc"}, {"x-trace", text}, {"bytes", ":AAEC/w==:"}, {"empty", ""}});
  CHECK(messages[0].former_redelivery_id.starts_with("contents/0/0@"));
  CHECK(messages[0].redelivery_id.starts_with("kafka/"));
  CHECK(absl::StrContains(messages[0].redelivery_id, "/0/0@"));
  CHECK(messages[0].redelivery_id.ends_with("#eecbf7a.cd6bae41"));  // CRC-32 of key and body
  CHECK(messages[1].body.empty());
  CHECK(messages[1].id == binary);
  CHECK(messages[1].attributes.empty());
  CHECK(messages[1].former_redelivery_id.starts_with("contents/0/1@"));
  CHECK(messages[1].redelivery_id.ends_with(".0"));
}

TEST_CASE("kafka: what is acknowledged is committed up to the first message that is not") {
  BrokerConsumer& consumer = ConsumerOf("commits");
  SharedKafka().ProduceMany("commits", 0, "m", 5);
  const auto messages = PollMany(consumer, 5);
  CHECK(Bodies(messages) == Strings{"m0", "m1", "m2", "m3", "m4"});
  const BrokerMessage parts[] = {messages[0], messages[3], messages[1]};
  CHECK(consumer.Acknowledge(parts).ok());
  CHECK(consumer.Poll({}, absl::Milliseconds(10))->empty());  // nothing again while it is open
  const auto has_committed = [&](int64_t offset) {
    for (int i = 0; i < 300 && SharedKafka().Committed("commits", 0, "commits") != offset; ++i) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    return SharedKafka().Committed("commits", 0, "commits") == offset;
  };
  CHECK(has_committed(2));
  const BrokerMessage rest[] = {messages[4], messages[2]};
  CHECK(consumer.Acknowledge(rest).ok());
  CHECK(consumer.Poll({}, absl::Milliseconds(10)).ok());
  CHECK(has_committed(5));
}

TEST_CASE("kafka: a poll keeps to its bounds and an extension loses nothing") {
  BrokerConsumer& consumer = ConsumerOf("bounds");
  Strings sent;
  for (int i = 0; i < 10; ++i) sent.push_back(absl::StrCat("m", i));
  for (const char letter : {'a', 'b', 'c', 'd'}) sent.push_back(std::string(3000, letter));
  for (const std::string& body : sent) SharedKafka().Produce({.topic = "bounds", .body = body});
  // Headers weigh, too.
  for (const char* body : {"x", "y"}) {
    SharedKafka().Produce(
        {.topic = "bounds", .body = body, .headers = {{"h", std::string(3000, 'h')}}});
    sent.push_back(body);
  }

  Strings read;
  for (int i = 0; i < 300 && read.size() < sent.size(); ++i) {
    const PollLimits limits = {.messages_max = 3, .bytes_max = 1000};
    const auto messages = consumer.Poll(limits, absl::Milliseconds(100));
    REQUIRE(messages.ok());
    CHECK(messages->size() <= limits.messages_max);
    uint64_t bytes = 0;
    for (const BrokerMessage& message : *messages) {
      CHECK(bytes < limits.bytes_max);  // only the last one goes beyond
      bytes += message.body.size();
      for (const Header& header : message.attributes) bytes += header.value.size();
      read.push_back(message.body);
    }
    CHECK(consumer.Extend(*messages).ok());  // may pull one, for the next poll
  }
  CHECK(read == sent);
}

TEST_CASE("kafka: however often a batch is extended, no more than a poll's worth is kept") {
  BrokerConsumer& consumer = ConsumerOf("extensions");
  constexpr size_t kMax = PollLimits().messages_max;
  SharedKafka().ProduceMany("extensions", 0, "m", 2 * kMax);
  const auto first = PollMany(consumer, 1, {.messages_max = 1});
  for (size_t i = 0; i < 2 * kMax; ++i) CHECK(consumer.Extend(first).ok());
  size_t read_count = 1;
  for (int i = 0; i < 300 && read_count < 2 * kMax; ++i) {
    const auto messages = consumer.Poll({}, absl::Milliseconds(100));
    REQUIRE(messages.ok());
    CHECK(messages->size() <= kMax);
    read_count += messages->size();
  }
  CHECK(read_count == 2 * kMax);
}

TEST_CASE("kafka: an interrupt ends a poll that waits, now or next") {
  BrokerConsumer& consumer = ConsumerOf("interrupts");
  SECTION("next") {
    consumer.Interrupt();
    const auto messages = consumer.Poll({}, absl::InfiniteDuration());
    REQUIRE(messages.ok());
    CHECK(messages->empty());
  }
  SECTION("now") {
    std::thread interrupter([&] {
      absl::SleepFor(absl::Milliseconds(50));
      consumer.Interrupt();
    });
    const auto messages = consumer.Poll({}, absl::InfiniteDuration());
    interrupter.join();
    REQUIRE(messages.ok());
    CHECK(messages->empty());
  }
}

TEST_CASE("kafka: the lag is what lies between the next message and the end") {
  BrokerConsumer& consumer = ConsumerOf("lag");
  const auto ask = [&](const PollLimits& limits) {
    const absl::Time begin = absl::Now();
    consumer.AskLag();
    for (int i = 0; i < 300; ++i) {
      const auto polled = consumer.Poll(limits, absl::Milliseconds(100));
      REQUIRE(polled.ok());
      if (consumer.lag().ok() && consumer.lag()->at >= begin) break;
    }
    REQUIRE(consumer.lag().ok());
    return consumer.lag()->messages_count;
  };
  CHECK(ask({}) == 0);  // nothing was ever read or committed
  SharedKafka().ProduceMany("lag", 0, "m", 10);
  std::vector<BrokerMessage> messages;
  while (messages.empty()) messages = consumer.Poll({.messages_max = 1}, absl::Seconds(10)).value();
  uint64_t lag = ask({.messages_max = 1});
  CHECK(lag > 0);
  CHECK(lag <= 9);
  for (int i = 0; i < 100 && lag > 0; ++i) lag = ask({});
  CHECK(lag == 0);
}

}  // namespace
}  // namespace convoy::kafka
