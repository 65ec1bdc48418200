#include "lib/intake/broker_intake.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "convoy/config_read.h"
#include "lib/base/text.h"
#include "tests/unit/intake/broker_world.h"

namespace convoy::intake {
namespace {

constexpr std::string_view kGood =
    R"({"endpoint_id": "E1", "event_type": "invoice.paid", "data": {"a": 0.10000000000000000001}})";

TEST_CASE("broker_intake: a message for one endpoint becomes its event") {
  World world;
  world.Subscribe("B1", "E1");
  const Submission submission = world.Accept(
      MakeMessage(R"({"endpoint_id": "E1", "event_type": "a.b", "data": {"z":1.50, "a":null},
                      "custom_headers": {"X-Shop": "7"}, "idempotency_key": "k"})",
                  {}, "q/1"));
  const Event& event = submission.event;
  CHECK(event.project_id == "P");
  CHECK(event.source_id == "S");
  CHECK(event.event_type == "a.b");
  CHECK(event.body == R"({"z":1.50, "a":null})");
  CHECK(event.content_type == "application/json");
  CHECK(event.headers == Headers{{"X-Shop", "7"}});
  CHECK(event.idempotency_key == "k");
  CHECK(event.endpoint_ids == std::vector<std::string>{"E1"});
  REQUIRE(submission.deliveries.size() == 1);
  CHECK(submission.deliveries[0].subscription_id == "B1");
  REQUIRE(submission.dedupe.has_value());
  REQUIRE(submission.redelivery.has_value());
  CHECK(submission.redelivery->scope == "P");
  CHECK(submission.redelivery->expires_at == world.clock.Now() + absl::Hours(14 * 24));
  CHECK(submission.redelivery->key != submission.dedupe->key);
}

TEST_CASE("broker_intake: fan-outs go to the owner's endpoints, broadcasts to subscribers") {
  World world;
  world.Subscribe("B1", "E1", {"a.b"});
  world.Subscribe("B2", "E2", {"other"});
  const std::string_view fanout = R"({"owner_id": "ann", "event_type": "a.b", "data": 1})";
  const Submission owned = world.Accept(MakeMessage(fanout, {{"X-Convoy-Message-Type", "fanout"}}));
  CHECK(owned.event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
  CHECK(owned.deliveries.size() == 1);
  const std::string_view broadcast = R"({"event_type": "a.b", "data": [true]})";
  const Submission all =
      world.Accept(MakeMessage(broadcast, {{"x-convoy-message-type", "broadcast"}}));
  CHECK(all.event.source_id == "S");
  CHECK(all.event.endpoint_ids == std::vector<std::string>{"E1"});
  CHECK(all.deliveries.size() == 1);
}

TEST_CASE("broker_intake: redelivery ids make messages known, each source for itself") {
  World world;
  const auto key = [&](std::string redelivery_id) {
    return world.Accept(MakeMessage(kGood, {}, std::move(redelivery_id))).redelivery;
  };
  CHECK_FALSE(key("").has_value());
  const auto first = key("1");
  CHECK(first->key == key("1")->key);
  CHECK(first->key != key("2")->key);
  world.source.id = "S2";
  CHECK(first->key != key("1")->key);
}

TEST_CASE("broker_intake: attributes go along as far as they can be headers") {
  World world;
  world.source.forward_headers = {"cookie"};
  BrokerMessage message = MakeMessage(
      R"({"endpoint_id": "E1", "event_type": "a", "data": 1, "custom_headers": {"X-Both": "mine"}})",
      {{"X-Convoy-Message-Type", "single"},
       {"TraceParent", "00-1"},
       {"x-both", "attribute"},
       {"not a name", "x"},
       {"x-binary", std::string("\0\1", 2)},
       {"Content-Type", "application/x-thing"},
       {"Content-Length", "99"},
       {"Authorization", "secret"},
       {"Cookie", "wanted"},
       {"X-Broker-Message-Id", "forged"}});
  message.id = "m-1";
  const Event event = world.Accept(message).event;
  CHECK(event.content_type == "application/json");
  CHECK(event.headers == Headers{{"X-Both", "mine"},
                                 {"traceparent", "00-1"},
                                 {"cookie", "wanted"},
                                 {"x-broker-message-id", "m-1"}});
  message.id = "line\nbreak";
  CHECK_FALSE(base::FindHeader(world.Accept(message).event.headers, "x-broker-message-id"));
}

TEST_CASE("broker_intake: the first subscription of an endpoint is made once in a batch") {
  World world;
  const PreparedMessages prepared =
      world.Prepare({MakeMessage(kGood), MakeMessage(kGood), MakeMessage("bad"),
                     MakeMessage(R"({"endpoint_id": "E2", "event_type": "a", "data": 1})")});
  const WriteBatch& batch = prepared.batch;
  REQUIRE(batch.config.size() == 1);
  CHECK(batch.config[0].scope == "P");
  CHECK(batch.config[0].expected_revision == 7);
  REQUIRE(batch.config[0].puts.size() == 2);
  const auto first = DecodeConfig<Subscription>(batch.config[0].puts[0]).value();
  const auto second = DecodeConfig<Subscription>(batch.config[0].puts[1]).value();
  CHECK(first.endpoint_id == "E1");
  CHECK(second.endpoint_id == "E2");
  REQUIRE(batch.submissions.size() == 3);
  CHECK(batch.submissions[0].deliveries[0].subscription_id == first.id);
  CHECK(batch.submissions[1].deliveries[0].subscription_id == first.id);
  CHECK(batch.submissions[2].deliveries[0].subscription_id == second.id);
  REQUIRE(prepared.dispositions.size() == 4);
  CHECK(prepared.dispositions[1].submission == 1);
  CHECK(prepared.dispositions[2].refusal.reason == "malformed_json");
  CHECK(prepared.dispositions[3].submission == 2);
}

TEST_CASE("broker_intake: what is no envelope is refused with its reason") {
  World world;
  CHECK(world.Refuse("") == "malformed_json: body must not be empty");
  CHECK(world.Refuse("{\"a\":") ==
        "malformed_json: body contains badly-formed JSON (at character 6)");
  CHECK(absl::StartsWith(world.Refuse(std::string("\x00\xff\x01", 3)), "malformed_json: "));
  CHECK(world.Refuse("[1]") == "not_an_object: the body must be a JSON object");
  CHECK(absl::StartsWith(world.Refuse("{\"event_type\": \"\xff\"}"), "invalid_text: "));
  CHECK(absl::StartsWith(world.Refuse(absl::StrCat("{\"data\":", std::string(10'000, '['),
                                                   std::string(10'000, ']'), "}")),
                         "too_deep: "));
  CHECK(world.Refuse(R"({"endpoint": "E1"})") ==
        "unknown_field: body: has the unknown field \"endpoint\"");
  CHECK(world.Refuse(R"({"data": 1, "data": 2})") ==
        "repeated_field: body: has the field \"data\" twice");
  CHECK(world.Refuse(R"({"event_type": 5})") == "wrong_type: event_type: must be a string");
  CHECK(world.Refuse(R"({"endpoint_id": ["E1"]})") == "wrong_type: endpoint_id: must be a string");
  CHECK(world.Refuse(R"({"custom_headers": ["a"]})") ==
        "wrong_type: custom_headers: must be an object of strings");
  CHECK(world.Refuse(R"({"custom_headers": {"a": 1}})") ==
        "wrong_type: custom_headers: must be an object of strings");
  CHECK(world.Refuse(R"({"custom_headers": {"a": "1", "a": "2"}})") ==
        "repeated_field: custom_headers: has the field \"a\" twice");
  CHECK(absl::StartsWith(world.Refuse(R"({"custom_headers": {"a\nb": "1"}})"),
                         "invalid_header: custom_headers: "));
  CHECK(absl::StartsWith(world.Refuse(R"({"custom_headers": {"Content-Length": "1"}})"),
                         "invalid_header: custom_headers: "));
  CHECK(world.Refuse(R"({"event_type": "a\u0000"})") ==
        "invalid_text: event_type: must not have control characters");
  CHECK(absl::StartsWith(
      world.Refuse(absl::StrCat(R"({"event_type": ")", std::string(600, 'x'), "\"}")),
      "too_large: event_type: "));
}

TEST_CASE("broker_intake: a field that its kind of message needs is missed by name") {
  World world;
  CHECK(world.Refuse("{}") == "missing_field: endpoint_id: is missing");
  CHECK(world.Refuse(R"({"endpoint_id": null})") == "missing_field: endpoint_id: is missing");
  CHECK(world.Refuse(R"({"endpoint_id": "E1"})") == "missing_field: event_type: is missing");
  CHECK(world.Refuse(R"({"endpoint_id": "E1", "event_type": "a"})") ==
        "missing_field: data: is missing");
  CHECK(world.Refuse(MakeMessage(kGood, {{"x-convoy-message-type", "fanout"}})) ==
        "missing_field: owner_id: is missing");
  CHECK(world.Refuse(MakeMessage(kGood, {{"x-convoy-message-type", "Single"}})) ==
        "bad_message_type: x-convoy-message-type: must be single, fanout or broadcast, not "
        "\"Single\"");
  CHECK(world.Refuse(MakeMessage(kGood, {{"x-convoy-message-type", "single"},
                                         {"X-Convoy-Message-Type", "broadcast"}})) ==
        "bad_message_type: x-convoy-message-type: is given twice");
  CHECK(world.Refuse(R"({"endpoint_id": "E9", "event_type": "a", "data": 1})") ==
        "unknown_endpoint: endpoint_id: the project has no such endpoint");
  world.config.project.config.request_id_header = "X-Request";
  CHECK(absl::StartsWith(world.Refuse(kGood), "missing_field: idempotency_key "));
}

TEST_CASE("broker_intake: what is too large is refused") {
  World world;
  world.config.project.config.body_bytes_max = 50'000;
  const std::string large = absl::StrCat(R"({"endpoint_id": "E1", "event_type": "a", "data": ")",
                                         std::string(60'000, 'x'), "\"}");
  CHECK(absl::StartsWith(world.Refuse(large), "too_large: "));  // for the project
  world.config.project.config.body_bytes_max = 100'000;
  CHECK(world.Accept(MakeMessage(large)).deliveries.size() == 1);
  world.options.body_bytes_max = 1000;
  CHECK(world.Refuse(large) == "too_large: body is larger than 1000 bytes");
  BrokerMessage message = MakeMessage(kGood);
  message.is_cut = true;
  CHECK(world.Refuse(message) == "cut_off: body: only its beginning was read");
  message.is_cut = false;
  for (int i = 0; i < 201; ++i) message.attributes.push_back({absl::StrCat("a", i), "1"});
  CHECK(absl::StartsWith(world.Refuse(message), "too_large: attributes: "));
  message.attributes = {{"a", std::string(70'000, 'x')}};
  CHECK(absl::StartsWith(world.Refuse(message), "too_large: attributes: "));
}

TEST_CASE("broker_intake: a dead letter keeps everything, and is known when it comes again") {
  World world;
  world.options.dead_letters_max = 5;
  BrokerMessage message =
      MakeMessage("\x00\xff", {{"B", std::string("\0", 1)}, {"a", "2"}}, "orders/3/17");
  message.id = "key";
  const PreparedMessages prepared = world.Prepare({message});
  REQUIRE(prepared.batch.holds.size() == 1);
  const HeldInputWrite& hold = prepared.batch.holds[0];
  CHECK(hold.items_max == 5);
  CHECK(hold.input.kind == HeldKind::kDeadLetter);
  CHECK(hold.input.project_id == "P");
  CHECK(hold.input.source_id == "S");
  CHECK(hold.input.redelivery_id == "orders/3/17");
  CHECK(hold.input.received_at == world.clock.Now());
  CHECK(hold.input.headers ==
        Headers{{"B", std::string("\0", 1)}, {"a", "2"}, {"x-broker-message-id", "key"}});
  CHECK(hold.redelivery->key ==
        world.Accept(MakeMessage(kGood, {}, "orders/3/17")).redelivery->key);
}

TEST_CASE("broker_intake: a dead letter becomes its event once what was wrong is right") {
  World world;
  world.Subscribe("B1", "E1");
  BrokerMessage message =
      MakeMessage(R"({"endpoint_id": "E3", "event_type": "a", "data": 1})", {{"X-A", "1"}}, "7");
  message.id = "m";
  const HeldInput held = world.Prepare({message}).batch.holds[0].input;
  CHECK(
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held).status() ==
      absl::InvalidArgumentError(
          "unknown_endpoint: endpoint_id: the project has no such endpoint"));

  world.config.endpoints.push_back({.id = "E3", .project_id = "P"});
  const auto batch =
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held);
  REQUIRE(batch.ok());
  REQUIRE(batch->submissions.size() == 1);
  const Submission& submission = batch->submissions[0];
  CHECK(submission.event.headers == Headers{{"x-a", "1"}, {"x-broker-message-id", "m"}});
  CHECK(submission.event.source_id == "S");
  CHECK_FALSE(submission.redelivery.has_value());
  REQUIRE(batch->releases.size() == 1);
  CHECK(batch->releases[0].project_id == "P");
  CHECK(batch->releases[0].held_id == held.id);
}

TEST_CASE("broker_intake: a raw body, whatever it is, is the event's and goes to who subscribed") {
  RawWorld world;
  const std::string bodies[] = {"{ \"a\" : 1e400,\n\"a\":0.10 }", "plain text",
                                std::string("\0\xff\x01\r\n", 5), "",
                                R"({"endpoint_id":"E2","event_type":"other","data":1})"};
  for (const std::string& body : bodies) {
    INFO(body);
    BrokerMessage message = MakeMessage(body, {{"Tenant", "acme"}}, "q/1");
    message.id = "m-1";
    const Submission submission = world.Accept(message);
    const Event& event = submission.event;
    CHECK(event.body == body);
    CHECK(event.event_type == "shop.changed");
    CHECK(event.source_id == "S");
    CHECK(event.headers == Headers{{"tenant", "acme"}, {"x-broker-message-id", "m-1"}});
    CHECK(event.endpoint_ids == std::vector<std::string>{"E1"});
    CHECK(event.status == EventStatus::kSuccess);
    REQUIRE(submission.deliveries.size() == 1);
    CHECK(submission.deliveries[0].subscription_id == "B1");
    CHECK(submission.redelivery.has_value());
    CHECK_FALSE(submission.dedupe.has_value());
  }
}

TEST_CASE("broker_intake: attributes say whom a raw message is for") {
  RawWorld world;
  const auto accept = [&](Headers attributes) {
    return world.Accept(MakeMessage("x", std::move(attributes)));
  };
  CHECK(accept({{"x-convoy-message-type", "broadcast"}}).event.endpoint_ids ==
        std::vector<std::string>{"E1"});
  const Submission single =
      accept({{"X-Convoy-Message-Type", "single"}, {"X-Convoy-Endpoint-Id", "E2"}});
  CHECK(single.event.endpoint_ids == std::vector<std::string>{"E2"});
  CHECK(single.deliveries.empty());  // it has subscribed to something else
  CHECK(single.event.headers.empty());
  const Submission fanout =
      accept({{"x-convoy-message-type", "fanout"}, {"x-convoy-owner-id", "ann"}});
  CHECK(fanout.event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
  CHECK(fanout.deliveries.size() == 1);
  CHECK(fanout.event.headers.empty());

  const auto refuse = [&](Headers attributes) {
    return world.Refuse(MakeMessage("x", std::move(attributes)));
  };
  CHECK(refuse({{"x-convoy-message-type", "single"}}) ==
        "missing_field: x-convoy-endpoint-id: is missing");
  CHECK(refuse({{"x-convoy-message-type", "single"}, {"x-convoy-endpoint-id", ""}}) ==
        "missing_field: x-convoy-endpoint-id: is missing");
  CHECK(refuse({{"x-convoy-message-type", "fanout"}}) ==
        "missing_field: x-convoy-owner-id: is missing");
  CHECK(refuse({{"x-convoy-endpoint-id", "E1"}}) ==
        "bad_message_type: x-convoy-message-type: must be single where there is "
        "x-convoy-endpoint-id");
  CHECK(refuse({{"x-convoy-message-type", "single"},
                {"x-convoy-endpoint-id", "E1"},
                {"x-convoy-owner-id", "ann"}}) ==
        "bad_message_type: x-convoy-message-type: must be fanout where there is x-convoy-owner-id");
  CHECK(absl::StartsWith(refuse({{"x-convoy-message-type", "raw"}}), "bad_message_type: "));
  CHECK(refuse({{"x-convoy-message-type", "single"},
                {"x-convoy-endpoint-id", "E1"},
                {"X-Convoy-Endpoint-Id", "E2"}}) ==
        "repeated_field: x-convoy-endpoint-id: is given twice");
  CHECK(refuse({{"x-convoy-message-type", "single"}, {"x-convoy-endpoint-id", "E9"}}) ==
        "unknown_endpoint: endpoint_id: the project has no such endpoint");
  CHECK(refuse({{"x-convoy-owner-id", std::string(600, 'x')}}) ==
        "too_large: x-convoy-owner-id: must not be longer than 512 bytes");
  CHECK(refuse({{"x-convoy-owner-id", "\xff"}}) ==
        "invalid_text: x-convoy-owner-id: must be UTF-8");
  CHECK(refuse({{"x-convoy-owner-id", "a\nb"}}) ==
        "invalid_text: x-convoy-owner-id: must not have control characters");
}

TEST_CASE("broker_intake: an attribute is the idempotency key of a raw message") {
  RawWorld world;
  const Submission submission = world.Accept(MakeMessage("x", {{"X-Convoy-Idempotency-Key", "k"}}));
  CHECK(submission.event.idempotency_key == "k");
  CHECK(submission.event.headers.empty());
  REQUIRE(submission.dedupe.has_value());
  CHECK(submission.dedupe->key ==
        world.Accept(MakeMessage("y", {{"x-convoy-idempotency-key", "k"}})).dedupe->key);
  CHECK(absl::StartsWith(
      world.Refuse(MakeMessage("x", {{"x-convoy-idempotency-key", std::string(1025, 'k')}})),
      "too_large: x-convoy-idempotency-key: "));
  world.config.project.config.request_id_header = "X-Request";
  CHECK(absl::StartsWith(world.Refuse("x"), "missing_field: idempotency_key "));
  // To an envelope's source these are attributes like others.
  world.source.message_format = MessageFormat::kEnvelope;
  CHECK(absl::StartsWith(world.Refuse(MakeMessage(kGood, {{"x-convoy-idempotency-key", "k"}})),
                         "missing_field: idempotency_key "));
}

TEST_CASE("broker_intake: a raw message's content type is its own, or what its body looks like") {
  RawWorld world;
  CHECK(world.ContentType(" [1] ") == "application/json");
  CHECK(world.ContentType("[1") == "application/octet-stream");
  CHECK(world.ContentType("") == "application/octet-stream");
  CHECK(world.ContentType("[1]", {{"Content-Type", "text/csv; charset=utf-8"}}) ==
        "text/csv; charset=utf-8");
  CHECK(world.ContentType("[1]", {{"x-amqp-content-type", "application/cbor"}}) ==
        "application/cbor");
  CHECK(world.ContentType("x", {{"x-amqp-content-type", "a/b"}, {"content-type", "c/d"}}) == "c/d");
  for (const char* type : {"", "json", "/", "a/", "a/b/c", "a b/c", "text/x\r\nX: y", "a/b;\xff"}) {
    INFO(type);
    CHECK(world.ContentType("x", {{"content-type", type}}) == "application/octet-stream");
  }
  CHECK(world.ForwardedOf({{"content-type", "c/d"}, {"x-amqp-content-type", "a/b"}}) ==
        Headers{{"x-amqp-content-type", "a/b"}});
}

TEST_CASE("broker_intake: filters look at raw bodies as at those of requests") {
  RawWorld world;
  world.config.subscriptions[0].filter.body = R"({"total": {"$gt": 5}})";
  const auto count = [&](std::string_view body, Headers attributes = {}) {
    return world.Accept(MakeMessage(body, std::move(attributes))).deliveries.size();
  };
  CHECK(count(R"({"total": 6})") == 1);
  CHECK(count(R"({"total": 4})") == 0);
  CHECK(count("total: 6") == 0);
  CHECK(count("") == 0);
  CHECK(count(std::string("\0", 1)) == 0);
  world.config.subscriptions[0].filter.body = R"({"total": "6"})";
  CHECK(count("total=6") == 0);
  CHECK(count("total=6", {{"content-type", "application/x-www-form-urlencoded"}}) == 1);
}

TEST_CASE("broker_intake: a dead letter is re-driven in the source's present format") {
  RawWorld world;
  world.config.project.config.body_bytes_max = 50'000;
  const auto redrive = [&](const HeldInput& held) {
    return world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held);
  };
  const HeldInput large =
      world.Prepare({MakeMessage(std::string(60'000, 'x'), {}, "q/1")}).batch.holds[0].input;
  CHECK(large.reason == "too_large");
  CHECK_FALSE(redrive(large).ok());
  world.config.project.config.body_bytes_max = 100'000;
  CHECK(redrive(large)->submissions[0].event.body == large.body);
  world.source.message_format = MessageFormat::kEnvelope;
  CHECK(absl::StartsWith(redrive(large).status().message(), "malformed_json: "));

  const HeldInputWrite hold = world.Prepare({MakeMessage("no envelope", {}, "q/2")}).batch.holds[0];
  world.source.message_format = MessageFormat::kRaw;
  const auto batch = redrive(hold.input);
  REQUIRE(batch.ok());
  CHECK(batch->submissions[0].event.body == "no envelope");
  CHECK(batch->submissions[0].event.event_type == "shop.changed");
  CHECK(batch->releases[0].held_id == hold.input.id);
  // It is known when it comes again, in whichever format.
  CHECK(world.Accept(MakeMessage("no envelope", {}, "q/2")).redelivery->key ==
        hold.redelivery->key);
}

TEST_CASE("broker_intake: what was cut off never becomes an event") {
  RawWorld world;
  BrokerMessage message = MakeMessage("the beginning");
  message.is_cut = true;
  CHECK(world.Refuse(message) == "cut_off: body: only its beginning was read");
  const HeldInput held = world.Prepare({message}).batch.holds[0].input;
  CHECK(
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held).status() ==
      absl::InvalidArgumentError("cut_off: body: only its beginning was read"));
}

TEST_CASE("broker_intake: an event of a broker is replayed to its own endpoints") {
  World world;
  world.Subscribe("B1", "E1");
  world.Subscribe("B2", "E2");
  const Event event = world.Accept(MakeMessage(kGood)).event;
  const auto replayed = world.intake.PrepareReplay(*world.Snapshot(), event);
  REQUIRE(replayed.ok());
  REQUIRE(replayed->extra_deliveries.size() == 1);
  CHECK(replayed->extra_deliveries[0].endpoint_id == "E1");
}

}  // namespace
}  // namespace convoy::intake
