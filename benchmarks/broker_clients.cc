// Kafka: one poll a message, offsets committed by the library in the background, its defaults.
// RabbitMQ: as many messages ahead as our adapter asks for, acknowledged many at once: the fastest
// that the protocol allows with acknowledgements.
#include "benchmarks/broker_clients.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <librdkafka/rdkafka.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "benchmarks/common.h"
#include "benchmarks/embedded.h"

namespace benchmarks {
namespace {

constexpr int kPatienceMs = 60'000;
constexpr amqp_channel_t kChannel = 1;
constexpr uint16_t kPrefetchCount = 512;
constexpr uint16_t kMessagesPerAck = 256;

// From the first message to the last.
class Span {
 public:
  void Add() {
    last_ = std::chrono::steady_clock::now();
    if (count_++ == 0) first_ = last_;
  }
  int count() const { return count_; }
  double per_second() const {
    return (count_ - 1) / std::chrono::duration<double>(last_ - first_).count();
  }

 private:
  std::chrono::steady_clock::time_point first_, last_;
  int count_ = 0;
};

rd_kafka_t* NewKafkaClient(std::string_view pub_sub) {
  const std::pair<const char*, std::string> settings[] = {
      {"bootstrap.servers", At(pub_sub, "/kafka/brokers/0")},
      {"group.id", At(pub_sub, "/kafka/consumer_group_id")},
      {"auto.offset.reset", "earliest"},
      {"security.protocol", "sasl_plaintext"},
      {"sasl.mechanism", "SCRAM-SHA-256"},
      {"sasl.username", At(pub_sub, "/kafka/auth/username")},
      {"sasl.password", At(pub_sub, "/kafka/auth/password")}};
  rd_kafka_conf_t* const config = rd_kafka_conf_new();
  std::array<char, 256> error = {};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(config, name, value.c_str(), error.data(), error.size()) !=
        RD_KAFKA_CONF_OK) {
      Die(error.data());
    }
  }
  rd_kafka_t* const client = rd_kafka_new(RD_KAFKA_CONSUMER, config, error.data(), error.size());
  if (client == nullptr) Die(error.data());
  rd_kafka_poll_set_consumer(client);
  return client;
}

void Check(amqp_rpc_reply_t reply, std::string_view doing) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) Die(absl::StrCat("librabbitmq: ", doing));
}

amqp_connection_state_t ConnectToRabbitmq(std::string_view pub_sub) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t* const socket = amqp_tcp_socket_new(connection);
  int port = 0;
  if (!absl::SimpleAtoi(At(pub_sub, "/amqp/port"), &port) ||
      amqp_socket_open(socket, At(pub_sub, "/amqp/host").c_str(), port) != AMQP_STATUS_OK) {
    Die("librabbitmq: connecting");
  }
  Check(amqp_login(connection, At(pub_sub, "/amqp/vhost").c_str(), AMQP_DEFAULT_MAX_CHANNELS,
                   AMQP_DEFAULT_FRAME_SIZE, AMQP_DEFAULT_HEARTBEAT, AMQP_SASL_METHOD_PLAIN,
                   At(pub_sub, "/amqp/auth/user").c_str(),
                   At(pub_sub, "/amqp/auth/password").c_str()),
        "logging in");
  amqp_channel_open(connection, kChannel);
  Check(amqp_get_rpc_reply(connection), "opening a channel");
  return connection;
}

}  // namespace

double ReadWithLibrdkafka(std::string_view pub_sub, int count) {
  rd_kafka_t* const client = NewKafkaClient(pub_sub);
  rd_kafka_topic_partition_list_t* const topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, At(pub_sub, "/kafka/topic_name").c_str(),
                                    RD_KAFKA_PARTITION_UA);
  if (rd_kafka_subscribe(client, topics) != RD_KAFKA_RESP_ERR_NO_ERROR) Die("no subscription");
  rd_kafka_topic_partition_list_destroy(topics);
  Span span;
  while (span.count() < count) {
    rd_kafka_message_t* const message = rd_kafka_consumer_poll(client, kPatienceMs);
    if (message == nullptr) Die("librdkafka: no more messages came");
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) Die(rd_kafka_message_errstr(message));
    span.Add();
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  return span.per_second();
}

double ReadWithLibrabbitmq(std::string_view pub_sub, int count) {
  amqp_connection_state_t connection = ConnectToRabbitmq(pub_sub);
  amqp_basic_qos(connection, kChannel, 0, kPrefetchCount, 0);
  Check(amqp_get_rpc_reply(connection), "asking for messages ahead");
  const std::string queue = At(pub_sub, "/amqp/queue");
  amqp_basic_consume(connection, kChannel, amqp_cstring_bytes(queue.c_str()), amqp_empty_bytes, 0,
                     0, 0, amqp_empty_table);
  Check(amqp_get_rpc_reply(connection), "consuming");
  Span span;
  while (span.count() < count) {
    amqp_maybe_release_buffers(connection);
    amqp_envelope_t envelope;
    const timeval patience = {.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
    Check(amqp_consume_message(connection, &envelope, &patience, 0), "no more messages came");
    span.Add();
    if (span.count() % kMessagesPerAck == 0 || span.count() == count) {
      amqp_basic_ack(connection, kChannel, envelope.delivery_tag, /*multiple=*/1);
    }
    amqp_destroy_envelope(&envelope);
  }
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
  return span.per_second();
}

}  // namespace benchmarks
