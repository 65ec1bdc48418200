// Time and randomness for tests: a clock that moves only when told, and random bytes that a seed
// determines. Header-only, so that every kind of test may use it.
#pragma once

#include <cstdint>
#include <span>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"

namespace convoy::testing {

// A round instant, so that times in a failing test are easy to read: 2026-05-01T10:00:00Z.
inline absl::Time SimEpoch() { return absl::FromUnixSeconds(1'777'629'600); }

// Safe to use from any thread.
class SimClock : public Clock {
 public:
  explicit SimClock(absl::Time now = SimEpoch()) : now_(now) {}

  absl::Time Now() override {
    absl::MutexLock lock(&mutex_);
    return now_;
  }

  absl::Time SteadyNow() override {
    absl::MutexLock lock(&mutex_);
    return now_ + set_back_by_;
  }

  // Time passes.
  void Advance(absl::Duration step) {
    absl::MutexLock lock(&mutex_);
    now_ += step;
  }

  void Set(absl::Time now) {
    absl::MutexLock lock(&mutex_);
    now_ = now;
  }

  // No time passes, but the wall clock is set, forth or (negative) back.
  void StepWall(absl::Duration step) {
    absl::MutexLock lock(&mutex_);
    now_ += step;
    set_back_by_ -= step;
  }

 private:
  absl::Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration set_back_by_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

// SplitMix64: small, fast, and the same on every platform and in every release. Safe to use from
// any thread; the sequence is reproducible only if one thread draws from it.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed = 1) : state_(seed) {}

  void Fill(std::span<uint8_t> out) override {
    absl::MutexLock lock(&mutex_);
    uint64_t word = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      if (i % 8 == 0) word = Step();
      out[i] = static_cast<uint8_t>(word >> (i % 8 * 8));
    }
  }

  uint64_t Next() {
    absl::MutexLock lock(&mutex_);
    return Step();
  }

  // Uniform enough for tests in [0, bound); `bound` must not be 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

  // True `percent` times out of a hundred.
  bool Chance(uint32_t percent) { return Below(100) < percent; }

 private:
  uint64_t Step() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  absl::Mutex mutex_;
  uint64_t state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::testing
