#include "lib/broker/kafka/client_config.h"

#include <array>

#include <catch2/catch.hpp>

namespace convoy::kafka {
namespace {

KafkaConfig Good() {
  return {.brokers = {"kafka-1.example.com:9092", "[2001:db8::1]:9093"},
          .topic = "orders.v1",
          .consumer_group_id = "gateway"};
}

std::string ValueOf(const ConfigHandle& config, const char* name) {
  std::array<char, 512> value = {};
  size_t size = value.size();
  REQUIRE(rd_kafka_conf_get(config.get(), name, value.data(), &size) == RD_KAFKA_CONF_OK);
  return value.data();
}

TEST_CASE("kafka settings: brokers, group and reading from the beginning") {
  const auto config = MakeClientConfig(Good(), "worker 1");
  REQUIRE(config.ok());
  CHECK(ValueOf(*config, "bootstrap.servers") == "kafka-1.example.com:9092,[2001:db8::1]:9093");
  CHECK(ValueOf(*config, "group.id") == "gateway");
  CHECK(ValueOf(*config, "client.id") == "convoy-worker_1");
  CHECK(ValueOf(*config, "enable.auto.offset.store") == "false");
  CHECK(ValueOf(*config, "security.protocol") == "plaintext");
}

TEST_CASE("kafka settings: the protocol follows from TLS and the mechanism") {
  struct Case {
    SaslMechanism mechanism;
    bool has_tls;
    const char* protocol;
    const char* name;
  };
  const Case cases[] = {
      {SaslMechanism::kNone, true, "ssl", nullptr},
      {SaslMechanism::kPlain, true, "sasl_ssl", "PLAIN"},
      {SaslMechanism::kScramSha256, false, "sasl_plaintext", "SCRAM-SHA-256"},
      {SaslMechanism::kScramSha512, true, "sasl_ssl", "SCRAM-SHA-512"},
  };
  for (const Case& one : cases) {
    KafkaConfig settings = Good();
    settings.mechanism = one.mechanism;
    settings.has_tls = one.has_tls;
    settings.username = "alice";
    settings.password = "s3cret";
    const auto config = MakeClientConfig(settings, "1");
    REQUIRE(config.ok());
    CHECK(ValueOf(*config, "security.protocol") == one.protocol);
    if (one.name != nullptr) {
      CHECK(ValueOf(*config, "sasl.mechanism") == one.name);
      CHECK(ValueOf(*config, "sasl.username") == "alice");
      CHECK(ValueOf(*config, "sasl.password") == "s3cret");
    }
  }
}

TEST_CASE("kafka settings: what can never work is refused with its field") {
  struct Case {
    const char* field;
    void (*change)(KafkaConfig&);
  };
  const Case cases[] = {
      {"brokers", [](KafkaConfig& c) { c.brokers.clear(); }},
      {"brokers", [](KafkaConfig& c) { c.brokers = {"kafka"}; }},
      {"brokers", [](KafkaConfig& c) { c.brokers = {":9092"}; }},
      {"brokers", [](KafkaConfig& c) { c.brokers = {"kafka:"}; }},
      {"brokers", [](KafkaConfig& c) { c.brokers = {"kafka:port"}; }},
      {"brokers", [](KafkaConfig& c) { c.brokers = {"a:1,b:2"}; }},
      {"brokers",
       [](KafkaConfig& c) {
         c.brokers = {"a:1", "SASL_SSL://b:2"};
       }},
      {"brokers", [](KafkaConfig& c) { c.brokers = {"2001:db8::1:9092"}; }},
      {"topic_name", [](KafkaConfig& c) { c.topic = ""; }},
      {"topic_name", [](KafkaConfig& c) { c.topic = "^orders.*"; }},
      {"topic_name", [](KafkaConfig& c) { c.topic = "a/b"; }},
      {"topic_name", [](KafkaConfig& c) { c.topic = ".."; }},
      {"topic_name", [](KafkaConfig& c) { c.topic = std::string(250, 'a'); }},
      {"consumer_group_id", [](KafkaConfig& c) { c.consumer_group_id = ""; }},
      {"consumer_group_id", [](KafkaConfig& c) { c.consumer_group_id = std::string("a\0b", 3); }},
      {"auth.username",
       [](KafkaConfig& c) {
         c.mechanism = SaslMechanism::kPlain;
         c.password = "x";
       }},
      {"auth.password",
       [](KafkaConfig& c) {
         c.mechanism = SaslMechanism::kScramSha256;
         c.username = "alice";
         c.password = "s3cret\n";
       }},
  };
  for (const Case& one : cases) {
    KafkaConfig settings = Good();
    one.change(settings);
    const absl::Status status = MakeClientConfig(settings, "1").status();
    INFO(one.field << ": " << status.message());
    CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CHECK(status.message().find(std::string("pub_sub.kafka.") + one.field + ":") == 0);
    CHECK(status.message().find("s3cret") == std::string::npos);
  }
}

}  // namespace
}  // namespace convoy::kafka
