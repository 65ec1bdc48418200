// Checks of the messages that a consumer hands out: as they were published, in their order, within
// the limits of a poll.
#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "lib/base/text.h"
#include "lib/testing/broker_requirements.h"

namespace convoy::testing {
namespace {

void CheckBodies(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  std::vector<std::string> bodies = {"{}", "plain text", "größer als 日本",
                                     std::string(100'000, 'x')};
  if (bench.traits().has_binary_bodies) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    bodies.push_back(bytes);
    bodies.push_back(std::string("\0\0", 2));
  }
  std::vector<BenchMessage> messages;
  for (const std::string& body : bodies) messages.push_back({.body = body});
  CONVOY_REQUIRE_OK(bench.Publish(source, messages));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, bodies.size()));
  std::sort(bodies.begin(), bodies.end());
  CONVOY_EXPECT(SortedBodiesOf(got) == bodies);
}

void CheckAttributes(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  const BenchMessage messages[] = {
      {.body = "a", .attributes = {{"x-convoy-message-type", "broadcast"}, {"X-Name", "grün"}}}};
  CONVOY_REQUIRE_OK(bench.Publish(source, messages));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, 1));
  CONVOY_REQUIRE(got.size() == 1);
  for (const Header& sent : messages[0].attributes) {
    CONVOY_EXPECT(base::FindHeader(got[0].attributes, sent.name) == sent.value);
  }
}

void CheckIds(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  const BenchMessage messages[] = {{.body = "a", .id = "order-17"}};
  CONVOY_REQUIRE_OK(bench.Publish(source, messages));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, 1));
  CONVOY_REQUIRE(got.size() == 1);
  CONVOY_EXPECT(got[0].id == "order-17");
}

void CheckRedeliveryIds(Expectations& expect, BrokerBench& bench) {
  constexpr int kCount = 50;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, kCount));
  std::set<std::string> redelivery_ids;
  for (const BrokerMessage& message : got) redelivery_ids.insert(message.redelivery_id);
  CONVOY_EXPECT(redelivery_ids.size() == kCount);
  CONVOY_EXPECT(redelivery_ids.count("") == 0);
}

// Senders count their messages in each queue anew.
void CheckPlaces(Expectations& expect, BrokerBench& bench) {
  const BenchMessage same[] = {{.body = "{}", .id = "1"}};
  std::set<std::string> redelivery_ids;
  for (int i = 0; i < 2; ++i) {
    const Source source = CONVOY_VALUE(bench.NewQueue());
    CONVOY_REQUIRE_OK(bench.Publish(source, same));
    const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
    CONVOY_REQUIRE(consumer != nullptr);
    const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, 1));
    CONVOY_REQUIRE(got.size() == 1);
    const std::string& redelivery_id = got[0].redelivery_id;
    CONVOY_EXPECT(redelivery_id.empty() || redelivery_ids.insert(redelivery_id).second);
  }
}

// A queue that was deleted and made anew has another's name and none of its messages.
void CheckRemadeQueue(Expectations& expect, BrokerBench& bench) {
  const BenchMessage same[] = {{.body = "{}", .id = "1"}};
  const Source source = CONVOY_VALUE(bench.NewQueue());
  std::string known_id;
  for (int i = 0; i < 2; ++i) {
    CONVOY_REQUIRE_OK(bench.Publish(source, same));
    auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
    CONVOY_REQUIRE(consumer != nullptr);
    const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, 1));
    CONVOY_REQUIRE(got.size() == 1);
    CONVOY_REQUIRE_OK(consumer->Acknowledge(got));
    consumer.reset();
    const BrokerMessage& message = got[0];
    const bool is_known =
        message.may_be_redelivery && !known_id.empty() &&
        (message.redelivery_id == known_id || message.former_redelivery_id == known_id);
    CONVOY_EXPECT(!is_known);
    known_id = message.redelivery_id;
    if (i == 0) CONVOY_REQUIRE_OK(bench.RemakeQueue(source));
  }
}

// A sender may use an id again, be it for a corrected copy.
void CheckRepeatedIds(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  const BenchMessage twice[] = {{.body = "wrong", .id = "1"}, {.body = "right", .id = "1"}};
  CONVOY_REQUIRE_OK(bench.Publish(source, twice));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, 2));
  CONVOY_REQUIRE(got.size() == 2);
  CONVOY_EXPECT(got[0].redelivery_id != got[1].redelivery_id || got[0].redelivery_id.empty());
}

void CheckOrder(Expectations& expect, BrokerBench& bench) {
  constexpr int kCount = 200;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages got = CONVOY_VALUE(PollFor(bench, *consumer, kCount));
  std::vector<std::string> expected;
  for (int i = 0; i < kCount; ++i) expected.push_back(std::to_string(i));
  CONVOY_EXPECT(BodiesOf(got) == expected);
}

void CheckCountBound(Expectations& expect, BrokerBench& bench) {
  constexpr size_t kCount = 20;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  Messages all;
  for (int tries_left = 60; all.size() < kCount && tries_left > 0; --tries_left) {
    const Messages some = CONVOY_VALUE(consumer->Poll({.messages_max = 3}, absl::Seconds(5)));
    CONVOY_REQUIRE(some.size() <= 3);
    CONVOY_REQUIRE_OK(consumer->Acknowledge(some));
    all.insert(all.end(), some.begin(), some.end());
  }
  CONVOY_EXPECT_SAME(SortedBodiesOf(all), Numbers(0, kCount));
}

void CheckByteBound(Expectations& expect, BrokerBench& bench) {
  constexpr size_t kCount = 12;
  constexpr size_t kSize = 10'000;
  constexpr uint64_t kBytesMax = 3 * kSize;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  std::vector<BenchMessage> messages(kCount, {.body = std::string(kSize, 'x')});
  CONVOY_REQUIRE_OK(bench.Publish(source, messages));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  size_t count = 0;
  for (int tries_left = 60; count < kCount && tries_left > 0; --tries_left) {
    const Messages some = CONVOY_VALUE(consumer->Poll({.bytes_max = kBytesMax}, absl::Seconds(5)));
    // The bound may be passed by one message.
    CONVOY_REQUIRE(some.size() * kSize <= kBytesMax + kSize);
    CONVOY_REQUIRE_OK(consumer->Acknowledge(some));
    count += some.size();
  }
  CONVOY_EXPECT(count == kCount);
}

void CheckEmptyQueue(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  for (int i = 0; i < 2; ++i) {
    const absl::StatusOr<Messages> nothing = consumer->Poll({}, absl::Milliseconds(200));
    CONVOY_EXPECT(nothing.ok());
    CONVOY_EXPECT(!nothing.ok() || nothing->empty());
  }
  // And goes on working afterwards.
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, 1));
  CONVOY_EXPECT(CONVOY_VALUE(PollFor(bench, *consumer, 1)).size() == 1);
}

void CheckInterrupt(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  Clock& clock = *bench.environment().clock;
  const absl::Time begin = clock.Now();
  // Before the poll: it is the next one that returns.
  consumer->Interrupt();
  CONVOY_EXPECT(consumer->Poll({}, kBenchPatience).ok());
  // While it blocks, as good as certainly.
  std::thread other([&consumer] {
    absl::SleepFor(absl::Milliseconds(300));
    consumer->Interrupt();
  });
  CONVOY_EXPECT(consumer->Poll({}, kBenchPatience).ok());
  other.join();
  CONVOY_EXPECT(clock.Now() - begin < kBenchPatience);
}

// Polls until the consumer has answered a new question for its lag.
std::optional<uint64_t> AskedLag(BrokerBench& bench, BrokerConsumer& consumer) {
  Clock& clock = *bench.environment().clock;
  const absl::Time begin = clock.Now();
  consumer.AskLag();
  while (clock.Now() - begin < kBenchPatience) {
    const absl::StatusOr<Messages> some = consumer.Poll({}, absl::Milliseconds(200));
    if (!some.ok() || !consumer.Acknowledge(*some).ok()) return std::nullopt;
    const absl::StatusOr<BrokerLag> lag = consumer.lag();
    if (lag.ok() && lag->at >= begin) return lag->messages_count;
  }
  return std::nullopt;
}

void CheckLag(Expectations& expect, BrokerBench& bench) {
  constexpr uint64_t kCount = 20;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  const auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  std::optional<uint64_t> lag = AskedLag(bench, *consumer);
  CONVOY_REQUIRE(lag.has_value() && *lag <= kCount);
  // Soon all is read.
  Clock& clock = *bench.environment().clock;
  const absl::Time deadline = clock.Now() + kBenchPatience;
  while (lag.value_or(0) > 0 && clock.Now() < deadline) lag = AskedLag(bench, *consumer);
  CONVOY_EXPECT(lag == 0);
}

constexpr BrokerRequirement kRequirements[] = {
    {"a body comes out byte for byte", CheckBodies},
    {"attributes come with their message", CheckAttributes,
     [](BrokerBench& bench) { return bench.traits().has_attributes; }},
    {"the sender's id comes with its message", CheckIds,
     [](BrokerBench& bench) { return bench.traits().has_ids; }},
    {"each message has a redelivery id of its own", CheckRedeliveryIds,
     [](BrokerBench& bench) { return bench.traits().has_redelivery_ids; }},
    {"the same message in two queues has two redelivery ids", CheckPlaces},
    {"a message of a queue that was made anew is new", CheckRemadeQueue,
     [](BrokerBench& bench) { return bench.traits().may_remake; }},
    {"two messages with one sender's id have two redelivery ids", CheckRepeatedIds,
     [](BrokerBench& bench) { return bench.traits().has_ids; }},
    {"messages come in the order of their publishing", CheckOrder,
     [](BrokerBench& bench) { return bench.traits().is_ordered; }},
    {"a poll hands out no more messages than asked for, and loses none", CheckCountBound},
    {"a poll passes its bound of bytes by at most one message", CheckByteBound},
    {"an empty queue is no error", CheckEmptyQueue},
    {"the number of messages that wait is told, and falls to none", CheckLag,
     [](BrokerBench& bench) { return bench.traits().tells_lag; }},
    {"an interrupt ends a poll", CheckInterrupt},
};

}  // namespace

std::span<const BrokerRequirement> BrokerMessageRequirements() { return kRequirements; }

}  // namespace convoy::testing
