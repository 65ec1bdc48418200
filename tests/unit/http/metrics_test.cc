// Content of the metrics, and access to them.
#include "lib/http/metrics/metrics.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <catch2/catch.hpp>

#include "lib/storage/forwarding_storage.h"
#include "tests/unit/dispatch/scripted_transport.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

constexpr const char* kToken = "0123456789abcdef";

GatewayOptions Open() {
  GatewayOptions options;
  options.metrics_access = MetricsAccess::kAnyone;
  return options;
}

// All counters, on a store that can be made to fail; no consumer runs.
struct World {
  class Storage : public storage::ForwardingStorage {
   public:
    using ForwardingStorage::ForwardingStorage;
    absl::Status Write(std::span<WriteBatch* const> batches,
                       std::span<CommitResult> results) override {
      return failure.ok() ? ForwardingStorage::Write(batches, results) : failure;
    }
    absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                  const PageRequest& page) override {
      if (!failure.ok()) return failure;
      return ForwardingStorage::ListConfig(query, page);
    }
    absl::Status failure;
  };

  World() {
    options.metrics_access = MetricsAccess::kAnyone;
    Project project = {.id = "P", .name = "p"};
    Write("", {std::move(project)});
  }

  void Write(const std::string& scope, std::vector<ConfigRecord> objects) {
    WriteBatch batch;
    batch.config.push_back({.scope = scope,
                            .expected_revision = storage.ConfigRevision(scope).value(),
                            .puts = std::move(objects)});
    REQUIRE(commits.Commit(std::move(batch)).status.ok());
  }

  std::string Read() {
    const HttpResponse response = Metrics(options,
                                          {.storage = &storage,
                                           .clock = &clock,
                                           .consumers = &consumers,
                                           .dispatcher = &dispatcher,
                                           .measured = {.commits = &commits, .pruner = &pruner}},
                                          {.method = "GET", .path = "/metrics"});
    REQUIRE(response.status == 200);
    return response.body;
  }
  // The lines of `text` that begin with `start`.
  static std::string Lines(const std::string& text, std::string_view start) {
    std::string found;
    for (const std::string_view line : absl::StrSplit(text, '\n')) {
      if (line.starts_with(start)) absl::StrAppend(&found, line, "\n");
    }
    return found;
  }

  GatewayOptions options;
  testing::SimClock clock;
  testing::SeededRandom random{1};
  testing::ScriptedTransport transport;
  Observer observer;
  const std::unique_ptr<convoy::Storage> memory = NewMemoryStorage();
  Storage storage{memory.get()};
  storage::CommitQueue commits{&storage};
  config::ConfigCache configuration{&storage, {}};
  base::UlidGenerator ulids{&clock, &random};
  dispatch::Dispatcher dispatcher{options,
                                  {.storage = &storage,
                                   .commits = &commits,
                                   .configuration = &configuration,
                                   .transport = &transport,
                                   .clock = &clock,
                                   .random = &random,
                                   .ulids = &ulids,
                                   .observer = &observer}};
  storage::Pruner pruner{absl::Hours(1), &storage, &clock, &observer};
  consume::ConsumerSupervisor consumers{{.clock = &clock, .random = &random, .observer = &observer},
                                        &storage,
                                        {std::make_shared<testing::AnsweringBroker>("amqp")}};
};

std::string EmptyLatency(std::string_view outcome) {
  std::string text;
  for (const char* bound :
       {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0",
        "60.0", "300.0", "1800.0", "3600.0", "21600.0", "86400.0", "+Inf"}) {
    absl::StrAppend(&text, "convoy_delivery_latency_seconds_bucket{outcome=\"", outcome, "\",le=\"",
                    bound, "\"} 0\n");
  }
  return absl::StrCat(text, "convoy_delivery_latency_seconds_sum{outcome=\"", outcome,
                      "\"} 0.000000\n", "convoy_delivery_latency_seconds_count{outcome=\"", outcome,
                      "\"} 0\n");
}

TEST_CASE("metrics: a gateway that has done nothing") {
  World world;
  CHECK(world.Read() ==
        "# HELP convoy_build_info The version of libconvoy.\n"
        "# TYPE convoy_build_info gauge\n"
        "convoy_build_info{version=\"0.2.0\"} 1\n"
        "# HELP convoy_event_ingested_total "
        "Events that were committed, by what they turned out to be.\n"
        "# TYPE convoy_event_ingested_total counter\n"
        "convoy_event_ingested_total{outcome=\"accepted\"} 0\n"
        "convoy_event_ingested_total{outcome=\"duplicate\"} 0\n"
        "convoy_event_ingested_total{outcome=\"redelivered\"} 0\n"
        "# HELP convoy_storage_commit_total "
        "Transactions that the store was asked for; one holds the writes of many.\n"
        "# TYPE convoy_storage_commit_total counter\n"
        "convoy_storage_commit_total{outcome=\"committed\"} 1\n"
        "convoy_storage_commit_total{outcome=\"failed\"} 0\n"
        "# HELP convoy_storage_commit_failing "
        "1 while the latest transaction is one that failed.\n"
        "# TYPE convoy_storage_commit_failing gauge\n"
        "convoy_storage_commit_failing 0\n"
        "# HELP convoy_held_dropped_total "
        "Quarantined requests and dead letters that made room for others because held_inputs_max "
        "or held_bytes_max was reached.\n"
        "# TYPE convoy_held_dropped_total counter\n"
        "convoy_held_dropped_total 0\n"
        "# HELP convoy_held_input Quarantined requests and dead letters that are kept.\n"
        "# TYPE convoy_held_input gauge\n"
        "convoy_held_input 0\n"
        "# HELP convoy_held_bytes Bytes of their bodies and headers.\n"
        "# TYPE convoy_held_bytes gauge\n"
        "convoy_held_bytes 0\n"
        "# HELP convoy_delivery_attempt_total "
        "Attempts of deliveries that have ended, by what they came to.\n"
        "# TYPE convoy_delivery_attempt_total counter\n"
        "convoy_delivery_attempt_total{outcome=\"delivered\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"redirected\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"gone\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"throttled\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"rejected\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"refused_by_guard\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"invalid_request\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"name_not_resolved\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"connect_failed\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"tls_failed\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"timed_out\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"response_too_large\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"protocol_error\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"no_access_token\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"handler_failed\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"handler_refused\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"function_failed\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"not_taken\"} 0\n"
        "convoy_delivery_attempt_total{outcome=\"local_failure\"} 0\n"
        "# HELP convoy_delivery_latency_seconds "
        "From the acceptance of a delivery to its final outcome.\n"
        "# TYPE convoy_delivery_latency_seconds histogram\n" +
            EmptyLatency("success") + EmptyLatency("failure") + EmptyLatency("discarded") +
            "# HELP convoy_delivery_in_flight Deliveries that are on their way to their endpoint.\n"
            "# TYPE convoy_delivery_in_flight gauge\n"
            "convoy_delivery_in_flight 0\n"
            "# HELP convoy_delivery_throttled Endpoints that are held back by their rate limit.\n"
            "# TYPE convoy_delivery_throttled gauge\n"
            "convoy_delivery_throttled 0\n"
            "# HELP convoy_delivery_waiting "
            "Deliveries that are due and wait for others to the same endpoint.\n"
            "# TYPE convoy_delivery_waiting gauge\n"
            "convoy_delivery_waiting 0\n"
            "# HELP convoy_storage_claim_failed_total "
            "How often the store could not be asked for due deliveries.\n"
            "# TYPE convoy_storage_claim_failed_total counter\n"
            "convoy_storage_claim_failed_total 0\n"
            "# HELP convoy_delivery_backlog "
            "Deliveries of a project that have not ended; absent without any.\n"
            "# TYPE convoy_delivery_backlog gauge\n"
            "# HELP convoy_delivery_oldest_due_age_seconds "
            "For how long the one of them that waits longest has been due.\n"
            "# TYPE convoy_delivery_oldest_due_age_seconds gauge\n"
            "# HELP convoy_delivery_backlog_omitted "
            "Projects with a backlog that are not shown here, because there are too many.\n"
            "# TYPE convoy_delivery_backlog_omitted gauge\n"
            "convoy_delivery_backlog_omitted 0\n"
            "# HELP convoy_storage_pruned_total "
            "What was removed from the store, because its time was over.\n"
            "# TYPE convoy_storage_pruned_total counter\n"
            "convoy_storage_pruned_total{kind=\"event\"} 0\n"
            "convoy_storage_pruned_total{kind=\"delivery\"} 0\n"
            "convoy_storage_pruned_total{kind=\"attempt\"} 0\n"
            "convoy_storage_pruned_total{kind=\"dedupe_key\"} 0\n"
            "# HELP convoy_storage_prune_failed_total "
            "How often the store could not remove any of that.\n"
            "# TYPE convoy_storage_prune_failed_total counter\n"
            "convoy_storage_prune_failed_total 0\n"
            "# HELP convoy_consumer_state "
            "1 for the state that a consumer of a message broker is in, 0 for the others.\n"
            "# TYPE convoy_consumer_state gauge\n"
            "# HELP convoy_consumer_lag Messages that wait at the broker for a consumer, as the "
            "broker says; absent where that is not known.\n"
            "# TYPE convoy_consumer_lag gauge\n"
            "# HELP convoy_broker_message_received_total "
            "Messages that a consumer was handed by its broker.\n"
            "# TYPE convoy_broker_message_received_total counter\n"
            "# HELP convoy_broker_message_accepted_total Messages that became events.\n"
            "# TYPE convoy_broker_message_accepted_total counter\n"
            "# HELP convoy_broker_message_duplicate_total "
            "Messages that became events marked as duplicates, by their idempotency key.\n"
            "# TYPE convoy_broker_message_duplicate_total counter\n"
            "# HELP convoy_broker_message_redelivered_total "
            "Messages that came again, and had been stored the first time.\n"
            "# TYPE convoy_broker_message_redelivered_total counter\n"
            "# HELP convoy_broker_message_dead_letter_total "
            "Messages that no event could be made of; they are among the held inputs.\n"
            "# TYPE convoy_broker_message_dead_letter_total counter\n"
            "# HELP convoy_consumer_last_message_timestamp_seconds "
            "When a consumer was last handed a message; absent until it is.\n"
            "# TYPE convoy_consumer_last_message_timestamp_seconds gauge\n"
            "# HELP convoy_consumer_last_error_timestamp_seconds "
            "When something last went wrong for a consumer; absent until it does.\n"
            "# TYPE convoy_consumer_last_error_timestamp_seconds gauge\n"
            "# HELP convoy_consumer_omitted "
            "Consumers that are not shown here, because there are too many.\n"
            "# TYPE convoy_consumer_omitted gauge\n"
            "convoy_consumer_omitted 0\n");
}

TEST_CASE("metrics: what was pruned is counted by its kind") {
  World world;
  Delivery delivery = {
      .id = testing::FlowId('D', 1), .project_id = "P", .event_id = testing::FlowId('V', 1)};
  delivery.endpoint_id = "E";
  delivery.status = DeliveryStatus::kDiscarded;
  WriteBatch batch;
  batch.submissions.push_back(
      {.event = {.id = testing::FlowId('V', 1), .project_id = "P"}, .deliveries = {delivery}});
  REQUIRE(world.commits.Commit(std::move(batch)).status.ok());
  world.pruner.Step();
  CHECK(World::Lines(world.Read(), "convoy_storage_pruned_total{") ==
        "convoy_storage_pruned_total{kind=\"event\"} 1\n"
        "convoy_storage_pruned_total{kind=\"delivery\"} 1\n"
        "convoy_storage_pruned_total{kind=\"attempt\"} 0\n"
        "convoy_storage_pruned_total{kind=\"dedupe_key\"} 0\n");
}

TEST_CASE("metrics: the largest backlogs are shown, each with the age of its oldest") {
  constexpr int kProjects = 1001;
  World world;
  for (int i = 1; i <= kProjects; ++i) {
    const std::string project = absl::StrCat("P", 1000 + i);
    WriteBatch batch;
    Submission submission{.event = {.id = testing::FlowId('V', i), .project_id = project}};
    for (int number = 1; number <= (i == kProjects ? 2 : 1); ++number) {
      submission.deliveries.push_back({.id = testing::FlowId('D', i + 5000 * number),
                                       .project_id = project,
                                       .event_id = submission.event.id,
                                       .endpoint_id = absl::StrCat("E", i)});
      submission.deliveries.back().due_at = world.clock.Now() - absl::Seconds(7 * number);
    }
    batch.submissions.push_back(std::move(submission));
    REQUIRE(world.commits.Commit(std::move(batch)).status.ok());
  }
  const std::string text = world.Read();
  const std::string backlogs = World::Lines(text, "convoy_delivery_backlog{");
  CHECK(
      backlogs.starts_with("convoy_delivery_backlog{project_id=\"P2001\"} 2\n"
                           "convoy_delivery_backlog{project_id=\"P1001\"} 1\n"));
  CHECK(std::count(backlogs.begin(), backlogs.end(), '\n') == 1000);
  CHECK(World::Lines(text, "convoy_delivery_oldest_due_age_seconds{project_id=\"P2001\"}") ==
        "convoy_delivery_oldest_due_age_seconds{project_id=\"P2001\"} 14\n");
  CHECK(World::Lines(text, "convoy_delivery_backlog_omitted ") ==
        "convoy_delivery_backlog_omitted 1\n");
}

Source BrokerSource(const std::string& id, BrokerConfig broker) {
  return {.id = id,
          .project_id = "P",
          .mask_id = "mask-" + id,
          .name = id,
          .type = SourceType::kPubSub,
          .broker = std::move(broker)};
}

TEST_CASE("metrics: a source without a consumer is shown, with the reason's state") {
  World world;
  world.Write("P", {BrokerSource("A", AmqpConfig{.host = "h", .queue = "q"}),
                    BrokerSource("\"\\", KafkaConfig{.brokers = {"h:1"}})});
  const std::string text = world.Read();
  CHECK(
      World::Lines(text, "convoy_consumer_state{") ==
      R"(convoy_consumer_state{project_id="P",source_id="\"\\",consumer_id="\"\\-0",state="connecting"} 0
convoy_consumer_state{project_id="P",source_id="\"\\",consumer_id="\"\\-0",state="running"} 0
convoy_consumer_state{project_id="P",source_id="\"\\",consumer_id="\"\\-0",state="backing_off"} 0
convoy_consumer_state{project_id="P",source_id="\"\\",consumer_id="\"\\-0",state="misconfigured"} 1
convoy_consumer_state{project_id="P",source_id="\"\\",consumer_id="\"\\-0",state="stopped"} 0
convoy_consumer_state{project_id="P",source_id="A",consumer_id="A-0",state="connecting"} 0
convoy_consumer_state{project_id="P",source_id="A",consumer_id="A-0",state="running"} 0
convoy_consumer_state{project_id="P",source_id="A",consumer_id="A-0",state="backing_off"} 0
convoy_consumer_state{project_id="P",source_id="A",consumer_id="A-0",state="misconfigured"} 0
convoy_consumer_state{project_id="P",source_id="A",consumer_id="A-0",state="stopped"} 1
)");
  CHECK(World::Lines(text, "convoy_broker_message_dead_letter_total{") ==
        "convoy_broker_message_dead_letter_total"
        "{project_id=\"P\",source_id=\"\\\"\\\\\",consumer_id=\"\\\"\\\\-0\"} 0\n"
        "convoy_broker_message_dead_letter_total"
        "{project_id=\"P\",source_id=\"A\",consumer_id=\"A-0\"} 0\n");
  CHECK(World::Lines(text, "convoy_consumer_last_").empty());
}

TEST_CASE("metrics: of very many consumers some are shown, and how many are not") {
  World world;
  std::vector<ConfigRecord> sources;
  for (int i = 0; i < 1003; ++i) {
    sources.push_back(BrokerSource(absl::StrCat("S", i), SqsConfig{.queue_name = "q"}));
  }
  world.Write("P", std::move(sources));
  const std::string text = world.Read();
  const std::string shown = World::Lines(text, "convoy_broker_message_received_total{");
  CHECK(std::count(shown.begin(), shown.end(), '\n') == 1000);
  CHECK(World::Lines(text, "convoy_consumer_omitted ") == "convoy_consumer_omitted 3\n");
}

TEST_CASE("metrics: a store that fails shows, and does not take the metrics along") {
  World world;
  world.Write("P", {BrokerSource("A", AmqpConfig{.host = "h", .queue = "q"})});
  world.storage.failure = absl::UnavailableError("gone");
  CHECK_FALSE(world.commits.Commit({}).status.ok());
  CHECK_FALSE(world.commits.Commit({}).status.ok());
  std::string text = world.Read();
  CHECK(World::Lines(text, "convoy_storage_commit_") ==
        "convoy_storage_commit_total{outcome=\"committed\"} 2\n"
        "convoy_storage_commit_total{outcome=\"failed\"} 2\n"
        "convoy_storage_commit_failing 1\n");
  CHECK(World::Lines(text, "convoy_consumer_state{").empty());  // none runs
  world.storage.failure = absl::OkStatus();
  CHECK(world.commits.Commit({}).status.ok());
  text = world.Read();
  CHECK(World::Lines(text, "convoy_storage_commit_failing") == "convoy_storage_commit_failing 0\n");
  CHECK_FALSE(World::Lines(text, "convoy_consumer_state{").empty());
}

TEST_CASE("metrics: access is denied unless it is configured") {
  testing::ApiHarness harness;
  const HttpRequest request{.method = "GET", .path = "/metrics"};
  CHECK_FALSE(harness.api.Handle(request).has_value());  // the host's
  CHECK_FALSE(harness.api.InspectHead(request).refusal.has_value());

  harness.options = Open();
  CHECK(harness.Send("GET", "/metrics", "", "").status == 200);
  CHECK(harness.Send("GET", "/metrics?x=1", "", "").status == 200);
  CHECK(harness.Send("HEAD", "/metrics", "", "").body.empty());
  const HttpResponse posted = harness.Send("POST", "/metrics", "", "");
  CHECK(posted.status == 405);
  CHECK(base::FindHeader(posted.headers, "Allow") == "GET, HEAD");
  CHECK_FALSE(harness.api.Handle({.method = "GET", .path = "/metrics/"}).has_value());
}

TEST_CASE("metrics: a token is asked for before anything else") {
  testing::ApiHarness harness;
  harness.options.metrics_access = MetricsAccess::kToken;
  harness.options.metrics_token = kToken;
  const std::string refused = harness.instance_key;  // is for the API
  for (const std::string& token :
       {std::string(), refused, std::string("0123456789abcdeF"), std::string("0123456789abcdef "),
        std::string("0123456789abcde")}) {
    INFO(token);
    const HttpResponse response = harness.Send("POST", "/metrics", "", token);
    CHECK(response.status == 401);
    CHECK(base::FindHeader(response.headers, "WWW-Authenticate") == "Bearer");
    const std::string authorization = "Bearer " + token;
    const HeaderView header{"Authorization", authorization};
    const HeadDecision decision =
        harness.api.InspectHead({.method = "GET", .path = "/metrics", .headers = {&header, 1}});
    REQUIRE(decision.refusal.has_value());
    CHECK(decision.refusal->status == 401);
  }
  CHECK(harness.Send("GET", "/metrics", "", kToken).status == 200);
  CHECK(harness.Send("GET", "/metrics", "", kToken, {{"Authorization", "Bearer x"}}).status == 401);
  const std::string authorization = absl::StrCat("bearer ", kToken);
  const HeaderView header{"authorization", authorization};
  CHECK_FALSE(
      harness.api.InspectHead({.method = "GET", .path = "/metrics", .headers = {&header, 1}})
          .refusal.has_value());
  // It opens nothing else.
  CHECK(harness.Send("GET", "/api/v1/projects", "", kToken).status == 401);
}

TEST_CASE("metrics: the client chooses the format") {
  testing::ApiHarness harness;
  harness.options = Open();
  const HttpResponse plain = harness.Send("GET", "/metrics", "", "");
  CHECK(base::FindHeader(plain.headers, "Content-Type") ==
        "text/plain; version=0.0.4; charset=utf-8");
  CHECK(plain.body.ends_with("convoy_consumer_omitted 0\n"));
  const HttpResponse open =
      harness.Send("GET", "/metrics", "", "", {{"Accept", "application/openmetrics-text"}});
  CHECK(base::FindHeader(open.headers, "Content-Type") ==
        "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(open.body.ends_with("convoy_consumer_omitted 0\n# EOF\n"));
}

}  // namespace
}  // namespace convoy::http
