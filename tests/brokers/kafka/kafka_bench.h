// Apache Kafka for the conformance suite of brokers, and for what only Kafka can show.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "convoy/testing/broker_conformance.h"
#include "tests/brokers/server_process.h"

namespace convoy::testing {

class KafkaBench final : public BrokerBench {
 public:
  // One server for all tests; stopped when the program ends.
  static KafkaBench& Shared();

  Broker& broker() override { return *broker_; }
  BrokerEnvironment environment() override;
  BrokerTraits traits() const override;

  absl::StatusOr<Source> NewQueue() override { return NewTopic(partitions_count_); }
  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override;

  absl::StatusOr<Source> SpoilCredentials(Source source) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;

  absl::Status RestartServer() override { return server_->Call("restart").status(); }

  // Of the topics that NewQueue makes.
  void set_partitions_count(int count) { partitions_count_ = count; }
  absl::StatusOr<Source> NewTopic(int partitions_count);

  ServerProcess& server() { return *server_; }
  // A port of the server by its name in servers/kafka.py.
  std::string AddressOf(std::string_view listener);
  absl::StatusOr<uint64_t> Left(const Source& source) {
    return server_->Left(numbers_.at(source.id));
  }

 private:
  explicit KafkaBench(std::unique_ptr<ServerProcess> server) : server_(std::move(server)) {}

  const std::unique_ptr<ServerProcess> server_;
  const std::shared_ptr<Broker> broker_ = NewKafkaBroker();
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  Observer observer_;
  int partitions_count_ = 1;
  std::map<std::string, uint64_t> numbers_;  // of the server's queues, by source
};

KafkaConfig& ConfigOf(Source& source);

// Polls in short rounds until `count` messages are there; fails the test if they do not come.
std::vector<BrokerMessage> MustPoll(BrokerConsumer& consumer, size_t count);
std::unique_ptr<BrokerConsumer> MustOpen(const Source& source,
                                         const std::string& consumer_id = "1");

// Of a position "topic/partition/offset@time".
int PartitionOf(const BrokerMessage& message);

}  // namespace convoy::testing
