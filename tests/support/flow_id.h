// Ids of events, deliveries and held inputs that a test chooses. Header-only.
#pragma once

#include <string>

namespace convoy::testing {

// A ULID that ascends with `number`. `kind` is a digit of base 32: 'V' (event), 'D', 'H'.
inline std::string FlowId(char kind, int number) {
  const std::string digits = std::to_string(number);
  return std::string("00") + kind + std::string(23 - digits.size(), '0') + digits;
}

}  // namespace convoy::testing
