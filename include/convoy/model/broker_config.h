// The place in a message broker that a source reads from, and the format of the messages there.
// Passwords and keys are secrets: never shown, never logged.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace convoy {

// The wrapping that another service adds to the messages of a queue.
enum class MessageWrapper : uint8_t {
  kNone,
  kSns,          // a notification of Amazon SNS without raw message delivery
  kEventBridge,  // an event of Amazon EventBridge
};

struct SqsConfig {
  std::string queue_name;  // or the queue's URL
  std::string region;
  std::string access_key_id;
  std::string secret_key;
  std::string session_token;                       // of temporary credentials; otherwise empty
  std::string endpoint;                            // empty: Amazon's own for the region
  MessageWrapper wrapper = MessageWrapper::kNone;  // taken off before a message is read

  friend bool operator==(const SqsConfig&, const SqsConfig&) = default;
};

struct GooglePubSubConfig {
  std::string project_id;
  std::string subscription_id;
  std::string service_account;  // the JSON of its key file; may be empty for an emulator
  std::string endpoint;         // empty: https://pubsub.googleapis.com

  friend bool operator==(const GooglePubSubConfig&, const GooglePubSubConfig&) = default;
};

enum class SaslMechanism : uint8_t { kNone, kPlain, kScramSha256, kScramSha512 };

struct KafkaConfig {
  std::vector<std::string> brokers;  // "host:port"
  std::string topic;
  std::string consumer_group_id;
  SaslMechanism mechanism = SaslMechanism::kNone;
  std::string username;
  std::string password;
  bool has_tls = false;

  friend bool operator==(const KafkaConfig&, const KafkaConfig&) = default;
};

struct AmqpConfig {
  std::string schema = "amqp";  // or "amqps"
  std::string host;
  uint16_t port = 5672;
  std::string vhost = "/";
  std::string username;
  std::string password;
  std::string queue;
  std::string exchange;  // bound to the queue with `routing_key`; empty: nothing is bound
  std::string routing_key;
  std::string dead_letter_exchange;  // unusable messages are published there too; may be empty

  friend bool operator==(const AmqpConfig&, const AmqpConfig&) = default;
};

// A table that the host's own transactions insert events into (outbox.h).
struct OutboxConfig {
  std::string name;  // one of those that the host has named

  friend bool operator==(const OutboxConfig&, const OutboxConfig&) = default;
};

// monostate: the source has no broker.
using BrokerConfig = std::variant<std::monostate, SqsConfig, GooglePubSubConfig, KafkaConfig,
                                  AmqpConfig, OutboxConfig>;

// Format of a broker's messages.
enum class MessageFormat : uint8_t {
  kEnvelope,  // a JSON object with the event, its type and its recipients
  kRaw,       // any bytes: the message's body becomes the event's
};

// Locations in raw messages of the values that an envelope has fields for: "message.header.NAME",
// "message.body.a.b", "message.key", "message.id" (docs/brokers.md). Empty: no such value.
struct MessageLocations {
  std::string event_type;
  std::string idempotency_key;
  std::string endpoint_id;  // at most one of these two
  std::string owner_id;

  friend bool operator==(const MessageLocations&, const MessageLocations&) = default;
};

}  // namespace convoy
