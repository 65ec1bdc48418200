// Rules of pruning that stores in databases share.
#pragma once

#include <cstdint>
#include <optional>

#include "convoy/storage.h"
#include "convoy/ulid.h"

namespace convoy::storage {

// Of bodies, in one transaction: the pages of a large one are walked when it goes.
inline constexpr int64_t kPrunedBodyBytesMax = 4 * 1024 * 1024;

// Keys of events, both ends excluded: those between are looked at.
struct PruneRange {
  int64_t after = -1;
  int64_t end = 0;
};

inline PruneRange PruneRangeOf(const PruneRequest& request) {
  PruneRange range{.end = LeastKeyAt(request.events_before)};
  if (const auto after = SplitUlid(request.after_event_id)) range.after = after->key;
  return range;
}

}  // namespace convoy::storage
