// Reader of `pub_sub`. Spellings are Convoy's, odd ones included ("bindExchange" comes in,
// "bindedExchange" goes out); `message_format`, `event_type` and the locations, `endpoint` of SQS
// and Google, `session_token` and `wrapper` of SQS are additions.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/pub_sub.h"
#include "lib/intake/event_checks.h"
#include "lib/intake/locations.h"
#include "lib/model/names.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kSecretBytesMax = 64 * 1024;
constexpr size_t kServersMax = 32;

// Names, hosts and credentials go to brokers and into their protocols: no control characters.
absl::Status CheckBrokerText(std::string_view field, std::string_view text,
                             size_t bytes_max = kFieldBytesMax) {
  CONVOY_RETURN_IF_ERROR(CheckText(field, text, bytes_max));
  if (!base::IsHeaderValue(text)) return FieldError(field, "must not hold control characters");
  return absl::OkStatus();
}

// One object of `pub_sub`: reads texts, and remembers the first thing that is wrong.
class BrokerReader {
 public:
  BrokerReader(const json::Value& object, std::string path) : reader_(object, std::move(path)) {}

  std::string Text(std::string_view field) {
    std::string text;
    reader_.Read(field, &text);
    Check(CheckBrokerText(reader_.PathOf(field), text));
    return text;
  }
  std::string Required(std::string_view field) {
    std::string text = Text(field);
    if (text.empty()) Check(FieldError(reader_.PathOf(field), "is missing"));
    return text;
  }
  // `stored` for a secret that was not given; `may_keep`: it would go where it has gone before.
  std::string Secret(std::string_view field, const std::string& stored, bool may_keep) {
    std::string secret;
    reader_.Read(field, &secret);
    if (!secret.empty() && secret != kRedactedSecret) {
      Check(CheckBrokerText(reader_.PathOf(field), secret, kSecretBytesMax));
      return secret;
    }
    if (stored.empty() && secret.empty()) return "";
    if (!stored.empty() && may_keep) return stored;
    Check(FieldError(
        reader_.PathOf(field),
        stored.empty() ? "is missing" : "must be given anew, because it would go elsewhere"));
    return "";
  }
  std::string Url(std::string_view field) {
    std::string url = Text(field);
    if (!url.empty() && CheckEndpointUrl(url, false) != absl::OkStatus()) {
      Check(FieldError(reader_.PathOf(field), "must be an http or https URL"));
    }
    return url;
  }

  ObjectReader& fields() { return reader_; }
  std::string PathOf(std::string_view field) const { return reader_.PathOf(field); }
  void Check(const absl::Status& status) { reader_.Fail(status); }
  absl::Status status() const { return reader_.status(); }

 private:
  ObjectReader reader_;
};

absl::StatusOr<SqsConfig> ReadSqs(const json::Value& object, const SqsConfig& stored) {
  BrokerReader reader(object, "pub_sub.sqs");
  SqsConfig sqs{.queue_name = reader.Required("queue_name"),
                .region = reader.Required("default_region"),
                .access_key_id = reader.Text("access_key_id")};
  // The secret itself goes nowhere: it signs.
  const bool is_same_key = sqs.access_key_id == stored.access_key_id;
  sqs.secret_key = reader.Secret("secret_key", is_same_key ? stored.secret_key : "", true);
  sqs.endpoint = reader.Url("endpoint");
  sqs.wrapper = stored.wrapper;  // for clients that do not know wrappers
  ReadEnum(reader.fields(), "wrapper", "must be none, sns or eventbridge", &sqs.wrapper);
  sqs.session_token = reader.Secret("session_token", is_same_key ? stored.session_token : "",
                                    sqs.endpoint == stored.endpoint);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (sqs.access_key_id.empty() != sqs.secret_key.empty()) {
    return FieldError(reader.PathOf(sqs.secret_key.empty() ? "secret_key" : "access_key_id"),
                      "is missing");
  }
  return sqs;
}

// The key file as base64; what is stored is the file.
absl::StatusOr<std::string> ReadServiceAccount(BrokerReader& reader,
                                               const GooglePubSubConfig& stored, bool may_keep) {
  constexpr std::string_view kField = "service_account";
  const std::string text = reader.Secret(
      kField, stored.service_account.empty() ? "" : base::Base64Encode(stored.service_account),
      may_keep);
  CONVOY_RETURN_IF_ERROR(reader.status());
  const auto file = base::Base64Decode(text);
  if (!file.has_value()) return FieldError(reader.PathOf(kField), "must be base64");
  if (!file->empty()) {
    const auto document = json::Parse(*file, {.bytes_max = kSecretBytesMax});
    if (!document.ok() || !document->IsObject()) {
      return FieldError(reader.PathOf(kField), "must be the base64 of a key file in JSON");
    }
  }
  return *file;
}

absl::StatusOr<GooglePubSubConfig> ReadGoogle(const json::Value& object,
                                              const GooglePubSubConfig& stored) {
  BrokerReader reader(object, "pub_sub.google");
  GooglePubSubConfig google{.project_id = reader.Required("project_id"),
                            .subscription_id = reader.Required("subscription_id"),
                            .endpoint = reader.Url("endpoint")};
  CONVOY_ASSIGN_OR_RETURN(google.service_account,
                          ReadServiceAccount(reader, stored, google.endpoint == stored.endpoint));
  if (google.service_account.empty() && google.endpoint.empty()) {
    return FieldError(reader.PathOf("service_account"), "is missing");
  }
  return google;
}

absl::StatusOr<SaslMechanism> ReadMechanism(BrokerReader& auth) {
  const std::string type = auth.Text("type");
  const std::string hash = auth.Text("hash");
  CONVOY_RETURN_IF_ERROR(auth.status());
  if (type.empty()) return SaslMechanism::kNone;
  if (type == "plain") return SaslMechanism::kPlain;
  if (type != "scram") return FieldError(auth.PathOf("type"), "must be plain or scram");
  if (hash == "SHA256") return SaslMechanism::kScramSha256;
  if (hash == "SHA512") return SaslMechanism::kScramSha512;
  return FieldError(auth.PathOf("hash"), "must be SHA256 or SHA512");
}

absl::Status ReadKafkaAuth(const json::Value& object, const KafkaConfig& stored,
                           KafkaConfig* kafka) {
  BrokerReader auth(object, "pub_sub.kafka.auth");
  auth.fields().Read("tls", &kafka->has_tls);
  CONVOY_ASSIGN_OR_RETURN(kafka->mechanism, ReadMechanism(auth));
  kafka->username = auth.Text("username");
  const bool may_keep = kafka->brokers == stored.brokers && kafka->has_tls == stored.has_tls &&
                        kafka->mechanism == stored.mechanism && kafka->username == stored.username;
  kafka->password = auth.Secret("password", stored.password, may_keep);
  CONVOY_RETURN_IF_ERROR(auth.status());
  const bool has_user = !kafka->username.empty() || !kafka->password.empty();
  if (kafka->mechanism == SaslMechanism::kNone) {
    return has_user ? FieldError(auth.PathOf("type"), "is missing") : absl::OkStatus();
  }
  if (kafka->username.empty()) return FieldError(auth.PathOf("username"), "is missing");
  if (kafka->password.empty()) return FieldError(auth.PathOf("password"), "is missing");
  return absl::OkStatus();
}

absl::StatusOr<KafkaConfig> ReadKafka(const json::Value& object, const KafkaConfig& stored,
                                      const Source& source) {
  BrokerReader reader(object, "pub_sub.kafka");
  KafkaConfig kafka;
  reader.fields().Read("brokers", &kafka.brokers);
  kafka.topic = reader.Required("topic_name");
  kafka.consumer_group_id = reader.Text("consumer_group_id");
  // A group of its own: two sources in one group would share the messages of a topic.
  if (kafka.consumer_group_id.empty()) kafka.consumer_group_id = absl::StrCat("convoy-", source.id);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (kafka.brokers.empty() || kafka.brokers.size() > kServersMax) {
    return FieldError(reader.PathOf("brokers"), "must have 1 to 32 entries");
  }
  for (const std::string& server : kafka.brokers) {
    CONVOY_RETURN_IF_ERROR(CheckBrokerText(reader.PathOf("brokers"), server));
    if (server.empty() || server.find_first_of(", /") != std::string::npos) {
      return FieldError(reader.PathOf("brokers"), "must be of the form host:port");
    }
  }
  if (const json::Value* auth = reader.fields().Object("auth")) {
    CONVOY_RETURN_IF_ERROR(ReadKafkaAuth(*auth, stored, &kafka));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return kafka;
}

// A port is a text in this contract.
absl::Status ReadPort(BrokerReader& reader, AmqpConfig* amqp) {
  const std::string port = reader.Text("port");
  amqp->port = amqp->schema == "amqps" ? 5671 : 5672;
  if (port.empty()) return reader.status();
  uint32_t number = 0;
  const bool is_port = port.find_first_not_of("0123456789") == std::string::npos &&
                       absl::SimpleAtoi(port, &number) && number > 0 && number <= 65'535;
  if (!is_port) return FieldError(reader.PathOf("port"), "must be a port number, as a string");
  amqp->port = static_cast<uint16_t>(number);
  return reader.status();
}

absl::StatusOr<AmqpConfig> ReadAmqp(const json::Value& object, const AmqpConfig& stored) {
  BrokerReader reader(object, "pub_sub.amqp");
  AmqpConfig amqp{.host = reader.Required("host"), .queue = reader.Required("queue")};
  if (const std::string schema = reader.Text("schema"); !schema.empty()) amqp.schema = schema;
  if (const std::string vhost = reader.Text("vhost"); !vhost.empty()) amqp.vhost = vhost;
  amqp.dead_letter_exchange = reader.Text("deadLetterExchange");
  if (amqp.schema != "amqp" && amqp.schema != "amqps") {
    return FieldError(reader.PathOf("schema"), "must be amqp or amqps");
  }
  CONVOY_RETURN_IF_ERROR(ReadPort(reader, &amqp));
  if (const json::Value* value = reader.fields().Object("bindExchange")) {
    BrokerReader exchange(*value, reader.PathOf("bindExchange"));
    amqp.exchange = exchange.Text("exchange");
    amqp.routing_key = exchange.Text("routingKey");
    CONVOY_RETURN_IF_ERROR(exchange.status());
    if (amqp.exchange.empty() && !amqp.routing_key.empty()) {
      return FieldError(exchange.PathOf("exchange"), "is missing");
    }
  }
  if (const json::Value* value = reader.fields().Object("auth")) {
    BrokerReader auth(*value, reader.PathOf("auth"));
    amqp.username = auth.Text("user");
    const bool may_keep = amqp.schema == stored.schema && amqp.host == stored.host &&
                          amqp.port == stored.port && amqp.username == stored.username;
    amqp.password = auth.Secret("password", stored.password, may_keep);
    CONVOY_RETURN_IF_ERROR(auth.status());
    if (amqp.username.empty() && !amqp.password.empty()) {
      return FieldError(auth.PathOf("user"), "is missing");
    }
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return amqp;
}

absl::StatusOr<OutboxConfig> ReadOutbox(const json::Value& object, const Source& source,
                                        uint32_t workers_count) {
  BrokerReader reader(object, "pub_sub.outbox");
  OutboxConfig outbox{.name = reader.Required("name")};
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (source.message_format != MessageFormat::kEnvelope) {
    return FieldError("pub_sub.message_format", "must be envelope with the type outbox");
  }
  if (workers_count > 1) {
    return FieldError("pub_sub.workers",
                      "must be 1 with the type outbox: one consumer reads at a time");
  }
  return outbox;
}

// Each location that is given, and no other, is read into `out`.
absl::Status ReadLocations(ObjectReader& reader, std::string_view broker_type, bool is_raw,
                           MessageLocations* out) {
  const std::pair<std::string_view, std::string*> locations[] = {
      {"event_type_location", &out->event_type},
      {"idempotency_key_location", &out->idempotency_key},
      {"endpoint_id_location", &out->endpoint_id},
      {"owner_id_location", &out->owner_id}};
  for (const auto& [name, location] : locations) {
    std::string given;
    if (!reader.Read(name, &given)) continue;
    const std::string field = reader.PathOf(name);
    if (!given.empty() && !is_raw) return FieldError(field, "goes with the message_format raw");
    CONVOY_RETURN_IF_ERROR(CheckBrokerText(field, given));
    if (!given.empty()) {
      const absl::Status status = intake::CheckMessageLocation(given, broker_type);
      if (!status.ok()) return FieldError(field, status.message());
    }
    *location = std::move(given);
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (!out->endpoint_id.empty() && !out->owner_id.empty()) {
    return FieldError(reader.PathOf("owner_id_location"),
                      "does not go with endpoint_id_location: a message is for one of the two");
  }
  return absl::OkStatus();
}

// Fields that are left out keep their values, for clients that do not know formats.
absl::Status ReadMessageFormat(ObjectReader& reader, std::string_view broker_type, Source* source) {
  std::string event_type;
  ReadEnum(reader, "message_format", "must be envelope or raw", &source->message_format);
  const bool has_event_type = reader.Read("event_type", &event_type);
  CONVOY_RETURN_IF_ERROR(reader.status());
  const std::string field = reader.PathOf("event_type");
  const bool is_raw = source->message_format == MessageFormat::kRaw;
  if (!is_raw) source->message_locations = {};
  CONVOY_RETURN_IF_ERROR(ReadLocations(reader, broker_type, is_raw, &source->message_locations));
  if (!is_raw) {
    source->raw_event_type.clear();
    return event_type.empty() ? absl::OkStatus()
                              : FieldError(field, "goes with the message_format raw");
  }
  CONVOY_RETURN_IF_ERROR(CheckBrokerText(field, event_type, intake::kEventTypeBytesMax));
  const bool has_location = !source->message_locations.event_type.empty();
  // Clients that do not know formats may send it empty: then there has to be another type.
  if (has_event_type && (has_location || !event_type.empty())) {
    source->raw_event_type = std::move(event_type);
  }
  return source->raw_event_type.empty() && !has_location
             ? FieldError(field, "is missing, and so is event_type_location")
             : absl::OkStatus();
}

template <typename Config>
Config StoredOr(const BrokerConfig& broker) {
  const auto* config = std::get_if<Config>(&broker);
  return config != nullptr ? *config : Config();
}

}  // namespace

absl::Status ReadPubSub(const json::Value& pub_sub, Source* source) {
  ObjectReader reader(pub_sub, "pub_sub");
  std::string type;
  uint32_t workers_count = 0;
  reader.Read("type", &type);
  reader.Read("workers", &workers_count);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (std::find(std::begin(kBrokerTypes), std::end(kBrokerTypes), type) == std::end(kBrokerTypes)) {
    return FieldError("pub_sub.type", "must be sqs, google, kafka, amqp or outbox");
  }
  if (workers_count > kWorkersMax) {
    return FieldError("pub_sub.workers", absl::StrCat("must be between 1 and ", kWorkersMax));
  }
  CONVOY_RETURN_IF_ERROR(ReadMessageFormat(reader, type, source));
  for (const std::string_view other : kBrokerTypes) {
    if (other != type && reader.Has(other)) {
      const json::Value* object = reader.Object(other);
      if (object != nullptr && !AsksForNothing(*object)) {
        return FieldError(reader.PathOf(other), absl::StrCat("goes with the type ", other));
      }
    }
  }
  const json::Value* object = reader.Object(type);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (object == nullptr)
    return FieldError(reader.PathOf(type), absl::StrCat(type, " config is required"));
  const BrokerConfig stored = source->broker;
  if (type == "sqs") {
    CONVOY_ASSIGN_OR_RETURN(source->broker, ReadSqs(*object, StoredOr<SqsConfig>(stored)));
  } else if (type == "google") {
    CONVOY_ASSIGN_OR_RETURN(source->broker,
                            ReadGoogle(*object, StoredOr<GooglePubSubConfig>(stored)));
  } else if (type == "kafka") {
    CONVOY_ASSIGN_OR_RETURN(source->broker,
                            ReadKafka(*object, StoredOr<KafkaConfig>(stored), *source));
  } else if (type == "outbox") {
    CONVOY_ASSIGN_OR_RETURN(source->broker, ReadOutbox(*object, *source, workers_count));
  } else {
    CONVOY_ASSIGN_OR_RETURN(source->broker, ReadAmqp(*object, StoredOr<AmqpConfig>(stored)));
  }
  // 0 is how clients spell "not set".
  source->workers_count = std::max(workers_count, 1u);
  return absl::OkStatus();
}

absl::Status PubSubError(const BrokerConfig& broker, const absl::Status& error) {
  const std::string_view type = model::BrokerTypeOf(broker);
  struct Fields {
    std::string_view credentials;
    std::string_view place;
  };
  const Fields fields = type == "sqs"      ? Fields{".secret_key", ".queue_name"}
                        : type == "google" ? Fields{".service_account", ".subscription_id"}
                        : type == "kafka"  ? Fields{".auth", ".topic_name"}
                        : type == "outbox" ? Fields{"", ".name"}
                                           : Fields{".auth", ".queue"};
  // "sqs.endpoint must …", "pub_sub.kafka.auth: …": how adapters name a field that can never work.
  std::string_view why = absl::StripPrefix(error.message(), "pub_sub.");
  if (absl::IsInvalidArgument(error) && absl::ConsumePrefix(&why, absl::StrCat(type, "."))) {
    const std::string_view named = why.substr(0, why.find_first_of(": "));
    why.remove_prefix(named.size());
    return FieldError(absl::StrCat("pub_sub.", type, ".", named),
                      absl::StripLeadingAsciiWhitespace(absl::StripPrefix(why, ":")));
  }
  const std::string_view field = absl::IsUnauthenticated(error) ? fields.credentials
                                 : absl::IsNotFound(error)      ? fields.place
                                                                : "";
  return FieldError(absl::StrCat("pub_sub.", type, field), error.message());
}

}  // namespace convoy::http
