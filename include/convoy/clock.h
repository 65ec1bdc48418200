// Time and randomness. All code of libconvoy takes the present instant and random bytes from these
// two interfaces, so that a simulator can drive it.
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

  // An instant of a clock that is never set. It does not go back and has no fixed origin, so only
  // differences between its instants are meaningful. Use it to wait within this process, and Now
  // for instants that are stored. The default is Now, for clocks that are never set.
  virtual absl::Time SteadyNow() { return Now(); }
};

// A source of random bytes. Implementations are safe to call from any thread and fit for keys and
// secrets, unless they belong to a simulation.
class Random {
 public:
  virtual ~Random() = default;

  // Fills all of `out`. Cannot fail: the library does not support systems without randomness.
  virtual void Fill(std::span<uint8_t> out) = 0;
};

// The operating system's clock and its cryptographic random generator.
std::unique_ptr<Clock> NewSystemClock();
std::unique_ptr<Random> NewSystemRandom();

}  // namespace convoy
