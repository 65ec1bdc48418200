// Adapter for Apache Kafka, on librdkafka.
#include "convoy/broker.h"
#include "lib/broker/kafka/kafka_consumer.h"

namespace convoy {
namespace {

class KafkaBroker final : public Broker {
 public:
  std::string_view type() const override { return "kafka"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                       std::string_view consumer_id,
                                                       const BrokerEnvironment& env) override {
    auto consumer = kafka::KafkaConsumer::Open(source, consumer_id, env);
    if (!consumer.ok()) return std::move(consumer).status();
    return std::unique_ptr<BrokerConsumer>(*std::move(consumer));
  }
};

}  // namespace

std::shared_ptr<Broker> NewKafkaBroker() { return std::make_shared<KafkaBroker>(); }

}  // namespace convoy
