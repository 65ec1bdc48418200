// The division of this process's descriptors between connections and deliveries.
#pragma once

#include <cstdint>

namespace convoyd {

struct DescriptorPlan {
  uint32_t connections_max = 0;
  uint32_t in_flight_max = 0;
};

// The part of `wanted` that fits into `descriptors`, of which `reserved` are for everything else
// (database, logs, message brokers). Deliveries may need up to three each while names are resolved.
// Wishes that fit are granted whole; otherwise each side gets at least half of its wish. Never 0.
DescriptorPlan DivideDescriptors(uint64_t descriptors, uint32_t reserved,
                                 const DescriptorPlan& wanted);

// How many descriptors `plan` can come to need.
uint64_t DescriptorsNeeded(uint32_t reserved, const DescriptorPlan& plan);

// Raises this process's soft limit to `wanted`, as far as the hard one allows, and returns it.
uint64_t RaiseDescriptorLimit(uint64_t wanted);

}  // namespace convoyd
