// Time and randomness as the library sees them. Everything that happens in libconvoy takes its
// notion of "now" and its random bytes from these two interfaces, so a simulator can drive all of
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "absl/time/time.h"

namespace convoy {

// A source of wall-clock time. Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // The current instant, truncated to whole microseconds: the resolution of everything stored.
  virtual absl::Time Now() = 0;

  // An instant of a clock that is never set: it does not go back and has no origin, so only the
  // time between two of its instants means anything. For waiting within this process; Now is for
  // what is stored. Unless overridden it is the same as Now, which suits a clock that is not set
  // either.
  virtual absl::Time SteadyNow() { return Now(); }
};

// A source of random bytes. Implementations are safe to call from any thread and fit for keys and
// secrets, unless they belong to a simulation.
class Random {
 public:
  virtual ~Random() = default;

  // Fills all of `out`. Cannot fail: a system without randomness is not one to run on.
  virtual void Fill(std::span<uint8_t> out) = 0;
};

// The operating system's clock and its cryptographic random generator.
std::unique_ptr<Clock> NewSystemClock();
std::unique_ptr<Random> NewSystemRandom();

}  // namespace convoy
