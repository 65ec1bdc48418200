// Members of one group come and go. Each is polled in turn by the test, so nothing happens at once.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/brokers/kafka/kafka_bench.h"

namespace convoy::testing {
namespace {

constexpr int kPartitions = 4;
constexpr int kMessages = 200;
constexpr int kPollsMax = 5000;

// A topic of four partitions with messages in all of them.
Source FilledTopic() {
  auto source = KafkaBench::Shared().MakeQueue(absl::StrCat(kPartitions));
  REQUIRE(source.ok());
  std::vector<BenchMessage> messages;
  for (int i = 0; i < kMessages; ++i) {
    messages.push_back({.body = absl::StrCat(i), .id = absl::StrCat("key", i)});
  }
  REQUIRE(KafkaBench::Shared().Publish(*source, messages).ok());
  return *std::move(source);
}

std::vector<BrokerMessage> PollOnce(BrokerConsumer& consumer) {
  auto messages = consumer.Poll({}, absl::Milliseconds(20));
  if (!messages.ok()) FAIL(messages.status());
  return *std::move(messages);
}

// The redelivery ids by partition.
std::map<int, std::set<std::string>> RedeliveryIdsOf(const std::vector<BrokerMessage>& messages) {
  std::map<int, std::set<std::string>> redelivery_ids;
  for (const BrokerMessage& message : messages) {
    redelivery_ids[PartitionOf(message)].insert(message.redelivery_id);
  }
  return redelivery_ids;
}

TEST_CASE("kafka: what a member acknowledges too late belongs to the partition's next owner") {
  const Source source = FilledTopic();
  auto early = MustOpen(source, "early");
  const auto held = MustPoll(*early, kMessages);
  const auto held_positions = RedeliveryIdsOf(held);
  REQUIRE(held_positions.size() == kPartitions);

  // The second member joins; the first one takes part in that while its batch still waits.
  auto late = MustOpen(source, "late");
  std::vector<BrokerMessage> moved;
  const auto is_all_there = [&] {
    const auto redelivery_ids = RedeliveryIdsOf(moved);
    return redelivery_ids.size() == kPartitions / 2 &&
           std::all_of(redelivery_ids.begin(), redelivery_ids.end(), [&](const auto& partition) {
             return partition.second == held_positions.at(partition.first);
           });
  };
  for (int i = 0; i < kPollsMax && !is_all_there(); ++i) {
    CHECK(PollOnce(*early).empty());
    for (BrokerMessage& message : PollOnce(*late)) moved.push_back(std::move(message));
  }
  REQUIRE(is_all_there());

  // The first one acknowledges all; only what is still its own counts. The second one acknowledges
  // nothing and goes, so that exactly its partitions are left.
  CHECK(early->Acknowledge(held).ok());
  late.reset();
  early.reset();
  const auto last = MustOpen(source, "last");
  CHECK(RedeliveryIdsOf(MustPoll(*last, moved.size())) == RedeliveryIdsOf(moved));
  CHECK(PollOnce(*last).empty());
}

TEST_CASE("kafka: messages acknowledged before a member joined or left are not read again") {
  const Source source = FilledTopic();
  std::map<std::string, std::unique_ptr<BrokerConsumer>> members;
  std::set<std::string> redelivery_ids;
  size_t count = 0;
  // Members come and go while there is work; each acknowledges what it polls before it polls again.
  // After a while no member comes any more: on a busy machine a group may form more slowly than
  // that.
  constexpr int kRestlessPolls = 500;
  for (int i = 0; i < kPollsMax && redelivery_ids.size() < kMessages; ++i) {
    const bool is_restless = i < kRestlessPolls;
    if (is_restless && i % 40 == 0)
      members[absl::StrCat("m", i / 40)] = MustOpen(source, absl::StrCat("m", i / 40));
    if (is_restless && i % 40 == 20 && members.size() > 2) members.erase(members.begin());
    for (const auto& [name, member] : members) {
      auto some = member->Poll({.messages_max = 3}, absl::Milliseconds(5));
      if (!some.ok()) FAIL(some.status());
      for (const BrokerMessage& message : *some) redelivery_ids.insert(message.redelivery_id);
      count += some->size();
      CHECK(member->Acknowledge(*some).ok());
    }
  }
  CHECK(redelivery_ids.size() == kMessages);
  CHECK(count == kMessages);
  members.clear();
  CHECK(KafkaBench::Shared().Left(source).value() == 0);
}

}  // namespace
}  // namespace convoy::testing
