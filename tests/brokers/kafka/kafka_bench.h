// Apache Kafka for the conformance suite of brokers, and for what only Kafka can show.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/brokers/live_bench.h"

namespace convoy::testing {

class KafkaBench final : public LiveBench {
 public:
  // One server for all tests; stopped when the program ends.
  static KafkaBench& Shared();

  BrokerTraits traits() const override;
  absl::StatusOr<Source> NewQueue() override;
  absl::StatusOr<Source> SpoilCredentials(Source source) override;
  absl::StatusOr<Source> SpoilQueueName(Source source) override;
  absl::StatusOr<Source> SpoilAddress(Source source) override;

  // Of the topics that NewQueue makes.
  void set_partitions_count(int count) { partitions_count_ = count; }

  // The address of a listener by its name in servers/kafka.py.
  std::string AddressOf(std::string_view listener);

 private:
  explicit KafkaBench(std::unique_ptr<ServerProcess> server)
      : LiveBench(std::move(server), NewKafkaBroker()) {}

  absl::StatusOr<BrokerConfig> ReadConfig(const json::Value& pub_sub) override;

  int partitions_count_ = 1;
};

inline KafkaConfig& KafkaOf(Source& source) { return std::get<KafkaConfig>(source.broker); }

// Polls in short rounds until `count` messages are there; fails the test if they do not come.
std::vector<BrokerMessage> MustPoll(BrokerConsumer& consumer, size_t count);
std::unique_ptr<BrokerConsumer> MustOpen(const Source& source,
                                         const std::string& consumer_id = "1");

// While it lives, OpenSSL trusts the authority of the tests alone.
struct TestAuthority {
  TestAuthority() {
    setenv("SSL_CERT_FILE", CONVOY_TEST_DIR "/unit/transport/certificates/authority.crt", 1);
  }
  ~TestAuthority() { unsetenv("SSL_CERT_FILE"); }
};

// Of a former redelivery id "topic/partition/offset@time".
int PartitionOf(const BrokerMessage& message);

}  // namespace convoy::testing
