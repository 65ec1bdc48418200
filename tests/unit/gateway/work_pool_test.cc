#include "lib/gateway/work_pool.h"

#ifdef __linux__
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <atomic>
#include <cstdint>

#include "absl/synchronization/notification.h"
#include <catch2/catch.hpp>

namespace convoy::gateway {
namespace {

using http::WorkKind;

// Work that lasts until it is let go.
class Gate {
 public:
  WorkPool::Work Wait() {
    return [this](bool) { open_.WaitForNotification(); };
  }
  void Open() { open_.Notify(); }

 private:
  absl::Notification open_;
};

TEST_CASE("work_pool: queues take turns, however much one of them asks") {
  Gate gate;
  absl::Mutex mutex;
  std::string order;
  absl::Notification all_done;
  WorkPool pool({.threads = 2});  // goes first: its threads are at the others
  REQUIRE(pool.Add(WorkKind::kRead, "first", gate.Wait()));
  pool.Start();
  const auto note = [&](char name) {
    return [&, name](bool is_cancelled) {
      absl::MutexLock lock(&mutex);
      order += is_cancelled ? '!' : name;
      if (order.size() == 7) all_done.Notify();
    };
  };
  while (pool.counts().running == 0) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) REQUIRE(pool.Add(WorkKind::kRead, "greedy", note('g')));
  REQUIRE(pool.Add(WorkKind::kRead, "a", note('a')));
  REQUIRE(pool.Add(WorkKind::kRead, "b", note('b')));
  gate.Open();
  all_done.WaitForNotification();
  CHECK(order == "gabgggg");
}

TEST_CASE("work_pool: reads leave a thread for what comes in") {
  WorkPool pool({.threads = 3});
  Gate gate;
  pool.Start();
  for (int i = 0; i < 10; ++i) REQUIRE(pool.Add(WorkKind::kRead, "p", gate.Wait()));
  while (pool.counts().running < 2) std::this_thread::yield();
  absl::Notification done;
  REQUIRE(pool.Add(WorkKind::kIntake, "p", [&](bool) { done.Notify(); }));
  done.WaitForNotification();
  CHECK(pool.counts().waiting == 8);
  gate.Open();
}

#ifdef __linux__
// The slice of this thread in nanoseconds; 0 where the kernel does not tell (before Linux 6.12).
uint64_t SliceNs() {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {};  // struct sched_attr of sched_setattr(2)
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0U) != 0) return 0;
  return attributes.runtime;
}

TEST_CASE("work_pool: its threads give way when others wake, and keep their share") {
  WorkPool pool({.threads = 2});
  int policy = -1;
  int priority = -1;
  uint64_t slice_ns = 0;
  absl::Notification is_done;
  REQUIRE(pool.Add(WorkKind::kRead, "p", [&](bool) {
    policy = sched_getscheduler(0);
    priority = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
    slice_ns = SliceNs();
    is_done.Notify();
  }));
  pool.Start();
  is_done.WaitForNotification();
  CHECK(policy == SCHED_BATCH);
  CHECK(priority == getpriority(PRIO_PROCESS, 0));
  if (const uint64_t usual_ns = SliceNs(); usual_ns > 0) CHECK(slice_ns > usual_ns);
}
#endif

TEST_CASE("work_pool: what waits is bounded, in all and in one queue") {
  WorkPool pool({.threads = 2, .waiting_max = 5, .waiting_per_queue_max = 3});
  const auto add = [&](const std::string& queue) {
    return pool.Add(WorkKind::kRead, queue, [](bool) {});
  };
  CHECK((add("a") && add("a") && add("a")));
  CHECK_FALSE(add("a"));
  CHECK((add("b") && add("b")));
  CHECK_FALSE(add("b"));
  CHECK_FALSE(add("c"));
  CHECK(pool.counts().refused_total == 3);
  CHECK(pool.counts().waiting == 5);
}

TEST_CASE("work_pool: what waits when it stops runs once, cancelled") {
  std::atomic<int> cancelled = 0;
  std::atomic<int> done = 0;
  {
    WorkPool pool({.threads = 2});
    pool.Start();
    for (int i = 0; i < 100; ++i) {
      REQUIRE(pool.Add(WorkKind::kRead, "a",
                       [&](bool is_cancelled) { ++(is_cancelled ? cancelled : done); }));
    }
    pool.Stop();
    CHECK_FALSE(pool.Add(WorkKind::kRead, "a", [](bool) {}));
  }
  CHECK(cancelled + done == 100);
}

TEST_CASE("work_pool: plans by path, method and size") {
  const auto plan = [](std::string_view method, std::string_view path, size_t body_size = 10) {
    static std::string body;
    body.assign(body_size, 'x');
    return http::PlanWork({.method = method, .path = path, .body = body});
  };
  CHECK(plan("GET", "/healthz").is_quick);
  CHECK(plan("GET", "/elsewhere").is_quick);
  CHECK(plan("POST", "/ingest/abc").is_quick);
  CHECK_FALSE(plan("POST", "/ingest/abc/x", 100'000).is_quick);
  CHECK(plan("POST", "/ingest/abc/x", 100'000).queue == "abc");
  CHECK(plan("POST", "/api/v1/projects/p/events").is_quick);
  CHECK_FALSE(plan("POST", "/api/v1/projects/p/events", 100'000).is_quick);
  CHECK_FALSE(plan("GET", "/api/v1/projects/p/events").is_quick);
  CHECK(plan("GET", "/api/v1/projects/p/events").queue == "p");
  CHECK(plan("POST", "/api/v1/projects/p/subscriptions/test_filter").kind == WorkKind::kRead);
  CHECK(plan("POST", "/api/v1/projects/p/events/broadcast").kind == WorkKind::kIntake);
  CHECK_FALSE(plan("GET", "/readyz").is_quick);
}

}  // namespace
}  // namespace convoy::gateway
