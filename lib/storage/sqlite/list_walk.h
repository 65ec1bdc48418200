// Lists of what flows: walks along an index in the order of age, with what the list selects decided
// row by row. There is one statement for each index and direction, whatever the conditions; how
// many rows a page may cost is decided in page_walk.h.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/flow_counts.h"
#include "convoy/storage.h"
#include "lib/storage/sqlite/connection.h"

namespace convoy::storage {

absl::StatusOr<Page<Event>> ListEvents(Connection& connection, const EventQuery& query,
                                       const PageRequest& request);
absl::StatusOr<Page<Delivery>> ListDeliveries(Connection& connection, const DeliveryQuery& query,
                                              const PageRequest& request);
absl::StatusOr<Page<HeldInput>> ListHeld(Connection& connection, const HeldQuery& query,
                                         const PageRequest& request);
// See FlowCounts.
absl::StatusOr<CountPart> CountEvents(Connection& connection, const EventQuery& query,
                                      std::string_view cursor);
absl::StatusOr<CountPart> CountDeliveries(Connection& connection, const DeliveryQuery& query,
                                          std::string_view cursor);
absl::StatusOr<StatusCountPart> CountByStatus(Connection& connection, const DeliveryQuery& query,
                                              std::string_view cursor);
absl::StatusOr<uint64_t> CountHeld(Connection& connection, const HeldQuery& query);

}  // namespace convoy::storage
