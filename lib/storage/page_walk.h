// Pages of lists, cut out of a walk over rows in their order: the same for every store, so that
// they cannot disagree about cursors. A page costs a bounded number of rows, whatever it selects.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

#include "convoy/flow_counts.h"
#include "convoy/storage.h"
#include "lib/base/status_macros.h"

namespace convoy::storage {

// Looked at to know whether there is anything on the other side of a page. If none of them is
// selected, there may be.
inline constexpr uint32_t kNeighbourRowsMax = 1'000;

// Where a walk begins, and in which direction of the list's order it goes.
struct WalkStart {
  std::string cursor;  // a position; empty: at the end that the walk comes from
  bool is_inclusive = true;
  bool is_ascending = true;
};

// One side of a page: whether anything selected is there, or may be, and the position of it.
struct Neighbour {
  bool exists = false;
  std::string position;
};

// `open(WalkStart)` gives a StatusOr of a walk, which has
//   StatusOr<bool> Next()      moves to the next row; false at the end
//   StatusOr<bool> IsWanted()  whether the list selects the row
//   std::string position()     a cursor that stands on the row
//   StatusOr<T> Read()         the row
template <typename Open>
absl::StatusOr<Neighbour> FindNeighbour(const WalkStart& start, Open& open) {
  CONVOY_ASSIGN_OR_RETURN(auto walk, open(start));
  for (uint32_t rows_count = 0;; ++rows_count) {
    CONVOY_ASSIGN_OR_RETURN(const bool has_row, walk.Next());
    if (!has_row) return Neighbour{};
    CONVOY_ASSIGN_OR_RETURN(const bool is_wanted, walk.IsWanted());
    if (is_wanted || rows_count == kNeighbourRowsMax) {
      return Neighbour{.exists = true, .position = walk.position()};
    }
  }
}

// Positions of a page's rows in the order of the walk: that of the first item, and the last one
// before which everything that is selected is in the page.
struct PageEdges {
  std::string first;
  std::string last;
};

// Collects what is selected into `page.items`, nearest first. The answer is what lies beyond: the
// first selected row that does not fit, or the first one that was not looked at.
template <typename T, typename Open>
absl::StatusOr<Neighbour> CollectItems(const WalkStart& start, uint32_t items_max, Open& open,
                                       Page<T>& page, PageEdges& edges) {
  CONVOY_ASSIGN_OR_RETURN(auto walk, open(start));
  for (uint32_t rows_count = 0;; ++rows_count) {
    CONVOY_ASSIGN_OR_RETURN(const bool has_row, walk.Next());
    if (!has_row) return Neighbour{};
    if (rows_count == kListRowsMax) {
      return Neighbour{.exists = true, .position = walk.position()};
    }
    CONVOY_ASSIGN_OR_RETURN(const bool is_wanted, walk.IsWanted());
    if (page.items.size() == items_max) {
      if (is_wanted) return Neighbour{.exists = true, .position = walk.position()};
      continue;
    }
    if (is_wanted || rows_count + 1 == kListRowsMax) edges.last = walk.position();
    if (!is_wanted) continue;
    if (page.items.empty()) edges.first = edges.last;
    CONVOY_ASSIGN_OR_RETURN(T item, walk.Read());
    page.items.push_back(std::move(item));
  }
}

template <typename T, typename Open>
absl::StatusOr<Page<T>> CutPageBackward(const PageRequest& request, Open& open) {
  Page<T> page;
  PageEdges edges;
  CONVOY_ASSIGN_OR_RETURN(
      const Neighbour prev,
      CollectItems({request.cursor, /*is_inclusive=*/false, !request.is_ascending},
                   request.items_max, open, page, edges));
  page.prev_cursor = std::move(edges.last);
  std::reverse(page.items.begin(), page.items.end());
  page.has_prev = prev.exists;
  CONVOY_ASSIGN_OR_RETURN(
      Neighbour next,
      FindNeighbour({request.cursor, /*is_inclusive=*/true, request.is_ascending}, open));
  page.has_next = next.exists;
  page.next_cursor = std::move(next.position);
  return page;
}

template <typename T, typename Open>
absl::StatusOr<Page<T>> CutPage(const PageRequest& request, Open open) {
  if (request.is_backward && !request.cursor.empty()) return CutPageBackward<T>(request, open);
  Page<T> page;
  PageEdges edges;
  CONVOY_ASSIGN_OR_RETURN(
      Neighbour next, CollectItems({request.cursor, /*is_inclusive=*/true, request.is_ascending},
                                   request.items_max, open, page, edges));
  page.has_next = next.exists;
  page.next_cursor = std::move(next.position);
  if (!request.cursor.empty()) {
    CONVOY_ASSIGN_OR_RETURN(
        const Neighbour prev,
        FindNeighbour({request.cursor, /*is_inclusive=*/false, !request.is_ascending}, open));
    page.has_prev = prev.exists;
  }
  page.prev_cursor = page.items.empty() ? request.cursor : std::move(edges.first);
  return page;
}

// Gives `take` the walk at each of the selected ones among the first kListRowsMax rows from `start`
// on. The answer is where to go on; empty: there are no more rows.
template <typename Open, typename Take>
absl::StatusOr<std::string> WalkRows(const WalkStart& start, Open& open, Take take) {
  CONVOY_ASSIGN_OR_RETURN(auto walk, open(start));
  for (uint32_t rows_count = 0;; ++rows_count) {
    CONVOY_ASSIGN_OR_RETURN(const bool has_row, walk.Next());
    if (!has_row) return std::string();
    if (rows_count == kListRowsMax) return walk.position();
    CONVOY_ASSIGN_OR_RETURN(const bool is_wanted, walk.IsWanted());
    if (!is_wanted) continue;
    CONVOY_RETURN_IF_ERROR(take(walk));
  }
}

// Counts what is selected among those rows, oldest first.
template <typename Open>
absl::StatusOr<CountPart> CountRows(std::string_view cursor, Open open) {
  CountPart part;
  CONVOY_ASSIGN_OR_RETURN(part.next_cursor,
                          WalkRows({.cursor = std::string(cursor)}, open, [&](const auto&) {
                            ++part.count;
                            return absl::OkStatus();
                          }));
  return part;
}

// Counts by an endpoint's number or id, and a status.
template <typename Endpoint>
using StatusTally = std::map<std::pair<Endpoint, DeliveryStatus>, uint64_t>;

// Counts the selected deliveries among those rows, newest first. `standing_of(walk)` gives endpoint
// and status of its row; `id_of(endpoint)`, a StatusOr of its id.
template <typename Endpoint, typename Open, typename StandingOf, typename IdOf>
absl::StatusOr<StatusCountPart> CountRowsByStatus(std::string_view cursor, Open open,
                                                  StandingOf standing_of, IdOf id_of) {
  StatusTally<Endpoint> tally;
  StatusCountPart part;
  const WalkStart newest{.cursor = std::string(cursor), .is_ascending = false};
  CONVOY_ASSIGN_OR_RETURN(part.next_cursor,
                          WalkRows(newest, open, [&](const auto& walk) -> absl::Status {
                            CONVOY_ASSIGN_OR_RETURN(auto standing, standing_of(walk));
                            ++tally[std::move(standing)];
                            return absl::OkStatus();
                          }));
  for (const auto& [standing, count] : tally) {
    CONVOY_ASSIGN_OR_RETURN(std::string id, id_of(standing.first));
    part.counts.push_back({std::move(id), standing.second, count});
  }
  return part;
}

}  // namespace convoy::storage
