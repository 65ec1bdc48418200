// Codec of the stored broker configuration of sources.
#include <utility>

#include "lib/model/codec_pieces.h"

namespace convoy::model {
namespace {

using json::ObjectReader;
using json::Writer;

void WriteFields(Writer&, std::monostate) {}

void WriteFields(Writer& writer, const SqsConfig& sqs) {
  writer.Field("queue_name", sqs.queue_name)
      .Field("region", sqs.region)
      .FieldIfSet("access_key_id", sqs.access_key_id)
      .FieldIfSet("secret_key", sqs.secret_key)
      .FieldIfSet("session_token", sqs.session_token)
      .FieldIfSet("endpoint", sqs.endpoint)
      .Field("wrapper", Name(sqs.wrapper));
}

void WriteFields(Writer& writer, const GooglePubSubConfig& google) {
  writer.Field("project_id", google.project_id)
      .Field("subscription_id", google.subscription_id)
      .FieldIfSet("service_account", google.service_account)
      .FieldIfSet("endpoint", google.endpoint);
}

void WriteFields(Writer& writer, const KafkaConfig& kafka) {
  WriteTexts(writer, "brokers", kafka.brokers);
  writer.Field("topic", kafka.topic)
      .Field("consumer_group_id", kafka.consumer_group_id)
      .Field("mechanism", Name(kafka.mechanism))
      .FieldIfSet("username", kafka.username)
      .FieldIfSet("password", kafka.password)
      .Field("has_tls", kafka.has_tls);
}

void WriteFields(Writer& writer, const AmqpConfig& amqp) {
  writer.Field("schema", amqp.schema)
      .Field("host", amqp.host)
      .Field("port", uint32_t{amqp.port})
      .Field("vhost", amqp.vhost)
      .FieldIfSet("username", amqp.username)
      .FieldIfSet("password", amqp.password)
      .Field("queue", amqp.queue)
      .FieldIfSet("exchange", amqp.exchange)
      .FieldIfSet("routing_key", amqp.routing_key)
      .FieldIfSet("dead_letter_exchange", amqp.dead_letter_exchange);
}

void WriteFields(Writer& writer, const OutboxConfig& outbox) { writer.Field("name", outbox.name); }

SqsConfig ReadSqs(ObjectReader& reader) {
  SqsConfig sqs;
  reader.Read("queue_name", &sqs.queue_name);
  reader.Read("region", &sqs.region);
  reader.Read("access_key_id", &sqs.access_key_id);
  reader.Read("secret_key", &sqs.secret_key);
  reader.Read("session_token", &sqs.session_token);
  reader.Read("endpoint", &sqs.endpoint);
  ReadEnum(reader, "wrapper", &sqs.wrapper);
  return sqs;
}

GooglePubSubConfig ReadGoogle(ObjectReader& reader) {
  GooglePubSubConfig google;
  reader.Read("project_id", &google.project_id);
  reader.Read("subscription_id", &google.subscription_id);
  reader.Read("service_account", &google.service_account);
  reader.Read("endpoint", &google.endpoint);
  return google;
}

KafkaConfig ReadKafka(ObjectReader& reader) {
  KafkaConfig kafka;
  reader.Read("brokers", &kafka.brokers);
  reader.Read("topic", &kafka.topic);
  reader.Read("consumer_group_id", &kafka.consumer_group_id);
  ReadEnum(reader, "mechanism", &kafka.mechanism);
  reader.Read("username", &kafka.username);
  reader.Read("password", &kafka.password);
  reader.Read("has_tls", &kafka.has_tls);
  return kafka;
}

AmqpConfig ReadAmqp(ObjectReader& reader) {
  AmqpConfig amqp;
  uint32_t port = amqp.port;
  reader.Read("schema", &amqp.schema);
  reader.Read("host", &amqp.host);
  reader.Read("port", &port);
  reader.Read("vhost", &amqp.vhost);
  reader.Read("username", &amqp.username);
  reader.Read("password", &amqp.password);
  reader.Read("queue", &amqp.queue);
  reader.Read("exchange", &amqp.exchange);
  reader.Read("routing_key", &amqp.routing_key);
  reader.Read("dead_letter_exchange", &amqp.dead_letter_exchange);
  if (port > 65'535) reader.Fail(absl::DataLossError("stored field port is not a port"));
  amqp.port = static_cast<uint16_t>(port);
  return amqp;
}

OutboxConfig ReadOutbox(ObjectReader& reader) {
  OutboxConfig outbox;
  reader.Read("name", &outbox.name);
  return outbox;
}

}  // namespace

void WriteBroker(Writer& writer, const BrokerConfig& broker) {
  if (std::holds_alternative<std::monostate>(broker)) return;
  writer.Key("broker").BeginObject().Field("type", BrokerTypeOf(broker));
  std::visit([&writer](const auto& config) { WriteFields(writer, config); }, broker);
  writer.EndObject();
}

void ReadBroker(ObjectReader& parent, BrokerConfig* out) {
  const json::Value* object = parent.Object("broker");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  std::string type;
  reader.Read("type", &type);
  if (type == "sqs") {
    *out = ReadSqs(reader);
  } else if (type == "google") {
    *out = ReadGoogle(reader);
  } else if (type == "kafka") {
    *out = ReadKafka(reader);
  } else if (type == "amqp") {
    *out = ReadAmqp(reader);
  } else if (type == "outbox") {
    *out = ReadOutbox(reader);
  } else {
    reader.Fail(absl::DataLossError("stored field broker.type has an unknown value"));
  }
  parent.Fail(reader.status());
}

}  // namespace convoy::model
