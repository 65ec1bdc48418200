// Threads, queues and turns of the work pool; see work_pool.h.
#include "lib/gateway/work_pool.h"

#include <utility>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

namespace convoy::gateway {
namespace {

using http::WorkKind;

// In order: what is large but coming in goes before what is asked.
constexpr WorkKind kKinds[] = {WorkKind::kIntake, WorkKind::kRead};

// Lets the other threads go first when they wake. Their share of the processors stays the same: a
// thread that hardly runs may hold a lock of SQLite or of the allocator that all wait for.
void GiveWay() {
#ifdef __linux__
  const sched_param parameters{};
  static_cast<void>(pthread_setschedparam(pthread_self(), SCHED_BATCH, &parameters));
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
