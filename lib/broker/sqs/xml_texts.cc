// XML scanner: one pass over the document, with the path of the current element. Memory: that path
// and the texts of the fields, none of which is longer than its source text.
#include "lib/broker/sqs/xml_texts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"

namespace convoy::broker {
namespace {

constexpr size_t kPathBytesMax = 512;

absl::Status Refuse(std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("XML that ", why));
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == ':' || c == '-' || c == '.';
}

bool IsCharacter(uint32_t code) {
  if (code < 0x20) return code == '\t' || code == '\r' || code == '\n';
  return code < 0xD800 || (code >= 0xE000 && code < 0xFFFE) ||
         (code >= 0x10000 && code <= 0x10FFFF);
}

// `name` is the text between '&' and ';'.
std::optional<uint32_t> CharacterOf(std::string_view name) {
  constexpr auto kNamed = std::to_array<std::pair<std::string_view, char>>(
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}});
  for (const auto& [known, character] : kNamed) {
    if (known == name) return character;
  }
  if (!absl::ConsumePrefix(&name, "#")) return std::nullopt;
  const bool is_hex = absl::ConsumePrefix(&name, "x");
  // The functions that parse numbers would also accept a sign and spaces.
  const auto is_digit = [is_hex](char c) {
    return is_hex ? absl::ascii_isxdigit(c) : absl::ascii_isdigit(c);
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_digit)) return std::nullopt;
  uint32_t code = 0;
  const bool is_number = is_hex ? absl::SimpleHexAtoi(name, &code) : absl::SimpleAtoi(name, &code);
  if (!is_number || !IsCharacter(code)) return std::nullopt;
  return code;
}

class XmlReader {
 public:
  XmlReader(std::string_view document, std::span<XmlField> fields)
      : rest_(document), fields_(fields), is_read_(fields.size()) {}

  absl::Status Read();

 private:
  bool Take(std::string_view text) { return absl::ConsumePrefix(&rest_, text); }
  // Returns the text before `end` and consumes both.
  std::optional<std::string_view> TakeUntil(std::string_view end);
  std::string_view TakeName();
  bool SkipSpace();
  absl::Status ReadMarkup();
  absl::Status Open();
  absl::Status Close();
  // Skips the attributes, which no field needs. True if the tag is self-closing.
  absl::StatusOr<bool> SkipAttributes();
  absl::Status ReadText();

  std::string_view rest_;
  const std::span<XmlField> fields_;
  std::vector<bool> is_read_;  // by field
  std::string path_;           // of the element that is open
  XmlField* field_ = nullptr;  // what that one is read into
  bool has_root_ = false;
};

absl::Status XmlReader::Read() {
  if (rest_.starts_with("<?xml ") && !TakeUntil("?>").has_value()) return Refuse("breaks off");
  while (!rest_.empty()) {
    CONVOY_RETURN_IF_ERROR(rest_.front() == '<' ? ReadMarkup() : ReadText());
  }
  if (!has_root_ || !path_.empty()) return Refuse("breaks off");
  return absl::OkStatus();
}

std::optional<std::string_view> XmlReader::TakeUntil(std::string_view end) {
  const size_t size = rest_.find(end);
  if (size == std::string_view::npos) return std::nullopt;
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size + end.size());
  return taken;
}

std::string_view XmlReader::TakeName() {
  const auto end = std::find_if_not(rest_.begin(), rest_.end(), IsNameCharacter);
  const std::string_view name = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
  rest_.remove_prefix(name.size());
  return name;
}

bool XmlReader::SkipSpace() {
  const size_t size = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
  rest_.remove_prefix(size);
  return size > 0;
}

absl::Status XmlReader::ReadMarkup() {
  if (Take("<!--")) {
    return TakeUntil("-->").has_value() ? absl::OkStatus() : Refuse("breaks off");
  }
  if (Take("</")) return Close();
  Take("<");
  return Open();  // refuses "<!" and "<?" for their names
}

absl::Status XmlReader::Open() {
  const std::string_view name = TakeName();
  if (name.empty()) return Refuse("has markup that is not read");
  if (path_.empty() && std::exchange(has_root_, true)) return Refuse("does not end");
  if (field_ != nullptr) return Refuse("has elements within a text");
  if (path_.size() + name.size() >= kPathBytesMax) return Refuse("is nested too deeply");
  absl::StrAppend(&path_, "/", name);
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].path != path_) continue;
    if (is_read_[i]) return Refuse("has an element twice");
    is_read_[i] = true;
    field_ = &fields_[i];
    field_->text.clear();
  }
  CONVOY_ASSIGN_OR_RETURN(const bool is_empty, SkipAttributes());
  if (!is_empty) return absl::OkStatus();
  field_ = nullptr;
  path_.resize(path_.size() - name.size() - 1);
  return absl::OkStatus();
}

absl::Status XmlReader::Close() {
  const std::string_view name = TakeName();
  const size_t begin = path_.rfind('/');
  if (path_.empty() || path_.substr(begin + 1) != name) return Refuse("has a wrong end tag");
  SkipSpace();
  if (!Take(">")) return Refuse("has a wrong end tag");
  field_ = nullptr;
  path_.resize(begin);
  return absl::OkStatus();
}

absl::StatusOr<bool> XmlReader::SkipAttributes() {
  while (true) {
    const bool is_apart = SkipSpace();
    if (Take(">")) return false;
    if (Take("/>")) return true;
    if (!is_apart || TakeName().empty()) return Refuse("has a wrong start tag");
    SkipSpace();
    if (!Take("=")) return Refuse("has a wrong start tag");
    SkipSpace();
    const std::string_view quote = rest_.substr(0, 1);
    if ((quote != "\"" && quote != "'") || !Take(quote)) return Refuse("has a wrong start tag");
    const std::optional<std::string_view> value = TakeUntil(quote);
    if (!value.has_value() || value->find('<') != std::string_view::npos) {
      return Refuse("has a wrong start tag");
    }
  }
}

absl::Status XmlReader::ReadText() {
  const std::string_view raw = rest_.substr(0, rest_.find_first_of("<&"));
  rest_.remove_prefix(raw.size());
  if (path_.empty() && !absl::StripAsciiWhitespace(raw).empty()) return Refuse("is not XML");
  if (field_ != nullptr) field_->text.append(raw);
  if (!Take("&")) return absl::OkStatus();
  const std::optional<uint32_t> character = CharacterOf(TakeUntil(";").value_or(""));
  if (!character.has_value() || path_.empty()) return Refuse("has a wrong reference");
  if (field_ != nullptr) base::AppendUtf8(*character, &field_->text);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadXmlTexts(std::string_view document, std::span<XmlField> fields) {
  if (document.size() > kXmlBytesMax) return Refuse("is too large");
  if (!base::IsValidUtf8(document)) return Refuse("is not UTF-8");
  return XmlReader(document, fields).Read();
}

}  // namespace convoy::broker
