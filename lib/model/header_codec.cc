// Header lists as JSON. A header value is bytes, a JSON string is text: each byte becomes the code
// point of the same number (Latin-1), which loses nothing and keeps ASCII readable.
#include <algorithm>
#include <array>
#include <cstdint>

#include "lib/base/status_macros.h"
#include "lib/json/raw.h"
#include "lib/json/writer.h"
#include "lib/model/codec.h"

namespace convoy::model {
namespace {

// A message of a broker may have any number of attributes of any size, and is kept with all of
// them: what was stored must be readable, or the lists that hold it are not.
constexpr json::Limits kStoredLimits = {.bytes_max = SIZE_MAX, .values_max = SIZE_MAX};

std::string BytesToText(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0 | byte >> 6));
      text.push_back(static_cast<char>(0x80 | (byte & 0x3F)));
    }
  }
  return text;
}

// Of each byte, whether it stands for itself in a string of JSON.
constexpr auto kIsPlain = [] {
  std::array<bool, 256> is_plain{};
  for (int byte = ' '; byte <= '~'; ++byte) is_plain[byte] = byte != '"' && byte != '\\';
  return is_plain;
}();

bool IsPlain(char c) { return kIsPlain[static_cast<uint8_t>(c)]; }

// As json::Writer does, which is slow where nothing is to be escaped: headers of every attempt are
// written by the one thread that writes.
void AppendString(std::string_view bytes, std::string& json) {
  if (std::ranges::all_of(bytes, IsPlain)) {
    json.append(1, '"').append(bytes).append(1, '"');
  } else {
    json += json::Writer().String(BytesToText(bytes)).text();
  }
}

// `text` is UTF-8; nullopt if a code point is beyond Latin-1.
std::optional<std::string> TextToBytes(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x80) {
      bytes.push_back(text[i]);
    } else if (byte <= 0xC3 && i + 1 < text.size()) {
      bytes.push_back(static_cast<char>(byte << 6 | (static_cast<uint8_t>(text[++i]) & 0x3F)));
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

std::optional<std::string> ReadText(std::string_view pair, std::string_view index) {
  const auto value = json::FindPath(pair, index, kStoredLimits);
  const auto text = value.has_value() ? value->AsString() : std::nullopt;
  return text.has_value() ? TextToBytes(*text) : std::nullopt;
}

}  // namespace

std::string EncodeHeaders(const Headers& headers) {
  constexpr size_t kMarks = 8;  // ["",""] and a comma
  size_t size = 2;
  for (const Header& header : headers) size += header.name.size() + header.value.size() + kMarks;
  std::string text;
  text.reserve(size);
  text.push_back('[');
  for (const Header& header : headers) {
    text += text.size() == 1 ? "[" : ",[";
    AppendString(header.name, text);
    text.push_back(',');
    AppendString(header.value, text);
    text.push_back(']');
  }
  text.push_back(']');
  return text;
}

absl::StatusOr<Headers> DecodeHeaders(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const std::vector<json::RawValue> pairs,
                          json::ScanArray(text, kStoredLimits));
  Headers headers;
  headers.reserve(pairs.size());
  for (const json::RawValue& pair : pairs) {
    auto name = ReadText(pair.text, "0"), value = ReadText(pair.text, "1");
    if (!name.has_value() || !value.has_value()) {
      return absl::DataLossError("stored headers are damaged");
    }
    headers.push_back({*std::move(name), *std::move(value)});
  }
  return headers;
}

}  // namespace convoy::model
