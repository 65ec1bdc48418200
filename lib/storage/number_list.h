// Lists of numbers as one value of a row: seven bits of a number in each byte, the lowest first,
// and the eighth bit set where more follow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace convoy::storage {

std::string EncodeNumbers(const std::vector<int64_t>& numbers);
// kDataLoss for bytes that EncodeNumbers does not write.
absl::StatusOr<std::vector<int64_t>> DecodeNumbers(std::string_view bytes);

}  // namespace convoy::storage
