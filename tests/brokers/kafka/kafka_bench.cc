// Test bench for Kafka; see kafka_bench.h.
#include "tests/brokers/kafka/kafka_bench.h"

#include <algorithm>
#include <iterator>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/status_macros.h"

namespace convoy::testing {

KafkaBench& KafkaBench::Shared() {
  static const std::unique_ptr<KafkaBench> bench = [] {
    auto server = ServerProcess::Start("kafka");
    if (!server.ok()) FAIL(server.status());
    return absl::WrapUnique(new KafkaBench(*std::move(server)));
  }();
  return *bench;
}

BrokerTraits KafkaBench::traits() const {
  return {.is_ordered = partitions_count_ == 1,  // within a partition
          .tells_lag = true,
          .may_restart = true,
          .may_remake = true,
          .redelivery_max = absl::Seconds(15)};  // a member that did not say goodbye
}

absl::StatusOr<Source> KafkaBench::NewQueue() { return MakeQueue(absl::StrCat(partitions_count_)); }

absl::StatusOr<BrokerConfig> KafkaBench::ReadConfig(const json::Value& pub_sub) {
  json::ObjectReader outer(pub_sub);
  const json::Value* const kafka = outer.Object("kafka");
  if (kafka == nullptr) return absl::InternalError("no kafka in pub_sub");
  json::ObjectReader reader(*kafka);
  KafkaConfig config;
  reader.Read("brokers", &config.brokers);
  reader.Read("topic_name", &config.topic);
  reader.Read("consumer_group_id", &config.consumer_group_id);
  const json::Value* const auth = reader.Object("auth");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (auth == nullptr) return absl::InternalError("no auth in kafka");
  json::ObjectReader user(*auth);
  user.Read("username", &config.username);
  user.Read("password", &config.password);
  config.mechanism = SaslMechanism::kScramSha256;
  return config;
}

std::string KafkaBench::AddressOf(std::string_view listener) {
  const auto document = server().Call("attribute", R"("arguments":["ports"])");
  REQUIRE(document.ok());
  json::ObjectReader outer(*document);
  const json::Value* const ports = outer.Object("answer");
  REQUIRE(ports != nullptr);
  json::ObjectReader reader(*ports);
  uint64_t port = 0;
  REQUIRE(reader.Read(listener, &port));
  return absl::StrCat("127.0.0.1:", port);
}

absl::StatusOr<Source> KafkaBench::SpoilCredentials(Source source) {
  KafkaOf(source).password = "wrong-s3cret";
  return source;
}

absl::StatusOr<Source> KafkaBench::SpoilQueueName(Source source) {
  KafkaOf(source).topic = "missing";
  return source;
}

absl::StatusOr<Source> KafkaBench::SpoilAddress(Source source) {
  KafkaOf(source).brokers = {"127.0.0.1:1"};
  return source;
}

std::unique_ptr<BrokerConsumer> MustOpen(const Source& source, const std::string& consumer_id) {
  KafkaBench& bench = KafkaBench::Shared();
  auto consumer = bench.broker().Open(source, consumer_id, bench.environment());
  if (!consumer.ok()) FAIL(consumer.status());
  return *std::move(consumer);
}

std::vector<BrokerMessage> MustPoll(BrokerConsumer& consumer, size_t count) {
  constexpr int kPollsMax = 600;
  std::vector<BrokerMessage> all;
  for (int i = 0; i < kPollsMax && all.size() < count; ++i) {
    auto some = consumer.Poll({}, absl::Milliseconds(100));
    if (!some.ok()) FAIL(some.status());
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
  REQUIRE(all.size() == count);
  return all;
}

int PartitionOf(const BrokerMessage& message) {
  return std::stoi(message.former_redelivery_id.substr(message.former_redelivery_id.find('/') + 1));
}

}  // namespace convoy::testing
