// Look-ups in a JSON text, each by one scan.
#include "lib/json/raw.h"

#include <charconv>

#include "lib/base/encoding.h"
#include "lib/json/scanner.h"
#include "lib/json/skim.h"

namespace convoy::json {
namespace {

Type TypeOf(Token token) {
  switch (token) {
    case Token::kFalse:
      return Type::kFalse;
    case Token::kTrue:
      return Type::kTrue;
    case Token::kNumber:
      return Type::kNumber;
    case Token::kString:
    case Token::kKey:
      return Type::kString;
    case Token::kBeginArray:
    case Token::kEndArray:
      return Type::kArray;
    case Token::kBeginObject:
    case Token::kEndObject:
      return Type::kObject;
    case Token::kNull:
    case Token::kEnd:
    case Token::kError:
      break;
  }
  return Type::kNull;
}

bool IsOpening(Token token) { return token == Token::kBeginArray || token == Token::kBeginObject; }

// Four hexadecimal digits at `at`; nullopt if they are none.
std::optional<uint32_t> ReadUnit(std::string_view text, size_t at) {
  if (at > text.size() || text.size() - at < 4) return std::nullopt;
  uint32_t unit = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 4, unit, 16);
  if (error != std::errc() || end != text.data() + at + 4) return std::nullopt;
  return unit;
}

// Undoes the \uXXXX whose first digit stands at `*at`, which becomes its end, and the other half
// of a surrogate pair. A half alone stands for itself (as in WTF-8): senders cut texts.
bool DecodeUnit(std::string_view text, size_t* at, std::string* out) {
  const std::optional<uint32_t> unit = ReadUnit(text, *at);
  if (!unit.has_value()) return false;
  *at += 4;
  uint32_t code = *unit;
  if (code >= 0xD800 && code <= 0xDBFF && text.substr(*at).starts_with("\\u")) {
    const uint32_t low = ReadUnit(text, *at + 2).value_or(0);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      *at += 6;
    }
  }
  base::AppendUtf8(code, out);
  return true;
}

// Decodes a string, quotes included; nullopt for an escape that JSON does not have.
std::optional<std::string> DecodeString(std::string_view quoted) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::string out;
  out.reserve(text.size());
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] != '\\') {
      out.push_back(text[at++]);
      continue;
    }
    if (at + 1 == text.size()) return std::nullopt;
    const char kind = text[at + 1];
    at += 2;
    if (kind == 'u') {
      if (!DecodeUnit(text, &at, &out)) return std::nullopt;
      continue;
    }
    const size_t known = kEscapes.find(kind);
    if (known == std::string_view::npos) return std::nullopt;
    out.push_back(kMeanings[known]);
  }
  return out;
}

// The value whose first token was just read: scans to its end.
RawValue TakeValue(Scanner& scanner, Token first, std::string_view text) {
  const size_t begin = scanner.token_begin();
  const size_t outer_depth = scanner.depth() - (IsOpening(first) ? 1 : 0);
  Token token = first;
  while (scanner.depth() > outer_depth && token != Token::kError) token = scanner.Next();
  return {.type = TypeOf(first), .text = text.substr(begin, scanner.token_end() - begin)};
}

// The part of a path before the first dot, taken off.
std::string_view TakeStep(std::string_view& path) {
  const size_t dot = path.find('.');
  const std::string_view step = path.substr(0, dot);
  path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  return step;
}

// A path's step as an index, spelt as JSON Pointer (RFC 6901) does: no sign, no leading zero.
std::optional<size_t> ReadIndex(std::string_view step) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  const bool is_canonical = step == "0" || !step.starts_with('0');
  if (error != std::errc() || end != step.data() + step.size() || !is_canonical) return {};
  return index;
}

// The direct child of a container called `step` (or at that index). It has been validated. Of equal
// names the last one counts.
std::optional<RawValue> FindChild(const RawValue& container, std::string_view step,
                                  const Limits& limits, bool* is_repeated) {
  Scanner scanner(container.text, limits);
  scanner.Next();
  const std::optional<size_t> wanted_index = ReadIndex(step);
  std::optional<RawValue> found;
  size_t index = 0;
  while (true) {
    Token token = scanner.Next();
    if (token == Token::kEndArray || token == Token::kEndObject) return found;
    bool is_wanted = false;
    if (token == Token::kKey) {
      is_wanted = KeyEquals(scanner.token_text(), step);
      token = scanner.Next();
    } else {
      is_wanted = index++ == wanted_index;
    }
    const RawValue value = TakeValue(scanner, token, container.text);
    if (!scanner.status().ok()) return std::nullopt;
    if (!is_wanted) continue;
    *is_repeated |= found.has_value();
    found = value;
  }
}

}  // namespace

std::optional<std::string> RawValue::AsString() const {
  if (type != Type::kString) return std::nullopt;
  return DecodeString(text);
}

std::optional<std::string> RawValue::AsScalarText() const {
  switch (type) {
    case Type::kString:
      return DecodeString(text);
    case Type::kNumber:
    case Type::kTrue:
    case Type::kFalse:
      return std::string(text);
    default:
      return std::nullopt;
  }
}

const RawValue* RawObject::Find(std::string_view key) const {
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->key == key) return &member->value;
  }
  return nullptr;
}

absl::Status Validate(std::string_view text, const Limits& limits) {
  Scanner scanner(text, limits);
  while (true) {
    const Token token = scanner.Next();
    if (token == Token::kEnd) return absl::OkStatus();
    if (token == Token::kError) return scanner.status();
  }
}

Flaw FindFlaw(std::string_view text, const Limits& limits) {
  Scanner scanner(text, limits);
  Token token = scanner.Next();
  while (token != Token::kEnd && token != Token::kError) token = scanner.Next();
  return scanner.flaw();
}

absl::StatusOr<RawObject> ScanObject(std::string_view text, const Limits& limits) {
  Scanner scanner(text, limits);
  RawObject object;
  const Token first = scanner.Next();
  if (first == Token::kError) return scanner.status();
  if (first != Token::kBeginObject) {
    return absl::InvalidArgumentError("body contains incorrect JSON type (at character 1)");
  }
  for (Token token = scanner.Next(); token != Token::kEnd; token = scanner.Next()) {
    if (token == Token::kError) return scanner.status();
    if (token != Token::kKey) continue;  // the closing bracket
    std::string key = *DecodeString(scanner.token_text());
    const Token value = scanner.Next();
    object.members.push_back({std::move(key), TakeValue(scanner, value, text)});
  }
  return object;
}

absl::StatusOr<std::vector<RawValue>> ScanArray(std::string_view text, const Limits& limits) {
  Scanner scanner(text, limits);
  std::vector<RawValue> elements;
  const Token first = scanner.Next();
  if (first == Token::kError) return scanner.status();
  if (first != Token::kBeginArray) {
    return absl::InvalidArgumentError("body contains incorrect JSON type (at character 1)");
  }
  for (Token token = scanner.Next(); token != Token::kEnd; token = scanner.Next()) {
    if (token == Token::kError) return scanner.status();
    if (token == Token::kEndArray) continue;  // the closing bracket
    elements.push_back(TakeValue(scanner, token, text));
  }
  return elements;
}

std::optional<RawValue> FindPath(std::string_view text, std::string_view path,
                                 const Limits& limits) {
  bool is_repeated = false;
  return FindPath(text, path, limits, &is_repeated);
}

std::optional<RawValue> FindPath(std::string_view text, std::string_view path, const Limits& limits,
                                 bool* is_repeated) {
  *is_repeated = false;
  if (path.empty() || !Validate(text, limits).ok()) return std::nullopt;
  Scanner scanner(text, limits);
  std::optional<RawValue> value = TakeValue(scanner, scanner.Next(), text);
  while (value.has_value() && !path.empty()) {
    if (value->type != Type::kObject && value->type != Type::kArray) return std::nullopt;
    value = FindChild(*value, TakeStep(path), limits, is_repeated);
  }
  return value;
}

}  // namespace convoy::json
