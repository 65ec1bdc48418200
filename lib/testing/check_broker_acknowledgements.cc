// Checks of acknowledgement and redelivery.
#include <algorithm>
#include <iterator>
#include <map>
#include <span>

#include "absl/status/status.h"

#include "lib/base/status_macros.h"
#include "lib/testing/broker_requirements.h"

namespace convoy::testing {
namespace {

void CheckRedelivery(Expectations& expect, BrokerBench& bench) {
  constexpr int kCount = 10;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages first = CONVOY_VALUE(PollFor(bench, *consumer, kCount));
  CONVOY_EXPECT_SAME(SortedBodiesOf(first), Numbers(0, kCount));
  consumer.reset();

  consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages second = CONVOY_VALUE(
      PollFor(bench, *consumer, kCount, kBenchPatience + bench.traits().redelivery_max));
  CONVOY_EXPECT_SAME(SortedBodiesOf(second), Numbers(0, kCount));
  std::map<std::string, std::string> redelivery_ids;
  for (const BrokerMessage& message : first) redelivery_ids[message.body] = message.redelivery_id;
  for (const BrokerMessage& message : second) {
    CONVOY_EXPECT(redelivery_ids[message.body] == message.redelivery_id);
  }
}

// Polls until `count` messages have been acknowledged: each poll's as they come, of the last one
// the first. Brokers that remember one offset can acknowledge nothing else. Returns the bodies of
// those that were acknowledged.
absl::StatusOr<std::vector<std::string>> Acknowledge(BrokerBench& bench, BrokerConsumer& consumer,
                                                     size_t count) {
  std::vector<std::string> bodies;
  while (bodies.size() < count) {
    CONVOY_ASSIGN_OR_RETURN(const Messages some, PollFor(bench, consumer, 1));
    if (some.empty()) return absl::DeadlineExceededError("nothing comes any more");
    const std::span<const BrokerMessage> wanted(some.data(),
                                                std::min(some.size(), count - bodies.size()));
    CONVOY_RETURN_IF_ERROR(consumer.Acknowledge(wanted));
    for (const BrokerMessage& message : wanted) bodies.push_back(message.body);
  }
  std::sort(bodies.begin(), bodies.end());
  return bodies;
}

void CheckAcknowledgement(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, 10));
  auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  CONVOY_EXPECT(CONVOY_VALUE(Acknowledge(bench, *consumer, 10)) == Numbers(0, 10));
  consumer.reset();
  consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  CONVOY_EXPECT(CONVOY_VALUE(PollForNothing(bench, *consumer)).empty());
}

void CheckPartialAcknowledgement(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, 10));
  auto consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  std::vector<std::string> all = CONVOY_VALUE(Acknowledge(bench, *consumer, 4));
  CONVOY_REQUIRE(all.size() == 4);
  consumer.reset();
  consumer = CONVOY_VALUE(OpenConsumer(bench, source));
  CONVOY_REQUIRE(consumer != nullptr);
  const Messages again =
      CONVOY_VALUE(PollFor(bench, *consumer, 6, kBenchPatience + bench.traits().redelivery_max));
  for (const std::string& body : BodiesOf(again)) all.push_back(body);
  std::sort(all.begin(), all.end());
  CONVOY_EXPECT(all == Numbers(0, 10));
}

void CheckExtension(Expectations& expect, BrokerBench& bench) {
  const Source source = CONVOY_VALUE(bench.NewQueue());
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, 1));
  const auto holder = CONVOY_VALUE(OpenConsumer(bench, source, 1));
  CONVOY_REQUIRE(holder != nullptr);
  const Messages held = CONVOY_VALUE(PollFor(bench, *holder, 1));
  CONVOY_REQUIRE(held.size() == 1);
  const auto other = CONVOY_VALUE(OpenConsumer(bench, source, 2));
  CONVOY_REQUIRE(other != nullptr);
  // Five times two thirds of the interval: without Extend it would have come to the other one.
  for (int i = 0; i < 5; ++i) {
    const absl::Duration pause = holder->extension_interval() * 2 / 3;
    CONVOY_REQUIRE(CONVOY_VALUE(PollFor(bench, *other, 1, pause)).empty());
    CONVOY_REQUIRE_OK(holder->Extend(held));
  }
  CONVOY_EXPECT(holder->Acknowledge(held).ok());
  CONVOY_EXPECT(CONVOY_VALUE(PollForNothing(bench, *other)).empty());
}

bool HasShortExtensions(BrokerBench& bench) {
  const absl::StatusOr<Source> source = bench.NewQueue();
  if (!source.ok()) return true;  // and fails there
  const auto consumer = OpenConsumer(bench, *source);
  return !consumer.ok() || (*consumer)->extension_interval() <= absl::Seconds(15);
}

void CheckSharing(Expectations& expect, BrokerBench& bench) {
  constexpr int kCount = 200;
  const Source source = CONVOY_VALUE(bench.NewQueue());
  auto first = CONVOY_VALUE(OpenConsumer(bench, source, 1));
  auto second = CONVOY_VALUE(OpenConsumer(bench, source, 2));
  CONVOY_REQUIRE(first != nullptr && second != nullptr);
  CONVOY_REQUIRE_OK(PublishNumbers(bench, source, kCount));
  Messages all;
  Clock& clock = *bench.environment().clock;
  const absl::Time deadline = clock.Now() + kBenchPatience;
  while (all.size() < kCount && clock.Now() < deadline) {
    for (BrokerConsumer* consumer : {first.get(), second.get()}) {
      const Messages some =
          CONVOY_VALUE(consumer->Poll({.messages_max = 7}, absl::Milliseconds(100)));
      CONVOY_REQUIRE_OK(consumer->Acknowledge(some));
      std::copy(some.begin(), some.end(), std::back_inserter(all));
    }
  }
  CONVOY_EXPECT_SAME(SortedBodiesOf(all), Numbers(0, kCount));
}

constexpr BrokerRequirement kRequirements[] = {
    {"what was not acknowledged comes again, with the same redelivery id", CheckRedelivery},
    {"acknowledged messages do not come again", CheckAcknowledgement},
    {"a partial acknowledgement leaves the rest to come again", CheckPartialAcknowledgement},
    {"extended messages come to no other consumer", CheckExtension, HasShortExtensions},
    {"two consumers of a queue get each message once", CheckSharing,
     [](BrokerBench& bench) { return bench.traits().shares_queues; }},
};

}  // namespace

std::span<const BrokerRequirement> BrokerAcknowledgementRequirements() { return kRequirements; }

}  // namespace convoy::testing
