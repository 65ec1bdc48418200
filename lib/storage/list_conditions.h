// Conditions of lists whose ids are numbers in rows: sets of numbers, texts, and ranges of keys.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/storage/page_walk.h"

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

}  // namespace convoy::storage
