// Sets of numbers and ranges of keys that lists select by.
#include "lib/storage/list_conditions.h"

#include <algorithm>
#include <optional>

#include "convoy/ulid.h"
#include "lib/storage/number_list.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {

bool NumberSet::HasOneOf(std::string_view encoded) const {
  if (is_any()) return true;
  const auto numbers = DecodeNumbers(encoded);
  return numbers.ok() && std::any_of(numbers->begin(), numbers->end(),
                                     [&](int64_t number) { return numbers_.contains(number); });
}

KeyRange RangeOf(absl::Time from, absl::Time until) {
  KeyRange range{.first = LeastKeyAt(from)};
  if (until < absl::InfiniteFuture()) range.last = LeastKeyAt(until + absl::Milliseconds(1)) - 1;
  return range;
}

absl::StatusOr<KeyRange> RangeOf(const HeldQuery& query) {
  KeyRange range;
  if (query.from_id.empty()) return range;
  const std::optional<UlidParts> from = SplitUlid(query.from_id);
  if (!from.has_value()) return NotAnId(query.from_id);
  range.first = from->key;
  return range;
}

absl::StatusOr<KeyRange> RangeFrom(KeyRange range, const WalkStart& start) {
  if (start.cursor.empty()) return range;
  const std::optional<UlidParts> at = SplitUlid(start.cursor);
  if (!at.has_value()) return NotACursor();
  if (start.is_ascending) {
    range.first = std::max(range.first, at->key + (start.is_inclusive ? 0 : 1));
  } else {
    range.last = std::min(range.last, at->key - (start.is_inclusive ? 0 : 1));
  }
  return range;
}

}  // namespace convoy::storage
