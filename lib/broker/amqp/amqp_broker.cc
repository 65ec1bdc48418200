// Adapter for AMQP 0-9-1 (RabbitMQ). Each consumer has its own connection and channel: when it
// closes, its unacknowledged messages return to the queue, and no other consumer's do.
#include <pthread.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/broker.h"
#include "lib/base/status_macros.h"
#include "lib/broker/amqp/connection.h"
#include "lib/broker/amqp/consumer.h"
#include "lib/broker/amqp/properties.h"
#include "lib/transport/guard.h"

namespace convoy {
namespace {

using broker::amqp::AmqpConsumer;
using broker::amqp::Bytes;
using broker::amqp::Connection;

// Limit of AMQP's short strings, which librabbitmq does not check.
constexpr size_t kShortTextBytesMax = 255;

absl::Status CheckText(std::string_view field, std::string_view text, bool is_required) {
  if (is_required && text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("pub_sub.amqp.", field, " is required"));
  }
  if (text.size() > kShortTextBytesMax || text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("pub_sub.amqp.", field, " must be at most ",
                                                   kShortTextBytesMax, " bytes of text"));
  }
  return absl::OkStatus();
}

absl::Status CheckConfig(const AmqpConfig& config) {
  if (config.schema != "amqp" && config.schema != "amqps") {
    return absl::InvalidArgumentError("pub_sub.amqp.schema must be amqp or amqps");
  }
  if (config.port == 0) return absl::InvalidArgumentError("pub_sub.amqp.port must not be 0");
  CONVOY_RETURN_IF_ERROR(CheckText("host", config.host, true));
  CONVOY_RETURN_IF_ERROR(CheckText("vhost", config.vhost, true));
  CONVOY_RETURN_IF_ERROR(CheckText("queue", config.queue, true));
  CONVOY_RETURN_IF_ERROR(CheckText("auth.user", config.username, false));
  CONVOY_RETURN_IF_ERROR(CheckText("auth.password", config.password, false));
  CONVOY_RETURN_IF_ERROR(CheckText("bindExchange.exchange", config.exchange, false));
  CONVOY_RETURN_IF_ERROR(CheckText("bindExchange.routingKey", config.routing_key, false));
  return CheckText("deadLetterExchange", config.dead_letter_exchange, false);
}

// librabbitmq decodes tables within tables by recursion, as deep as a frame holds them: that takes
// 2.7 MiB. A received message must not be able to overflow the stack.
absl::Status CheckStack() {
  constexpr size_t kStackBytesMin = 4 * 1024 * 1024;
  pthread_attr_t attributes;
  size_t bytes_count = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return absl::OkStatus();  // not known
  pthread_attr_getstacksize(&attributes, &bytes_count);
  pthread_attr_destroy(&attributes);
  if (bytes_count >= kStackBytesMin) return absl::OkStatus();
  return absl::FailedPreconditionError("AMQP needs threads with a stack of 4 MiB (ulimit -s)");
}

// The queue must be there, and so must the exchange of dead letters; only the binding is made.
absl::Status Prepare(const AmqpConfig& config, Connection* connection) {
  amqp_queue_declare_t queue = {};
  queue.queue = Bytes(config.queue);
  queue.passive = 1;
  CONVOY_RETURN_IF_ERROR(connection->Call(AMQP_QUEUE_DECLARE_METHOD, &queue,
                                          AMQP_QUEUE_DECLARE_OK_METHOD,
                                          absl::StrCat("cannot use queue ", config.queue)));
  if (!config.exchange.empty()) {
    amqp_queue_bind_t bind = {};
    bind.queue = Bytes(config.queue);
    bind.exchange = Bytes(config.exchange);
    bind.routing_key = Bytes(config.routing_key);
    CONVOY_RETURN_IF_ERROR(connection->Call(
        AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD,
        absl::StrCat("cannot bind queue ", config.queue, " to exchange ", config.exchange)));
  }
  if (config.dead_letter_exchange.empty()) return absl::OkStatus();
  amqp_exchange_declare_t exchange = {};
  exchange.exchange = Bytes(config.dead_letter_exchange);
  exchange.passive = 1;
  return connection->Call(
      AMQP_EXCHANGE_DECLARE_METHOD, &exchange, AMQP_EXCHANGE_DECLARE_OK_METHOD,
      absl::StrCat("cannot use dead-letter exchange ", config.dead_letter_exchange));
}

class AmqpBroker final : public Broker {
 public:
  std::string_view type() const override { return "amqp"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                       std::string_view consumer_id,
                                                       const BrokerEnvironment& env) override {
    return Start(source, consumer_id, broker::amqp::kPrefetchCount, env);
  }

  // A missing permission to read shows only when a message is asked for.
  absl::Status Check(const Source& source, const BrokerEnvironment& env) override {
    return Start(source, absl::StrCat(source.id, "-check"), broker::amqp::kCheckPrefetchCount, env)
        .status();
  }

 private:
  static absl::StatusOr<std::unique_ptr<BrokerConsumer>> Start(const Source& source,
                                                               std::string_view consumer_id,
                                                               uint16_t prefetch_count,
                                                               const BrokerEnvironment& env) {
    const auto* const config = std::get_if<AmqpConfig>(&source.broker);
    if (config == nullptr) return absl::InvalidArgumentError("pub_sub.amqp is required");
    CONVOY_RETURN_IF_ERROR(CheckConfig(*config));
    CONVOY_RETURN_IF_ERROR(CheckStack());
    CONVOY_ASSIGN_OR_RETURN(const transport::Guard guard,
                            transport::Guard::Parse(env.allowed_networks));
    const auto start =
        [&](AmqpConsumer::Begin begin) -> absl::StatusOr<std::unique_ptr<BrokerConsumer>> {
      std::unique_ptr<Connection> connection;
      CONVOY_ASSIGN_OR_RETURN(
          connection,
          Connection::Open(*config, guard, absl::StrCat("convoy ", consumer_id), env.clock));
      CONVOY_RETURN_IF_ERROR(connection->AcceptLongFrames());
      CONVOY_RETURN_IF_ERROR(Prepare(*config, connection.get()));
      return AmqpConsumer::Start(*config, consumer_id, prefetch_count, begin, std::move(connection),
                                 guard, env);
    };
    auto consumer = start(AmqpConsumer::Begin::kWithLook);
    // The look may be denied where consuming is allowed; if it is not, that is told now.
    if (absl::IsPermissionDenied(consumer.status())) return start(AmqpConsumer::Begin::kAtOnce);
    return consumer;
  }
};

}  // namespace

std::shared_ptr<Broker> NewAmqpBroker() { return std::make_shared<AmqpBroker>(); }

}  // namespace convoy
