// Counts of the lists of a store that has no counts. A page of events comes with their bodies, so
// it is a short one.
#include "lib/storage/flow_counts.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "lib/base/status_macros.h"

namespace convoy::storage {
namespace {

constexpr uint32_t kEventsOfPage = 16;
constexpr uint32_t kDeliveriesOfPage = 1000;
// A part ends behind the page that comes to it.
constexpr uint64_t kCountOfPart = 1000;

// Gives `take` the items of a part of what `list(PageRequest)` gives, which `request` begins. The
// answer is where to go on.
template <typename List, typename Take>
absl::StatusOr<std::string> WalkList(PageRequest request, List list, Take take) {
  uint64_t count = 0;
  for (bool has_more = true; has_more && count < kCountOfPart;) {
    CONVOY_ASSIGN_OR_RETURN(auto page, list(request));
    // Fewer, with more behind them: the store has looked at as many rows as a page may cost.
    has_more = page.has_next && page.items.size() == request.items_max;
    count += page.items.size();
    for (const auto& item : page.items) take(item);
    request.cursor = page.has_next ? std::move(page.next_cursor) : std::string();
  }
  return request.cursor;
}

template <typename List>
absl::StatusOr<CountPart> CountList(uint32_t items_of_page, std::string_view cursor, List list) {
  CountPart part;
  const PageRequest request{
      .cursor = std::string(cursor), .is_ascending = true, .items_max = items_of_page};
  CONVOY_ASSIGN_OR_RETURN(part.next_cursor,
                          WalkList(request, list, [&](const auto&) { ++part.count; }));
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

absl::StatusOr<StatusCountPart> CountByStatus(Storage& storage, const DeliveryQuery& query,
                                              std::string_view cursor) {
  auto* const counts = dynamic_cast<FlowCounts*>(&storage);
  if (counts != nullptr) return counts->CountByStatus(query, cursor);
  std::map<std::pair<std::string, DeliveryStatus>, uint64_t> tally;
  StatusCountPart part;
  const PageRequest request{.cursor = std::string(cursor), .items_max = kDeliveriesOfPage};
  CONVOY_ASSIGN_OR_RETURN(
      part.next_cursor,
      WalkList(
          request, [&](const PageRequest& page) { return storage.ListDeliveries(query, page); },
          [&](const Delivery& each) {
            ++tally[{each.endpoint_id, each.status}];
          }));
  for (const auto& [standing, count] : tally) {
    part.counts.push_back({standing.first, standing.second, count});
  }
  return part;
}

bool SelectsByAge(const EventQuery& query) {
  return query.endpoint_ids.empty() && query.source_ids.empty() && query.event_type.empty() &&
         query.idempotency_key.empty() && query.search.text.empty();
}

}  // namespace convoy::storage
