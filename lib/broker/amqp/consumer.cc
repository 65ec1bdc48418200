// Consumer of one queue. Messages stay in the socket's buffers until Poll asks for them, so memory
// holds what Poll returns plus one message being assembled. If the connection is lost, the broker
// redelivers what was not acknowledged; messages gathered by a failing Poll are dropped unseen.
#include "lib/broker/amqp/consumer.h"

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/broker/amqp/properties.h"

namespace convoy::broker::amqp {

std::string PlaceOf(const AmqpConfig& config) {
  // Percent-encoded, so that a slash within a name is not taken for the end of it.
  return absl::StrCat("amqp/", base::PercentEncode(config.host), ":", config.port, "/",
                      base::PercentEncode(config.vhost), "/", base::PercentEncode(config.queue));
}

absl::StatusOr<std::unique_ptr<AmqpConsumer>> AmqpConsumer::Start(
    const AmqpConfig& config, std::string_view consumer_id, uint16_t prefetch_count, Begin begin,
    std::unique_ptr<Connection> connection, const transport::Guard& guard,
    const BrokerEnvironment& env) {
  std::unique_ptr<Interruption> interruption;
  CONVOY_ASSIGN_OR_RETURN(interruption, Interruption::New());
  auto consumer =
      absl::WrapUnique(new AmqpConsumer(config, std::move(connection), std::move(interruption),
                                        DeadLetters(config, guard, env.clock), env.clock));
  if (begin == Begin::kWithLook) CONVOY_RETURN_IF_ERROR(consumer->TakeFirst());
  // A check that was handed a message may read, and need not be handed more.
  if (prefetch_count == kCheckPrefetchCount && consumer->first_.has_value()) return consumer;
  CONVOY_RETURN_IF_ERROR(consumer->Consume(consumer_id, prefetch_count));
  return consumer;
}

absl::Status AmqpConsumer::TakeFirst() {
  amqp_basic_get_t get = {};
  get.queue = Bytes(queue_);
  CONVOY_RETURN_IF_ERROR(connection_->Send(AMQP_BASIC_GET_METHOD, &get));
  const absl::Time deadline = clock_->Now() + kAnswerPatience;
  while (!first_.has_value()) {
    const absl::StatusOr<const amqp_frame_t*> frame = connection_->Next();
    if (absl::IsUnimplemented(frame.status())) {
      return absl::InvalidArgumentError(
          absl::StrCat("pub_sub.amqp.queue: ", queue_,
                       " is a stream, which is not supported; name a classic or quorum queue"));
    }
    CONVOY_RETURN_IF_ERROR(frame.status());
    if (*frame == nullptr) {
      const absl::Duration left = deadline - clock_->Now();
      if (left <= absl::ZeroDuration()) {
        return absl::UnavailableError(
            absl::StrCat("cannot read queue ", queue_, ": no answer in time"));
      }
      CONVOY_RETURN_IF_ERROR(connection_->Wait(-1, left));
      continue;
    }
    const bool is_method = (*frame)->frame_type == AMQP_FRAME_METHOD;
    if (is_method && (*frame)->payload.method.id == AMQP_BASIC_GET_EMPTY_METHOD) break;
    CONVOY_ASSIGN_OR_RETURN(first_, assembler_.Add(**frame));
  }
  return absl::OkStatus();
}

absl::Status AmqpConsumer::Consume(std::string_view consumer_id, uint16_t prefetch_count) {
  const std::string doing = absl::StrCat("cannot consume queue ", queue_);
  amqp_basic_qos_t qos = {};
  qos.prefetch_count = prefetch_count;
  CONVOY_RETURN_IF_ERROR(
      connection_->Call(AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, doing));
  amqp_basic_consume_t consume = {};
  consume.queue = Bytes(queue_);
  consume.consumer_tag = Bytes(consumer_id.substr(0, 255));
  return connection_->Call(AMQP_BASIC_CONSUME_METHOD, &consume, AMQP_BASIC_CONSUME_OK_METHOD,
                           doing);
}

absl::StatusOr<std::vector<BrokerMessage>> AmqpConsumer::Poll(const PollLimits& limits,
                                                              absl::Duration patience) {
  dead_letters_.Rest();
  const absl::Time deadline = clock_->Now() + patience;
  std::vector<BrokerMessage> messages;
  while (true) {
    CONVOY_RETURN_IF_ERROR(Gather(limits, &messages));
    if (!messages.empty() || interruption_->Take()) return messages;
    const absl::Duration left = deadline - clock_->Now();
    if (left <= absl::ZeroDuration()) return messages;
    CONVOY_RETURN_IF_ERROR(connection_->Wait(interruption_->fd(), left));
  }
}

absl::Status AmqpConsumer::Gather(const PollLimits& limits, std::vector<BrokerMessage>* messages) {
  uint64_t bytes = 0;
  const auto take = [&](Delivery delivery) {
    bytes += delivery.message.body.size() + delivery.properties.size();  // headers weigh, too
    messages->push_back(Enter(std::move(delivery)));
  };
  if (first_.has_value()) take(*std::exchange(first_, std::nullopt));
  while (messages->size() < limits.messages_max && bytes < limits.bytes_max) {
    const amqp_frame_t* frame = nullptr;
    CONVOY_ASSIGN_OR_RETURN(frame, connection_->Next());
    if (frame == nullptr) break;
    if (TakeDepth(*frame)) continue;
    std::optional<Delivery> delivery;
    CONVOY_ASSIGN_OR_RETURN(delivery, assembler_.Add(*frame));
    if (delivery.has_value()) take(*std::move(delivery));
  }
  return absl::OkStatus();
}

// A passive declaration of the queue changes nothing and needs no permission; its answer comes
// among the deliveries.
void AmqpConsumer::AskLag() {
  if (is_depth_asked_) return;
  amqp_queue_declare_t look = {};
  look.queue = Bytes(queue_);
  look.passive = 1;
  is_depth_asked_ = connection_->Send(AMQP_QUEUE_DECLARE_METHOD, &look).ok();
}

bool AmqpConsumer::TakeDepth(const amqp_frame_t& frame) {
  if (!is_depth_asked_ || frame.frame_type != AMQP_FRAME_METHOD ||
      frame.payload.method.id != AMQP_QUEUE_DECLARE_OK_METHOD) {
    return false;
  }
  is_depth_asked_ = false;
  const auto& queue = *static_cast<const amqp_queue_declare_ok_t*>(frame.payload.method.decoded);
  lag_ = BrokerLag{.messages_count = queue.message_count, .at = clock_->Now()};
  return true;
}

BrokerMessage AmqpConsumer::Enter(Delivery delivery) {
  Ledger::Entry entry;
  entry.tag = delivery.message.tag;
  entry.is_cut = delivery.message.is_cut;
  if (dead_letters_.has_exchange()) {
    entry.routing_key = delivery.message.key;
    entry.properties = std::move(delivery.properties);
  }
  ledger_.Add(std::move(entry));
  return std::move(delivery.message);
}

absl::Status AmqpConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  const Settlement settlement = ledger_.Settle(messages);
  for (const uint64_t tag : settlement.rejected) {
    amqp_basic_reject_t reject = {tag, /*requeue=*/0};
    CONVOY_RETURN_IF_ERROR(connection_->Send(AMQP_BASIC_REJECT_METHOD, &reject));
  }
  for (const uint64_t tag : settlement.single) {
    amqp_basic_ack_t ack = {tag, /*multiple=*/0};
    CONVOY_RETURN_IF_ERROR(connection_->Send(AMQP_BASIC_ACK_METHOD, &ack));
  }
  if (settlement.up_to == 0) return absl::OkStatus();
  amqp_basic_ack_t ack = {settlement.up_to, /*multiple=*/1};
  return connection_->Send(AMQP_BASIC_ACK_METHOD, &ack);
}

absl::Status AmqpConsumer::Extend(std::span<const BrokerMessage> /*messages*/) {
  return connection_->KeepAlive();
}

absl::Status AmqpConsumer::PublishDeadLetter(const BrokerMessage& message,
                                             std::string_view reason) {
  const Ledger::Entry* const entry = ledger_.Find(message.tag);
  if (entry == nullptr) {
    return absl::FailedPreconditionError(
        "only a message that is not acknowledged may be published "
        "as a dead letter");
  }
  // That may have taken a while, and there may be many.
  const absl::Status published = dead_letters_.Publish(*entry, message.body, reason);
  CONVOY_RETURN_IF_ERROR(connection_->KeepAlive());
  return published;
}

}  // namespace convoy::broker::amqp
