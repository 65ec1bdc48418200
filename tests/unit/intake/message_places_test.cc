// Messages of producers that know nothing of the gateway: wrappers of other services, and locations
// of what an envelope would say.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "lib/intake/locations.h"
#include "tests/unit/intake/broker_world.h"

namespace convoy::intake {
namespace {

TEST_CASE("message_places: the event type is where the source says") {
  RawWorld world;
  const auto type_at = [&](std::string location, BrokerMessage message) {
    world.source.message_locations.event_type = std::move(location);
    return world.Accept(message).event.event_type;
  };
  CHECK(type_at("message.header.ce_type", MakeMessage("x", {{"CE_Type", "a.b"}})) == "a.b");
  CHECK(type_at("message.header.ce.type", MakeMessage("x", {{"ce.type", "a"}})) == "a");
  CHECK(type_at("message.body.meta.0.type", MakeMessage(R"({"meta":[{"type":"é"}]})")) == "é");
  CHECK(type_at("message.body.kind", MakeMessage(R"({"kind":7})")) == "7");
  CHECK(type_at("message.body.kind",
                MakeMessage("a=1&kind=k",
                            {{"content-type", "application/x-www-form-urlencoded"}})) == "k");
  BrokerMessage message = MakeMessage("x");
  message.key = "order.created";
  message.id = "m-1";
  CHECK(type_at("message.key", message) == "order.created");
  CHECK(type_at("message.id", message) == "m-1");
}

TEST_CASE("message_places: without a type there, the source's own is taken, or there is no event") {
  RawWorld world;
  world.source.message_locations.event_type = "message.body.type";
  for (const char* body : {"{}", R"({"type":null})", R"({"type":""})", R"({"type":{}})", "x", ""}) {
    INFO(body);
    CHECK(world.Accept(MakeMessage(body)).event.event_type == "shop.changed");
  }
  world.source.raw_event_type.clear();
  CHECK(world.Refuse("{}") == "missing_field: event_type: is missing at message.body.type");
  CHECK(absl::StartsWith(world.Refuse("plain text"),
                         "missing_field: event_type: is missing at message.body.type: "));
  CHECK(absl::StartsWith(world.Refuse(R"({"type":"a\nb"})"), "invalid_text: event_type: "));
  CHECK(absl::StartsWith(world.Refuse(absl::StrCat(R"({"type":")", std::string(600, 'x'), "\"}")),
                         "too_large: event_type: "));
  world.source.message_locations.event_type = "message.header.type";
  CHECK(world.Refuse(MakeMessage("x", {{"type", "a"}, {"Type", "b"}})) ==
        "repeated_field: type: is given twice");
}

TEST_CASE("message_places: an idempotency key that is looked for has to be there") {
  RawWorld world;
  world.source.message_locations.idempotency_key = "message.body.id";
  const Submission submission = world.Accept(MakeMessage(R"({"id": 41})"));
  CHECK(submission.event.idempotency_key == "41");
  REQUIRE(submission.dedupe.has_value());
  CHECK(submission.event.body == R"({"id": 41})");
  CHECK(world.Refuse(MakeMessage("{}", {{"x-convoy-idempotency-key", "k"}})) ==
        "missing_field: idempotency_key: is missing at message.body.id");
}

TEST_CASE("message_places: what names one recipient goes to no other") {
  RawWorld world;
  world.source.message_locations.owner_id = "message.header.tenant";
  const Submission fanout = world.Accept(MakeMessage("x", {{"tenant", "ann"}}));
  CHECK(fanout.event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
  CHECK(fanout.event.headers == Headers{{"tenant", "ann"}});  // it is the sender's, not ours
  CHECK(world.Refuse("x") == "missing_field: owner_id: is missing at message.header.tenant");
  CHECK(
      world.Refuse(MakeMessage("x", {{"tenant", "ann"}, {"x-convoy-message-type", "broadcast"}})) ==
      "bad_message_type: x-convoy-message-type: must be fanout where there is owner_id");

  world.source.message_locations = {.endpoint_id = "message.body.endpoint"};
  CHECK(world.Accept(MakeMessage(R"({"endpoint":"E2"})")).event.endpoint_ids ==
        std::vector<std::string>{"E2"});
  CHECK(world.Refuse(R"({"endpoint":"E9"})") ==
        "unknown_endpoint: endpoint_id: the project has no such endpoint");
  CHECK(world.Refuse("{}") == "missing_field: endpoint_id: is missing at message.body.endpoint");
}

TEST_CASE(
    "message_places: a dead letter keeps id and key, which are looked at when it is released") {
  RawWorld world;
  world.source.message_locations.endpoint_id = "message.key";
  BrokerMessage message = MakeMessage("x", {{"a", "b"}}, "q/1");
  message.id = "m-1";
  message.key = "E3";
  const HeldInput held = world.Prepare({message}).batch.holds[0].input;
  CHECK(held.headers ==
        Headers{{"a", "b"}, {"x-broker-message-key", "E3"}, {"x-broker-message-id", "m-1"}});
  world.config.endpoints.push_back({.id = "E3", .project_id = "P"});
  const auto batch =
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held);
  REQUIRE(batch.ok());
  CHECK(batch->submissions[0].event.endpoint_ids == std::vector<std::string>{"E3"});
  CHECK(batch->submissions[0].event.headers == Headers{{"a", "b"}, {"x-broker-message-id", "m-1"}});
}

TEST_CASE("message_places: a dead letter of Kafka that has its key as an id is released by it") {
  RawWorld world;
  world.source.message_locations.endpoint_id = "message.key";
  const HeldInput held = {.id = "H",
                          .project_id = "P",
                          .source_id = "S",
                          .headers = {{"x-broker-message-id", "E2"}},
                          .body = "x"};
  world.source.broker = SqsConfig{};
  CHECK_FALSE(
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held).ok());
  world.source.broker = KafkaConfig{};
  const auto batch =
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held);
  REQUIRE(batch.ok());
  CHECK(batch->submissions[0].event.endpoint_ids == std::vector<std::string>{"E2"});
}

TEST_CASE("message_places: locations are checked, with what may be named") {
  for (const char* location : {"message.header.X", "message.body.a.0.b", "message.key"}) {
    CHECK(CheckMessageLocation(location, "kafka").ok());
  }
  CHECK(CheckMessageLocation("message.id", "amqp").ok());
  CHECK(CheckMessageLocation("message.id", "kafka").message() ==
        "must be message.header.NAME, message.body.PATH or message.key");
  for (const char* location :
       {"", "message", "message.", "message.header", "message.header.", "message.body",
        "message.key.x", "message.id.x", "message.query.a", "request.header.X", "Message.key"}) {
    INFO(location);
    CHECK(CheckMessageLocation(location, "sqs").message() ==
          "must be message.header.NAME, message.body.PATH, message.key or message.id");
  }
  CHECK_FALSE(CheckMessageLocation("message.body." + std::string(600, 'x'), "sqs").ok());
  CHECK_FALSE(CheckMessageLocation("message.body.\xff", "sqs").ok());
}

struct WrappedWorld : RawWorld {
  explicit WrappedWorld(MessageWrapper wrapper) {
    source.broker = SqsConfig{.queue_name = "q", .wrapper = wrapper};
  }
};

constexpr const char* kNotification =
    R"({"Type":"Notification","MessageId":"sns-1","TopicArn":"arn:aws:sns:eu-west-1:1:t",)"
    R"("Subject":"s","Message":"{ \"total\" :1e400 }","Timestamp":"2026-05-01T10:00:00.000Z",)"
    R"("SignatureVersion":"1","Signature":"x","MessageAttributes":{)"
    R"("tenant":{"Type":"String","Value":"acme"},"x-sns-subject":{"Type":"String","Value":"lie"}}})";

TEST_CASE("message_places: a notification of SNS is read as what was published") {
  WrappedWorld world(MessageWrapper::kSns);
  const BrokerMessage message = MakeMessage(kNotification, {{"SentTimestamp", "1"}}, "q/1");
  const Event event = world.Accept(message).event;
  CHECK(event.body == R"({ "total" :1e400 })");
  CHECK(event.content_type == "application/json");
  CHECK(event.headers == Headers{{"tenant", "acme"}, {"senttimestamp", "1"}});
  world.source.message_locations = {.event_type = "message.header.x-sns-subject",
                                    .idempotency_key = "message.header.x-sns-message-id"};
  CHECK(world.Accept(message).event.event_type == "s");
  CHECK(world.Accept(message).event.idempotency_key == "sns-1");
  world.source.forward_headers = {"X-Sns-Topic-Arn"};
  CHECK(world.Accept(message).event.headers ==
        Headers{{"tenant", "acme"},
                {"senttimestamp", "1"},
                {"x-sns-topic-arn", "arn:aws:sns:eu-west-1:1:t"}});
  // Its message may be an envelope.
  world.source.message_format = MessageFormat::kEnvelope;
  CHECK(world
            .Accept(MakeMessage(R"({"Type":"Notification","Message":"{\"endpoint_id\":\"E1\",)"
                                R"(\"event_type\":\"a\",\"data\":[1.0]}"})"))
            .event.body == "[1.0]");
}

TEST_CASE("message_places: a message without the wrapper of its source is a dead letter, whole") {
  WrappedWorld world(MessageWrapper::kSns);
  CHECK(absl::StartsWith(world.Refuse("plain"), "malformed_json: "));
  CHECK(absl::StartsWith(world.Refuse("[1]"), "not_an_object: "));
  CHECK(world.Refuse(R"({"Message":"x"})") == "missing_field: Type: is missing");
  CHECK(world.Refuse(R"({"Type":"SubscriptionConfirmation","Message":"x"})") ==
        "wrong_type: Type: must be Notification");
  CHECK(world.Refuse(R"({"Type":"Notification"})") == "missing_field: Message: is missing");
  CHECK(world.Refuse(R"({"Type":"Notification","Message":{}})") ==
        "wrong_type: Message: must be a string");
  for (const char* attributes : {"[]", "{\"a\":1}", "{\"a\":{\"Type\":\"String\"}}"}) {
    CHECK(world.Refuse(absl::StrCat(R"({"Type":"Notification","Message":"x","MessageAttributes":)",
                                    attributes, "}")) ==
          "wrong_type: MessageAttributes: must be objects with a Value");
  }
  world.source.broker = SqsConfig{.queue_name = "q", .wrapper = MessageWrapper::kEventBridge};
  CHECK(world.Refuse(kNotification) == "missing_field: detail-type: is missing");
  CHECK(world.Refuse(R"({"detail-type":"t","source":"s"})") == "missing_field: detail: is missing");
  CHECK(world.Refuse(R"({"detail-type":1,"source":"s","detail":{}})") ==
        "wrong_type: detail-type: must be a string");
}

TEST_CASE("message_places: of an event of EventBridge the detail is the data, as it is spelt") {
  WrappedWorld world(MessageWrapper::kEventBridge);
  world.source.message_locations = {.event_type = "message.header.x-eventbridge-detail-type",
                                    .idempotency_key = "message.header.x-eventbridge-id",
                                    .owner_id = "message.body.tenant"};
  const Event event =
      world
          .Accept(MakeMessage(
              R"({"version":"0","id":"e-1","detail-type":"Order Placed","source":"shop",)"
              R"("account":"1","time":"2026-05-01T10:00:00Z","region":"eu-west-1","resources":[],)"
              R"("detail":{ "tenant":"ann", "total":1.50 }})",
              {{"x-eventbridge-id", "lie"}}))
          .event;
  CHECK(event.event_type == "Order Placed");
  CHECK(event.idempotency_key == "e-1");
  CHECK(event.body == R"({ "tenant":"ann", "total":1.50 })");
  CHECK(event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
  CHECK(event.headers.empty());
}

}  // namespace
}  // namespace convoy::intake
