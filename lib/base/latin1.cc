// In UTF-8 the characters of ISO 8859-1 beyond ASCII are the byte C2 or C3 and one that continues
// it.
#include "lib/base/latin1.h"

#include <cstdint>

#include "lib/base/encoding.h"

namespace convoy::base {

std::optional<std::string> Utf8ToLatin1(std::string_view text) {
  std::string latin1;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<uint8_t>(text[at]);
    if (byte < 0x80) {
      latin1.push_back(text[at]);
      continue;
    }
    const bool is_pair = (byte == 0xC2 || byte == 0xC3) && at + 1 < text.size() &&
                         (static_cast<uint8_t>(text[at + 1]) & 0xC0) == 0x80;
    if (!is_pair) return std::nullopt;
    latin1.push_back(static_cast<char>((byte & 3) << 6 | (static_cast<uint8_t>(text[++at]) & 63)));
  }
  return latin1;
}

std::string Latin1ToUtf8(std::string_view text) {
  std::string utf8;
  for (const char c : text) AppendUtf8(static_cast<uint8_t>(c), &utf8);
  return utf8;
}

}  // namespace convoy::base
