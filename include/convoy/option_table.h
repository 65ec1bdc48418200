// The numeric settings of GatewayOptions, each with its range, unit and meaning. Gateway::Open
// checks them by this table; the C interface and programs that take settings as text read them by
// it, so that all of them accept the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/options.h"

namespace convoy {

struct NumericOption {
  enum class Unit : uint8_t { kNumber, kBytes, kMilliseconds };

  std::string_view name;  // of the field of GatewayOptions
  Unit unit = Unit::kNumber;
  uint64_t least = 0;
  uint64_t most = 0;
  bool is_endless_at_zero = false;  // 0 is allowed, too, and means "for ever"
  std::string_view help;            // one line, without the range
  uint64_t (*get)(const GatewayOptions&) = nullptr;
  void (*set)(GatewayOptions&, uint64_t) = nullptr;

  bool Allows(uint64_t value) const {
    return (value >= least && value <= most) || (value == 0 && is_endless_at_zero);
  }
};

std::span<const NumericOption> NumericOptions();

// Null if there is none of this name.
const NumericOption* FindNumericOption(std::string_view name);

// The range in words, "1 to 100" or "1 to 100, or 0 for ever", in units of `scale`: 1000 for a
// setting in seconds whose option is in milliseconds.
std::string RangeOf(const NumericOption& option, uint64_t scale = 1);

// kInvalidArgument that names the first option which is out of its range.
absl::Status CheckNumericOptions(const GatewayOptions& options);

}  // namespace convoy
