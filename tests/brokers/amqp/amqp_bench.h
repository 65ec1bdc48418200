// RabbitMQ for the conformance suite of brokers, and for what only RabbitMQ can show.
#pragma once

#include <memory>
#include <string>

#include "tests/brokers/live_bench.h"

namespace convoy::testing {

class AmqpBench final : public LiveBench {
 public:
  // One server for all tests; stopped when the program ends.
  static AmqpBench& Shared();

  BrokerTraits traits() const override;
  absl::StatusOr<Source> SpoilCredentials(Source source) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;

 private:
  explicit AmqpBench(std::unique_ptr<ServerProcess> server)
      : LiveBench(std::move(server), NewAmqpBroker()) {}

  absl::StatusOr<BrokerConfig> ReadConfig(const json::Value& pub_sub) override;
};

inline AmqpConfig& AmqpOf(Source& source) { return std::get<AmqpConfig>(source.broker); }

}  // namespace convoy::testing
