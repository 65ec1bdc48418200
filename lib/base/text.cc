// Predicates and look-ups over borrowed text. Only the decoding ones allocate.
#include "lib/base/text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"

namespace convoy::base {
namespace {

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// The size of the UTF-8 sequence at the start of `text`, or 0 if it is not one (RFC 3629, section
// 4).
size_t SequenceSize(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto is_tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return is_tail(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!is_tail(1) || !is_tail(2)) return 0;
    const bool is_overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool is_surrogate = lead == 0xED && byte(1) >= 0xA0;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (lead > 0xF4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
  const bool is_overlong = lead == 0xF0 && byte(1) < 0x90;
  const bool is_beyond = lead == 0xF4 && byte(1) >= 0x90;
  return is_overlong || is_beyond ? 0 : 4;
}

constexpr auto kIsTokenCharacter = [] {
  std::array<bool, 256> is_token = {};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    is_token[static_cast<uint8_t>(c)] = true;
  }
  return is_token;
}();

constexpr auto kIsValueCharacter = [] {
  std::array<bool, 256> is_value = {};
  for (size_t c = 0; c < is_value.size(); ++c) is_value[c] = (c >= 0x20 && c != 0x7F) || c == '\t';
  return is_value;
}();

bool IsTokenCharacter(char c) { return kIsTokenCharacter[static_cast<uint8_t>(c)]; }

// Calls `take(value)` for each parameter called `name` until it returns false.
template <typename Take>
void ForEachParameter(std::string_view query, std::string_view name, Take take) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (PercentDecode(pair.substr(0, equals), true) != name) continue;
    auto value = PercentDecode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (value.has_value() && !take(*std::move(value))) return;
  }
}

}  // namespace

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    // Most text is ASCII: eight bytes at a time as long as none has its high bit set.
    uint64_t word = 0;
    while (text.size() >= sizeof word) {
      std::memcpy(&word, text.data(), sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
      text.remove_prefix(sizeof word);
    }
    if (text.empty()) return true;
    const size_t size = SequenceSize(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  // Most names differ in their size.
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return x == y || ToLower(x) == ToLower(y);
         });
}

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), IsTokenCharacter);
}

bool IsHeaderValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return kIsValueCharacter[static_cast<uint8_t>(c)]; });
}

std::string Quote(std::string_view text) {
  constexpr size_t kShownMax = 64;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kShownMax)),
                      text.size() > kShownMax ? "…\"" : "\"");
}

std::optional<std::string_view> FindHeader(std::span<const HeaderView> headers,
                                           std::string_view name) {
  for (const HeaderView& header : headers) {
    if (EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> FindHeader(const Headers& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (EqualsIgnoreCase(header.name, name)) return header.value;
  }
  return std::nullopt;
}

size_t CountHeader(std::span<const HeaderView> headers, std::string_view name) {
  return static_cast<size_t>(std::count_if(
      headers.begin(), headers.end(),
      [name](const HeaderView& header) { return EqualsIgnoreCase(header.name, name); }));
}

std::optional<std::string> FindQueryParameter(std::string_view query, std::string_view name) {
  std::optional<std::string> found;
  ForEachParameter(query, name, [&found](std::string value) {
    found = std::move(value);
    return false;
  });
  return found;
}

std::vector<std::string> FindQueryParameters(std::string_view query, std::string_view name) {
  std::vector<std::string> found;
  ForEachParameter(query, name, [&found](std::string value) {
    found.push_back(std::move(value));
    return true;
  });
  return found;
}

}  // namespace convoy::base
