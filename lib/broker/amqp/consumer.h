// Consumer of one queue: basic.consume with manual acknowledgements.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/broker.h"
#include "lib/broker/amqp/assembler.h"
#include "lib/broker/amqp/connection.h"
#include "lib/broker/amqp/dead_letters.h"
#include "lib/broker/amqp/ledger.h"
#include "lib/broker/interruption.h"

namespace convoy::broker::amqp {

// Larger bodies are cut off there: RabbitMQ's own limit since 4.0.
inline constexpr uint64_t kBodyBytesMax = 16 * 1024 * 1024;

// Messages are prefetched while a batch is being stored.
inline constexpr uint16_t kPrefetchCount = 2 * PollLimits().messages_max;
// A message that a check takes goes back and counts as delivered once more, which some queues
// limit.
inline constexpr uint16_t kCheckPrefetchCount = 1;

// Names broker, virtual host and queue in the redelivery ids of messages.
std::string PlaceOf(const AmqpConfig& config);

class AmqpConsumer final : public BrokerConsumer {
 public:
  // How a consumer begins.
  enum class Begin : uint8_t {
    kWithLook,  // asks for one message first, which tells streams from queues
    kAtOnce,    // for queues that refuse the look: those with a single active consumer do
  };

  // On `connection`, where the queue is there and nothing is consumed yet. The broker sends at most
  // `prefetch_count` messages ahead. kInvalidArgument for a stream: it would be read from its end
  // only, and by each worker for itself.
  static absl::StatusOr<std::unique_ptr<AmqpConsumer>> Start(const AmqpConfig& config,
                                                             std::string_view consumer_id,
                                                             uint16_t prefetch_count, Begin begin,
                                                             std::unique_ptr<Connection> connection,
                                                             const transport::Guard& guard,
                                                             const BrokerEnvironment& env);

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override;
  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override;
  // A heartbeat.
  absl::Status Extend(std::span<const BrokerMessage> messages) override;
  absl::Duration extension_interval() const override { return kHeartbeat; }
  absl::Status PublishDeadLetter(const BrokerMessage& message, std::string_view reason) override;
  void AskLag() override;
  // Of messages that are ready: those that were sent ahead to consumers do not count.
  absl::StatusOr<BrokerLag> lag() const override { return lag_; }
  bool is_lag_shared() const override { return true; }
  void Interrupt() override { interruption_->Raise(); }

 private:
  AmqpConsumer(const AmqpConfig& config, std::unique_ptr<Connection> connection,
               std::unique_ptr<Interruption> interruption, DeadLetters dead_letters, Clock* clock)
      : queue_(config.queue),
        clock_(clock),
        connection_(std::move(connection)),
        interruption_(std::move(interruption)),
        dead_letters_(std::move(dead_letters)),
        assembler_(PlaceOf(config), kBodyBytesMax) {}

  // Asks for one message with basic.get, which streams refuse, and keeps it for the first poll.
  absl::Status TakeFirst();
  absl::Status Consume(std::string_view consumer_id, uint16_t prefetch_count);
  // Takes received messages, as far as the limits allow.
  absl::Status Gather(const PollLimits& limits, std::vector<BrokerMessage>* messages);
  // Whether the frame is the answer to AskLag, which is then kept.
  bool TakeDepth(const amqp_frame_t& frame);
  BrokerMessage Enter(Delivery delivery);

  const std::string queue_;
  Clock* const clock_;
  const std::unique_ptr<Connection> connection_;
  const std::unique_ptr<Interruption> interruption_;
  DeadLetters dead_letters_;
  Assembler assembler_;
  std::optional<Delivery> first_;  // what TakeFirst was given
  Ledger ledger_;
  bool is_depth_asked_ = false;  // and not answered yet
  absl::StatusOr<BrokerLag> lag_ = absl::UnavailableError("the queue has not answered yet");
};

}  // namespace convoy::broker::amqp
