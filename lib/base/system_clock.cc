// Operating system's wall clock: the only place in the library that reads it.
#include "absl/time/clock.h"

#include "convoy/clock.h"

namespace convoy {
namespace {

class SystemClock final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixMicros(absl::ToUnixMicros(absl::Now())); }
};

}  // namespace

std::unique_ptr<Clock> NewSystemClock() { return std::make_unique<SystemClock>(); }

}  // namespace convoy
