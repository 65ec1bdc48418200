// The count of gateways that an event has passed, as a header of deliveries. A gateway that
// receives what it sent itself would do so for ever, and twice as often each time where two
// endpoints take part: beyond a number of hops a request is refused.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/strings/numbers.h"

#include "lib/base/text.h"

namespace convoy::base {

inline constexpr std::string_view kHopsHeader = "Convoy-Hops";

// The largest count in `headers`, of Header or HeaderView; what is no number counts as 0.
template <typename HeaderList>
uint32_t HopsOf(const HeaderList& headers) {
  uint32_t most = 0;
  for (const auto& header : headers) {
    uint32_t hops = 0;
    if (EqualsIgnoreCase(header.name, kHopsHeader) && absl::SimpleAtoi(header.value, &hops)) {
      most = std::max(most, hops);
    }
  }
  constexpr uint32_t kCounted = 1000;  // beyond any limit
  return std::min(most, kCounted);
}

}  // namespace convoy::base
