// Content filters of subscriptions: conditions on the body, headers, query and path of an event.
//
//   {"amount": {"$gte": 100}, "customer.country": {"$in": ["DE", "FR"]}, "$or": [ … ]}
//
// A plain value means $eq. Keys reach into nested objects with dots, into arrays with numbers, and
// into any position with "$" (at most three). All conditions of an object must hold; the empty
// object matches everything. A missing field matches only $neq, $nin and {"$exist": false}.
// Operators: $eq $neq $gt $gte $lt $lte $in $nin $or $and $exist, and $regex (RE2's syntax, found
// anywhere in a text) where the build has RE2 (CONVOY_RE2).
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace convoy {

// A compiled condition. Immutable and safe to share between threads.
class Filter {
 public:
  virtual ~Filter() = default;

  // Whether `document`, a JSON text, satisfies the conditions. A text that is not JSON, or one that
  // exceeds the work budget, matches only the empty filter.
  virtual bool Matches(std::string_view document) const = 0;
};

// `filter_json` is the text of a JSON object, or empty for the empty filter. kInvalidArgument names
// the key or operator that is wrong.
absl::StatusOr<std::shared_ptr<const Filter>> CompileFilter(std::string_view filter_json);

}  // namespace convoy
