// Turns of the owners; see call_queue.h.
#include "lib/script/call_queue.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace convoy::script {
namespace {

// Owners without calls are remembered, because how slow they were matters, up to this number.
constexpr size_t kOwnersMax = 512;

}  // namespace

std::optional<QueuedCall> CallQueue::Add(QueuedCall call) {
  absl::MutexLock lock(&mutex_);
  if (is_closed_ || waiting_count_ >= limits_.waiting_max) return call;
  if (owners_.size() >= kOwnersMax) ForgetIdle();
  const int64_t least = LeastWork();
  Owner& owner = owners_[call.call.owner];
  if (owner.waiting.size() >= limits_.waiting_per_owner_max) return call;
  // Time in which an owner wanted nothing is not saved up.
  if (owner.waiting.empty() && owner.running_count == 0) owner.work = std::max(owner.work, least);
  owner.waiting.push_back(std::move(call));
  ++waiting_count_;
  return std::nullopt;
}

int64_t CallQueue::LeastWork() const {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const auto& [name, owner] : owners_) {
    const bool is_busy = !owner.waiting.empty() || owner.running_count > 0;
    if (is_busy) least = std::min(least, owner.work);
  }
  return least == std::numeric_limits<int64_t>::max() ? 0 : least;
}

void CallQueue::ForgetIdle() {
  absl::erase_if(owners_, [](const auto& item) {
    return item.second.waiting.empty() && item.second.running_count == 0;
  });
}

CallQueue::Owners::iterator CallQueue::FindNext() {
  // Of a single thread, slow calls may have the whole.
  const uint32_t slow_max = std::max(limits_.threads, 2u) - 1;
  auto next = owners_.end();
  for (auto it = owners_.begin(); it != owners_.end(); ++it) {
    const Owner& owner = it->second;
    if (owner.waiting.empty()) continue;
    if (owner.is_slow && slow_running_count_ >= slow_max) continue;
    if (next == owners_.end() || owner.work < next->second.work) next = it;
  }
  return next;
}

bool CallQueue::HasNext() { return is_closed_ || FindNext() != owners_.end(); }

std::optional<QueuedCall> CallQueue::Take() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &CallQueue::HasNext));
  if (is_closed_) return std::nullopt;
  Owner& owner = FindNext()->second;
  QueuedCall call = std::move(owner.waiting.front());
  owner.waiting.pop_front();
  --waiting_count_;
  ++owner.running_count;
  if (owner.is_slow) ++slow_running_count_;
  call.is_slow = owner.is_slow;
  return call;
}

void CallQueue::Finish(const QueuedCall& call, int64_t steps_count) {
  absl::MutexLock lock(&mutex_);
  if (call.is_slow) --slow_running_count_;
  Owner& owner = owners_[call.call.owner];
  --owner.running_count;
  owner.work += std::max<int64_t>(steps_count, 1);
  owner.is_slow = steps_count >= limits_.steps_max / kSlowShare;
}

std::deque<QueuedCall> CallQueue::Close() {
  absl::MutexLock lock(&mutex_);
  is_closed_ = true;
  std::deque<QueuedCall> waiting;
  for (auto& [name, owner] : owners_) {
    std::move(owner.waiting.begin(), owner.waiting.end(), std::back_inserter(waiting));
    owner.waiting.clear();
  }
  waiting_count_ = 0;
  return waiting;
}

}  // namespace convoy::script
