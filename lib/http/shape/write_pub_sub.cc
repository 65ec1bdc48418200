// Writer of `pub_sub`. Null and absent fields are as strict clients expect.
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/http/shape/pub_sub.h"
#include "lib/http/shape/wire.h"
#include "lib/model/names.h"

namespace convoy::http {
namespace {

using json::Writer;

std::string_view Shown(std::string_view secret) { return secret.empty() ? "" : kRedactedSecret; }

void WriteConfig(Writer& writer, const SqsConfig& sqs) {
  writer.Field("access_key_id", sqs.access_key_id)
      .Field("secret_key", Shown(sqs.secret_key))
      .FieldIfSet("session_token", Shown(sqs.session_token))
      .Field("default_region", sqs.region)
      .Field("queue_name", sqs.queue_name)
      .FieldIfSet("endpoint", sqs.endpoint);
  if (sqs.wrapper != MessageWrapper::kNone) writer.Field("wrapper", model::Name(sqs.wrapper));
}

void WriteConfig(Writer& writer, const GooglePubSubConfig& google) {
  writer.Field("project_id", google.project_id)
      .Field("subscription_id", google.subscription_id)
      // Clients decode it.
      .Field("service_account", base::Base64Encode(Shown(google.service_account)))
      .FieldIfSet("endpoint", google.endpoint);
}

void WriteConfig(Writer& writer, const KafkaConfig& kafka) {
  WriteTextsField(writer, "brokers", kafka.brokers);
  writer.Field("consumer_group_id", kafka.consumer_group_id).Field("topic_name", kafka.topic);
  writer.Key("auth");
  if (kafka.mechanism == SaslMechanism::kNone && !kafka.has_tls) {
    writer.Null();
    return;
  }
  const bool is_scram = kafka.mechanism == SaslMechanism::kScramSha256 ||
                        kafka.mechanism == SaslMechanism::kScramSha512;
  writer.BeginObject()
      .Field("type", is_scram                                   ? "scram"
                     : kafka.mechanism == SaslMechanism::kPlain ? "plain"
                                                                : "")
      .Field("hash", kafka.mechanism == SaslMechanism::kScramSha256   ? "SHA256"
                     : kafka.mechanism == SaslMechanism::kScramSha512 ? "SHA512"
                                                                      : "")
      .Field("username", kafka.username)
      .Field("password", Shown(kafka.password))
      .Field("tls", kafka.has_tls)
      .EndObject();
}

// A nullable text.
void WriteOptional(Writer& writer, std::string_view key, std::string_view text) {
  if (text.empty()) {
    WriteNullField(writer, key);
  } else {
    writer.Field(key, text);
  }
}

void WriteConfig(Writer& writer, const AmqpConfig& amqp) {
  writer.Field("schema", amqp.schema)
      .Field("host", amqp.host)
      .Field("port", absl::StrCat(amqp.port))
      .Field("queue", amqp.queue)
      .Field("vhost", amqp.vhost)
      .Field("routingKey", amqp.routing_key);
  WriteOptional(writer, "bindedExchange", amqp.exchange);
  WriteOptional(writer, "deadLetterExchange", amqp.dead_letter_exchange);
  writer.Key("auth");
  if (amqp.username.empty()) {
    writer.Null();
    return;
  }
  writer.BeginObject()
      .Field("user", amqp.username)
      .Field("password", Shown(amqp.password))
      .EndObject();
}

void WriteConfig(Writer& writer, const OutboxConfig& outbox) { writer.Field("name", outbox.name); }

void WriteConfig(Writer&, std::monostate) {}

}  // namespace

void WritePubSub(Writer& writer, const Source& source) {
  writer.Key("pub_sub");
  const std::string_view type = model::BrokerTypeOf(source.broker);
  if (type.empty()) {
    writer.Null();
    return;
  }
  writer.BeginObject()
      .Field("type", type)
      .Field("workers", source.workers_count)
      .Field("message_format", model::Name(source.message_format))
      .FieldIfSet("event_type", source.raw_event_type)
      .FieldIfSet("event_type_location", source.message_locations.event_type)
      .FieldIfSet("idempotency_key_location", source.message_locations.idempotency_key)
      .FieldIfSet("endpoint_id_location", source.message_locations.endpoint_id)
      .FieldIfSet("owner_id_location", source.message_locations.owner_id);
  for (const std::string_view each : kBrokerTypes) {
    // Strict clients know the others only.
    if (each == "outbox" && each != type) continue;
    writer.Key(each);
    if (each != type) {
      writer.Null();
      continue;
    }
    writer.BeginObject();
    std::visit([&writer](const auto& config) { WriteConfig(writer, config); }, source.broker);
    writer.EndObject();
  }
  writer.EndObject();
}

}  // namespace convoy::http
