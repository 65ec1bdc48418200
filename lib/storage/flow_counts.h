// Counts of what flows, of any store.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/flow_counts.h"
#include "convoy/storage.h"

namespace convoy::storage {

// As FlowCounts; of a store that has none, from its lists, in parts of at least 1,000 objects or of
// one page.
absl::StatusOr<CountPart> CountEvents(Storage& storage, const EventQuery& query,
                                      std::string_view cursor);
absl::StatusOr<CountPart> CountDeliveries(Storage& storage, const DeliveryQuery& query,
                                          std::string_view cursor);

absl::StatusOr<StatusCountPart> CountByStatus(Storage& storage, const DeliveryQuery& query,
                                              std::string_view cursor);

// Whether all that was made in the query's period is selected, so that a count needs no row.
bool SelectsByAge(const EventQuery& query);

}  // namespace convoy::storage
