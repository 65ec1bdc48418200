// Batches: retries of deliveries and replays of events by a filter.
#include "lib/intake/job_room.h"
#include "tests/unit/jobs/job_world.h"

namespace convoy::jobs {
namespace {

using model::Job;
using model::JobKind;
using model::JobState;

// A world whose one event has a delivery to each endpoint, all of which failed.
struct FailedWorld : JobWorld {
  explicit FailedWorld(int endpoints_count) : JobWorld(endpoints_count) {
    Broadcast();
    StepUntilDone();
    FailAll();
    clock.Advance(absl::Seconds(1));
  }

  void FailAll() {
    while (true) {
      const Claim claim =
          store->ClaimDue({.now = clock.Now(), .items_max = 1000, .items_per_endpoint_max = 1000})
              .value();
      if (claim.deliveries.empty()) return;
      WriteBatch batch;
      for (const ClaimedDelivery& claimed : claim.deliveries) {
        Delivery next = claimed.delivery;
        next.status = DeliveryStatus::kFailure;
        next.attempts_count = 3;
        batch.updates.push_back({.lease = claimed.lease, .delivery = next});
      }
      REQUIRE(Commit(batch).status.ok());
    }
  }

  void Add(Job job) {
    job.id = ulids.Next();
    job.project_id = project.id;
    job.created_at = job.updated_at = clock.Now();
    job.deliveries.project_id = job.events.project_id = project.id;
    job.deliveries.created_until = job.events.created_until = clock.Now();
    WriteBatch batch;
    batch.config.push_back(model::NewJobWrite(job));
    REQUIRE(process->commits.Commit(std::move(batch)).status.ok());
  }
  Job Retry() {
    return {.kind = JobKind::kBatchRetry,
            .deliveries = {.statuses = {DeliveryStatus::kFailure, DeliveryStatus::kDiscarded}}};
  }

  size_t Count(DeliveryStatus status) {
    size_t count = 0;
    for (const Delivery& delivery : Deliveries()) count += delivery.status == status ? 1 : 0;
    return count;
  }
};

TEST_CASE("batch retry: what failed is scheduled again, of active endpoints, each once") {
  FailedWorld world(600);
  REQUIRE(world.Count(DeliveryStatus::kFailure) == 600);
  Endpoint paused =
      GetConfig<Endpoint>(*world.store, world.project.id, world.endpoint_ids[7]).value();
  paused.status = EndpointStatus::kPaused;
  world.Put(world.project.id, {paused});
  world.Add(world.Retry());
  // A chunk, and the process dies without being told.
  world.process->worker.Step();
  world.process->storage.is_untold = true;
  world.process->commits.Drain();
  world.process = world.NewProcess();
  world.FailAll();  // they fail again while the job goes on: it does not come back to them
  world.clock.Advance(absl::Seconds(1));
  world.StepUntilDone();
  CHECK(world.Count(DeliveryStatus::kScheduled) == 600 - 64);
  const Job job = world.Jobs(model::EndedJobsOf(world.project.id)).back();
  CHECK(job.state == JobState::kDone);
  CHECK(job.seen_count == 600);
  CHECK(job.done_count == 599);
  CHECK(job.skipped_count == 1);
}

TEST_CASE("batch retry: the filter holds") {
  FailedWorld world(20);
  Job job = world.Retry();
  job.deliveries.endpoint_ids = {world.endpoint_ids[3], world.endpoint_ids[4]};
  world.Add(job);
  world.StepUntilDone();
  CHECK(world.Count(DeliveryStatus::kScheduled) == 2);
}

TEST_CASE("batch retry: a job that is cancelled stops") {
  FailedWorld world(1000);
  world.Add(world.Retry());
  world.Step(*world.process);
  Job job = world.OpenJobs().front();
  CHECK(job.done_count == 64);
  // A chunk is on its way when it is cancelled: it is refused.
  world.process->worker.Step();
  job.state = JobState::kCancelled;
  WriteBatch batch;
  batch.config.push_back(model::NewJobWrite(job));
  world.Commit(batch);
  world.StepUntilDone();
  CHECK(world.Count(DeliveryStatus::kScheduled) == 64);
}

TEST_CASE("batch replay: events of the filter get new deliveries, large ones by their own job") {
  FailedWorld world(300);  // of a large event
  const std::string small = world.Accept(world.process->intake.PrepareSingle(
      *world.Snapshot(), {.event_type = "t", .data = "{}", .idempotency_key = "k"},
      world.endpoint_ids[0]));
  world.Accept(world.process->intake.PrepareSingle(
      *world.Snapshot(), {.event_type = "t", .data = "{}", .idempotency_key = "k"},
      world.endpoint_ids[0]));  // a duplicate
  world.clock.Advance(absl::Seconds(1));
  world.Add({.kind = JobKind::kBatchReplay});
  world.clock.Advance(absl::Seconds(1));
  const std::string late = world.Accept(world.process->intake.PrepareSingle(
      *world.Snapshot(), {.event_type = "t", .data = "{}"}, world.endpoint_ids[0]));
  world.StepUntilDone();
  CHECK(world.Deliveries(small).size() == 2);
  CHECK(world.Deliveries(late).size() == 1);
  CHECK(world.Deliveries().size() == 300 * 2 + 2 + 1);
  bool has_replay = false;
  for (const Job& job : world.Jobs(model::EndedJobsOf(world.project.id))) {
    has_replay |= job.kind == JobKind::kReplay && job.done_count == 300;
    if (job.kind != JobKind::kBatchReplay) continue;
    CHECK(job.seen_count == 3);
    CHECK(job.done_count == 1);
    CHECK(job.skipped_count == 1);
  }
  CHECK(has_replay);
}

TEST_CASE("batch: a stored filter is what it was") {
  Job job{.id = "J", .project_id = "P", .kind = JobKind::kBatchRetry};
  job.deliveries = {.project_id = "P",
                    .event_id = "V",
                    .subscription_id = "B",
                    .idempotency_key = "k",
                    .event_type = "t",
                    .endpoint_ids = {"E1", "E2"},
                    .statuses = {DeliveryStatus::kDiscarded},
                    .created_from = testing::SimEpoch(),
                    .created_until = testing::SimEpoch() + absl::Hours(1)};
  job.cursor = "c";
  const ConfigRecord record = model::EncodeJob(job);
  const Job read = model::DecodeJob(record).value();
  CHECK(model::EncodeJob(read) == record);
  CHECK(read.deliveries.statuses == job.deliveries.statuses);
  CHECK(read.deliveries.created_until == job.deliveries.created_until);
  ConfigRecord damaged = record;
  damaged.document = R"({"kind":"other","state":"open"})";
  CHECK(absl::IsDataLoss(model::DecodeJob(damaged).status()));
}

TEST_CASE("job room: the jobs of a batch count together") {
  const std::unique_ptr<Storage> storage = NewMemoryStorage();
  const auto batch_of = [](int first, int count) {
    WriteBatch batch;
    for (int i = first; i < first + count; ++i) {
      batch.config.push_back(
          model::NewJobWrite({.id = absl::StrCat("J", i), .project_id = "P", .event_id = "V"}));
    }
    return batch;
  };
  CHECK(intake::CheckJobRoom(*storage, 3, batch_of(0, 3)).ok());
  CHECK(intake::CheckJobRoom(*storage, 3, batch_of(0, 4)).ok());  // or it could never come in
  WriteBatch two = batch_of(0, 2);
  CommitResult result;
  WriteBatch* const batches[] = {&two};
  REQUIRE(storage->Commit(batches, {&result, 1}).ok());
  REQUIRE(result.status.ok());
  CHECK(intake::CheckJobRoom(*storage, 3, batch_of(2, 1)).ok());
  CHECK(intake::IsTooManyJobs(intake::CheckJobRoom(*storage, 3, batch_of(2, 2))));
  CHECK(intake::CheckJobRoom(*storage, 3, {}).ok());
}

TEST_CASE("batch replay: one of many large events never has more open jobs than there may be") {
  JobWorld plain(300);
  plain.options.open_jobs_max = 3;
  plain.process = plain.NewProcess();
  for (int i = 0; i < 5; ++i) plain.Broadcast();
  plain.StepUntilDone();
  plain.clock.Advance(absl::Seconds(1));
  WriteBatch batch;
  batch.config.push_back(model::NewJobWrite(
      {.id = plain.ulids.Next(),
       .project_id = plain.project.id,
       .kind = JobKind::kBatchReplay,
       .events = {.project_id = plain.project.id, .created_until = plain.clock.Now()},
       .created_at = plain.clock.Now(),
       .updated_at = plain.clock.Now()}));
  REQUIRE(plain.process->commits.Commit(std::move(batch)).status.ok());
  size_t open_max = 0;
  for (int i = 0; i < 1000 && !plain.OpenJobs().empty(); ++i) {
    plain.Step(*plain.process);
    open_max = std::max(open_max, plain.OpenJobs().size());
  }
  CHECK(plain.OpenJobs().empty());
  CHECK(open_max == 3);
  CHECK(plain.Deliveries().size() == 2u * 5 * 300);
}

}  // namespace
}  // namespace convoy::jobs
