// Counts of the lists of a store that has no counts. A page of events comes with their bodies, so
// it is a short one.
#include "lib/storage/flow_counts.h"

#include <cstdint>
#include <string>
#include <utility>

#include "lib/base/status_macros.h"

namespace convoy::storage {
namespace {

constexpr uint32_t kEventsOfPage = 16;
constexpr uint32_t kDeliveriesOfPage = 1000;
// A part ends behind the page that comes to it.
constexpr uint64_t kCountOfPart = 1000;

// Counts what `list(PageRequest)` gives.
template <typename List>
absl::StatusOr<CountPart> CountList(uint32_t items_of_page, std::string_view cursor, List list) {
  CountPart part{.next_cursor = std::string(cursor)};
  for (bool has_more = true; has_more && part.count < kCountOfPart;) {
    CONVOY_ASSIGN_OR_RETURN(auto page, list(PageRequest{.cursor = part.next_cursor,
                                                        .is_ascending = true,
                                                        .items_max = items_of_page}));
    // Fewer, with more behind them: the store has looked at as many rows as a page may cost.
    has_more = page.has_next && page.items.size() == items_of_page;
    part.count += page.items.size();
    part.next_cursor = page.has_next ? std::move(page.next_cursor) : std::string();
  }
  return part;
}

}  // namespace

absl::StatusOr<CountPart> CountEvents(Storage& storage, const EventQuery& query,
                                      std::string_view cursor) {
  auto* const counts = dynamic_cast<FlowCounts*>(&storage);
  if (counts != nullptr) return counts->CountEvents(query, cursor);
  return CountList(kEventsOfPage, cursor,
                   [&](const PageRequest& request) { return storage.ListEvents(query, request); });
}

absl::StatusOr<CountPart> CountDeliveries(Storage& storage, const DeliveryQuery& query,
                                          std::string_view cursor) {
  auto* const counts = dynamic_cast<FlowCounts*>(&storage);
  if (counts != nullptr) return counts->CountDeliveries(query, cursor);
  return CountList(kDeliveriesOfPage, cursor, [&](const PageRequest& request) {
    return storage.ListDeliveries(query, request);
  });
}

bool SelectsByAge(const EventQuery& query) {
  return query.endpoint_ids.empty() && query.source_ids.empty() && query.event_type.empty() &&
         query.idempotency_key.empty() && query.search.text.empty();
}

}  // namespace convoy::storage
