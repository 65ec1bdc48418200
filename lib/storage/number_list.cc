// Lists of numbers in seven bits a byte.
#include "lib/storage/number_list.h"

#include "absl/status/status.h"

namespace convoy::storage {

std::string EncodeNumbers(const std::vector<int64_t>& numbers) {
  std::string bytes;
  for (const int64_t number : numbers) {
    auto rest = static_cast<uint64_t>(number);
    for (; rest >= 0x80; rest >>= 7) bytes.push_back(static_cast<char>(rest | 0x80));
    bytes.push_back(static_cast<char>(rest));
  }
  return bytes;
}

absl::StatusOr<std::vector<int64_t>> DecodeNumbers(std::string_view bytes) {
  std::vector<int64_t> numbers;
  uint64_t number = 0;
  int shift = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (shift > 56) return absl::DataLossError("a list of numbers is damaged");
    number |= static_cast<uint64_t>(byte & 0x7F) << shift;
    shift += 7;
    if (byte >= 0x80) continue;
    numbers.push_back(static_cast<int64_t>(number));
    number = 0;
    shift = 0;
  }
  if (shift != 0) return absl::DataLossError("a list of numbers is damaged");
  return numbers;
}

}  // namespace convoy::storage
