// Intake of broker messages for tests: a project, and a source that reads from a broker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "lib/intake/broker_intake.h"
#include "tests/support/sim_clock.h"

namespace convoy::intake {

inline BrokerMessage MakeMessage(std::string_view body, Headers attributes = {},
                                 std::string redelivery_id = "") {
  return {.body = std::string(body),
          .attributes = std::move(attributes),
          .redelivery_id = std::move(redelivery_id)};
}

// A project with two endpoints of one owner, and a source that reads from a broker.
struct World {
  World() {
    config.revision = 7;
    config.project = {.id = "P", .type = ProjectType::kOutgoing};
    config.endpoints = {{.id = "E1", .project_id = "P", .owner_id = "ann", .name = "one"},
                        {.id = "E2", .project_id = "P", .owner_id = "ann", .name = "two"}};
    source = {.id = "S",
              .project_id = "P",
              .type = SourceType::kPubSub,
              .broker = AmqpConfig{.host = "sim", .queue = "q"}};
  }

  void Subscribe(std::string id, std::string endpoint_id,
                 std::vector<std::string> event_types = {"*"}) {
    config.subscriptions.push_back({.id = std::move(id),
                                    .project_id = "P",
                                    .endpoint_id = std::move(endpoint_id),
                                    .event_types = std::move(event_types)});
  }

  std::shared_ptr<const route::ProjectSnapshot> Snapshot() const {
    auto snapshot = route::ProjectSnapshot::Build(config);
    REQUIRE(snapshot.ok());
    return *snapshot;
  }

  PreparedMessages Prepare(std::vector<BrokerMessage> messages) const {
    return intake_of_brokers.Prepare(*Snapshot(), source, messages);
  }

  // The submission that the only message becomes.
  Submission Accept(const BrokerMessage& message) const {
    PreparedMessages prepared = Prepare({message});
    INFO(prepared.dispositions[0].refusal.reason << ": "
                                                 << prepared.dispositions[0].refusal.detail);
    REQUIRE(prepared.batch.submissions.size() == 1);
    CHECK(prepared.dispositions[0].submission == 0);
    CHECK(prepared.batch.holds.empty());
    return prepared.batch.submissions.front();
  }

  // "reason: detail" of the dead letter that the only message becomes.
  std::string Refuse(const BrokerMessage& message) const {
    PreparedMessages prepared = Prepare({message});
    CHECK(prepared.batch.submissions.empty());
    CHECK(prepared.batch.config.empty());
    REQUIRE(prepared.batch.holds.size() == 1);
    const HeldInput& input = prepared.batch.holds.front().input;
    CHECK(input.body == message.body);
    CHECK_FALSE(prepared.dispositions[0].submission.has_value());
    CHECK(input.reason == prepared.dispositions[0].refusal.reason);
    CHECK(input.detail == prepared.dispositions[0].refusal.detail);
    CHECK(input.detail.find('\n') == std::string::npos);
    return absl::StrCat(input.reason, ": ", input.detail);
  }
  std::string Refuse(std::string_view body) const { return Refuse(MakeMessage(body)); }

  mutable testing::SimClock clock;
  mutable testing::SeededRandom random;
  mutable base::UlidGenerator ulids{&clock, &random};
  GatewayOptions options;
  Intake intake{options, &clock, &ulids};
  BrokerIntake intake_of_brokers{options, &intake, &clock, &ulids};
  ProjectConfiguration config;
  Source source;
};

// The source takes bodies as they are.
struct RawWorld : World {
  RawWorld() {
    source.message_format = MessageFormat::kRaw;
    source.raw_event_type = "shop.changed";
    Subscribe("B1", "E1");
    Subscribe("B2", "E2", {"other"});
  }

  std::string ContentType(std::string_view body, Headers attributes = {}) const {
    return Accept(MakeMessage(body, std::move(attributes))).event.content_type;
  }
  Headers ForwardedOf(Headers attributes) const {
    return Accept(MakeMessage("x", std::move(attributes))).event.headers;
  }
};

}  // namespace convoy::intake
