// Slots are earned: how many attempts an endpoint may have on their way at once.
//
// A slot is held for as long as an attempt takes, so endpoints that hang hold theirs longest. Each
// endpoint starts with one, gets more as its answers come quickly, and is back at one when it
// fails slowly. While the pool is more than half used, shares shrink with what is left of it.
// Endpoints that are known to hang or fail hold half of the pool together at most, and together
// with those of which nothing is known yet three quarters, so that a quarter stays for those that
// answer.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace convoy::dispatch {

// The record of an endpoint: its latest results and the attempts on their way.
class Standing {
 public:
  void OnStart(absl::Time now) { started_at_.push_back(now); }
  // The attempt that started then has ended; `elapsed` is how long it took.
  void OnEnd(absl::Time started_at, bool is_success, absl::Duration elapsed);
  // It said nothing about the endpoint.
  void OnCancelled(absl::Time started_at);

  uint32_t held_count() const { return static_cast<uint32_t>(started_at_.size()); }
  // It took long to fail, or failed several times in a row, or takes much longer than it used to.
  bool is_doubtful(absl::Time now) const;
  // No attempt has ended yet that says anything of it.
  bool is_new() const { return latency_ == absl::ZeroDuration() && failures_count_ == 0; }
  // How many slots its results have earned; at least 1.
  uint32_t earned_count(uint32_t slots_per_endpoint_max) const;
  // How many of its attempts end in a slot while a claim is on its way; 1 to 8.
  uint32_t ends_per_claim() const;

 private:
  std::vector<absl::Time> started_at_;             // of the attempts on their way, oldest first
  absl::Duration latency_ = absl::ZeroDuration();  // moving average of its successes; 0: none yet
  uint32_t earned_ = 1;
  uint32_t failures_count_ = 0;  // since its last success; one that took long counts as several
};

struct SlotPool {
  uint32_t slots_max;
  uint32_t slots_per_endpoint_max;
  uint32_t used_count = 0;
  uint32_t doubtful_count = 0;  // of those, by endpoints that are doubtful
  uint32_t new_count = 0;       // by endpoints that are new, and not doubtful

  // Recounts what an endpoint holds.
  void Count(const Standing& standing, absl::Time now) {
    if (standing.is_doubtful(now)) {
      doubtful_count += standing.held_count();
    } else if (standing.is_new()) {
      new_count += standing.held_count();
    }
  }

  // How many more attempts of an endpoint may start now.
  uint32_t RoomOf(const Standing& standing, absl::Time now) const;
  // How many deliveries of an endpoint may wait for its slots: as many as end while a claim is on
  // its way, and no more than an eighth of the pool beyond one for each slot.
  uint32_t WaitingMaxOf(const Standing& standing) const;
};

}  // namespace convoy::dispatch
