// Division of descriptors between connections and deliveries.
#include "examples/convoyd/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace convoyd {
namespace {

constexpr uint64_t kPerDelivery = 3;

}  // namespace

DescriptorPlan DivideDescriptors(uint64_t descriptors, uint32_t reserved,
                                 const DescriptorPlan& wanted) {
  // Where even the reserve does not fit, half goes to it.
  const uint64_t spared = std::min<uint64_t>(reserved, descriptors / 2);
  const uint64_t left = descriptors - spared;
  const uint64_t for_deliveries = wanted.in_flight_max * kPerDelivery;
  const uint64_t for_connections =
      std::min<uint64_t>(wanted.connections_max, left - std::min(for_deliveries, left / 2));
  const uint64_t deliveries = std::min(for_deliveries, left - for_connections) / kPerDelivery;
  return {.connections_max = static_cast<uint32_t>(std::max<uint64_t>(for_connections, 1)),
          // 0 means that nothing is to be delivered, not that there is no room.
          .in_flight_max = wanted.in_flight_max == 0
                               ? 0
                               : static_cast<uint32_t>(std::max<uint64_t>(deliveries, 1))};
}

uint64_t DescriptorsNeeded(uint32_t reserved, const DescriptorPlan& plan) {
  return reserved + plan.connections_max + plan.in_flight_max * kPerDelivery;
}

uint64_t RaiseDescriptorLimit(uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur < wanted) {
    rlimit raised = limit;
    raised.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace convoyd
