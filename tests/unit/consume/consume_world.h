// A store with a project, a simulated broker, and what stands between them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

#include "convoy/gateway.h"
#include "lib/consume/consumer_loop.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/support/sim_broker.h"
#include "tests/support/sim_clock.h"

namespace convoy::consume {

// Fails commits on request.
class FailingStorage : public storage::ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    if (before_commit) before_commit();
    if (failures_left > 0) {
      --failures_left;
      return absl::ResourceExhaustedError("the disk is full");
    }
    return ForwardingStorage::Write(batches, results);
  }

  int failures_left = 0;
  std::function<void()> before_commit;
};

// Keeps the warnings.
class RecordingObserver : public Observer {
 public:
  void Log(LogLevel level, std::string_view event, std::span<const LogField>) override {
    if (level == LogLevel::kWarning) warnings.emplace_back(event);
  }

  std::vector<std::string> warnings;
};

struct World {
  World() {
    // Commits are carried out at once, by the thread that queues them.
    commits.set_wake([this] { commits.Drain(); });
    Endpoint endpoint{.id = "E1", .project_id = "P", .owner_id = "ann", .name = "one"};
    Subscription subscription{
        .id = "B1", .project_id = "P", .endpoint_id = "E1", .event_types = {"*"}};
    Put("", {Project{.id = "P", .name = "shop", .type = ProjectType::kOutgoing}});
    Put("P", {endpoint, subscription, source});
    broker->MakeQueue("orders");
  }

  void Put(std::string scope, std::vector<ConfigRecord> objects) {
    Change({.scope = std::move(scope), .puts = std::move(objects)});
  }
  void Remove(ConfigKind kind, std::string id) {
    Change({.scope = "P", .removes = {{.kind = kind, .id = std::move(id)}}});
  }
  void Change(ConfigWrite write) {
    write.expected_revision = memory->ConfigRevision(write.scope).value();
    WriteBatch batch;
    batch.config.push_back(std::move(write));
    WriteBatch* batches[] = {&batch};
    CommitResult results[1];
    REQUIRE(memory->Commit(batches, results).ok());
    REQUIRE(results[0].status.ok());
  }

  void Publish(int begin, int end) {
    for (int i = begin; i < end; ++i) {
      broker->Publish("orders", {.body = absl::StrCat(R"({"endpoint_id":"E1","event_type":"a",)",
                                                      R"("data":)", i, "}")});
    }
  }
  void PublishBody(std::string body) { broker->Publish("orders", {.body = std::move(body)}); }

  std::vector<std::string> EventBodies() const {
    std::vector<std::string> bodies;
    const auto page =
        memory->ListEvents({.project_id = "P"}, {.is_ascending = true, .items_max = 5000});
    REQUIRE(page.ok());
    for (const Event& event : page->items) bodies.push_back(event.body);
    return bodies;
  }
  std::vector<HeldInput> DeadLetters() const {
    return memory->ListHeld({.project_id = "P", .now = clock.Now()}, {.items_max = 1000})->items;
  }
  static std::vector<std::string> Numbers(int begin, int end) {
    std::vector<std::string> numbers;
    for (int i = begin; i < end; ++i) numbers.push_back(absl::StrCat(i));
    return numbers;
  }

  mutable testing::SimClock clock;
  testing::SeededRandom random;
  base::UlidGenerator ulids{&clock, &random};
  RecordingObserver observer;
  GatewayOptions options;
  const std::unique_ptr<Storage> memory = NewMemoryStorage();
  FailingStorage storage{memory.get()};
  storage::CommitQueue commits{&storage};
  config::ConfigCache configuration{&storage, {}};
  intake::Intake intake{options, &clock, &ulids};
  intake::BrokerIntake broker_intake{options, &intake, &clock, &ulids};
  std::shared_ptr<testing::SimBroker> broker = std::make_shared<testing::SimBroker>();
  std::atomic<int> notices_count = 0;
  ConsumeParts parts{.commits = &commits,
                     .configuration = &configuration,
                     .intake = &broker_intake,
                     .clock = &clock,
                     .random = &random,
                     .observer = &observer,
                     .notify = [this] { ++notices_count; },
                     .allowed_networks = {"127.0.0.0/8"}};
  Source source{.id = "S",
                .project_id = "P",
                .mask_id = "mask",
                .name = "orders",
                .type = SourceType::kPubSub,
                .broker = AmqpConfig{.host = "sim", .queue = "orders"}};
};

}  // namespace convoy::consume
