// Reading of the host's clock. An instant beyond what a store can keep is cut to its bounds.
#include "capi/parts/c_clock.h"

namespace convoy::capi {

absl::Time CClock::Ask(int64_t (*function)(void*)) {
  // From the year 1 to the year 9999.
  constexpr int64_t kLeastUs = -62'135'596'800'000'000;
  constexpr int64_t kMostUs = 253'402'300'799'000'000;
  int64_t instant_us = 0;
  CallPart(engine_, [&] { instant_us = function((*part_)->self); });
  return absl::FromUnixMicros(std::clamp(instant_us, kLeastUs, kMostUs));
}

absl::Time CClock::Now() { return Ask((*part_)->now_us); }

absl::Time CClock::SteadyNow() {
  return Ask((*part_)->steady_us != nullptr ? (*part_)->steady_us : (*part_)->now_us);
}

}  // namespace convoy::capi
