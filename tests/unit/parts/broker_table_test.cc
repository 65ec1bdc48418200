// Brokers through the tables of C and back: nothing of a message, an error or a setting is lost on
// the way.
#include <cstddef>

#include <catch2/catch.hpp>

#include "capi/parts/c_broker.h"
#include "capi/plugin/exported_broker.h"
#include "convoy/broker_settings.h"
#include "tests/support/sim_bench.h"

namespace convoy::capi {
namespace {

using testing::SimBroker;

using Defects = std::shared_ptr<std::vector<std::string>>;

// The simulated broker, on the other side of two tables.
class TableBench : public testing::SimBench {
 public:
  TableBench()
      : TableBench(std::make_shared<SimBroker>(), std::make_shared<Defects::element_type>()) {
    sim().set_extension_interval(absl::Milliseconds(300));
  }

  const std::vector<std::string>& defects() const { return *defects_; }

 private:
  TableBench(const std::shared_ptr<SimBroker>& sim, Defects defects)
      : SimBench(sim, std::make_shared<CBroker>(
                          std::make_shared<BrokerPart>(ExportBroker(sim)), nullptr,
                          [defects](std::string_view defect) { defects->emplace_back(defect); })),
        defects_(std::move(defects)) {}

  const Defects defects_;
};

TEST_CASE("broker_table: an adapter behind tables does what every adapter must do") {
  TableBench bench;
  const testing::ConformanceReport report = testing::CheckBroker(bench);
  for (const auto& failure : report.failures) {
    FAIL_CHECK(failure.requirement << ": " << failure.detail);
  }
  CHECK(report.skipped.empty());
  CHECK(bench.defects().empty());
}

TEST_CASE("broker_table: every member of a message arrives") {
  TableBench bench;
  const Source source = bench.NewQueue().value();
  bench.sim().Publish(source.id, {.body = std::string("a\0b", 3),
                                  .attributes = {{"x", "1"}, {"y", ""}},
                                  .id = "id",
                                  .key = "key",
                                  .redelivery_id = "position",
                                  .former_redelivery_id = "former",
                                  .may_be_redelivery = false,
                                  .is_cut = true});
  auto consumer = bench.broker().Open(source, "1", bench.environment()).value();
  const BrokerMessage message = consumer->Poll({}, absl::Seconds(5)).value().at(0);
  CHECK(message.body == std::string("a\0b", 3));
  CHECK(message.attributes == Headers{{"x", "1"}, {"y", ""}});
  CHECK(message.id == "id");
  CHECK(message.key == "key");
  CHECK(message.redelivery_id == "position");
  CHECK(message.former_redelivery_id == "former");
  CHECK_FALSE(message.may_be_redelivery);
  CHECK(message.is_cut);
  REQUIRE(consumer->PublishDeadLetter(message, "a reason").ok());
  REQUIRE(bench.sim().dead_letters().size() == 1);
  CHECK(bench.sim().dead_letters()[0].body == std::string("a\0b", 3));
  CHECK(bench.sim().dead_letters()[0].reason == "a reason");
}

TEST_CASE("broker_table: each kind of error arrives with its message") {
  TableBench bench;
  const Source source = bench.NewQueue().value();
  for (const auto code : {absl::StatusCode::kUnavailable, absl::StatusCode::kUnauthenticated,
                          absl::StatusCode::kPermissionDenied, absl::StatusCode::kNotFound,
                          absl::StatusCode::kInvalidArgument, absl::StatusCode::kInternal}) {
    bench.sim().FailNext(SimBroker::Call::kOpen, absl::Status(code, "why: größer"));
    const auto opened = bench.broker().Open(source, "1", bench.environment());
    CHECK(opened.status() == absl::Status(code, "why: größer"));
  }
}

TEST_CASE("broker_table: an adapter that gives no consumer is told apart") {
  convoy_broker broker = {.struct_size = sizeof broker, .type = "amqp"};
  broker.open = [](void*, const convoy_broker_source*, const convoy_broker_host*,
                   const convoy_consumer** out, convoy_failure*) -> convoy_status {
    static const convoy_consumer empty = {.struct_size = sizeof(convoy_consumer)};
    *out = &empty;
    return CONVOY_OK;
  };
  std::vector<std::string> defects;
  CBroker table(std::make_shared<BrokerPart>(broker), nullptr,
                [&defects](std::string_view defect) { defects.emplace_back(defect); });
  const BrokerEnvironment environment;
  CHECK(absl::IsInternal(table.Open({.id = "s"}, "1", environment).status()));
  CHECK(defects == std::vector<std::string>{"consumer.close: must not be NULL"});
}

TEST_CASE("broker_table: a consumer that is refused is closed") {
  struct LargerConsumer {
    convoy_consumer known;
    void* unknown;
  };
  static int closed_count = 0;
  closed_count = 0;
  convoy_broker broker = {.struct_size = sizeof broker, .type = "amqp"};
  broker.open = [](void* self, const convoy_broker_source*, const convoy_broker_host*,
                   const convoy_consumer** out, convoy_failure*) -> convoy_status {
    *out = static_cast<const convoy_consumer*>(self);
    return CONVOY_OK;
  };
  const auto open = [&](void* consumer) {
    broker.self = consumer;
    CBroker table(std::make_shared<BrokerPart>(broker), nullptr, [](std::string_view) {});
    CHECK(absl::IsInternal(table.Open({.id = "s"}, "1", BrokerEnvironment()).status()));
  };
  LargerConsumer consumer = {
      .known = {.struct_size = sizeof(convoy_consumer), .close = [](void*) { ++closed_count; }},
      .unknown = &broker};
  open(&consumer);  // without the other functions
  CHECK(closed_count == 1);
  consumer.known.struct_size = sizeof consumer;  // with one that is not known
  open(&consumer);
  CHECK(closed_count == 2);
  consumer.known.struct_size = offsetof(convoy_consumer, close);  // without close
  open(&consumer);
  consumer.known.struct_size = 1 << 20;  // none at all
  open(&consumer);
  CHECK(closed_count == 2);
}

TEST_CASE("broker_settings: what was encoded is decoded") {
  const BrokerConfig configs[] = {
      SqsConfig{.queue_name = "q", .region = "r", .access_key_id = "a", .secret_key = "s\"\\"},
      GooglePubSubConfig{.project_id = "p", .subscription_id = "s", .service_account = "{}"},
      KafkaConfig{.brokers = {"a:1", "b:2"},
                  .topic = "t",
                  .consumer_group_id = "g",
                  .mechanism = SaslMechanism::kScramSha512,
                  .username = "u",
                  .password = "größer",
                  .has_tls = true},
      AmqpConfig{.schema = "amqps", .host = "h", .port = 1, .vhost = "/v", .queue = "q"}};
  for (const BrokerConfig& config : configs) {
    const std::string text = EncodeBrokerSettings(config);
    INFO(text);
    CHECK(text.starts_with("{\"type\":\""));
    CHECK(DecodeBrokerSettings(text).value() == config);
  }
  CHECK(EncodeBrokerSettings({}) == "{}");
}

TEST_CASE("broker_settings: what is not the text of settings is refused") {
  for (const char* const text : {"", "{", "[]", "{\"type\":\"pigeon\"}", "{\"type\":1}",
                                 "{\"type\":\"amqp\",\"port\":70000}", "{}}"}) {
    INFO(text);
    CHECK_FALSE(DecodeBrokerSettings(text).ok());
  }
}

}  // namespace
}  // namespace convoy::capi
