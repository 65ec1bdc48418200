// Requests of a pruner; their effect on a store is in the conformance suite.
#include "lib/storage/pruner.h"

#include <vector>

#include <catch2/catch.hpp>

#include "lib/storage/forwarding_storage.h"
#include "tests/unit/storage/stores.h"

namespace convoy::storage {
namespace {

using namespace convoy::testing;

constexpr absl::Duration kRetention = absl::Hours(24);

// Remembers what it is asked for, and takes a while for it.
class RecordingStorage : public storage::ForwardingStorage {
 public:
  RecordingStorage(Storage* target, SimClock* clock) : ForwardingStorage(target), clock_(*clock) {}

  absl::StatusOr<Pruned> Prune(const PruneRequest& request) override {
    requests.push_back(request);
    clock_.Advance(duration);
    if (!failure.ok()) return failure;
    return ForwardingStorage::Prune(request);
  }

  std::vector<PruneRequest> requests;
  absl::Duration duration;
  absl::Status failure;

 private:
  SimClock& clock_;
};

struct World {
  // Stores events `first` to `last`, each with a delivery in that state.
  void Store(int first, int last, DeliveryStatus status) {
    for (int number = first; number <= last; ++number) {
      const Event event = MakeEvent(Id('P', 1), number);
      Delivery delivery = MakeDelivery(event, Id('E', 1), number, event.created_at);
      delivery.status = status;
      REQUIRE(Submit(*memory, event, {delivery}).status.ok());
    }
  }

  // Steps whenever it is time, until the pruner rests for a second or longer.
  void StepUntilRest(Pruner& pruner) {
    for (int steps = 0; steps < 1000; ++steps) {
      const absl::Time next = pruner.Step();
      if (next - clock.Now() >= absl::Seconds(1)) return;
      clock.Set(next);
    }
    FAIL("never rests");
  }

  SimClock clock{SampleEpoch()};
  Observer observer;
  const std::unique_ptr<Storage> memory = NewMemoryStorage();
  RecordingStorage storage{memory.get(), &clock};
};

TEST_CASE("pruner: events go when the retention is over, not before") {
  World world;
  Pruner pruner(kRetention, &world.storage, &world.clock, &world.observer);
  world.Store(1, 3, DeliveryStatus::kSuccess);
  world.clock.Advance(kRetention);
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().events == 0);
  world.clock.Advance(absl::Minutes(1));
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().events == 3);
  CHECK(pruner.counters().deliveries == 3);
}

TEST_CASE("pruner: a backlog goes piece by piece, with pauses; what has not ended is passed once") {
  World world;
  world.storage.duration = absl::Milliseconds(10);
  world.Store(1, 500, DeliveryStatus::kRetry);
  world.Store(501, 1000, DeliveryStatus::kSuccess);
  world.clock.Advance(2 * kRetention);
  Pruner pruner(kRetention, &world.storage, &world.clock, &world.observer);
  const absl::Time next = pruner.Step();
  CHECK(next - world.clock.Now() == 3 * world.storage.duration);
  pruner.Step();  // too early
  CHECK(world.storage.requests.size() == 1);
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().events == 500);
  const std::vector<PruneRequest>& requests = world.storage.requests;
  for (size_t i = 1; i < requests.size(); ++i) {
    CHECK(requests[i].after_event_id > requests[i - 1].after_event_id);
    CHECK(requests[i].items_max <= 1000);
  }
  CHECK(requests.size() > 4);

  // The next walk begins with the oldest again: they may have ended by now.
  world.clock.Advance(absl::Minutes(1));
  pruner.Step();
  CHECK(world.storage.requests.back().after_event_id.empty());
}

TEST_CASE("pruner: without retention events stay, and expired keys go") {
  World world;
  Pruner pruner(absl::InfiniteDuration(), &world.storage, &world.clock, &world.observer);
  const absl::Time expiry = world.clock.Now() + absl::Minutes(5);
  REQUIRE(Submit(*world.memory, MakeEvent(Id('P', 1), 1), {},
                 DedupeKey{.scope = Id('P', 1), .key = "k", .expires_at = expiry})
              .status.ok());
  // A process whose clock is behind may still ask for it.
  world.clock.Set(expiry + absl::Minutes(1));
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().keys == 0);
  world.clock.Advance(absl::Hours(1000));
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().keys == 1);
  CHECK(pruner.counters().events == 0);
}

TEST_CASE("pruner: a store that fails is asked again later, from where it was") {
  World world;
  world.Store(1, 600, DeliveryStatus::kSuccess);
  world.clock.Advance(2 * kRetention);
  Pruner pruner(kRetention, &world.storage, &world.clock, &world.observer);
  world.clock.Set(pruner.Step());
  const uint64_t before = pruner.counters().events;
  world.storage.failure = absl::UnavailableError("busy");
  const absl::Time next = pruner.Step();
  CHECK(next - world.clock.Now() >= absl::Seconds(1));
  CHECK(pruner.counters().failures == 1);
  CHECK(pruner.counters().events == before);
  world.storage.failure = absl::OkStatus();
  world.clock.Set(next);
  pruner.Step();
  CHECK(world.storage.requests[2].after_event_id == world.storage.requests[1].after_event_id);
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().events == 600);
}

TEST_CASE("pruner: a clock that is set back does not stop it") {
  World world;
  Pruner pruner(kRetention, &world.storage, &world.clock, &world.observer);
  world.clock.Advance(absl::Hours(10'000));
  world.StepUntilRest(pruner);
  world.clock.Set(SampleEpoch());
  CHECK(pruner.Step() <= world.clock.Now() + absl::Minutes(1));
}

TEST_CASE("pruner: a project's own retention counts where it is shorter and enabled") {
  World world;
  // Of each project its events 1 to 3; the second is carried along by the first.
  const auto put = [&world](int number, std::optional<absl::Duration> retention, bool is_enabled,
                            std::string carrier = "") {
    Project project = MakeProject(number);
    project.name = std::to_string(number);
    project.config.retention = retention;
    project.config.is_retention_enabled = is_enabled;
    if (!carrier.empty()) project.config.meta_events = {.project_id = carrier};
    REQUIRE(PutNow(*world.memory, "", {project}).status.ok());
    if (number >= 6 && number < 256) return;  // without events
    const int first = number < 6 ? 10 * number : 60;
    for (int i = 1; i <= 3; ++i) {
      Event event = MakeEvent(project.id, first + i);
      REQUIRE(Submit(*world.memory, event, {}).status.ok());
    }
  };
  put(1, absl::Hours(1), true, Id('P', 2));
  put(2, std::nullopt, false);
  put(3, absl::Hours(1), false);  // not enabled
  put(4, absl::Hours(48), true);  // longer than the gateway's
  put(5, absl::Minutes(30), true);
  // Pages of projects without a walk of their own lie between those that have one.
  for (int number = 6; number < 256; ++number) put(number, absl::Hours(48), true);
  put(256, absl::Minutes(30), true);
  const auto count_of = [&world](int number) {
    return world.memory->ListEvents({.project_id = Id('P', number)}, {}).value().items.size();
  };
  Pruner pruner(kRetention, &world.storage, &world.clock, &world.observer);
  world.clock.Set(SampleEpoch() + absl::Minutes(45));
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().events == 6);
  CHECK(count_of(5) == 0);
  CHECK(count_of(256) == 0);
  world.clock.Set(SampleEpoch() + absl::Hours(2));
  world.StepUntilRest(pruner);
  CHECK(count_of(1) == 0);
  CHECK(count_of(2) == 0);
  CHECK(count_of(3) == 3);
  CHECK(count_of(4) == 3);
  world.clock.Set(SampleEpoch() + kRetention + absl::Hours(1));
  world.StepUntilRest(pruner);
  CHECK(count_of(3) == 0);
  CHECK(count_of(4) == 0);
  CHECK(pruner.counters().failures == 0);
}

TEST_CASE("pruner: a project's own retention counts although the gateway has none") {
  World world;
  Project project = MakeProject(1);
  project.config.retention = absl::Hours(1);
  project.config.is_retention_enabled = true;
  REQUIRE(PutNow(*world.memory, "", {project}).status.ok());
  world.Store(1, 300, DeliveryStatus::kSuccess);
  Pruner pruner(absl::InfiniteDuration(), &world.storage, &world.clock, &world.observer);
  world.clock.Set(SampleEpoch() + absl::Hours(2));
  world.StepUntilRest(pruner);
  CHECK(pruner.counters().events == 300);
}

}  // namespace
}  // namespace convoy::storage
