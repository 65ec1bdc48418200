// Rows of outboxes as events, and the reasons of those that are none.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "catch2/catch.hpp"

#include "lib/intake/idempotency.h"
#include "tests/unit/intake/broker_world.h"

namespace convoy::intake {
namespace {

struct OutboxWorld : World {
  OutboxWorld() {
    source.broker = OutboxConfig{"orders"};
    Subscribe("B1", "E1");
    Subscribe("B2", "E2", {"other"});
  }
};

BrokerMessage Row(std::string_view data, Headers columns = {}) {
  columns.insert(columns.begin(), {"x-convoy-event-type", "a.b"});
  return MakeMessage(data, std::move(columns), "outbox/t/1/k");
}

TEST_CASE("outbox_row: a row without recipient goes to all that have subscribed") {
  OutboxWorld world;
  const Submission submission = world.Accept(Row(R"({ "n" : 1.50 })"));
  CHECK(submission.event.event_type == "a.b");
  CHECK(submission.event.body == R"({ "n" : 1.50 })");
  CHECK(submission.event.source_id == "S");
  REQUIRE(submission.deliveries.size() == 1);
  CHECK(submission.deliveries[0].endpoint_id == "E1");
  REQUIRE(submission.redelivery.has_value());
  CHECK(submission.event.headers.empty());
}

TEST_CASE("outbox_row: every source of the project knows a row by the same key") {
  OutboxWorld world;
  const Submission first = world.Accept(Row("1"));
  world.source.id = "S2";  // a second one, or the first made anew
  const Submission second = world.Accept(Row("1"));
  REQUIRE(first.redelivery.has_value());
  CHECK(second.redelivery->scope == first.redelivery->scope);
  CHECK(second.redelivery->key == first.redelivery->key);
  const Source amqp{.id = "S", .broker = AmqpConfig{}}, other{.id = "S2", .broker = AmqpConfig{}};
  const absl::Time never = absl::InfiniteFuture();
  CHECK(MakeRedeliveryKey(amqp, "p", never).key != MakeRedeliveryKey(other, "p", never).key);
}

TEST_CASE("outbox_row: an endpoint or an owner is addressed by its column") {
  OutboxWorld world;
  const Submission one = world.Accept(Row("1", {{"x-convoy-endpoint-id", "E2"}}));
  CHECK(one.event.endpoint_ids == std::vector<std::string>{"E2"});
  const Submission owned = world.Accept(Row("1", {{"x-convoy-owner-id", "ann"}}));
  CHECK(owned.event.endpoint_ids == std::vector<std::string>{"E1", "E2"});
}

TEST_CASE("outbox_row: headers and idempotency key are the event's") {
  OutboxWorld world;
  const Submission submission =
      world.Accept(Row("1", {{"x-convoy-custom-headers", R"({"X-Tenant":"acme"})"},
                             {"x-convoy-idempotency-key", "order-7"}}));
  CHECK(submission.event.headers == Headers{{"X-Tenant", "acme"}});
  CHECK(submission.event.idempotency_key == "order-7");
  CHECK(submission.dedupe.has_value());
}

TEST_CASE("outbox_row: what cannot become an event is a dead letter with the reason") {
  OutboxWorld world;
  const auto refused = [&](const BrokerMessage& row, std::string_view reason) {
    const std::string given = world.Refuse(row);
    INFO(given);
    CHECK(absl::StartsWith(given, reason));
  };
  refused(Row("{"), "malformed_json: ");
  refused(Row(""), "malformed_json: ");
  // Not a part of the object that it would be spliced into.
  refused(Row(R"(1, "event_type": "x")"), "malformed_json: ");
  refused(Row("\"\xff\""), "invalid_text: ");
  refused(MakeMessage("1"), "missing_field: event_type: ");
  refused(Row("1", {{"x-convoy-endpoint-id", "E9"}}), "unknown_endpoint: ");
  refused(Row("1", {{"x-convoy-endpoint-id", "E1"}, {"x-convoy-owner-id", "ann"}}),
          "bad_message_type: owner_id: ");
  refused(Row("1", {{"x-convoy-custom-headers", "[]"}}), "wrong_type: custom_headers: ");
  refused(Row("1", {{"x-convoy-custom-headers", R"({"a":1})"}}), "wrong_type: custom_headers: ");
  refused(Row("1", {{"x-convoy-custom-headers", R"({}, "owner_id": "ann")"}}),
          "invalid_header: custom_headers: ");
  refused(Row("1", {{"x-convoy-custom-headers", R"({"a":"b","a":"c"})"}}), "repeated_field: ");
  refused(Row("1", {{"x-convoy-custom-headers", R"({"Host":"b"})"}}), "invalid_header: ");
  refused(Row("1", {{"x-convoy-idempotency-key", std::string(2000, 'k')}}), "too_large: ");
  BrokerMessage cut = Row("1");
  cut.is_cut = true;
  refused(cut, "cut_off: ");
}

TEST_CASE("outbox_row: a dead letter becomes an event once its cause is gone") {
  OutboxWorld world;
  const BrokerMessage row = Row("1", {{"x-convoy-endpoint-id", "E9"}});
  const HeldInput held = world.Prepare({row}).batch.holds.front().input;
  world.config.endpoints.push_back({.id = "E9", .project_id = "P", .name = "late"});
  const auto batch =
      world.intake_of_brokers.PrepareHeldMessage(*world.Snapshot(), world.source, held);
  REQUIRE(batch.ok());
  CHECK(batch->submissions.front().event.endpoint_ids == std::vector<std::string>{"E9"});
}

}  // namespace
}  // namespace convoy::intake
