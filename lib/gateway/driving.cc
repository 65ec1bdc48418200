// Driving of commits, fetches, deliveries and housekeeping: by the host (Step) or on threads of the
// gateway (Start).
#include <algorithm>

#include "absl/status/status.h"

#include "lib/gateway/embedded_gateway.h"

namespace convoy::gateway {

absl::StatusOr<absl::Time> EmbeddedGateway::Step() {
  {
    absl::MutexLock lock(&mutex_);
    if (phase_ == Phase::kClosed) return absl::FailedPreconditionError("the gateway is closed");
    if (phase_ != Phase::kOpen) {
      return absl::FailedPreconditionError("the gateway runs on its own threads");
    }
  }
  if (!driver_mutex_.TryLock()) {
    return absl::FailedPreconditionError("another thread is inside Step");
  }
  absl::Time next = StepOnce();
  next = std::min(next, StepHousekeeping());
  driver_mutex_.Unlock();
  return next;
}

absl::Time EmbeddedGateway::StepHousekeeping() {
  const absl::Time next = jobs_.Step();
  return std::min(next, pruner_.Step(jobs_.events_needed_from()));
}

absl::Time EmbeddedGateway::StepOnce() {
  // Commits make work for the dispatcher, and its outcomes make commits. A few rounds do the
  // present work; work that is left has signalled the wake descriptor, so the next step does it.
  constexpr int kRoundsMax = 4;
  absl::Time next = absl::InfiniteFuture();
  wake_->Clear();
  commits_.Drain();
  for (int round = 0; round < kRoundsMax; ++round) {
    wake_->Clear();  // the answers of the store to this thread are news of this round
    fetcher_->Step();
    next = dispatcher_.Step();
    if (!commits_.Drain()) break;
  }
  return next;
}

absl::Status EmbeddedGateway::Start() {
  absl::MutexLock lock(&mutex_);
  if (phase_ != Phase::kOpen) {
    return absl::FailedPreconditionError("the gateway has been started or closed before");
  }
  phase_ = Phase::kStarted;
  host_wake_->Unwatch();  // the driver is a thread of ours from now on
  // Two that commit: one writes while the other syncs.
  for (const auto work : {&EmbeddedGateway::RunDispatcher, &EmbeddedGateway::RunCommitter,
                          &EmbeddedGateway::RunCommitter}) {
    threads_.emplace_back([this, work] { Run(work); });
    ++threads_count_;  // not of one that could not be made
  }
  work_pool_.Start();
  has_threads_ = true;
  consumers_.Start();
  return absl::OkStatus();
}

void EmbeddedGateway::TendLog() {
  if (log_upkeep_ == nullptr || !log_upkeep_->is_log_long()) return;
  if (is_log_tended_.exchange(true)) return;
  const bool is_taken =
      work_pool_.Add(http::WorkKind::kIntake, "log of the store", [this](bool is_cancelled) {
        // If it fails, the writer copies the log later; a poisoned store says so itself.
        if (!is_cancelled) log_upkeep_->ShortenLog().IgnoreError();
        is_log_tended_ = false;
      });
  if (!is_taken) is_log_tended_ = false;
}

void EmbeddedGateway::RunDispatcher() {
  while (true) {
    wake_->Clear();
    {
      absl::MutexLock lock(&mutex_);
      if (should_stop_) return;
    }
    fetcher_->Step();
    const absl::Time next = std::min(dispatcher_.Step(), StepHousekeeping());
    TendLog();
    wake_->Wait(next - parts_.clock->Now());
  }
}

bool EmbeddedGateway::StopThreads(absl::Duration patience) {
  {
    absl::MutexLock lock(&mutex_);
    should_stop_ = true;
  }
  wake_->Signal();
  commits_.StopServing();
  {
    absl::MutexLock lock(&mutex_);
    const auto have_ended = [this]()
                                ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return threads_count_ == 0; };
    if (!mutex_.AwaitWithTimeout(absl::Condition(&have_ended), patience)) return false;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return true;
}

void EmbeddedGateway::Run(void (EmbeddedGateway::*work)()) {
  (this->*work)();
  absl::MutexLock lock(&mutex_);
  --threads_count_;
}

}  // namespace convoy::gateway
