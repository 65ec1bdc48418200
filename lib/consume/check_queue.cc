// Queue of broker checks; see check_queue.h.
#include "lib/consume/check_queue.h"

#include <utility>

namespace convoy::consume {
namespace {

constexpr size_t kWaitingMax = 64;

}  // namespace

void CheckQueue::Start() {
  absl::MutexLock lock(&mutex_);
  if (is_running_ || should_stop_) return;
  is_running_ = true;
  thread_ = std::thread([this] { Run(); });
}

bool CheckQueue::Stop(absl::Duration patience) {
  {
    absl::MutexLock lock(&mutex_);
    should_stop_ = true;
    const auto is_over = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !is_running_; };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&is_over), patience)) return false;
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

void CheckQueue::Add(Check check, Completion done) {
  {
    absl::MutexLock lock(&mutex_);
    if (is_running_ && !should_stop_ && entries_.size() < kWaitingMax) {
      entries_.push_back({std::move(check), std::move(done)});
      return;
    }
  }
  done(absl::UnavailableError("the broker was not asked"));
}

void CheckQueue::Run() {
  while (true) {
    Entry entry;
    bool should_check = true;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &CheckQueue::HasWork));
      if (entries_.empty()) {
        is_running_ = false;
        return;
      }
      entry = std::move(entries_.front());
      entries_.pop_front();
      should_check = !should_stop_;
    }
    entry.done(should_check ? entry.check() : absl::CancelledError("the gateway is closing"));
  }
}

}  // namespace convoy::consume
