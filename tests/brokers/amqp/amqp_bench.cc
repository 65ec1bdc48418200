// Test bench for RabbitMQ; see amqp_bench.h.
#include "tests/brokers/amqp/amqp_bench.h"

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include <catch2/catch.hpp>

#include "lib/base/status_macros.h"

namespace convoy::testing {

AmqpBench& AmqpBench::Shared() {
  static const std::unique_ptr<AmqpBench> bench = [] {
    auto server = ServerProcess::Start("rabbitmq");
    if (!server.ok()) FAIL(server.status());
    return absl::WrapUnique(new AmqpBench(*std::move(server)));
  }();
  return *bench;
}

BrokerTraits AmqpBench::traits() const {
  return {.has_redelivery_ids = false,  // only with an id
          .tells_lag = true,
          .may_restart = true,
          .may_remake = true,
          .redelivery_max = absl::Seconds(5)};
}

absl::StatusOr<BrokerConfig> AmqpBench::ReadConfig(const json::Value& pub_sub) {
  json::ObjectReader outer(pub_sub);
  const json::Value* const amqp = outer.Object("amqp");
  if (amqp == nullptr) return absl::InternalError("no amqp in pub_sub");
  AmqpConfig config;
  json::ObjectReader reader(*amqp);
  std::string port;
  reader.Read("schema", &config.schema);
  reader.Read("host", &config.host);
  reader.Read("port", &port);
  reader.Read("vhost", &config.vhost);
  reader.Read("queue", &config.queue);
  reader.Read("deadLetterExchange", &config.dead_letter_exchange);
  uint32_t number = 0;
  if (!absl::SimpleAtoi(port, &number)) return absl::InternalError("no port");
  config.port = static_cast<uint16_t>(number);
  if (const json::Value* const auth = reader.Object("auth"); auth != nullptr) {
    json::ObjectReader user(*auth);
    user.Read("user", &config.username);
    user.Read("password", &config.password);
  }
  if (const json::Value* const bind = reader.Object("bindExchange"); bind != nullptr) {
    json::ObjectReader exchange(*bind);
    exchange.Read("exchange", &config.exchange);
    exchange.Read("routingKey", &config.routing_key);
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return config;
}

absl::StatusOr<Source> AmqpBench::SpoilCredentials(Source source) {
  AmqpOf(source).password = "wrong-s3cret";
  return source;
}

absl::StatusOr<Source> AmqpBench::SpoilQueueName(Source source) {
  AmqpOf(source).queue = "missing";
  return source;
}

absl::StatusOr<Source> AmqpBench::SpoilAddress(Source source) {
  AmqpOf(source).port = 1;
  return source;
}

}  // namespace convoy::testing
