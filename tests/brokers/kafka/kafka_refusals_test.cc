// Refusals of a real Kafka server, and the errors that report them.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <catch2/catch.hpp>

#include "tests/brokers/kafka/kafka_bench.h"

namespace convoy::testing {
namespace {

KafkaBench& Bench() { return KafkaBench::Shared(); }

void Call(std::string_view call, std::string_view arguments) {
  const auto answer = Bench().server().Call(call, absl::StrCat("\"arguments\":", arguments));
  if (!answer.ok()) FAIL(answer.status());
}

// With room for a machine that is busy; it takes about two.
constexpr absl::Duration kSaidWithin = absl::Seconds(15);

// The first error of opening and polling.
absl::Status ErrorOf(const Source& source) {
  const auto opened = Bench().broker().Open(source, "1", Bench().environment());
  if (!opened.ok()) return opened.status();
  for (int i = 0; i < 300; ++i) {
    const auto polled = (*opened)->Poll({}, absl::Milliseconds(100));
    if (!polled.ok()) return polled.status();
  }
  return absl::OkStatus();
}

TEST_CASE("kafka: wrong credentials are told by each mechanism, without them") {
  for (const auto mechanism : {SaslMechanism::kPlain, SaslMechanism::kScramSha512}) {
    Source source = Bench().NewQueue().value();
    KafkaOf(source).mechanism = mechanism;
    KafkaOf(source).password = "wrong-s3cret";
    const absl::Status error = ErrorOf(source);
    INFO(error.message());
    CHECK(error.code() == absl::StatusCode::kUnauthenticated);
    CHECK(error.message().find("s3cret") == std::string_view::npos);
  }
}

TEST_CASE("kafka: security settings of another port are told within seconds, by their names") {
  const struct {
    std::string_view listener;
    SaslMechanism mechanism;
    bool has_tls;
    absl::StatusCode code;
    std::string_view look_at;
  } cases[] = {
      // Most of the time the server only hangs up.
      {"sasl", SaslMechanism::kNone, false, absl::StatusCode::kUnavailable,
       "look at auth: this port may want TLS (auth.tls) or a user and password (auth.type)"},
      {"tls", SaslMechanism::kNone, false, absl::StatusCode::kUnavailable, "look at auth: "},
      {"tls", SaslMechanism::kPlain, false, absl::StatusCode::kUnavailable,
       "look at auth.tls: this port may want TLS"},
      {"sasl", SaslMechanism::kNone, true, absl::StatusCode::kUnavailable,
       "look at auth.tls: this port may be one without TLS"},
      {"sasl", SaslMechanism::kPlain, true, absl::StatusCode::kUnavailable,
       "look at auth.tls: this port may be one without TLS"},
      {"tls", SaslMechanism::kNone, true, absl::StatusCode::kUnavailable,
       "look at auth.type: this port may want a user and password"},
      {"plain", SaslMechanism::kScramSha256, false, absl::StatusCode::kUnauthenticated,
       "look at auth.type: this port may be one without a login"},
  };
  const TestAuthority trusted;
  for (const auto& [listener, mechanism, has_tls, code, look_at] : cases) {
    Source source = Bench().NewQueue().value();
    KafkaConfig& config = KafkaOf(source);
    config.brokers = {Bench().AddressOf(listener)};
    config.mechanism = mechanism;
    config.has_tls = has_tls;
    if (mechanism == SaslMechanism::kNone) config.username = config.password = "";
    const absl::Time began = absl::Now();
    const absl::Status error = ErrorOf(source);
    INFO(listener << ": " << error.message());
    CHECK(error.code() == code);
    CHECK(error.message().find(look_at) != std::string_view::npos);
    CHECK(absl::Now() - began < kSaidWithin);
  }
}

TEST_CASE("kafka: who may read neither topic nor group, or only the topic, is told so") {
  Source source = Bench().NewQueue().value();
  KafkaConfig& config = KafkaOf(source);
  config.mechanism = SaslMechanism::kPlain;
  config.username = "guest";
  config.password = "guest-s3cret";
  Call("new_user", R"(["guest","guest-s3cret"])");
  absl::Status error = ErrorOf(source);
  INFO(error.message());
  CHECK(error.code() == absl::StatusCode::kPermissionDenied);
  CHECK(error.message().find("Topic authorization") != std::string_view::npos);

  // The server applies what it was told a moment later.
  Call("allow", absl::StrCat(R"(["guest","topic",")", config.topic, "\"]"));
  for (int i = 0; i < 100; ++i) {
    error = ErrorOf(source);
    if (error.message().find("Topic authorization") == std::string_view::npos) break;
  }
  INFO(error.message());
  CHECK(error.code() == absl::StatusCode::kPermissionDenied);
  CHECK(error.message().find("Group authorization") != std::string_view::npos);

  Call("allow", absl::StrCat(R"(["guest","group",")", config.consumer_group_id, "\"]"));
  const BenchMessage messages[] = {{.body = "m"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  absl::StatusOr<std::unique_ptr<BrokerConsumer>> consumer = error;
  for (int i = 0; i < 100 && !consumer.ok(); ++i) {
    consumer = Bench().broker().Open(source, "1", Bench().environment());
  }
  if (!consumer.ok()) FAIL(consumer.status());
  CHECK(MustPoll(**consumer, 1).front().body == "m");
}

TEST_CASE("kafka: a topic that is deleted while it is read is told") {
  const Source source = Bench().NewQueue().value();
  const BenchMessage messages[] = {{.body = "m"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  const auto consumer = MustOpen(source);
  MustPoll(*consumer, 1);
  Call("delete_topic", absl::StrCat("[\"", std::get<KafkaConfig>(source.broker).topic, "\"]"));
  absl::Status error;
  for (int i = 0; i < 900 && error.ok(); ++i) {
    error = consumer->Poll({}, absl::Milliseconds(100)).status();
  }
  INFO(error.message());
  CHECK(error.code() == absl::StatusCode::kNotFound);
}

TEST_CASE("kafka: the same place in a topic that was made anew is another redelivery id") {
  const Source source = Bench().NewQueue().value();
  const std::string topic = absl::StrCat("[\"", std::get<KafkaConfig>(source.broker).topic, "\"]");
  const BenchMessage messages[] = {{.body = "m"}};
  std::string redelivery_ids[2];
  for (std::string& redelivery_id : redelivery_ids) {
    REQUIRE(Bench().Publish(source, messages).ok());
    auto consumer = MustOpen(source);
    const auto got = MustPoll(*consumer, 1);
    redelivery_id = got.front().redelivery_id;
    CHECK(consumer->Acknowledge(got).ok());
    consumer.reset();
    Call("delete_topic", topic);
    Call("make_topic", topic);
  }
  const auto place_of = [](std::string_view redelivery_id) {
    return redelivery_id.substr(0, redelivery_id.find('@'));
  };
  // The id of the topic differs, whatever the messages' timestamps are.
  CHECK(place_of(redelivery_ids[0]) != place_of(redelivery_ids[1]));
}

TEST_CASE("kafka: a topic that is made anew while it is read is read from its beginning") {
  const Source source = Bench().NewQueue().value();
  const std::string topic = absl::StrCat("[\"", std::get<KafkaConfig>(source.broker).topic, "\"]");
  const auto publish = [&](int begin, int end) {
    std::vector<BenchMessage> messages;
    for (int i = begin; i < end; ++i) messages.push_back({.body = absl::StrCat(i)});
    REQUIRE(Bench().Publish(source, messages).ok());
  };
  // Adds to `bodies` until there are `count`; redelivery ids tell repetitions.
  std::set<std::string> known;
  const auto read = [&](BrokerConsumer& consumer, size_t count, std::set<std::string>& bodies) {
    for (int i = 0; i < 300 && bodies.size() < count; ++i) {
      const auto some = consumer.Poll({}, absl::Milliseconds(200));
      if (!some.ok()) return some.status();
      for (const BrokerMessage& message : *some) {
        if (known.contains(message.former_redelivery_id)) continue;
        if (known.insert(message.redelivery_id).second) CHECK(bodies.insert(message.body).second);
      }
      REQUIRE(consumer.Acknowledge(*some).ok());
    }
    CHECK(bodies.size() == count);
    return absl::OkStatus();
  };
  auto consumer = MustOpen(source);
  publish(0, 20);
  std::set<std::string> old_bodies;
  REQUIRE(read(*consumer, 20, old_bodies).ok());
  Call("delete_topic", topic);
  Call("make_topic", topic);
  publish(100, 130);
  // The consumer may be told that the topic is gone: then it is opened anew, as the gateway does.
  std::set<std::string> new_bodies;
  if (!read(*consumer, 30, new_bodies).ok()) {
    consumer = MustOpen(source);
    REQUIRE(read(*consumer, 30, new_bodies).ok());
  }
}

// Clients of this listener are sent on to an address that the server was told to give them.
TEST_CASE("kafka: a server that sends its clients to an address that is not allowed is refused") {
  Source source = Bench().NewQueue().value();
  KafkaOf(source).brokers = {Bench().AddressOf("proxied")};
  Call("advertise", R"(["10.255.255.1",9092])");
  const absl::Status error = ErrorOf(source);
  INFO(error.message());
  CHECK(error.code() == absl::StatusCode::kPermissionDenied);
  CHECK(error.message().find("10.255.255.1:9092") != std::string_view::npos);
}

TEST_CASE("kafka: a server that advertises an address without a listener is unavailable") {
  Source source = Bench().NewQueue().value();
  KafkaOf(source).brokers = {Bench().AddressOf("proxied")};
  Call("advertise", R"(["127.0.0.1",1])");
  const absl::Status error = ErrorOf(source);
  INFO(error.message());
  CHECK(error.code() == absl::StatusCode::kUnavailable);
  CHECK(error.message().find("127.0.0.1:1") != std::string_view::npos);
}

}  // namespace
}  // namespace convoy::testing
