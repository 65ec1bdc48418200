// The grammar of RFC 8259 as a small state machine: `expect_` says what may come next, and a row
// of bits says which containers are open.
#include "lib/json/scanner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/text.h"

namespace convoy::json {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

int HexDigitValue(char c) { return IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10; }

}  // namespace

Scanner::Scanner(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {
  if (text.size() > limits.bytes_max) {
    FailWith(Flaw::kTooLarge, absl::OutOfRangeError(absl::StrCat("body is larger than ",
                                                                 limits.bytes_max, " bytes")));
  } else if (text.empty()) {
    FailWith(Flaw::kMalformed, absl::InvalidArgumentError("body must not be empty"));
  }
}

Token Scanner::Next() {
  if (!status_.ok()) return Token::kError;
  SkipSpace();
  if (expect_ == Expect::kColon) {
    if (Peek() != ':') return Fail();
    ++position_;
    SkipSpace();
    expect_ = Expect::kValue;
  } else if (expect_ == Expect::kCommaOrEnd && Peek() == ',') {
    ++position_;
    SkipSpace();
    expect_ = is_object_[depth_ - 1] ? Expect::kKey : Expect::kValue;
  }
  begin_ = position_;
  if (position_ == text_.size()) {
    return expect_ == Expect::kNothing ? Token::kEnd : Fail();
  }
  const char first = text_[position_];
  switch (expect_) {
    case Expect::kValueOrEndArray:
      if (first == ']') return Close(false);
      return ScanValue(first);
    case Expect::kValue:
      return ScanValue(first);
    case Expect::kKeyOrEndObject:
      if (first == '}') return Close(true);
      [[fallthrough]];
    case Expect::kKey:
      return first == '"' ? ScanText(Token::kKey) : Fail();
    case Expect::kCommaOrEnd:
      if (first == ']') return Close(false);
      return first == '}' ? Close(true) : Fail();
    case Expect::kColon:
    case Expect::kNothing:
      break;
  }
  return Fail();
}

Token Scanner::Fail() {
  return FailWith(Flaw::kMalformed,
                  absl::InvalidArgumentError(absl::StrCat(
                      "body contains badly-formed JSON (at character ", position_ + 1, ")")));
}

Token Scanner::FailWith(Flaw flaw, absl::Status status) {
  flaw_ = flaw;
  status_ = std::move(status);
  return Token::kError;
}

Token Scanner::ScanValue(char first) {
  if (++values_count_ > limits_.values_max) {
    return FailWith(Flaw::kTooLarge, absl::InvalidArgumentError(absl::StrCat(
                                         "body has more than ", limits_.values_max, " values")));
  }
  switch (first) {
    case '{':
      return Open(true);
    case '[':
      return Open(false);
    case '"':
      return ScanText(Token::kString);
    case 'n':
      return ScanLiteral("null", Token::kNull);
    case 't':
      return ScanLiteral("true", Token::kTrue);
    case 'f':
      return ScanLiteral("false", Token::kFalse);
    default:
      return ScanNumber();
  }
}

Token Scanner::ScanLiteral(std::string_view literal, Token token) {
  if (!text_.substr(position_).starts_with(literal)) return Fail();
  position_ += literal.size();
  return Finished(token);
}

Token Scanner::ScanNumber() {
  if (Peek() == '-') ++position_;
  const char first = Peek();
  const size_t digits = SkipDigits();
  if (digits == 0 || (first == '0' && digits > 1)) return Fail();
  if (Peek() == '.') {
    ++position_;
    if (SkipDigits() == 0) return Fail();
  }
  if (Peek() == 'e' || Peek() == 'E') {
    ++position_;
    if (Peek() == '+' || Peek() == '-') ++position_;
    if (SkipDigits() == 0) return Fail();
  }
  return Finished(Token::kNumber);
}

Token Scanner::ScanText(Token token) {
  if (!SkipString()) return Fail();
  if (!base::IsValidUtf8(token_text())) {
    return FailWith(Flaw::kNotUtf8, absl::InvalidArgumentError(absl::StrCat(
                                        "body contains a string that is not UTF-8 (at character ",
                                        begin_ + 1, ")")));
  }
  if (token == Token::kString) return Finished(token);
  expect_ = Expect::kColon;
  return token;
}

Token Scanner::Open(bool is_object) {
  if (depth_ >= std::min(limits_.depth_max, kDepthMax)) {
    return FailWith(Flaw::kTooDeep, absl::InvalidArgumentError(absl::StrCat(
                                        "body is nested deeper than ",
                                        std::min(limits_.depth_max, kDepthMax), " levels")));
  }
  ++position_;
  is_object_[depth_++] = is_object;
  expect_ = is_object ? Expect::kKeyOrEndObject : Expect::kValueOrEndArray;
  return is_object ? Token::kBeginObject : Token::kBeginArray;
}

Token Scanner::Close(bool is_object) {
  if (depth_ == 0 || is_object_[depth_ - 1] != is_object) return Fail();
  ++position_;
  --depth_;
  return Finished(is_object ? Token::kEndObject : Token::kEndArray);
}

Token Scanner::Finished(Token token) {
  expect_ = depth_ == 0 ? Expect::kNothing : Expect::kCommaOrEnd;
  return token;
}

bool Scanner::SkipString() {
  for (++position_; position_ < text_.size(); ++position_) {
    const char c = text_[position_];
    if (static_cast<uint8_t>(c) < 0x20) return false;
    if (c == '"') {
      ++position_;
      return true;
    }
    if (c == '\\' && !SkipEscape()) return false;
  }
  return false;
}

// From the backslash to the last character of the escape.
bool Scanner::SkipEscape() {
  const auto read_unit = [this](size_t at) {
    int unit = 0;
    for (size_t i = at; i < at + 4; ++i) {
      if (i >= text_.size() || !IsHexDigit(text_[i])) return -1;
      unit = unit * 16 + HexDigitValue(text_[i]);
    }
    return unit;
  };
  ++position_;
  const char kind = Peek();
  if (kind != 'u')
    return kind != '\0' && std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos;
  const int unit = read_unit(position_ + 1);
  if (unit < 0) return false;
  if (unit < 0xD800 || unit > 0xDFFF || limits_.may_split_pairs) {
    position_ += 4;
    return true;
  }
  if (unit > 0xDBFF) return false;
  position_ += 4;
  if (!text_.substr(position_ + 1).starts_with("\\u")) return false;
  const int low = read_unit(position_ + 3);
  if (low < 0xDC00 || low > 0xDFFF) return false;
  position_ += 6;
  return true;
}

size_t Scanner::SkipDigits() {
  const size_t from = position_;
  while (IsDigit(Peek())) ++position_;
  return position_ - from;
}

void Scanner::SkipSpace() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++position_;
  }
}

}  // namespace convoy::json
