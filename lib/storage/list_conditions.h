// Conditions of lists whose ids are numbers in rows: sets of numbers, texts, and ranges of keys.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/storage.h"
#include "lib/base/time_text.h"
#include "lib/storage/page_walk.h"
#include "lib/storage/search.h"

namespace convoy::storage {

// Numbers that a column may have; empty: any.
class NumberSet {
 public:
  NumberSet() = default;
  explicit NumberSet(const std::vector<int64_t>& numbers)
      : numbers_(numbers.begin(), numbers.end()) {}

  bool is_any() const { return numbers_.empty(); }
  bool Has(int64_t number) const { return is_any() || numbers_.contains(number); }
  // Whether one of a list of numbers (EncodeNumbers) is in the set. False for a damaged list.
  bool HasOneOf(std::string_view encoded) const;

 private:
  absl::flat_hash_set<int64_t> numbers_;
};

// Whether a column has the text; an empty one is no condition.
inline bool IsText(const std::string& wanted, std::string_view value) {
  return wanted.empty() || wanted == value;
}

inline constexpr int64_t kKeyMax = std::numeric_limits<int64_t>::max();

// Keys of rows, both ends included.
struct KeyRange {
  int64_t first = 0;
  int64_t last = kKeyMax;
};

// Keys of an instant range, both ends included.
KeyRange RangeOf(absl::Time from, absl::Time until);

// Cuts `range` to the side of the start's cursor that the walk goes to. kInvalidArgument if the
// cursor is none.
absl::StatusOr<KeyRange> RangeFrom(KeyRange range, const WalkStart& start);

// Keys of what a query of held inputs begins with. kInvalidArgument if its `from_id` is no id.
absl::StatusOr<KeyRange> RangeOf(const HeldQuery& query);

// Conditions of lists on rows; `Row` has IntAt and TextAt for its columns. `first` is the first of
// the columns that a condition looks at; the others follow it in the order given here.

// Columns: source, endpoints (a list of numbers), event_type, idempotency_key. `id` makes the id of
// the row: only a search needs it.
template <typename Row, typename Id>
bool IsWantedEvent(const Row& row, int first, const EventQuery& query, const NumberSet& endpoints,
                   const NumberSet& sources, const NumberSet& found_sources, const Id& id) {
  const int64_t source = row.IntAt(first);
  const std::string_view event_type = row.TextAt(first + 2);
  const std::string_view idempotency_key = row.TextAt(first + 3);
  if (!sources.Has(source) || !endpoints.HasOneOf(row.TextAt(first + 1)) ||
      !IsText(query.event_type, event_type) || !IsText(query.idempotency_key, idempotency_key)) {
    return false;
  }
  if (query.search.text.empty() || (!found_sources.is_any() && found_sources.Has(source))) {
    return true;
  }
  return IsFoundBy(query.search, {}, {event_type, idempotency_key}) ||
         (MayBeginId(query.search) && IsFoundBy(query.search, {id(row)}, {}));
}

// Columns: endpoint, subscription, status. The conditions on the event are left out.
template <typename Row>
bool IsWantedDelivery(const Row& row, int first, const DeliveryQuery& query,
                      const NumberSet& endpoints, const NumberSet& subscriptions) {
  const auto status = static_cast<DeliveryStatus>(row.IntAt(first + 2));
  return endpoints.Has(row.IntAt(first)) && subscriptions.Has(row.IntAt(first + 1)) &&
         (query.statuses.empty() || absl::c_linear_search(query.statuses, status));
}

// Columns: source, kind, expires_at_us, reason.
template <typename Row>
bool IsWantedHeld(const Row& row, int first, const HeldQuery& query, const NumberSet& sources) {
  return sources.Has(row.IntAt(first)) &&
         (!query.kind.has_value() || row.IntAt(first + 1) == static_cast<int64_t>(*query.kind)) &&
         row.IntAt(first + 2) > base::ToMicros(query.now) &&
         IsText(query.reason, row.TextAt(first + 3));
}

}  // namespace convoy::storage
