// A project with many endpoints on a store in memory, and workers of its jobs. Nothing runs but by
// the test's calls.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "convoy/gateway.h"
#include "lib/jobs/worker.h"
#include "lib/storage/forwarding_storage.h"
#include "tests/support/sim_clock.h"

namespace convoy::jobs {

// Refuses writes on demand, with nothing written or with all of it.
class BalkyStorage : public storage::ForwardingStorage {
 public:
  using ForwardingStorage::ForwardingStorage;

  absl::Status Write(std::span<WriteBatch* const> batches,
                     std::span<CommitResult> results) override {
    if (refusals > 0) {
      --refusals;
      return absl::UnavailableError("not now");
    }
    const absl::Status status = ForwardingStorage::Write(batches, results);
    if (!is_untold) return status;
    is_untold = false;
    return absl::UnavailableError("written, and not told");
  }

  int refusals = 0;
  bool is_untold = false;
};

// Everything that dies with a process.
struct JobProcess {
  JobProcess(const GatewayOptions& options, Storage* target, testing::SimClock* clock,
             testing::SeededRandom* random, Observer* observer)
      : storage(target),
        ulids(clock, random),
        configuration(&storage, {}),
        commits(&storage),
        intake(options, clock, &ulids),
        worker({.chunk = {.storage = &storage,
                          .configuration = &configuration,
                          .intake = &intake,
                          .clock = clock,
                          .ulids = &ulids,
                          .open_jobs_max = options.open_jobs_max},
                .commits = &commits,
                .random = random,
                .observer = observer,
                .notify = [this] { ++notified; }}) {
    commits.set_config_listener([this](std::span<const ConfigWrite> writes) {
      configuration.OnWritten(writes);
      worker.OnWritten(writes);
    });
  }

  BalkyStorage storage;
  base::UlidGenerator ulids;
  config::ConfigCache configuration;
  storage::CommitQueue commits;
  intake::Intake intake;
  int notified = 0;
  Worker worker;
};

struct JobWorld {
  explicit JobWorld(int endpoints_count, const std::string& owner_id = "ann") {
    project = {.id = ulids.Next(), .name = "p", .created_at = clock.Now()};
    Put("", {project});
    std::vector<ConfigRecord> records;
    for (int i = 0; i < endpoints_count; ++i) {
      const Endpoint endpoint{.id = ulids.Next(),
                              .project_id = project.id,
                              .owner_id = owner_id,
                              .name = absl::StrCat("e", i),
                              .url = "https://x.test/"};
      endpoint_ids.push_back(endpoint.id);
      records.push_back(endpoint);
      records.push_back(SubscriptionOf(endpoint.id));
    }
    Put(project.id, std::move(records));
    process = NewProcess();
  }

  Subscription SubscriptionOf(const std::string& endpoint_id, const std::string& type = "*") {
    return {.id = ulids.Next(),
            .project_id = project.id,
            .name = "s",
            .endpoint_id = endpoint_id,
            .event_types = {type},
            .created_at = clock.Now()};
  }

  std::unique_ptr<JobProcess> NewProcess() {
    return std::make_unique<JobProcess>(options, store.get(), &clock, &random, &observer);
  }

  void Change(ConfigWrite write) {
    write.expected_revision = store->ConfigRevision(write.scope).value();
    WriteBatch batch;
    batch.config.push_back(std::move(write));
    const CommitResult result =
        process == nullptr ? Commit(batch) : process->commits.Commit(std::move(batch));
    REQUIRE(result.status.ToString() == "OK");
  }
  void Put(const std::string& scope, std::vector<ConfigRecord> records) {
    Change({.scope = scope, .puts = std::move(records)});
  }

  CommitResult Commit(WriteBatch& batch) {
    WriteBatch* const batches[] = {&batch};
    CommitResult results[1];
    REQUIRE(store->Commit(batches, results).ok());
    return results[0];
  }

  std::shared_ptr<const route::ProjectSnapshot> Snapshot() {
    return process->configuration.FindProject(project.id).value();
  }

  // Commits what intake made; returns the event's id.
  std::string Accept(absl::StatusOr<WriteBatch> batch) {
    REQUIRE(batch.status().ToString() == "OK");
    const std::string id = batch->submissions.front().event.id;
    const CommitResult result = process->commits.Commit(*std::move(batch));
    REQUIRE(result.status.ToString() == "OK");
    return id;
  }
  std::string Broadcast(const std::string& key = "") {
    return Accept(process->intake.PrepareBroadcast(
        *Snapshot(), {.event_type = "t.made", .data = "{}", .idempotency_key = key}));
  }
  std::string Fanout(const std::string& owner_id) {
    return Accept(
        process->intake.PrepareFanout(*Snapshot(), {.event_type = "t", .data = "{}"}, owner_id));
  }

  // One step of a worker and of its commits; time moves to when it wants to be called.
  absl::Time Step(JobProcess& of) {
    of.worker.Step();
    of.commits.Drain();
    const absl::Time next = of.worker.Step();
    if (next < absl::InfiniteFuture() && next > clock.Now()) clock.Set(next);
    return next;
  }
  void StepUntilDone() {
    for (int i = 0; i < 10'000; ++i) {
      if (Step(*process) == absl::InfiniteFuture() && OpenJobs().empty()) return;
    }
    FAIL("the jobs do not end");
  }

  std::vector<model::Job> Jobs(const ConfigQuery& query) {
    std::vector<model::Job> jobs;
    const auto page = store->ListConfig(query, {.is_ascending = true, .items_max = 1000}).value();
    for (const ConfigRecord& record : page.items) {
      jobs.push_back(model::DecodeJob(record).value());
    }
    return jobs;
  }
  std::vector<model::Job> OpenJobs() { return Jobs(model::OpenJobs()); }
  model::Job OnlyJob() {
    const auto jobs = Jobs({.kind = ConfigKind::kJob});
    REQUIRE(jobs.size() == 1);
    return jobs.front();
  }

  std::vector<Delivery> Deliveries(const std::string& event_id = "") {
    std::vector<Delivery> all;
    PageRequest request{.is_ascending = true, .items_max = 1000};
    while (true) {
      auto page =
          store->ListDeliveries({.project_id = project.id, .event_id = event_id}, request).value();
      all.insert(all.end(), page.items.begin(), page.items.end());
      if (!page.has_next) return all;
      request.cursor = page.next_cursor;
    }
  }
  // How many deliveries each endpoint has.
  std::map<std::string, int> PerEndpoint(const std::string& event_id = "") {
    std::map<std::string, int> counts;
    for (const Delivery& delivery : Deliveries(event_id)) ++counts[delivery.endpoint_id];
    return counts;
  }
  // Each endpoint that there was at the beginning, once.
  std::map<std::string, int> EachOnce() const {
    std::map<std::string, int> counts;
    for (const std::string& id : endpoint_ids) counts[id] = 1;
    return counts;
  }

  testing::SimClock clock;
  testing::SeededRandom random;
  base::UlidGenerator ulids{&clock, &random};
  GatewayOptions options;
  Observer observer;
  std::unique_ptr<Storage> store = NewMemoryStorage();
  Project project;
  std::vector<std::string> endpoint_ids;
  std::unique_ptr<JobProcess> process;
};

}  // namespace convoy::jobs
