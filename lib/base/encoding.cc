// Strict text encodings. Every decoder writes into a caller's buffer; the overload that returns a
// string sizes the buffer from the text's length and calls it.
#include "lib/base/encoding.h"

#include <array>

namespace convoy::base {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kBase64UrlAlphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using DecodeTable = std::array<int8_t, 256>;

constexpr DecodeTable MakeTable(const char* alphabet, int size) {
  DecodeTable table = {};
  for (int8_t& entry : table) entry = -1;
  for (int i = 0; i < size; ++i) {
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<int8_t>(i);
  }
  return table;
}

constexpr DecodeTable kBase64Table = MakeTable(kBase64Alphabet, 64);
constexpr DecodeTable kBase64UrlTable = MakeTable(kBase64UrlAlphabet, 64);

constexpr DecodeTable MakeHexTable() {
  DecodeTable table = MakeTable("0123456789abcdef", 16);
  for (char c = 'A'; c <= 'F'; ++c)
    table[static_cast<uint8_t>(c)] = static_cast<int8_t>(c - 'A' + 10);
  return table;
}

constexpr DecodeTable kHexTable = MakeHexTable();

int HexValue(char c) { return kHexTable[static_cast<uint8_t>(c)]; }

std::string EncodeBase64(std::string_view bytes, const char* alphabet, bool is_padded) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int bits_count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(c);
    for (bits_count += 8; bits_count >= 6;) {
      bits_count -= 6;
      text.push_back(alphabet[bits >> bits_count & 63]);
    }
  }
  if (bits_count > 0) text.push_back(alphabet[bits << (6 - bits_count) & 63]);
  while (is_padded && text.size() % 4 != 0) text.push_back('=');
  return text;
}

enum class LeftOverBits { kMustBeZero, kIgnored };

// Decodes text without padding.
std::optional<size_t> DecodeBase64(std::string_view text, const DecodeTable& table,
                                   std::span<uint8_t> out,
                                   LeftOverBits left_over = LeftOverBits::kMustBeZero) {
  const size_t size = text.size() / 4 * 3 + text.size() % 4 * 3 / 4;
  if (text.size() % 4 == 1 || size > out.size()) return std::nullopt;
  uint32_t bits = 0;
  int bits_count = 0;
  size_t written = 0;
  for (const char c : text) {
    const int8_t value = table[static_cast<uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    bits_count += 6;
    if (bits_count >= 8) {
      bits_count -= 8;
      out[written++] = static_cast<uint8_t>(bits >> bits_count);
    }
  }
  // Left-over bits must be zero: otherwise two texts would mean the same bytes.
  if (left_over == LeftOverBits::kMustBeZero && (bits & ((1u << bits_count) - 1)) != 0) {
    return std::nullopt;
  }
  return written;
}

// The text without its padding; nullopt if the padding does not match the length.
std::optional<std::string_view> StripPadding(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) return text.substr(0, text.size() - 2);
  if (text.ends_with('=')) return text.substr(0, text.size() - 1);
  return text;
}

template <typename DecodeTo>
std::optional<std::string> DecodeToString(std::string_view text, size_t size_max,
                                          DecodeTo decode_to) {
  std::string bytes(size_max, '\0');
  const auto size =
      decode_to(text, std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  if (!size.has_value()) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string HexEncode(std::string_view bytes) {
  std::string text(bytes.size() * 2, '\0');
  char* out = text.data();
  for (const char c : bytes) {
    *out++ = kHexDigits[static_cast<uint8_t>(c) >> 4];
    *out++ = kHexDigits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

std::string Base64Encode(std::string_view bytes) {
  return EncodeBase64(bytes, kBase64Alphabet, true);
}

std::string Base64UrlEncode(std::string_view bytes) {
  return EncodeBase64(bytes, kBase64UrlAlphabet, false);
}

std::optional<size_t> HexDecodeTo(std::string_view text, std::span<uint8_t> out) {
  if (text.size() % 2 != 0 || text.size() / 2 > out.size()) return std::nullopt;
  int seen = 0;  // negative once a character was no digit
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]), low = HexValue(text[i + 1]);
    seen |= high | low;
    out[i / 2] = static_cast<uint8_t>(high << 4 | low);
  }
  if (seen < 0) return std::nullopt;
  return text.size() / 2;
}

std::optional<size_t> Base64DecodeTo(std::string_view text, std::span<uint8_t> out) {
  const auto bare = StripPadding(text);
  return bare.has_value() ? DecodeBase64(*bare, kBase64Table, out) : std::nullopt;
}

std::optional<size_t> Base64UrlDecodeTo(std::string_view text, std::span<uint8_t> out) {
  if (!text.ends_with('=')) return DecodeBase64(text, kBase64UrlTable, out);
  const auto bare = StripPadding(text);
  return bare.has_value() ? DecodeBase64(*bare, kBase64UrlTable, out) : std::nullopt;
}

std::optional<std::string> HexDecode(std::string_view text) {
  return DecodeToString(text, text.size() / 2, HexDecodeTo);
}

std::optional<std::string> Base64Decode(std::string_view text) {
  return DecodeToString(text, text.size() / 4 * 3 + 3, Base64DecodeTo);
}

std::optional<std::string> Base64DecodeKey(std::string_view text) {
  const auto decode_to = [](std::string_view key, std::span<uint8_t> out) -> std::optional<size_t> {
    const auto bare = key.ends_with('=') ? StripPadding(key) : key;
    if (!bare.has_value()) return std::nullopt;
    const bool is_url = bare->find_first_of("-_") != std::string_view::npos;
    return DecodeBase64(*bare, is_url ? kBase64UrlTable : kBase64Table, out,
                        LeftOverBits::kIgnored);
  };
  return DecodeToString(text, text.size() / 4 * 3 + 3, decode_to);
}

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  return DecodeToString(text, text.size() / 4 * 3 + 3, Base64UrlDecodeTo);
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      bytes.push_back(' ');
    } else if (text[i] != '%') {
      bytes.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      bytes.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    }
  }
  return bytes;
}

std::string FormDecode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size();
    const int high = is_escape ? HexValue(text[i + 1]) : -1;
    const int low = is_escape ? HexValue(text[i + 2]) : -1;
    if (high >= 0 && low >= 0) {
      bytes.push_back(static_cast<char>(high << 4 | low));
      i += 2;
    } else {
      bytes.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return bytes;
}

std::string PercentEncode(std::string_view text) {
  constexpr char kUpperHexDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded.push_back(c);
    } else {
      encoded.push_back('%');
      encoded.push_back(kUpperHexDigits[static_cast<uint8_t>(c) >> 4]);
      encoded.push_back(kUpperHexDigits[static_cast<uint8_t>(c) & 15]);
    }
  }
  return encoded;
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0 | code >> 6), push(0x80 | (code & 63));
  } else if (code < 0x10000) {
    push(0xE0 | code >> 12), push(0x80 | (code >> 6 & 63)), push(0x80 | (code & 63));
  } else {
    push(0xF0 | code >> 18), push(0x80 | (code >> 12 & 63));
    push(0x80 | (code >> 6 & 63)), push(0x80 | (code & 63));
  }
}

}  // namespace convoy::base
