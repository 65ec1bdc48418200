// JSON is written anew token by token: spacing and escapes change, numbers and order do not.
#include "lib/verify/spellings.h"

#include <deque>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/base/latin1.h"
#include "lib/base/text.h"
#include "lib/body/content_coding.h"
#include "lib/json/raw.h"
#include "lib/json/scanner.h"
#include "lib/verify/form_spellings.h"

namespace convoy::verify {
namespace {

constexpr size_t kSpellingsBytesMax = 16 * 1024 * 1024;  // in all
constexpr size_t kRewrittenBytesMax = 256 * 1024;
// Of one spelling: indented, deeply nested JSON is many times as long as what it is made of.
constexpr size_t kRewritingBytesMax = 8 * kRewrittenBytesMax;
constexpr size_t kFieldsMax = 1000;  // of a form that is written anew

enum class Spacing : uint8_t { kCompact, kSpaced, kTwo, kFour, kTabs };
enum class NonAscii : uint8_t { kKeep, kEscape, kPlain };
enum class Slashes : uint8_t { kKeep, kEscape, kPlain };

// The character of UTF-8 that begins at `at`, which becomes its end.
uint32_t TakeCharacter(std::string_view text, size_t* at) {
  const auto first = static_cast<uint8_t>(text[*at]);
  const size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  uint32_t code = size == 1 ? first : first & (0xFF >> (size + 1));
  for (size_t i = 1; i < size && *at + i < text.size(); ++i) {
    code = code << 6 | (static_cast<uint8_t>(text[*at + i]) & 63);
  }
  *at += size;
  return code;
}

void AppendUnit(uint32_t unit, std::string* out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  *out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out->push_back(kDigits[unit >> shift & 15]);
}

std::string EscapeNonAscii(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const uint32_t code = TakeCharacter(text, &at);
    if (code < 0x80) {
      out.push_back(static_cast<char>(code));
    } else if (code < 0x10000) {
      AppendUnit(code, &out);
    } else {
      AppendUnit(0xD800 + ((code - 0x10000) >> 10), &out);
      AppendUnit(0xDC00 + ((code - 0x10000) & 0x3FF), &out);
    }
  }
  return out;
}

bool IsNonAsciiEscape(std::string_view text) {
  return text.size() >= 6 && text.starts_with("\\u") &&
         !(text.starts_with("\\u00") && text[4] < '8');
}

// A string token with its \uXXXX beyond ASCII as characters.
std::string UnescapeNonAscii(std::string_view token) {
  std::string out;
  for (size_t at = 0; at < token.size();) {
    size_t end = at;
    while (IsNonAsciiEscape(token.substr(end))) end += 6;
    if (end > at) {
      const std::string quoted = absl::StrCat("\"", token.substr(at, end - at), "\"");
      const json::RawValue value{.type = json::Type::kString, .text = quoted};
      out += value.AsString().value_or("");
      at = end;
    } else if (token[at] == '\\' && at + 1 < token.size()) {
      out += token.substr(at, 2);
      at += 2;
    } else {
      out.push_back(token[at++]);
    }
  }
  return out;
}

std::string Respell(std::string_view token, NonAscii non_ascii, Slashes slashes) {
  std::string out(token);
  if (non_ascii == NonAscii::kEscape) out = EscapeNonAscii(out);
  if (non_ascii == NonAscii::kPlain) out = UnescapeNonAscii(out);
  if (slashes != Slashes::kKeep) out = absl::StrReplaceAll(out, {{"\\/", "/"}});
  if (slashes == Slashes::kEscape) out = absl::StrReplaceAll(out, {{"/", "\\/"}});
  return out;
}

void BreakLine(Spacing spacing, size_t depth, std::string* out) {
  if (spacing == Spacing::kCompact || spacing == Spacing::kSpaced) return;
  out->push_back('\n');
  if (spacing == Spacing::kTabs) {
    out->append(depth, '\t');
  } else {
    out->append(depth * (spacing == Spacing::kTwo ? 2 : 4), ' ');
  }
}

// nullopt if `text` is not JSON, or would be longer than kRewritingBytesMax.
std::optional<std::string> Rewrite(std::string_view text, Spacing spacing, NonAscii non_ascii,
                                   Slashes slashes) {
  using json::Token;
  json::Scanner scanner(text, json::kPayloadLimits);
  std::string out;
  Token previous = Token::kNull;
  bool is_first = true;
  for (Token token = scanner.Next(); token != Token::kEnd; token = scanner.Next()) {
    if (token == Token::kError || out.size() > kRewritingBytesMax) return std::nullopt;
    const bool is_end = token == Token::kEndArray || token == Token::kEndObject;
    const bool is_after_begin = previous == Token::kBeginArray || previous == Token::kBeginObject;
    if (is_end) {
      if (!is_after_begin) BreakLine(spacing, scanner.depth(), &out);
    } else if (previous == Token::kKey) {
      out += spacing == Spacing::kCompact ? ":" : ": ";
    } else if (!is_first) {
      if (!is_after_begin) out += spacing == Spacing::kSpaced ? ", " : ",";
      const bool is_begin = token == Token::kBeginArray || token == Token::kBeginObject;
      BreakLine(spacing, scanner.depth() - (is_begin ? 1 : 0), &out);
    }
    const bool is_text = token == Token::kString || token == Token::kKey;
    out += is_text ? Respell(scanner.token_text(), non_ascii, slashes)
                   : std::string(scanner.token_text());
    previous = token;
    is_first = false;
  }
  return out;
}

// Fields of a form, with its escapes undone or as they stand.
body::FormFields FieldsOf(std::string_view form, bool is_decoded) {
  body::FormFields fields;
  for (const std::string_view field : absl::StrSplit(form, '&', absl::SkipEmpty())) {
    if (fields.size() == kFieldsMax) return {};
    const std::pair<std::string, std::string> pair = absl::StrSplit(field, absl::MaxSplits('=', 1));
    fields.emplace_back(is_decoded ? base::FormDecode(pair.first) : pair.first,
                        is_decoded ? base::FormDecode(pair.second) : pair.second);
  }
  return fields;
}

// The members of an object of scalars; empty for any other text.
body::FormFields FieldsOfJson(std::string_view text) {
  body::FormFields fields;
  const auto object = json::ScanObject(absl::StripAsciiWhitespace(text), json::kPayloadLimits);
  if (!object.ok() || object->members.size() > kFieldsMax) return fields;
  for (const json::RawMember& member : object->members) {
    const bool is_nested =
        member.value.type == json::Type::kArray || member.value.type == json::Type::kObject;
    if (is_nested) return {};
    fields.emplace_back(member.key, member.value.AsScalarText().value_or(""));
  }
  return fields;
}

class Speller {
 public:
  explicit Speller(std::string_view body) : body_(body) {}

  // Unless it is there already, or there is no room for it.
  void Add(std::string_view code, std::string_view text, std::string body) {
    if (body == body_ || body.size() > bytes_left_ || seen_.contains(body)) return;
    bytes_left_ -= body.size();
    spellings_.push_back({code, text, std::move(body)});
    seen_.insert(spellings_.back().body);
  }

  void AddLines() {
    const std::string_view trimmed = absl::StripTrailingAsciiWhitespace(body_);
    constexpr std::string_view kNewline =
        "the provider signed the body without the line break, space or zero at its end";
    Add("body_newline_added", kNewline, std::string(trimmed));
    Add("body_newline_added", kNewline, std::string(absl::StripAsciiWhitespace(body_)));
    Add("body_newline_added", kNewline,
        std::string(body_.substr(0, body_.find_last_not_of(std::string_view("\0", 1)) + 1)));
    for (const std::string_view end : {"\n", "\r\n"}) {
      Add("body_newline_removed", "the provider signed the body with a line break at its end",
          absl::StrCat(body_, end));
    }
    const std::string unix = absl::StrReplaceAll(body_, {{"\r\n", "\n"}});
    constexpr std::string_view kEnds = "line ends of the body were changed on the way";
    Add("body_line_ends", kEnds, unix);
    Add("body_line_ends", kEnds, absl::StrReplaceAll(unix, {{"\n", "\r\n"}}));
  }

  void AddCodings(body::BodyView& view) {
    const std::string_view mark = "\xEF\xBB\xBF";
    constexpr std::string_view kMark = "a byte order mark was added or removed on the way";
    if (body_.starts_with(mark)) {
      Add("body_byte_order_mark", kMark, std::string(body_.substr(3)));
    } else {
      Add("body_byte_order_mark", kMark, absl::StrCat(mark, body_));
    }
    constexpr std::string_view kPacked = "the provider signed the body before it was compressed";
    Add("body_unpacked", kPacked, std::string(view.text()));
    for (const char* coding : {"gzip", "deflate"}) {
      std::string unpacked;
      const auto result = body::DecodeContent(coding, body_, body::kDecodedBytesMax, &unpacked);
      if (result == body::DecodeResult::kDecoded) Add("body_unpacked", kPacked, unpacked);
    }
    if (body_ == "{}") Add("body_empty", "the provider signed an empty body", "");
    if (body_.empty()) Add("body_empty", "the provider signed the body {}", "{}");
    if (const auto decoded = base::Base64Decode(absl::StripAsciiWhitespace(body_));
        decoded.has_value() && !body_.empty()) {
      Add("body_base64", "the body was encoded as base64 on the way", *decoded);
    }
    const json::RawValue text{.type = json::Type::kString,
                              .text = absl::StripAsciiWhitespace(body_)};
    if (text.text.size() >= 2 && text.text.starts_with('"') && text.text.ends_with('"')) {
      if (auto decoded = text.AsString()) {
        Add("body_double_encoded", "the body was encoded as a JSON string on the way", *decoded);
      }
    }
    Add("body_form_spaces", "spaces of the form were written otherwise on the way",
        absl::StrReplaceAll(body_, {{"+", "%20"}}));
    Add("body_form_spaces", "spaces of the form were written otherwise on the way",
        absl::StrReplaceAll(body_, {{"%20", "+"}}));
    Add("body_percent_decoded", "the body was percent-decoded on the way, or is now encoded",
        base::FormDecode(body_));
    constexpr std::string_view kCharset = "the body's charset was changed on the way";
    if (!base::IsValidUtf8(body_)) Add("body_charset", kCharset, base::Latin1ToUtf8(body_));
    if (const auto latin1 = base::Utf8ToLatin1(body_)) Add("body_charset", kCharset, *latin1);
    Add("body_html", "the body was escaped for HTML on the way", UnescapeHtml(body_));
  }

  // Gateways of functions and queues put a body into a JSON object of their own.
  void AddWrapped() {
    constexpr std::string_view kText =
        "the body arrived within a JSON object that something on the way has made: the raw bytes "
        "must reach this link";
    for (const char* path : {"body", "rawBody", "payload", "data", "Message", "message.data"}) {
      const auto value = json::FindPath(body_, path, json::kPayloadLimits);
      const auto inner = value.has_value() ? value->AsString() : std::nullopt;
      if (!inner.has_value()) continue;
      Add("body_wrapped", kText, *inner);
      if (auto decoded = base::Base64Decode(*inner)) Add("body_wrapped", kText, *decoded);
    }
  }

  void AddForms() {
    if (absl::StripLeadingAsciiWhitespace(body_).starts_with('{')) {
      constexpr std::string_view kText = "the provider signed a form, which arrived as JSON";
      const body::FormFields fields = FieldsOfJson(body_);
      if (!fields.empty()) AddFields("body_form_json", kText, fields);
      AddFields("body_form_json", kText, {{"payload", std::string(body_)}});
      return;
    }
    if (body_.find('=') == std::string_view::npos) return;
    constexpr std::string_view kText =
        "the form was taken apart and written again on the way (escapes): the raw bytes must reach "
        "this link";
    AddFields("body_rewritten", kText, FieldsOf(body_, true));
    AddFields("body_rewritten", kText, FieldsOf(body_, false));
  }

  void AddJson() {
    constexpr std::string_view kText =
        "the body was parsed and written again on the way (spacing, escapes): the raw bytes must "
        "reach this link";
    if (!json::Validate(body_, json::kPayloadLimits).ok()) return;
    for (const NonAscii non_ascii : {NonAscii::kKeep, NonAscii::kEscape, NonAscii::kPlain}) {
      for (const Slashes slashes : {Slashes::kKeep, Slashes::kEscape, Slashes::kPlain}) {
        for (const Spacing spacing :
             {Spacing::kCompact, Spacing::kSpaced, Spacing::kTwo, Spacing::kFour, Spacing::kTabs}) {
          auto written = Rewrite(body_, spacing, non_ascii, slashes);
          if (!written.has_value()) continue;
          Add("body_rewritten", kText, absl::StrCat(*written, "\n"));
          Add("body_rewritten", kText, *std::move(written));
        }
      }
    }
  }

  std::vector<Spelling> Take() {
    seen_.clear();
    return {std::make_move_iterator(spellings_.begin()), std::make_move_iterator(spellings_.end())};
  }

 private:
  void AddFields(std::string_view code, std::string_view text, const body::FormFields& fields) {
    for (std::string& form : SpellForm(fields)) Add(code, text, std::move(form));
  }

  const std::string_view body_;
  size_t bytes_left_ = kSpellingsBytesMax;
  std::deque<Spelling> spellings_;              // its elements stay where they are,
  absl::flat_hash_set<std::string_view> seen_;  // which this refers to
};

}  // namespace

std::vector<Spelling> SpellBody(std::string_view body, body::BodyView& view) {
  Speller speller(body);
  speller.AddLines();
  speller.AddCodings(view);
  if (body.size() > kRewrittenBytesMax) return speller.Take();
  speller.AddWrapped();
  if (base::IsValidUtf8(body)) speller.AddJson();
  speller.AddForms();
  return speller.Take();
}

std::string UnescapeHtml(std::string_view text) {
  return absl::StrReplaceAll(text, {{"&lt;", "<"},
                                    {"&gt;", ">"},
                                    {"&amp;", "&"},
                                    {"&quot;", "\""},
                                    {"&#34;", "\""},
                                    {"&#39;", "'"},
                                    {"&#x27;", "'"},
                                    {"&apos;", "'"}});
}

}  // namespace convoy::verify
