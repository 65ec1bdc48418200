// Ids as numbers. An id of an event, a delivery, an attempt or a held input is a ULID
// (github.com/ulid/spec): 26 upper-case characters of Crockford's base 32, which are 48 bits of
// milliseconds since 1970 and 80 bits that tell ids of one millisecond apart and count up within
// it.
//
// A store need not keep ids as texts: SplitUlid gives a number that ascends with an id's age, fit
// for a primary key, and the bits that are left over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace convoy {

bool IsUlid(std::string_view text);

// The least id of the millisecond of `time`; lesser ids were made earlier. Instants outside the
// range of ids count as the first or the last instant of the range.
std::string LeastUlidAt(absl::Time time);

// A ULID in two parts. `key` is 42 bits of milliseconds (up to the year 2109) and the last 21 bits
// of the id, in which ids count up within a millisecond, so keys ascend as ids are made. Ids of one
// maker have different keys; those of two makers hardly ever have the same one. `tail` is the 59
// bits between. Neither is negative.
struct UlidParts {
  int64_t key = 0;
  int64_t tail = 0;

  friend bool operator==(const UlidParts&, const UlidParts&) = default;
};

// nullopt if it is not a ULID, or if its instant is too late for a key.
std::optional<UlidParts> SplitUlid(std::string_view ulid);
std::string JoinUlid(const UlidParts& parts);

// The least key of an id that was made in the millisecond of `time` or later.
int64_t LeastKeyAt(absl::Time time);

}  // namespace convoy
