// The adapter against a real RabbitMQ: the conformance suite, and what is RabbitMQ's own.
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/base/text.h"
#include "tests/brokers/amqp/amqp_bench.h"
#include "tests/brokers/live_cases.h"

namespace convoy::testing {
namespace {

AmqpBench& Bench() { return AmqpBench::Shared(); }

Source NewQueue() {
  auto source = Bench().NewQueue();
  REQUIRE(source.ok());
  return *std::move(source);
}

absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source) {
  return OpenAt(Bench(), source);
}

absl::Status ErrorOf(const Source& source) {
  absl::Status status = Open(source).status();
  CHECK(status.message().find('\n') == std::string_view::npos);
  return status;
}

// A call of the fixture that must succeed.
json::Document Call(std::string_view call, std::string_view members = "") {
  auto answer = Bench().server().Call(call, members);
  if (!answer.ok()) FAIL(answer.status());
  return *std::move(answer);
}

std::string QueueMember(const Source& source) {
  return absl::StrCat("\"queue\":", Bench().NumberOf(source));
}

// Messages as the fixture takes them.
void Produce(const Source& source, std::string_view messages) {
  Call("produce", absl::StrCat(QueueMember(source), ",\"messages\":", messages));
}

TEST_CASE("amqp: the adapter does what every adapter must do") { CheckConformance(Bench(), 18); }

TEST_CASE("amqp: thousands of messages come once each") { CheckThousands(Bench()); }

TEST_CASE("amqp: a message's id is its redelivery id, the same whenever it comes") {
  const Source source = NewQueue();
  const BenchMessage messages[] = {{.body = "a", .id = "m-1"}, {.body = "b"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  for (int i = 0; i < 2; ++i) {
    const auto consumer = Open(source);
    REQUIRE(consumer.ok());
    const auto got = PollUntil(**consumer, 2);
    REQUIRE(got.size() == 2);
    CHECK(got[0].id == "m-1");
    CHECK(got[0].former_redelivery_id == "id/m-1");
    CHECK(got[0].redelivery_id.ends_with("/m-1"));
    CHECK(got[0].may_be_redelivery == (i > 0));
    CHECK(got[1].id.empty());
    CHECK(got[1].redelivery_id.empty());
  }
}

TEST_CASE("amqp: attributes have the text of what pika sends") {
  const Source source = NewQueue();
  Produce(source,
          R"([{"body": "e30=", "properties": {"correlation_id": "c-1", "type": "order.paid"},
    "attributes": {"text": "gr\u00fcn", "yes": true, "number": -7, "large": 12345678901,
                   "list": [1], "table": {"a": 1}, "nothing": null}}])");
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 1);
  REQUIRE(got.size() == 1);
  const Headers wanted = {{"text", "grün"},
                          {"yes", "true"},
                          {"number", "-7"},
                          {"large", "12345678901"},
                          {"x-amqp-content-type", "application/json"},
                          {"x-amqp-correlation-id", "c-1"},
                          {"x-amqp-type", "order.paid"}};
  CHECK(got[0].attributes == wanted);
}

TEST_CASE("amqp: over TLS, with the certificate checked") {
  setenv("SSL_CERT_FILE", CONVOY_TEST_DIR "/unit/transport/certificates/authority.crt", 1);
  Source source = NewQueue();
  const json::Document answer = Call("attribute", R"("arguments":["tls_port"])");
  json::ObjectReader port(answer);
  uint32_t tls_port = 0;
  REQUIRE(port.Read("answer", &tls_port));
  AmqpOf(source).schema = "amqps";
  AmqpOf(source).port = static_cast<uint16_t>(tls_port);
  std::vector<BenchMessage> messages;
  for (int i = 0; i < 500; ++i) messages.push_back({.body = std::string(10'000, 'x')});
  REQUIRE(Bench().Publish(source, messages).ok());
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  size_t count = 0;
  while (count < 500) {
    const auto some = PollUntil(**consumer, 1);
    REQUIRE_FALSE(some.empty());
    REQUIRE((*consumer)->Acknowledge(some).ok());
    count += some.size();
  }
  setenv("SSL_CERT_FILE", CONVOY_TEST_DIR "/unit/transport/certificates/selfsigned.crt", 1);
  CHECK(absl::StrContains(ErrorOf(source).message(), "its certificate is not good"));
  unsetenv("SSL_CERT_FILE");
}

TEST_CASE("amqp: what is missing or forbidden is told by its kind") {
  const Source right = NewQueue();
  const auto changed = [&right](auto change) {
    Source source = right;
    change(AmqpOf(source));
    return ErrorOf(source);
  };
  CHECK(absl::IsNotFound(changed([](AmqpConfig& c) { c.vhost = "missing"; })));
  CHECK(absl::IsNotFound(changed([](AmqpConfig& c) { c.exchange = "missing"; })));
  CHECK(absl::IsNotFound(changed([](AmqpConfig& c) { c.dead_letter_exchange = "missing"; })));
  CHECK(absl::IsUnauthenticated(changed([](AmqpConfig& c) { c.username = "nobody"; })));
  // Without a user it is guest, who is not there by that password.
  CHECK(absl::IsUnauthenticated(changed([](AmqpConfig& c) { c.username.clear(); })));

  Call("new_user", R"("arguments":["blind","pa55word"])");
  const auto as_blind = [](AmqpConfig& c) {
    c.username = "blind";
    c.password = "pa55word";
    c.exchange.clear();
    c.dead_letter_exchange.clear();
  };
  const absl::Status refused = changed(as_blind);
  CHECK(absl::IsPermissionDenied(refused));
  CHECK_FALSE(absl::StrContains(refused.message(), "pa55word"));

  Call("hold", R"("arguments":["occupied"])");
  CHECK(absl::IsPermissionDenied(changed([](AmqpConfig& c) { c.queue = "occupied"; })));
}

TEST_CASE("amqp: a consumer whose queue is deleted ends, and there is nothing to come back to") {
  const Source source = NewQueue();
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  Call("delete", QueueMember(source));
  const absl::Status status = (*consumer)->Poll(PollLimits(), absl::Seconds(60)).status();
  CHECK(absl::IsUnavailable(status));
  CHECK(absl::StrContains(status.message(), "ended the consumer"));
  CHECK(absl::IsNotFound(ErrorOf(source)));
}

// The port of a proxy in front of the server, for what breaks networks.
uint16_t NewProxy(const Source& source) {
  const json::Document document = Call("proxy", QueueMember(source));
  json::ObjectReader reader(document["answer"]);
  uint32_t port = 0;
  REQUIRE(reader.Read("port", &port));
  return static_cast<uint16_t>(port);
}

TEST_CASE(
    "amqp: a network that is cut or swallows everything ends the consumer, which may return") {
  for (const char* trouble : {"cut", "stall"}) {
    Source source = NewQueue();
    AmqpOf(source).port = NewProxy(source);
    const BenchMessage messages[] = {{.body = "a", .id = "1"}, {.body = "b", .id = "2"}};
    REQUIRE(Bench().Publish(source, messages).ok());
    auto consumer = Open(source);
    REQUIRE(consumer.ok());
    const auto got = PollUntil(**consumer, 2);
    REQUIRE(got.size() == 2);
    Call(trouble);
    CHECK(absl::IsUnavailable((*consumer)->Poll(PollLimits(), absl::Hours(1)).status()));
    CHECK_FALSE((*consumer)->Acknowledge(got).ok());
    consumer->reset();
    CHECK(absl::IsUnavailable(ErrorOf(source)));
    Call("heal");
    // Until the broker has noticed, the messages are the old connection's.
    auto again = Open(source);
    REQUIRE(again.ok());
    CHECK(PollUntil(**again, 2).size() == 2);
  }
}

TEST_CASE("amqp: a dead letter is the message as it was, with its reason, made to last") {
  const Source source = NewQueue();
  Produce(source, R"([{"body": "/wA=", "id": "m-1",
    "attributes": {"text": "a", "number": 7, "CC": ["elsewhere"], "BCC": ["elsewhere"]},
    "properties": {"expiration": "600000", "user_id": "convoy", "correlation_id": "c-1",
                   "content_type": "text/plain", "delivery_mode": 1}}])");
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 1);
  REQUIRE(got.size() == 1);
  REQUIRE((*consumer)->PublishDeadLetter(got[0], "event_type is required").ok());
  REQUIRE((*consumer)->PublishDeadLetter(got[0], std::string(5000, 'x')).ok());
  REQUIRE((*consumer)->Acknowledge(got).ok());
  CHECK_FALSE((*consumer)->PublishDeadLetter(got[0], "too late").ok());

  const json::Document letters = Call("dead_letters", QueueMember(source));
  const json::Value& answer = letters["answer"];
  REQUIRE(answer.Size() == 2);
  CHECK(json::ToText(answer[0]["body"]) == R"({"base64":"/wA="})");
  CHECK(json::ToText(answer[0]["key"]) == R"("test")");
  CHECK(json::ToText(answer[0]["attributes"]) ==
        R"({"text":"a","number":7,"x-convoy-reason":"event_type is required"})");
  const json::Value& properties = answer[0]["properties"];
  CHECK(json::ToText(properties["message_id"]) == R"("m-1")");
  CHECK(json::ToText(properties["correlation_id"]) == R"("c-1")");
  CHECK(json::ToText(properties["content_type"]) == R"("text/plain")");
  CHECK(properties["delivery_mode"].GetInt() == 2);
  CHECK(properties["expiration"].IsNull());
  CHECK(properties["user_id"].IsNull());
  CHECK(answer[1]["attributes"]["x-convoy-reason"].GetStringLength() == 1024);
}

TEST_CASE("amqp: a dead letter that no queue takes is an error, and the consumer goes on") {
  Source source = NewQueue();
  const Source other = NewQueue();
  // A direct exchange, with nothing bound to it under the message's key.
  AmqpOf(source).dead_letter_exchange = "amq.direct";
  const BenchMessage messages[] = {{.body = "a"}, {.body = "b"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 2);
  REQUIRE(got.size() == 2);
  CHECK(absl::IsNotFound((*consumer)->PublishDeadLetter(got[0], "unusable")));
  CHECK((*consumer)->Acknowledge(got).ok());
  REQUIRE(Bench().Publish(source, messages).ok());
  CHECK(PollUntil(**consumer, 2).size() == 2);
}

TEST_CASE("amqp: dead letters that cannot be published hold nothing up") {
  const Source source = NewQueue();
  const BenchMessage messages[] = {{.body = "a"}, {.body = "b"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 2);
  REQUIRE(got.size() == 2);
  Call("delete_dead_letter_exchange", QueueMember(source));
  for (const BrokerMessage& message : got) {
    CHECK(absl::IsNotFound((*consumer)->PublishDeadLetter(message, "unusable")));
  }
  CHECK((*consumer)->Acknowledge(got).ok());
  REQUIRE(Bench().Publish(source, messages).ok());
  CHECK(PollUntil(**consumer, 2).size() == 2);
}

TEST_CASE("amqp: a body that is too large is cut, and goes whole where the queue's policy says") {
  const Source source = NewQueue();
  Call("set_dead_letter_policy", QueueMember(source));
  const std::string large(17 * 1024 * 1024, 'x');
  const BenchMessage messages[] = {{.body = large}, {.body = "small"}};
  REQUIRE(Bench().Publish(source, messages).ok());
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 2);
  REQUIRE(got.size() == 2);
  CHECK(got[0].is_cut);
  CHECK(got[0].body.size() == 16 * 1024 * 1024);
  CHECK_FALSE(got[1].is_cut);
  CHECK(got[1].body == "small");
  REQUIRE((*consumer)->Acknowledge(got).ok());
  // Answered after what was sent before.
  REQUIRE((*consumer)->Poll(PollLimits(), absl::Milliseconds(500)).ok());
  const json::Document sizes = Call("dead_letter_sizes", QueueMember(source));
  CHECK(json::ToText(sizes["answer"]) == absl::StrCat("[", large.size(), "]"));
  CHECK(*Bench().Left(source) == 0);
}

TEST_CASE(
    "amqp: a message that grew out of its frame on its way through the broker comes through") {
  Source source = NewQueue();
  Call("set_dead_letter_policy", QueueMember(source));
  Produce(source, absl::StrCat(R"([{"body": "e30=", "attributes": {"large": ")",
                               std::string(131'000, 'x'), R"("}}])"));
  Call("reject_all", QueueMember(source));
  AmqpOf(source).queue += ".dead";
  AmqpOf(source).exchange.clear();
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 1);
  REQUIRE(got.size() == 1);
  CHECK(base::FindHeader(got[0].attributes, "large").value().size() == 131'000);
  // Its headers and the reason do not fit into the frame of a dead letter: they are left out.
  REQUIRE((*consumer)->PublishDeadLetter(got[0], "unusable").ok());
  CHECK((*consumer)->Acknowledge(got).ok());
}

TEST_CASE("amqp: headers as large and as deep as a frame holds come through") {
  const Source source = NewQueue();
  Call("produce_deep", QueueMember(source));
  const auto consumer = Open(source);
  REQUIRE(consumer.ok());
  const auto got = PollUntil(**consumer, 3);
  REQUIRE(got.size() == 3);
  CHECK(got[0].body == "deep");
  CHECK(got[1].body == "large");
  CHECK(base::FindHeader(got[1].attributes, "large").value().size() > 130'000);
  CHECK(got[2].body == "after");
}

}  // namespace
}  // namespace convoy::testing
