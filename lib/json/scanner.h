// A pull scanner over a JSON text (RFC 8259): checks everything, builds nothing, copies nothing.
//
// Why not RapidJSON's reader: it refuses numbers beyond the range of a double ("1e400") even where
// it is told to keep them as text, and a gateway has no business refusing a payload for its
// numbers.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

#include "lib/json/limits.h"

namespace convoy::json {

enum class Token : uint8_t {
  kNull,
  kFalse,
  kTrue,
  kNumber,
  kString,
  kKey,  // a string in the place of a member's name
  kBeginArray,
  kEndArray,
  kBeginObject,
  kEndObject,
  kEnd,    // exactly one value was seen, and only white space after it
  kError,  // see status(); every later call says the same
};

class Scanner {
 public:
  Scanner(std::string_view text, const Limits& limits);

  // The next token. Neither recursion nor the heap: nesting is kept in a row of bits.
  Token Next();

  // The bytes of the last token: a string with its quotes and escapes, a bracket.
  std::string_view token_text() const { return text_.substr(begin_, position_ - begin_); }
  size_t token_begin() const { return begin_; }
  size_t token_end() const { return position_; }
  // Containers open after the last token.
  size_t depth() const { return depth_; }

  const absl::Status& status() const { return status_; }
  Flaw flaw() const { return flaw_; }

 private:
  enum class Expect : uint8_t {
    kValue,
    kValueOrEndArray,
    kKey,
    kKeyOrEndObject,
    kColon,
    kCommaOrEnd,
    kNothing
  };

  Token Fail();
  Token FailWith(Flaw flaw, absl::Status status);
  Token ScanValue(char first);
  Token ScanLiteral(std::string_view literal, Token token);
  Token ScanNumber();
  Token ScanText(Token token);
  Token Open(bool is_object);
  Token Close(bool is_object);
  Token Finished(Token token);  // after a whole value
  bool SkipString();            // from its opening quote; false if malformed
  bool SkipEscape();
  size_t SkipDigits();
  void SkipSpace();
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  const std::string_view text_;
  const Limits limits_;
  std::bitset<kDepthMax> is_object_;  // of the open containers, outermost first
  size_t depth_ = 0;
  Expect expect_ = Expect::kValue;
  size_t position_ = 0;
  size_t begin_ = 0;
  size_t values_count_ = 0;
  absl::Status status_;
  Flaw flaw_ = Flaw::kNone;
};

}  // namespace convoy::json
