// Maps a source's settings to librdkafka's configuration.
//
// Values are checked here and not left to librdkafka: it parses lists, protocols and patterns out
// of texts that are meant to be names, and its error texts repeat the value, which may be a secret.
//
// The consumer commits offsets, when their messages are durable. librdkafka does not: its shutdown
// waits for commits that it has promised while the brokers are away.
#include "lib/broker/kafka/client_config.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/status_macros.h"

namespace convoy::kafka {
namespace {

constexpr size_t kTopicBytesMax = 249;  // Kafka's own limit

using Setting = std::pair<const char*, const char*>;

constexpr Setting kConstantSettings[] = {
    // Start of reading, and committed offsets.
    {"auto.offset.reset", "earliest"},
    {"enable.auto.offset.store", "false"},
    {"enable.auto.commit", "false"},
    {"isolation.level", "read_committed"},
    {"check.crcs", "true"},
    // The group. A member that died is replaced after the session's time; the others hear of a
    // change with their next heartbeat.
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"session.timeout.ms", "10000"},
    {"heartbeat.interval.ms", "1000"},
    {"max.poll.interval.ms", "300000"},
    {"topic.metadata.refresh.interval.ms", "60000"},
    {"topic.metadata.propagation.max.ms", "5000"},  // how long a topic that is gone may come back
    {"allow.auto.create.topics", "false"},
    // Limits of memory.
    {"queued.max.messages.kbytes", "32768"},
    {"fetch.max.bytes", "16777216"},
    // Detection of failures, and recovery.
    {"socket.timeout.ms", "10000"},
    {"socket.connection.setup.timeout.ms", "10000"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.max.ms", "2000"},
    {"log.connection.close", "false"},
    {"ssl.endpoint.identification.algorithm", "https"},
    // No telemetry to the brokers: closing a client would wait for it.
    {"enable.metrics.push", "false"},
};

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

// "host:port", "192.0.2.1:9092", "[2001:db8::1]:9092".
bool IsBrokerAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return false;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  return std::all_of(host.begin(), host.end(), IsHostCharacter) &&
         (is_bracketed || host.find(':') == host.npos) && !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), absl::ascii_isdigit);
}

bool IsTopicName(std::string_view text) {
  return !text.empty() && text.size() <= kTopicBytesMax && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

// Refuses NUL characters: librdkafka takes C strings.
bool IsText(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
}

absl::Status Check(const KafkaConfig& config) {
  const auto invalid = [](std::string_view field, std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("pub_sub.kafka.", field, ": ", why));
  };
  if (config.brokers.empty()) return invalid("brokers", "at least one is needed");
  for (const std::string& broker : config.brokers) {
    if (!IsBrokerAddress(broker)) return invalid("brokers", "write each like host:9092");
  }
  if (!IsTopicName(config.topic)) {
    return invalid("topic_name", "letters, digits, '.', '_' and '-' only, at most 249 of them");
  }
  if (config.consumer_group_id.empty() || !IsText(config.consumer_group_id)) {
    return invalid("consumer_group_id", "empty, or holds control characters");
  }
  if (config.mechanism != SaslMechanism::kNone) {
    if (config.username.empty() || !IsText(config.username)) {
      return invalid("auth.username", "empty, or holds control characters");
    }
    if (config.password.empty() || !IsText(config.password)) {
      return invalid("auth.password", "empty, or holds control characters");
    }
  }
  return absl::OkStatus();
}

const char* MechanismName(SaslMechanism mechanism) {
  switch (mechanism) {
    case SaslMechanism::kPlain:
      return "PLAIN";
    case SaslMechanism::kScramSha256:
      return "SCRAM-SHA-256";
    case SaslMechanism::kScramSha512:
      return "SCRAM-SHA-512";
    case SaslMechanism::kNone:
      break;
  }
  return "";
}

// Shown by Kafka's tools as the beginning of a member's name.
std::string ClientId(std::string_view consumer_id) {
  std::string id = absl::StrCat("convoy-", consumer_id);
  std::replace_if(
      id.begin(), id.end(), [](char c) { return !IsHostCharacter(c); }, '_');
  return id;
}

}  // namespace

absl::StatusOr<ConfigHandle> MakeClientConfig(const KafkaConfig& config,
                                              std::string_view consumer_id) {
  CONVOY_RETURN_IF_ERROR(Check(config));
  ConfigHandle handle(rd_kafka_conf_new());
  absl::Status status;
  const auto set = [&](const char* name, const std::string& value) {
    char error[8];  // not looked at, may hold the value
    if (rd_kafka_conf_set(handle.get(), name, value.c_str(), error, sizeof error) !=
        RD_KAFKA_CONF_OK) {
      status.Update(absl::InternalError(absl::StrCat("librdkafka does not take ", name)));
    }
  };
  for (const auto& [name, value] : kConstantSettings) set(name, value);
  set("bootstrap.servers", absl::StrJoin(config.brokers, ","));
  set("group.id", config.consumer_group_id);
  set("client.id", ClientId(consumer_id));
  const bool has_sasl = config.mechanism != SaslMechanism::kNone;
  set("security.protocol", has_sasl ? (config.has_tls ? "sasl_ssl" : "sasl_plaintext")
                                    : (config.has_tls ? "ssl" : "plaintext"));
  if (has_sasl) {
    set("sasl.mechanism", MechanismName(config.mechanism));
    set("sasl.username", config.username);
    set("sasl.password", config.password);
  }
  if (!status.ok()) return status;
  return handle;
}

}  // namespace convoy::kafka
