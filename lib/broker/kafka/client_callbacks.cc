// Callbacks of librdkafka about connections: each connection is made by the gateway's rules, log
// lines go to the observer, and errors lead to a question to the brokers.
#include <array>

#include "lib/broker/kafka/errors.h"
#include "lib/broker/kafka/kafka_consumer.h"

namespace convoy::kafka {
namespace {

// From syslog's levels. An error of a connection is not an error here: it is tried again, and
// the gateway reports the result of a poll.
LogLevel LevelOf(int syslog_level) {
  constexpr int kSyslogWarning = 4;
  constexpr int kSyslogInfo = 6;
  if (syslog_level <= kSyslogWarning) return LogLevel::kWarning;
  return syslog_level <= kSyslogInfo ? LogLevel::kInfo : LogLevel::kDebug;
}

}  // namespace

int KafkaConsumer::OnConnect(int socket, const sockaddr* address, int bytes, const char* broker,
                             void* self) {
  return static_cast<KafkaConsumer*>(self)->connector_.Connect(socket, address, bytes, broker);
}

void KafkaConsumer::OnLog(const rd_kafka_t* client, int level, const char* facility,
                          const char* text) {
  const auto* const self = static_cast<const KafkaConsumer*>(rd_kafka_opaque(client));
  if (self == nullptr || self->observer_ == nullptr) return;
  const std::string line = OneLine(text);
  const std::array<LogField, 4> fields = {LogField{"source_id", self->source_id_},
                                          LogField{"consumer_id", self->consumer_id_},
                                          LogField{"facility", facility}, LogField{"text", line}};
  self->observer_->Log(LevelOf(level), "kafka client", fields);
}

void KafkaConsumer::OnError(rd_kafka_t* client, int code, const char* text, void* self) {
  auto* const consumer = static_cast<KafkaConsumer*>(self);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__FATAL) {
    consumer->Fail(MakeError(*StatusCodeOf(error), WithSecurityHint(text, consumer->security_)));
  } else if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !consumer->trouble_.has_value()) {
    consumer->trouble_ = text;  // of one broker: says more than that all are down
  }
  consumer->should_reach_ = true;
  rd_kafka_yield(client);
}

}  // namespace convoy::kafka
