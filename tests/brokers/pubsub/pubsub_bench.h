// Google's servers for the conformance suite of brokers, and for what only they can show.
#pragma once

#include <memory>
#include <string>

#include "tests/brokers/live_bench.h"

namespace convoy::testing {

class PubSubBench final : public LiveBench {
 public:
  // "pubsub", "pstest", "google_front": of tests/brokers/servers. Only pstest has its messages
  // still after a restart, and only the front asks for credentials.
  static absl::StatusOr<std::unique_ptr<PubSubBench>> Start(const std::string& module);

  BrokerTraits traits() const override;
  absl::StatusOr<Source> SpoilCredentials(Source source) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;

 private:
  PubSubBench(std::unique_ptr<ServerProcess> server, std::string module)
      : LiveBench(std::move(server), NewGooglePubSubBroker()), module_(std::move(module)) {}

  absl::StatusOr<BrokerConfig> ReadConfig(const json::Value& pub_sub) override;

  const std::string module_;
};

inline GooglePubSubConfig& PubSubOf(Source& source) {
  return std::get<GooglePubSubConfig>(source.broker);
}

}  // namespace convoy::testing
