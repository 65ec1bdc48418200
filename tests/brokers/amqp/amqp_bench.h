// RabbitMQ for the conformance suite of brokers, and for what only RabbitMQ can show.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "convoy/testing/broker_conformance.h"
#include "tests/brokers/server_process.h"

namespace convoy::testing {

class AmqpBench final : public BrokerBench {
 public:
  static absl::StatusOr<std::unique_ptr<AmqpBench>> Start();

  Broker& broker() override { return *broker_; }
  BrokerEnvironment environment() override;
  BrokerTraits traits() const override;

  absl::StatusOr<Source> NewQueue() override;
  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override;

  absl::StatusOr<Source> SpoilCredentials(Source source) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;

  absl::Status RestartServer() override { return server_->Call("restart").status(); }

  ServerProcess& server() { return *server_; }
  uint64_t NumberOf(const Source& source) const { return numbers_.at(source.id); }
  absl::StatusOr<uint64_t> Left(const Source& source) { return server_->Left(NumberOf(source)); }

 private:
  explicit AmqpBench(std::unique_ptr<ServerProcess> server) : server_(std::move(server)) {}

  const std::unique_ptr<ServerProcess> server_;
  const std::shared_ptr<Broker> broker_ = NewAmqpBroker();
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  Observer observer_;
  std::map<std::string, uint64_t> numbers_;  // of the server's queues, by source
};

// The configuration of a source of AMQP.
AmqpConfig& ConfigOf(Source& source);

}  // namespace convoy::testing
