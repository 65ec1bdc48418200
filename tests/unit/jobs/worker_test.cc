#include "lib/jobs/worker.h"

#include "tests/unit/jobs/job_world.h"

namespace convoy::jobs {
namespace {

using model::JobState;

TEST_CASE("worker: up to the bound deliveries are made with the event, beyond it by a job") {
  for (const size_t count : {255, 256, 257, 511, 512, 513}) {
    INFO(count);
    JobWorld world(static_cast<int>(count));
    const std::string event_id = world.Broadcast();
    const bool is_direct = count <= 256;
    CHECK(world.OpenJobs().empty() == is_direct);
    CHECK(world.Deliveries().size() == (is_direct ? count : 0));
    world.StepUntilDone();
    CHECK(world.PerEndpoint(event_id) == world.EachOnce());
    if (is_direct) continue;
    const model::Job job = world.OnlyJob();
    CHECK(job.state == JobState::kDone);
    CHECK(job.expected_count == count);
    CHECK(job.done_count == count);
    CHECK(world.process->worker.counts().deliveries == count);
    CHECK(world.process->worker.counts().open == 0);
    CHECK(world.process->notified > 0);
  }
}

TEST_CASE("worker: a delivery of a job is as one that was made with its event") {
  JobWorld world(300);
  const std::string event_id = world.Broadcast();
  const absl::Time accepted_at = world.clock.Now();
  world.clock.Advance(absl::Seconds(10));
  world.StepUntilDone();
  const Event event = world.store->GetEvent(world.project.id, event_id).value();
  CHECK(event.status == EventStatus::kSuccess);
  CHECK(event.endpoint_ids.empty());
  for (const Delivery& delivery : world.Deliveries()) {
    REQUIRE(delivery.created_at == accepted_at);
    REQUIRE(delivery.due_at == accepted_at);
    REQUIRE(delivery.event_type == "t.made");
    REQUIRE(delivery.status == DeliveryStatus::kScheduled);
  }
}

TEST_CASE("worker: a fan-out reaches the owner's endpoints, each subscription once") {
  JobWorld world(700);
  const auto ids = world.endpoint_ids;
  // One endpoint wants it many times, one not at all.
  std::vector<ConfigRecord> more;
  for (int i = 0; i < 600; ++i) more.push_back(world.SubscriptionOf(ids[3]));
  Endpoint stranger{.id = world.ulids.Next(), .project_id = world.project.id, .owner_id = "bob"};
  more.push_back(stranger);
  more.push_back(world.SubscriptionOf(stranger.id));
  world.Put(world.project.id, std::move(more));
  const std::string event_id = world.Fanout("ann");
  REQUIRE(world.OpenJobs().size() == 1);
  world.StepUntilDone();
  auto expected = world.EachOnce();
  expected[ids[3]] = 601;
  CHECK(world.PerEndpoint(event_id) == expected);
  CHECK(world.OnlyJob().done_count == 1300);
}

TEST_CASE("worker: whatever instant a process dies at, each endpoint gets one delivery") {
  JobWorld world(1500);
  const std::string event_id = world.Broadcast();
  for (int i = 0; !world.OpenJobs().empty(); ++i) {
    REQUIRE(i < 100);
    switch (i % 4) {
      case 0:  // before it commits
        world.process->worker.Step();
        world.process->storage.refusals = 1000;
        world.process->commits.Drain();
        break;
      case 1:  // it was written, and the process was not told
        world.process->worker.Step();
        world.process->storage.is_untold = true;
        world.process->commits.Drain();
        break;
      case 2:  // the store is busy for a while
        world.process->storage.refusals = 2;
        for (int step = 0; step < 4; ++step) world.Step(*world.process);
        continue;
      default:
        world.Step(*world.process);
        continue;
    }
    world.process = world.NewProcess();
  }
  CHECK(world.PerEndpoint(event_id) == world.EachOnce());
}

TEST_CASE("worker: two workers at one job have no double effect, and none waits for the other") {
  JobWorld world(3000);
  const auto other = world.NewProcess();
  const std::string event_id = world.Broadcast();
  for (int i = 0; !world.OpenJobs().empty(); ++i) {
    REQUIRE(i < 1000);
    // Both plan before either commits.
    world.process->worker.Step();
    other->worker.Step();
    (i % 2 == 0 ? *other : *world.process).commits.Drain();
    world.process->commits.Drain();
    other->commits.Drain();
    world.clock.Advance(absl::Milliseconds(30));
  }
  CHECK(world.PerEndpoint(event_id) == world.EachOnce());
  CHECK(world.OnlyJob().done_count == 3000);
  CHECK(other->worker.counts().chunks > 0);
  CHECK(other->worker.counts().overtaken + world.process->worker.counts().overtaken > 0);
}

TEST_CASE("worker: a duplicate has no deliveries, and its job goes") {
  JobWorld world(300);
  world.Broadcast("key");
  world.StepUntilDone();
  const std::string duplicate = world.Broadcast("key");
  CHECK(world.OpenJobs().size() == 1);
  world.StepUntilDone();
  CHECK(world.Deliveries().size() == 300);
  CHECK(world.Deliveries(duplicate).empty());
  CHECK(world.OnlyJob().event_id != duplicate);
}

TEST_CASE("worker: endpoints that come and go meanwhile") {
  JobWorld world(1024);
  const auto ids = world.endpoint_ids;
  const std::string event_id = world.Broadcast();
  world.Step(*world.process);
  REQUIRE(world.Deliveries().size() == 64);
  world.clock.Advance(absl::Seconds(1));
  Endpoint late{.id = world.ulids.Next(), .project_id = world.project.id, .owner_id = "ann"};
  world.Change({.scope = world.project.id,
                .puts = {late, world.SubscriptionOf(late.id)},
                .removes = {{ConfigKind::kEndpoint, ids[0]}, {ConfigKind::kEndpoint, ids[600]}}});
  world.StepUntilDone();
  auto expected = world.EachOnce();
  expected.erase(ids[600]);  // that of ids[0] was made before
  expected[late.id] = 1;
  CHECK(world.PerEndpoint(event_id) == expected);
}

TEST_CASE("worker: a clock that was set back before the event leaves no subscription out") {
  JobWorld world(600);
  world.clock.Advance(-absl::Hours(2));
  const std::string event_id = world.Broadcast();
  world.StepUntilDone();
  CHECK(world.PerEndpoint(event_id) == world.EachOnce());
}

TEST_CASE("worker: with its project a job goes, also one that is written afterwards") {
  JobWorld world(600);
  auto late =
      world.process->intake.PrepareBroadcast(*world.Snapshot(), {.event_type = "t", .data = "{}"});
  world.Broadcast();
  world.process->worker.Step();  // a chunk is on its way
  world.Change({.scope = "", .removes = {{ConfigKind::kProject, world.project.id}}});
  world.process->commits.Drain();
  CHECK(world.Jobs({.kind = ConfigKind::kJob}).empty());
  world.Accept(std::move(late));
  CHECK(world.OpenJobs().size() == 1);
  world.StepUntilDone();
  CHECK(world.Jobs({.kind = ConfigKind::kJob}).empty());
  CHECK(world.Deliveries().empty());
}

TEST_CASE("worker: a job does not change the revision of its project") {
  JobWorld world(600);
  const uint64_t revision = world.store->ConfigRevision(world.project.id).value();
  world.Broadcast();
  world.StepUntilDone();
  CHECK(world.store->ConfigRevision(world.project.id).value() == revision);
}

TEST_CASE("worker: between two chunks it leaves the store to others") {
  JobWorld world(2000);
  world.Broadcast();
  world.Broadcast();
  const absl::Time begin = world.clock.Now();
  world.StepUntilDone();
  CHECK(world.clock.Now() - begin >= absl::Milliseconds(2 * 14));
  CHECK(world.Deliveries().size() == 4000);
}

TEST_CASE("worker: projects take turns, however many jobs one of them has") {
  JobWorld world(1500);
  const Project other{.id = world.ulids.Next(), .name = "other", .created_at = world.clock.Now()};
  world.Put("", {other});
  std::vector<ConfigRecord> records;
  for (int i = 0; i < 600; ++i) {
    const Endpoint endpoint{.id = world.ulids.Next(), .project_id = other.id};
    Subscription subscription = world.SubscriptionOf(endpoint.id);
    subscription.project_id = other.id;
    records.push_back(endpoint);
    records.push_back(subscription);
  }
  world.Put(other.id, std::move(records));
  for (int i = 0; i < 5; ++i) world.Broadcast();
  world.Accept(world.process->intake.PrepareBroadcast(
      *world.process->configuration.FindProject(other.id).value(),
      {.event_type = "t", .data = "{}"}));
  for (int i = 0; i < 4; ++i) world.Step(*world.process);
  uint64_t of_other = 0, of_first = 0;
  for (const model::Job& job : world.OpenJobs()) {
    (job.project_id == other.id ? of_other : of_first) += job.done_count;
  }
  CHECK(of_other == 128);
  CHECK(of_first == 128);
}

TEST_CASE("worker: of ended jobs the newest stay") {
  JobWorld world(300);
  for (int i = 0; i < 110; ++i) {
    world.Broadcast();
    world.StepUntilDone();
  }
  CHECK(world.Jobs({.kind = ConfigKind::kJob}).size() == 100);
}

TEST_CASE("worker: a replay of such an event reaches those that it reached, once more") {
  JobWorld world(600);
  const auto ids = world.endpoint_ids;
  const std::string event_id = world.Fanout("ann");
  world.StepUntilDone();
  world.clock.Advance(absl::Seconds(1));
  world.Change({.scope = world.project.id, .removes = {{ConfigKind::kEndpoint, ids[5]}}});
  for (int i = 0; i < 2; ++i) {
    const Event event = world.store->GetEvent(world.project.id, event_id).value();
    auto batch = world.process->intake.PrepareReplay(*world.Snapshot(), event).value();
    CHECK(batch.extra_deliveries.empty());
    REQUIRE(world.process->commits.Commit(std::move(batch)).status.ok());
    world.StepUntilDone();
  }
  auto expected = world.EachOnce();
  for (auto& [id, count] : expected) count = id == ids[5] ? 1 : 3;
  CHECK(world.PerEndpoint(event_id) == expected);
}

TEST_CASE("worker: a replay in the instant of the event is told from the event's own deliveries") {
  JobWorld world(3);
  const std::string event_id = world.Fanout("ann");
  world.StepUntilDone();
  const Event event = world.store->GetEvent(world.project.id, event_id).value();
  auto batch = world.process->intake.PrepareReplay(*world.Snapshot(), event).value();
  REQUIRE(batch.extra_deliveries.size() == 3);
  for (const Delivery& delivery : batch.extra_deliveries) {
    CHECK(delivery.created_at > event.created_at);
  }
}

TEST_CASE("worker: with nothing to do it asks nothing and wants not to be called") {
  JobWorld world(1);
  CHECK(world.process->worker.Step() == absl::InfiniteFuture());
}

}  // namespace
}  // namespace convoy::jobs
