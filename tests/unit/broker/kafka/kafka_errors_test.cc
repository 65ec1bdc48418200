// Failures of brokers and connections, and the errors that report them.
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/unit/broker/kafka/mock_kafka.h"

namespace convoy::kafka {
namespace {

bool Mentions(const absl::Status& status, std::string_view text) {
  return status.message().find(text) != std::string_view::npos;
}

absl::Status OpenStatus(const std::string& topic, const BrokerEnvironment& env) {
  return NewKafkaBroker()->Open(SharedKafka().MakeSource(topic, topic), "1", env).status();
}

TEST_CASE("kafka: a topic that does not exist is told when the source is opened") {
  SharedKafka().MakeTopic("missing", 1);
  rd_kafka_mock_topic_set_error(SharedKafka().cluster(), "missing",
                                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  CHECK(OpenStatus("missing", AllowLocal()).code() == absl::StatusCode::kNotFound);
}

TEST_CASE("kafka: a topic that the credentials may not read is told when the source is opened") {
  SharedKafka().MakeTopic("private", 1);
  rd_kafka_mock_topic_set_error(SharedKafka().cluster(), "private",
                                RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  CHECK(OpenStatus("private", AllowLocal()).code() == absl::StatusCode::kPermissionDenied);
}

TEST_CASE("kafka: no connection is made to an address that is not allowed") {
  SharedKafka().MakeTopic("guarded", 1);
  BrokerEnvironment nothing_allowed = AllowLocal();
  nothing_allowed.allowed_networks.clear();
  const absl::Status status = OpenStatus("guarded", nothing_allowed);
  CHECK(status.code() == absl::StatusCode::kPermissionDenied);
  CHECK(Mentions(status, SharedKafka().address()));
}

TEST_CASE("kafka: a broker that is away is told, with the reason, and nothing that is secret") {
  Source source;
  source.id = "source";
  source.broker = KafkaConfig{.brokers = {"127.0.0.1:1"},  // no listener
                              .topic = "orders",
                              .consumer_group_id = "group",
                              .mechanism = SaslMechanism::kPlain,
                              .username = "alice",
                              .password = "s3cret"};
  RecordingObserver observer;
  const auto opened = NewKafkaBroker()->Open(source, "1", AllowLocal(&observer));
  CHECK(opened.status().code() == absl::StatusCode::kUnavailable);
  CHECK(Mentions(opened.status(), "Connection refused"));
  CHECK_FALSE(Mentions(opened.status(), "s3cret"));
  CHECK(observer.lines().find("kafka client source_id=source consumer_id=1") == 0);
  CHECK(observer.lines().find("s3cret") == std::string::npos);
}

TEST_CASE("kafka: a broker that goes away while it is read is told") {
  MockKafka kafka;
  kafka.MakeTopic("orders", 1);
  kafka.ProduceMany("orders", 0, "m", 1);
  auto consumer = MustOpen(kafka.MakeSource("orders", "group"));
  const auto messages = PollMany(*consumer, 1);
  rd_kafka_mock_broker_set_down(kafka.cluster(), 1);
  const absl::Status status = PollUntilError(*consumer);
  CHECK(status.code() == absl::StatusCode::kUnavailable);
  CHECK(Mentions(status, kafka.address()));
  CHECK(consumer->Acknowledge(messages).ok());  // cannot be committed: will come again
  consumer.reset();
  rd_kafka_mock_broker_set_up(kafka.cluster(), 1);
  CHECK(kafka.Committed("orders", 0, "group") == -1);
}

TEST_CASE("kafka: trouble with one broker does not keep a busy topic from being committed") {
  MockKafka kafka(2);
  kafka.MakeTopic("orders", 2);
  for (const int partition : {0, 1}) {
    rd_kafka_mock_partition_set_leader(kafka.cluster(), "orders", partition, partition + 1);
  }
  rd_kafka_mock_coordinator_set(kafka.cluster(), "group", "group", 1);
  auto consumer = MustOpen(kafka.MakeSource("orders", "group"));
  kafka.ProduceMany("orders", 0, "m", 1);
  kafka.ProduceMany("orders", 1, "m", 1);
  CHECK(consumer->Acknowledge(PollMany(*consumer, 2)).ok());

  rd_kafka_mock_broker_set_down(kafka.cluster(), 2);
  for (int i = 0; i < 20; ++i) {
    // Receives the error, and asks no broker.
    consumer->Extend({}).IgnoreError();
    absl::SleepFor(absl::Milliseconds(20));
  }
  rd_kafka_mock_broker_set_up(kafka.cluster(), 2);

  int64_t produced_count = 1;  // in the partition of the other one
  const auto is_committed = [&] { return kafka.Committed("orders", 0, "group") == produced_count; };
  do {
    kafka.ProduceMany("orders", 0, "n", 1);
    ++produced_count;
    const auto messages = consumer->Poll({}, absl::Seconds(10));
    REQUIRE(messages.ok());
    CHECK(consumer->Acknowledge(*messages).ok());
    absl::SleepFor(absl::Milliseconds(20));
  } while (!is_committed() && produced_count < 100);
  CHECK(is_committed());
}

TEST_CASE("kafka: settings that cannot work are refused before anything is connected to") {
  Source source;
  CHECK(NewKafkaBroker()->Open(source, "1", AllowLocal()).status().code() ==
        absl::StatusCode::kInvalidArgument);
  source.broker = KafkaConfig{.brokers = {"x:1"}, .topic = "^all", .consumer_group_id = "g"};
  CHECK(NewKafkaBroker()->Open(source, "1", AllowLocal()).status().code() ==
        absl::StatusCode::kInvalidArgument);
  source.broker = KafkaConfig{.brokers = {"x:1"}, .topic = "all", .consumer_group_id = "g"};
  CHECK(NewKafkaBroker()->Open(source, "1", {.allowed_networks = {"everything"}}).status().code() ==
        absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace convoy::kafka
