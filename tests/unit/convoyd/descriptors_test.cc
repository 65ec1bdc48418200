// Division of descriptors.
#include "examples/convoyd/descriptors.h"

#include <catch2/catch.hpp>

using convoyd::DescriptorPlan;
using convoyd::DescriptorsNeeded;
using convoyd::DivideDescriptors;

TEST_CASE("descriptors: what fits is given whole") {
  const DescriptorPlan wanted{.connections_max = 10'000, .in_flight_max = 256};
  const DescriptorPlan plan = DivideDescriptors(DescriptorsNeeded(64, wanted), 64, wanted);
  CHECK(plan.connections_max == 10'000);
  CHECK(plan.in_flight_max == 256);
}

TEST_CASE("descriptors: what does not fit is divided, and the reserve is left") {
  const DescriptorPlan wanted{.connections_max = 10'000, .in_flight_max = 256};
  for (uint64_t limit = 8; limit < 12'000; limit += 7) {
    const DescriptorPlan plan = DivideDescriptors(limit, 64, wanted);
    CAPTURE(limit);
    CHECK(plan.connections_max >= 1);
    CHECK(plan.in_flight_max >= 1);
    if (limit < 200) continue;
    CHECK(DescriptorsNeeded(64, plan) <= limit);
    CHECK(plan.connections_max >= (limit - 64) / 2 - 1);
    CHECK((plan.in_flight_max == 256 || plan.in_flight_max >= (limit - 64) / 2 / 3 - 1));
  }
}
