// Consumer that does all its work in its polls, on the polling thread; librdkafka's threads only
// fetch, connect and log. So between two polls no partition is assigned or revoked, and what the
// gateway commits and acknowledges before its next poll belongs to partitions that are still
// assigned.
#include "lib/broker/kafka/kafka_consumer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "absl/memory/memory.h"

#include "lib/base/status_macros.h"
#include "lib/broker/kafka/client_config.h"
#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/message.h"

namespace convoy::kafka {
namespace {

// Errors that should pass, without a message in between, before one is taken for lasting.
constexpr int kPassingErrorsMax = 20;

int ToMilliseconds(absl::Duration patience) {
  const int64_t whole = absl::ToInt64Milliseconds(absl::Ceil(patience, absl::Milliseconds(1)));
  return static_cast<int>(std::clamp<int64_t>(whole, 0, std::numeric_limits<int>::max()));
}

}  // namespace

KafkaConsumer::KafkaConsumer(const Source& source, std::string_view consumer_id,
                             transport::Guard guard, const BrokerEnvironment& env)
    : source_id_(source.id),
      consumer_id_(consumer_id),
      topic_name_(std::get<KafkaConfig>(source.broker).topic),
      security_(SecurityOf(std::get<KafkaConfig>(source.broker))),
      clock_(env.clock),
      observer_(env.observer),
      connector_(std::move(guard)),
      identity_(topic_name_, env.clock),
      lag_(env.clock) {}

absl::StatusOr<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Open(const Source& source,
                                                                   std::string_view consumer_id,
                                                                   const BrokerEnvironment& env) {
  const auto* settings = std::get_if<KafkaConfig>(&source.broker);
  if (settings == nullptr) return absl::InvalidArgumentError("pub_sub.kafka: missing");
  CONVOY_ASSIGN_OR_RETURN(transport::Guard guard, transport::Guard::Parse(env.allowed_networks));
  CONVOY_ASSIGN_OR_RETURN(ConfigHandle config, MakeClientConfig(*settings, consumer_id));
  auto consumer = absl::WrapUnique(new KafkaConsumer(source, consumer_id, std::move(guard), env));
  CONVOY_RETURN_IF_ERROR(consumer->Start(std::move(config)));
  return consumer;
}

absl::Status KafkaConsumer::Start(ConfigHandle config) {
  rd_kafka_conf_set_opaque(config.get(), this);
  rd_kafka_conf_set_connect_cb(config.get(), &KafkaConsumer::OnConnect);
  rd_kafka_conf_set_log_cb(config.get(), &KafkaConsumer::OnLog);
  rd_kafka_conf_set_error_cb(config.get(), &KafkaConsumer::OnError);
  rd_kafka_conf_set_rebalance_cb(config.get(), &KafkaConsumer::OnRebalance);
  rd_kafka_conf_set_offset_commit_cb(config.get(), &KafkaConsumer::OnCommit);
  std::array<char, 256> error = {};
  client_ = rd_kafka_new(RD_KAFKA_CONSUMER, config.get(), error.data(), error.size());
  if (client_ == nullptr) return MakeError(absl::StatusCode::kUnavailable, error.data());
  static_cast<void>(config.release());  // owned by the client from here on
  rd_kafka_poll_set_consumer(client_);
  queue_.reset(rd_kafka_queue_get_consumer(client_));
  topic_.reset(rd_kafka_topic_new(client_, topic_name_.c_str(), nullptr));
  if (queue_ == nullptr || topic_ == nullptr) {
    return MakeError(absl::StatusCode::kUnavailable, rd_kafka_err2str(rd_kafka_last_error()));
  }
  CONVOY_RETURN_IF_ERROR(Reach());
  identity_.Ask(client_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BrokerMessage>> KafkaConsumer::Poll(const PollLimits& limits,
                                                               absl::Duration patience) {
  if (!is_member_) CONVOY_RETURN_IF_ERROR(Join());
  if (is_interrupted_.exchange(false)) patience = absl::ZeroDuration();
  if (std::exchange(is_full_, false)) Pull(0);  // tells whether what was kept is still ours
  Commit();
  lag_.Step(client_);
  Fill(limits, failure_.ok() ? ToMilliseconds(patience) : 0);
  if (failure_.ok() && should_reach_) {
    if (pulled_.empty()) {
      Fail(Reach());
    } else {
      ReachCoordinator();
    }
  }
  is_interrupted_ = false;
  lag_.Step(client_);
  AskForTopic();
  // Messages that preceded a failure are handed out before it is reported.
  if (pulled_.empty() && !failure_.ok()) return failure_;
  return HandOut();
}

void KafkaConsumer::Fill(const PollLimits& limits, int timeout_ms) {
  uint64_t bytes = PulledBytes();
  while (pulled_.size() < limits.messages_max && bytes < limits.bytes_max) {
    const size_t count = pulled_.size();
    if (!Pull(count == 0 ? timeout_ms : 0)) break;
    // A revocation may have come before the message and taken others away.
    if (pulled_.size() == count + 1) bytes += MessageBytes(*pulled_.back());
  }
}

uint64_t KafkaConsumer::PulledBytes() const {
  uint64_t bytes = 0;
  for (const MessageHandle& message : pulled_) bytes += MessageBytes(*message);
  return bytes;
}

bool KafkaConsumer::Pull(int timeout_ms) {
  MessageHandle message(rd_kafka_consumer_poll(client_, timeout_ms));
  if (message == nullptr) return false;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    pulled_.push_back(std::move(message));
    is_sought_ = false;
    trouble_.reset();
    passing_errors_count_ = 0;
    return true;
  }
  const auto code = StatusCodeOf(message->err);
  if (code.has_value() || ++passing_errors_count_ > kPassingErrorsMax) {
    const char* const text = rd_kafka_message_errstr(message.get());
    Fail(MakeError(code.value_or(absl::StatusCode::kUnavailable), text == nullptr ? "" : text));
  }
  return false;
}

std::vector<BrokerMessage> KafkaConsumer::HandOut() {
  std::vector<BrokerMessage> messages;
  messages.reserve(pulled_.size());
  for (const MessageHandle& message : pulled_) {
    messages.push_back(ReadMessage(*message));
    identity_.Place(*message, &messages.back());
    messages.back().tag = ledger_.HandOut(message->partition, message->offset);
  }
  pulled_.clear();
  return messages;
}

absl::Status KafkaConsumer::Acknowledge(std::span<const BrokerMessage> messages) {
  for (const BrokerMessage& message : messages) ledger_.Acknowledge(message.tag);
  Commit();
  return absl::OkStatus();
}

absl::Status KafkaConsumer::Extend(std::span<const BrokerMessage>) {
  // More is not kept in memory. Who pulls nothing is put out of the group after a while: then what
  // is kept here is dropped, and others read it.
  constexpr PollLimits kLimits;
  is_full_ = pulled_.size() + 1 >= kLimits.messages_max || PulledBytes() >= kLimits.bytes_max;
  if (!is_full_) Pull(0);
  return failure_;
}

void KafkaConsumer::Interrupt() {
  is_interrupted_ = true;
  rd_kafka_queue_yield(queue_.get());
}

void KafkaConsumer::Fail(absl::Status status) { failure_.Update(std::move(status)); }

void KafkaConsumer::Forget(int32_t partition) {
  identity_.Forget(partition);
  ledger_.Forget(partition);
  std::erase_if(pulled_,
                [&](const MessageHandle& message) { return message->partition == partition; });
}

}  // namespace convoy::kafka
