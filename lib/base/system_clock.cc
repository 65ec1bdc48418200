// Operating system's clocks: the only place in the library that reads them.
#include <chrono>

#include "absl/time/clock.h"

#include "convoy/clock.h"

namespace convoy {
namespace {

class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixMicros(absl::ToUnixMicros(absl::Now())); }
  absl::Time SteadyNow() override {
    return absl::UnixEpoch() +
           absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace

std::unique_ptr<Clock> NewSystemClock() { return std::make_unique<SystemClock>(); }

}  // namespace convoy
