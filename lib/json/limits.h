// Limits of JSON texts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace convoy::json {

// Upper bound of depth_max.
inline constexpr size_t kDepthMax = 1024;

// Exceeding one is an error before anything is built from the text.
struct Limits {
  size_t bytes_max = size_t{1} << 30;  // who reads requests has bounded them already
  size_t depth_max = 128;              // nested arrays and objects
  size_t values_max = 500'000;         // scalars, arrays and objects in all
  // Whether a string may hold half of a surrogate pair, as RFC 8259 (8.2) lets it: payloads may,
  // what is stored as text of ours may not.
  bool may_split_pairs = false;
};

// For what comes from senders and goes on as it is.
inline constexpr Limits kPayloadLimits = {.may_split_pairs = true};

// Kind of a text's flaw, for callers that act on it rather than show it.
enum class Flaw : uint8_t { kNone, kMalformed, kNotUtf8, kTooDeep, kTooLarge };

}  // namespace convoy::json
