// Lists of what flows: walks along an index in the order of age, with what the list selects decided
// row by row, as in lib/storage/sqlite/list_walk.h. Rows are fetched in pieces.
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/flow_counts.h"
#include "convoy/storage.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

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

// The key of an event in its project; nullopt if there is none.
absl::StatusOr<std::optional<int64_t>> FindEvent(Connection& connection, int64_t project,
                                                 std::string_view id);

}  // namespace convoy::storage::postgres
