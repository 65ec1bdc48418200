// Queues come from the server as the REST API's pub_sub object.
#include "tests/brokers/amqp/amqp_bench.h"

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"

namespace convoy::testing {
namespace {

absl::StatusOr<AmqpConfig> ReadConfig(const json::Value& pub_sub) {
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

}  // namespace

AmqpConfig& ConfigOf(Source& source) { return std::get<AmqpConfig>(source.broker); }

absl::StatusOr<std::unique_ptr<AmqpBench>> AmqpBench::Start() {
  CONVOY_ASSIGN_OR_RETURN(std::unique_ptr<ServerProcess> server, ServerProcess::Start("rabbitmq"));
  return absl::WrapUnique(new AmqpBench(std::move(server)));
}

BrokerEnvironment AmqpBench::environment() {
  return {.clock = clock_.get(),
          .random = random_.get(),
          .observer = &observer_,
          .allowed_networks = {"127.0.0.0/8"}};
}

BrokerTraits AmqpBench::traits() const {
  return {.has_positions = false,  // only with an id
          .may_restart = true,
          .redelivery_max = absl::Seconds(5)};
}

absl::StatusOr<Source> AmqpBench::NewQueue() {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, server_->Call("new_queue"));
  json::ObjectReader outer(document);
  const json::Value* const answer = outer.Object("answer");
  if (answer == nullptr) return absl::InternalError("no answer");
  json::ObjectReader reader(*answer);
  uint64_t number = 0;
  reader.Read("queue", &number);
  const json::Value* const pub_sub = reader.Object("pub_sub");
  if (pub_sub == nullptr) return absl::InternalError("no pub_sub");
  Source source;
  source.id = absl::StrCat("source-", number);
  source.type = SourceType::kPubSub;
  CONVOY_ASSIGN_OR_RETURN(source.broker, ReadConfig(*pub_sub));
  numbers_[source.id] = number;
  return source;
}

absl::Status AmqpBench::Publish(const Source& source, std::span<const BenchMessage> messages) {
  return server_->Produce(NumberOf(source), messages);
}

absl::StatusOr<Source> AmqpBench::SpoilCredentials(Source source) {
  ConfigOf(source).password = "wrong-s3cret";
  return source;
}

absl::StatusOr<Source> AmqpBench::SpoilQueueName(Source source) {
  ConfigOf(source).queue = "missing";
  return source;
}

absl::StatusOr<Source> AmqpBench::SpoilAddress(Source source) {
  ConfigOf(source).port = 1;
  return source;
}

}  // namespace convoy::testing
