#include "lib/consume/consumer_supervisor.h"

#include <pthread.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

#include "tests/unit/consume/consume_world.h"

namespace convoy::consume {
namespace {

using testing::SimBroker;

// Everything in it is real but the broker: threads, time, and a thread that commits.
struct LiveWorld : World {
  LiveWorld() {
    parts.clock = system_clock.get();
    broker->set_blocks(true);
    supervisor = std::make_unique<ConsumerSupervisor>(parts, &storage,
                                                      std::vector<std::shared_ptr<Broker>>{broker});
  }

  // Waits for something that must come to pass; the test's own time limit is the end of patience.
  static void Await(const std::function<bool()>& has_happened) {
    while (!has_happened()) absl::SleepFor(absl::Milliseconds(2));
  }
  void AwaitEvents(size_t count) {
    Await([&] { return EventBodies().size() >= count; });
  }
  void PutSource() {
    Put("P", {source});
    supervisor->ReconcileNow();
  }
  std::vector<ConsumerState> States() const {
    std::vector<ConsumerState> states;
    for (const ConsumerStatus& status : supervisor->StatusOf(source)) {
      states.push_back(status.state);
    }
    return states;
  }

  const std::unique_ptr<Clock> system_clock = NewSystemClock();
  std::unique_ptr<ConsumerSupervisor> supervisor;
};

class LogCounter : public Observer {
 public:
  void Log(LogLevel, std::string_view event, std::span<const LogField>) override {
    absl::MutexLock lock(&mutex_);
    ++counts_[std::string(event)];
  }
  int CountOf(const std::string& event) {
    absl::MutexLock lock(&mutex_);
    return counts_[event];
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
};

TEST_CASE("consumer_supervisor: nothing is read before it is started, and the status says why") {
  LiveWorld world;
  world.Publish(0, 1);
  const auto statuses = world.supervisor->StatusOf(world.source);
  REQUIRE(statuses.size() == 1);
  CHECK(statuses[0].state == ConsumerState::kStopped);
  CHECK(statuses[0].last_error.find("only by a gateway that was started") != std::string::npos);
  CHECK(world.broker->CountCalls(SimBroker::Call::kOpen) == 0);
}

TEST_CASE("consumer_supervisor: consumers start with their source, and stop with it") {
  LiveWorld world;
  world.Publish(0, 5);
  world.supervisor->Start();
  world.AwaitEvents(5);
  CHECK(world.States() == std::vector{ConsumerState::kRunning});
  const auto statuses = world.supervisor->Statuses();
  REQUIRE(statuses.size() == 1);
  CHECK(statuses[0].project_id == "P");
  CHECK(statuses[0].source_id == "S");
  CHECK(statuses[0].consumer_id == "S-0");

  world.source.is_disabled = true;
  world.PutSource();
  LiveWorld::Await([&] { return world.broker->CountConsumers() == 0; });
  CHECK(world.supervisor->StatusOf(world.source)[0].last_error == "the source is disabled");
  world.Publish(5, 6);

  world.source.is_disabled = false;
  world.PutSource();
  world.AwaitEvents(6);
  world.Remove(ConfigKind::kSource, "S");
  world.supervisor->ReconcileNow();
  LiveWorld::Await([&] { return world.supervisor->Statuses().empty(); });
  CHECK(world.broker->CountConsumers() == 0);
}

TEST_CASE("consumer_supervisor: a periodic check finds a change by another process") {
  LiveWorld world;
  world.Remove(ConfigKind::kSource, "S");
  world.supervisor->Start();
  world.Publish(0, 1);
  world.Put("P", {world.source});
  world.AwaitEvents(1);
}

TEST_CASE("consumer_supervisor: a source has as many consumers as it has workers") {
  LiveWorld world;
  world.source.workers_count = 3;
  world.Put("P", {world.source});
  world.supervisor->Start();
  LiveWorld::Await([&] { return world.broker->CountConsumers() == 3; });
  const size_t opened = world.broker->CountCalls(SimBroker::Call::kOpen);
  world.source.workers_count = 2;
  world.PutSource();
  LiveWorld::Await([&] { return world.broker->CountConsumers() == 2; });
  CHECK(world.broker->CountCalls(SimBroker::Call::kOpen) == opened);  // the others went on
}

TEST_CASE("consumer_supervisor: a source that reads elsewhere gets new consumers") {
  LiveWorld world;
  world.supervisor->Start();
  LiveWorld::Await([&] { return world.broker->CountConsumers() == 1; });
  world.source.name = "another name";
  world.PutSource();
  std::get<AmqpConfig>(world.source.broker).queue = "invoices";
  world.PutSource();
  LiveWorld::Await([&] { return world.States() == std::vector{ConsumerState::kMisconfigured}; });
  world.broker->MakeQueue("invoices");
  LiveWorld::Await([&] { return world.States() == std::vector{ConsumerState::kRunning}; });
  CHECK(world.broker->CountConsumers() == 1);
}

TEST_CASE("consumer_supervisor: messages are read in the format that their source has now") {
  LiveWorld world;
  world.supervisor->Start();
  world.PublishBody("anything");
  LiveWorld::Await([&] { return world.DeadLetters().size() == 1; });
  world.source.message_format = MessageFormat::kRaw;
  world.source.raw_event_type = "a";
  world.PutSource();
  LiveWorld::Await([&] { return world.broker->CountCalls(SimBroker::Call::kOpen) == 2; });
  world.PublishBody("anything");
  world.AwaitEvents(1);
  CHECK(world.EventBodies() == std::vector<std::string>{"anything"});
}

TEST_CASE("consumer_supervisor: a broker without an adapter is said to be one") {
  LiveWorld world;
  world.source.broker = KafkaConfig{.brokers = {"localhost:9092"}};
  world.Put("P", {world.source});
  world.supervisor->Start();
  const auto statuses = world.supervisor->StatusOf(world.source);
  REQUIRE(statuses.size() == 1);
  CHECK(statuses[0].state == ConsumerState::kMisconfigured);
  CHECK(statuses[0].last_error == "this gateway has no adapter for kafka");
  CHECK_FALSE(world.supervisor->Supports(world.source.broker));
  CHECK(world.supervisor->Stop(absl::InfiniteDuration()));
}

// Threads that are made in its time would need more stack than there are addresses.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    REQUIRE(pthread_getattr_default_np(&before_) == 0);
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstacksize(&attributes, size_t{1} << 60) == 0);
    REQUIRE(pthread_setattr_default_np(&attributes) == 0);
    pthread_attr_destroy(&attributes);
  }
  ~NoMoreThreads() {
    CHECK(pthread_setattr_default_np(&before_) == 0);
    pthread_attr_destroy(&before_);
  }

 private:
  pthread_attr_t before_;
};

TEST_CASE("consumer_supervisor: a thread that there is none for is tried again later") {
  LogCounter log;
  LiveWorld world;
  world.parts.observer = &log;
  world.supervisor = std::make_unique<ConsumerSupervisor>(
      world.parts, &world.storage, std::vector<std::shared_ptr<Broker>>{world.broker});
  world.source.is_disabled = true;
  world.PutSource();
  world.supervisor->Start();
  world.Publish(0, 1);
  {
    const NoMoreThreads limit;
    world.source.is_disabled = false;
    world.PutSource();
    LiveWorld::Await([&] { return log.CountOf("no thread for a consumer") > 0; });
    CHECK(world.States() == std::vector{ConsumerState::kConnecting});
  }
  world.AwaitEvents(1);
}

TEST_CASE("consumer_supervisor: its end leaves no consumer, and everything either stored or left") {
  for (int run = 0; run < 10; ++run) {
    LiveWorld world;
    world.source.workers_count = 4;
    world.Put("P", {world.source});
    world.supervisor->Start();
    for (int i = 0; i < 20; ++i) world.Publish(i * 50, i * 50 + 50);
    absl::SleepFor(absl::Milliseconds(run));
    CHECK(world.supervisor->Stop(absl::InfiniteDuration()));
    CHECK(world.broker->CountConsumers() == 0);
    CHECK(world.EventBodies().size() + world.broker->CountLeft("orders") == 1000);
    CHECK(world.supervisor->Statuses().empty());
  }
}

TEST_CASE("consumer_supervisor: a broker is asked before a source is stored") {
  LiveWorld world;
  CHECK(world.supervisor->Check(world.source).ok());
  Source wrong = world.source;
  std::get<AmqpConfig>(wrong.broker).queue = "nowhere";
  CHECK(absl::IsNotFound(world.supervisor->Check(wrong)));
  world.supervisor->Start();
  absl::Notification is_answered;
  absl::Status answer;
  world.supervisor->CheckLater(wrong, [&](absl::Status status) {
    answer = status;
    is_answered.Notify();
  });
  is_answered.WaitForNotification();
  CHECK(absl::IsNotFound(answer));
}

}  // namespace
}  // namespace convoy::consume
