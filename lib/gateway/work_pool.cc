// Threads, queues and turns of the work pool; see work_pool.h.
#include "lib/gateway/work_pool.h"

#include <utility>

#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace convoy::gateway {
namespace {

using http::WorkKind;

// In order: what is large but coming in goes before what is asked.
constexpr WorkKind kKinds[] = {WorkKind::kIntake, WorkKind::kRead};

#ifdef __linux__
// struct sched_attr of sched_setattr(2) in its first form, which glibc 2.36 does not declare.
struct SchedAttributes {
  uint32_t size = sizeof(SchedAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;  // of an ordinary thread: its slice, from Linux 6.12 on
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};

constexpr uint64_t kLongestSliceNs = 100'000'000;
#endif

// Lets the other threads of the machine go first when they wake. A batch thread does not interrupt
// others; one with a long slice is interrupted by those with the usual one (1 to 3 ms), which
// otherwise wait until a slice is over. Its share of the processors stays the same: a thread that
// hardly runs may hold a lock of SQLite or of the allocator that all wait for.
void GiveWay() {
#ifdef __linux__
  SchedAttributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0U) != 0) return;
  attributes.policy = SCHED_BATCH;
  attributes.runtime_ns = kLongestSliceNs;
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0U));
#endif
}

}  // namespace

void WorkPool::Start() {
  for (uint32_t index = 0; index < limits_.threads; ++index) {
    threads_.emplace_back([this] { Run(); });
  }
}

void WorkPool::Stop() {
  std::deque<Work> cancelled;
  {
    absl::MutexLock lock(&mutex_);
    should_stop_ = true;
    for (Line& line : lines_) {
      for (auto& [name, queue] : line.queues) {
        for (Work& work : queue.waiting) cancelled.push_back(std::move(work));
      }
      line = {};
    }
    counts_.waiting = 0;
  }
  for (const Work& work : cancelled) work(true);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool WorkPool::Add(WorkKind kind, const std::string& queue, Work work) {
  absl::MutexLock lock(&mutex_);
  Line& line = lines_[static_cast<size_t>(kind)];
  Queue& found = line.queues[queue];
  if (should_stop_ || counts_.waiting >= limits_.waiting_max ||
      found.waiting.size() >= limits_.waiting_per_queue_max) {
    if (found.waiting.empty()) line.queues.erase(queue);
    ++counts_.refused_total;
    return false;
  }
  if (found.waiting.empty()) line.turns.push_back(queue);
  found.waiting.push_back(std::move(work));
  ++counts_.waiting;
  return true;
}

void WorkPool::CountTimeOut() {
  absl::MutexLock lock(&mutex_);
  ++counts_.timed_out_total;
}

http::WorkCounts WorkPool::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

bool WorkPool::MayTake(WorkKind kind) const {
  if (lines_[static_cast<size_t>(kind)].turns.empty()) return false;
  return kind != WorkKind::kRead || reading_count_ + 1 < limits_.threads;
}

bool WorkPool::HasNews() const {
  return should_stop_ || MayTake(WorkKind::kIntake) || MayTake(WorkKind::kRead);
}

WorkPool::Work WorkPool::Take(Line& line) {
  const std::string name = std::move(line.turns.front());
  line.turns.pop_front();
  const auto queue = line.queues.find(name);
  Work work = std::move(queue->second.waiting.front());
  queue->second.waiting.pop_front();
  if (queue->second.waiting.empty()) {
    line.queues.erase(queue);
  } else {
    line.turns.push_back(name);
  }
  --counts_.waiting;
  return work;
}

void WorkPool::Run() {
  GiveWay();
  while (true) {
    Work work;
    bool is_read = false;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &WorkPool::HasNews));
      if (should_stop_) return;
      const WorkKind kind = MayTake(kKinds[0]) ? kKinds[0] : kKinds[1];
      is_read = kind == WorkKind::kRead;
      work = Take(lines_[static_cast<size_t>(kind)]);
      ++counts_.running;
      if (is_read) ++reading_count_;
    }
    work(false);
    absl::MutexLock lock(&mutex_);
    --counts_.running;
    if (is_read) --reading_count_;
  }
}

}  // namespace convoy::gateway
