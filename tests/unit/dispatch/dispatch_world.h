// A dispatcher with everything around it in memory and in simulated time: one project, whatever
// endpoints and deliveries a test adds, a store that can be made to refuse.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/gateway.h"
#include "lib/dispatch/dispatcher.h"
#include "lib/storage/forwarding_storage.h"
#include "lib/transport/local/mailbox.h"
#include "tests/support/flow_id.h"
#include "tests/support/sim_clock.h"
#include "tests/unit/dispatch/scripted_transport.h"

namespace convoy::testing {

// Refuses commits or claims while told to.
class RefusingStorage : public storage::ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    if (!commit_status.ok()) return commit_status;
    return ForwardingStorage::Write(batches, results);
  }
  absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) override {
    ++claims_count;
    if (request.items_max == 0) ++empty_claims_count;
    if (!claim_status.ok()) return claim_status;
    return ForwardingStorage::ClaimDue(request);
  }
  bool may_be_shared() const override { return is_shared; }

  absl::Status commit_status;
  absl::Status claim_status;
  int claims_count = 0;
  int empty_claims_count = 0;  // of those, that asked for nothing
  bool is_shared = false;
};

class LogObserver : public Observer {
 public:
  void Log(LogLevel, std::string_view event, std::span<const LogField>) override {
    events.emplace_back(event);
  }
  std::vector<std::string> events;
};

// One process: several may stand on one store.
struct DispatchProcess {
  DispatchProcess(const GatewayOptions& options, Storage* target, SimClock* clock,
                  SeededRandom* random, Scripting* scripting = nullptr)
      : storage(target),
        ulids(clock, random),
        commits(&storage),
        configuration(&storage, {}),
        mailbox({.clock = clock,
                 .waiting_max = options.lease / 8,
                 .window_max = options.in_flight_max}),
        dispatcher(options, {.storage = &storage,
                             .commits = &commits,
                             .configuration = &configuration,
                             .transport = &transport,
                             .clock = clock,
                             .random = random,
                             .ulids = &ulids,
                             .observer = &observer,
                             .local = &mailbox,
                             .scripting = scripting}) {
    mailbox.set_wake([this] { dispatcher.Notify(); });
  }
  ~DispatchProcess() {
    dispatcher.Abandon();
    commits.Drain();
  }

  // Steps and commits until nothing more happens at this instant; returns when to step again.
  absl::Time Settle(absl::Time now) {
    absl::Time next;
    int rounds = 0;
    do {
      next = dispatcher.Step();
      REQUIRE(++rounds < 1000);  // no spinning
    } while (commits.Drain() || next <= now || transport.is_ready());
    return next;
  }

  RefusingStorage storage;
  ScriptedTransport transport;
  base::UlidGenerator ulids;
  storage::CommitQueue commits;
  config::ConfigCache configuration;
  LogObserver observer;
  transport::Mailbox mailbox;
  dispatch::Dispatcher dispatcher;
};

class DispatchWorld {
 public:
  explicit DispatchWorld(GatewayOptions settings = {}, ProjectConfig config = {})
      : options(std::move(settings)), store(NewMemoryStorage()) {
    Project project = {.id = "P", .name = "project", .config = std::move(config)};
    project.config.signature.versions.push_back({.id = "v"});
    Put("", std::move(project));
    process = NewProcess();
  }

  std::unique_ptr<DispatchProcess> NewProcess(Scripting* scripting = nullptr) {
    return std::make_unique<DispatchProcess>(options, store.get(), &clock, &random, scripting);
  }

  static std::string UrlOf(std::string_view endpoint_id) {
    return absl::StrCat("https://", endpoint_id, ".test/");
  }

  Endpoint AddEndpoint(const std::string& id) {
    Endpoint endpoint = {.id = id, .project_id = "P", .name = id, .url = UrlOf(id)};
    endpoint.secrets.push_back({.id = "s", .value = "secret"});
    Put("P", endpoint);
    return endpoint;
  }

  void Put(const std::string& scope, ConfigRecord object) {
    WriteBatch batch;
    batch.config.push_back({.scope = scope,
                            .expected_revision = store->ConfigRevision(scope).value(),
                            .puts = {std::move(object)}});
    Commit(std::move(batch));
  }

  // An event for one endpoint; returns the id of the delivery.
  std::string AddDelivery(const std::string& endpoint_id,
                          RetryPolicy retry = {RetryStrategy::kLinear, absl::Seconds(10), 3}) {
    const std::string event_id = FlowId('V', ++deliveries_count_);
    const std::string delivery_id = FlowId('D', deliveries_count_);
    Submission submission;
    submission.event = {.id = event_id,
                        .project_id = "P",
                        .event_type = "t",
                        .endpoint_ids = {endpoint_id},
                        .body = "{}",
                        .created_at = clock.Now()};
    submission.deliveries.push_back({.id = delivery_id,
                                     .project_id = "P",
                                     .event_id = event_id,
                                     .endpoint_id = endpoint_id,
                                     .event_type = "t",
                                     .retry = retry,
                                     .due_at = clock.Now(),
                                     .created_at = clock.Now(),
                                     .updated_at = clock.Now()});
    WriteBatch batch;
    batch.submissions.push_back(std::move(submission));
    Commit(std::move(batch));
    process->dispatcher.Notify();
    return delivery_id;
  }

  // Lets an endpoint show that it answers at once, so that it may have as many attempts on their
  // way as the options say.
  void EarnSlots(const std::string& endpoint_id) {
    transport().set_rule(ScriptedTransport::AlwaysStatus(200));
    for (int i = 0; i < 8; ++i) AddDelivery(endpoint_id);
    Settle();
  }

  // Of a delivery that has not been claimed yet.
  void SetMode(const std::string& id, DeliveryMode mode) {
    Delivery delivery = Get(id);
    delivery.mode = mode;
    WriteBatch batch;
    batch.updates.push_back({.lease = 0, .delivery = std::move(delivery)});
    Commit(std::move(batch));
  }

  CommitResult Commit(WriteBatch batch) {
    CommitResult result;
    WriteBatch* const batches[] = {&batch};
    REQUIRE(store->Commit(batches, {&result, 1}).ok());
    REQUIRE(result.status.ok());
    return result;
  }

  absl::Time Settle() { return process->Settle(clock.Now()); }

  // Lets time pass, stepping as often as the dispatcher asks for.
  void Run(absl::Duration duration) {
    const absl::Time end = clock.Now() + duration;
    while (true) {
      const absl::Time next = Settle();
      if (next > end) break;
      clock.Set(next);
    }
    clock.Set(end);
    Settle();
  }

  Delivery Get(const std::string& id) { return store->GetDelivery("P", id).value(); }
  std::vector<Attempt> Attempts(const std::string& id) {
    return store->ListAttempts("P", id).value();
  }
  ScriptedTransport& transport() { return process->transport; }

  GatewayOptions options;
  SimClock clock;
  SeededRandom random;
  std::unique_ptr<Storage> store;
  std::unique_ptr<DispatchProcess> process;

 private:
  int deliveries_count_ = 0;
};

}  // namespace convoy::testing
