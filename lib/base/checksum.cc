// CRC-32 by a table of bytes, Adler-32 by runs that cannot overflow.
#include "lib/base/checksum.h"

#include <array>

namespace convoy::base {

uint32_t Crc32(std::string_view bytes) {
  constexpr auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
      table[i] = value;
    }
    return table;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<uint8_t>(c)) & 0xFF] ^ crc >> 8;
  return ~crc;
}

uint32_t Adler32(std::string_view bytes) {
  constexpr uint32_t kModulus = 65521;
  constexpr size_t kRun = 5552;  // so many bytes cannot make 32 bits overflow
  uint32_t low = 1, high = 0;
  while (!bytes.empty()) {
    for (const char c : bytes.substr(0, kRun)) {
      low += static_cast<uint8_t>(c);
      high += low;
    }
    low %= kModulus;
    high %= kModulus;
    bytes.remove_prefix(bytes.size() < kRun ? bytes.size() : kRun);
  }
  return high << 16 | low;
}

}  // namespace convoy::base
