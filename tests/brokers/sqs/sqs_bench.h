// ElasticMQ and moto for the conformance suite of brokers, and for what only they can show.
#pragma once

#include <memory>
#include <string>

#include "tests/brokers/live_bench.h"

namespace convoy::testing {

class SqsBench final : public LiveBench {
 public:
  // ElasticMQ keeps messages over a restart and asks for no credentials; moto is the other way
  // round.
  static absl::StatusOr<std::unique_ptr<SqsBench>> StartElasticMq() { return Start("sqs", true); }
  static absl::StatusOr<std::unique_ptr<SqsBench>> StartMoto() { return Start("sqs_moto", false); }

  BrokerTraits traits() const override;
  absl::StatusOr<Source> SpoilCredentials(Source source) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;

 private:
  SqsBench(std::unique_ptr<ServerProcess> server, bool is_elastic_mq)
      : LiveBench(std::move(server), NewSqsBroker()), is_elastic_mq_(is_elastic_mq) {}

  static absl::StatusOr<std::unique_ptr<SqsBench>> Start(const std::string& module,
                                                         bool is_elastic_mq);
  absl::StatusOr<BrokerConfig> ReadConfig(const json::Value& pub_sub) override;

  const bool is_elastic_mq_;
};

inline SqsConfig& SqsOf(Source& source) { return std::get<SqsConfig>(source.broker); }

}  // namespace convoy::testing
