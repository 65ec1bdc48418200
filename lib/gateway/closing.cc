// Closing of a gateway: consumers and threads end, what is in flight is drained until the deadline,
// and the rest is put back into the store.
#include <algorithm>

#include "absl/status/status.h"

#include "lib/gateway/embedded_gateway.h"

namespace convoy::gateway {
namespace {

// For a thread that is in the middle of a commit when the gateway closes without patience.
constexpr absl::Duration kThreadPatienceMin = absl::Seconds(1);

}  // namespace

absl::Status EmbeddedGateway::Close(absl::Duration patience) {
  absl::MutexLock closing(&close_mutex_);
  bool has_threads = false;
  {
    absl::MutexLock lock(&mutex_);
    if (phase_ == Phase::kClosed) return absl::OkStatus();
    has_threads = !threads_.empty();
    phase_ = Phase::kDraining;
  }
  host_wake_->Set(HostWake::Reason::kClosing, true);
  const absl::Time deadline = parts_.clock->SteadyNow() + patience;
  // Messages that consumers are storing are committed by the threads that still run.
  const bool are_consumers_over = consumers_.Stop(patience);
  dispatcher_.Drain();
  // From here on this thread drives: two drivers at once are not allowed, and one that stops at the
  // deadline is all that is needed.
  const absl::Duration left = deadline - parts_.clock->SteadyNow();
  if (has_threads && !StopThreads(std::max(left, kThreadPatienceMin))) {
    return absl::DeadlineExceededError("a callback has not returned; close again");
  }
  absl::MutexLock driving(&driver_mutex_);
  DrainUntil(deadline);
  AbandonWhatIsLeft();
  parts_.transport->Cancel();  // fetches; of deliveries there are none any more
  const absl::Status released = parts_.storage->ReleaseClaims();

  absl::MutexLock lock(&mutex_);
  if (requests_count_ > 0) {
    return absl::DeadlineExceededError("requests are still being answered; close again");
  }
  if (!are_consumers_over) {
    return absl::DeadlineExceededError("message brokers are still being asked; close again");
  }
  phase_ = Phase::kClosed;
  return released;
}

bool EmbeddedGateway::is_quiet() const {
  absl::MutexLock lock(&mutex_);
  return requests_count_ == 0 && dispatcher_.idle();
}

void EmbeddedGateway::DrainUntil(absl::Time deadline) {
  // Requests that block in Handle end by themselves; they do not signal, so they are looked for.
  constexpr absl::Duration kLook = absl::Milliseconds(5);
  while (true) {
    const absl::Time next = StepOnce();
    const absl::Duration left = deadline - parts_.clock->SteadyNow();
    if (is_quiet() || left <= absl::ZeroDuration()) return;
    wake_->Wait(std::min({next - parts_.clock->Now(), left, kLook}));
  }
}

void EmbeddedGateway::AbandonWhatIsLeft() {
  if (dispatcher_.idle()) return;
  dispatcher_.Abandon();
  // Deliveries that were put back are committed here; if the store refuses, their leases end by
  // themselves.
  constexpr int kRoundsMax = 8;
  for (int round = 0; round < kRoundsMax && !dispatcher_.idle(); ++round) {
    commits_.Drain();
    dispatcher_.Step();
  }
}

}  // namespace convoy::gateway
