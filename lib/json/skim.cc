// Passing over values: a string ends at its closing quote, a container where its brackets are
// balanced, anything else at a comma, a bracket or white space.
#include "lib/json/skim.h"

#include <algorithm>
#include <charconv>

namespace convoy::json {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// The index behind the string whose opening quote stands at `at`; kNone if it does not end.
size_t EndOfString(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return kNone;
}

// The same for the container whose opening bracket stands at `at`.
size_t EndOfContainer(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        at = EndOfString(text, at);
        if (at == kNone) return kNone;
        continue;
      case '[':
      case '{':
        ++depth;
        break;
      case ']':
      case '}':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
  return kNone;
}

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

bool IsNumber(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = at;
  at = SkipDigits(text, at);
  if (at == whole || (text[whole] == '0' && at > whole + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = at + 1;
    at = SkipDigits(text, fraction);
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = at;
    at = SkipDigits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

Type TypeOfWord(std::string_view word) {
  if (word == "null") return Type::kNull;
  if (word == "true") return Type::kTrue;
  if (word == "false") return Type::kFalse;
  return IsNumber(word) ? Type::kNumber : Type::kJunk;
}

// The value that begins at `at`, if it ends.
std::optional<RawValue> ValueAt(std::string_view text, size_t at) {
  if (at >= text.size()) return std::nullopt;
  const char first = text[at];
  size_t end = kNone;
  Type type = Type::kString;
  if (first == '"') {
    end = EndOfString(text, at);
  } else if (first == '[' || first == '{') {
    type = first == '[' ? Type::kArray : Type::kObject;
    end = EndOfContainer(text, at);
  } else {
    end = at;
    while (end < text.size() && !IsSpace(text[end]) && text[end] != ',' && text[end] != ']' &&
           text[end] != '}' && text[end] != '"') {
      ++end;
    }
    if (end == at) return std::nullopt;
    type = TypeOfWord(text.substr(at, end - at));
  }
  if (end == kNone) return std::nullopt;
  return RawValue{.type = type, .text = text.substr(at, end - at)};
}

// A path's step as an index, spelt as JSON Pointer (RFC 6901) does: no sign, no leading zero.
std::optional<size_t> ReadIndex(std::string_view step) {
  size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  const bool is_canonical = step == "0" || !step.starts_with('0');
  if (error != std::errc() || end != step.data() + step.size() || !is_canonical) return {};
  return index;
}

// Looks for the child `step` of `place`, which becomes the child's.
void Descend(std::string_view step, Place* place) {
  const RawValue container = place->value;
  const bool is_object = container.type == Type::kObject;
  const std::optional<size_t> wanted_index = is_object ? std::nullopt : ReadIndex(step);
  place->sight = Sight::kAbsent;
  if (!is_object && container.type != Type::kArray) return;
  Skimmer children(container);
  for (size_t index = 0; children.Next(); ++index) {
    const bool is_wanted = is_object ? KeyEquals(children.key(), step) : index == wanted_index;
    if (!is_wanted) continue;
    place->is_repeated |= place->is_found();
    place->sight = Sight::kFound;
    place->value = children.value();
  }
  if (!children.is_broken()) return;
  place->is_cut = true;
  if (!place->is_found()) place->sight = Sight::kUnreadable;
}

}  // namespace

Skimmer::Skimmer(const RawValue& container)
    : text_(container.text), is_object_(container.type == Type::kObject) {}

bool Skimmer::Stop(bool is_broken) {
  is_over_ = true;
  is_broken_ = is_broken;
  return false;
}

void Skimmer::SkipSpace() {
  while (position_ < text_.size() && IsSpace(text_[position_])) ++position_;
}

bool Skimmer::Next() {
  if (is_over_) return false;
  SkipSpace();
  const char end = is_object_ ? '}' : ']';
  const auto is_at = [this](char c) { return position_ < text_.size() && text_[position_] == c; };
  if (is_at(end)) return Stop(false);
  if (!is_first_) {
    if (!is_at(',')) return Stop(true);
    ++position_;
    SkipSpace();
    if (is_at(end)) return Stop(false);  // a comma too many
  }
  is_first_ = false;
  if (is_object_) {
    const size_t key_end = is_at('"') ? EndOfString(text_, position_) : kNone;
    if (key_end == kNone) return Stop(true);
    key_ = text_.substr(position_, key_end - position_);
    position_ = key_end;
    SkipSpace();
    if (!is_at(':')) return Stop(true);
    ++position_;
    SkipSpace();
  }
  const std::optional<RawValue> value = ValueAt(text_, position_);
  if (!value.has_value()) return Stop(true);
  value_ = *value;
  position_ += value_.text.size();
  return true;
}

std::optional<RawValue> SkimValue(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && IsSpace(text[at])) ++at;
  return ValueAt(text, at);
}

bool KeyEquals(std::string_view quoted, std::string_view name) {
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  if (text.find('\\') == std::string_view::npos) return text == name;
  return RawValue{.type = Type::kString, .text = quoted}.AsString() == name;
}

Place Look(std::string_view text, std::string_view path) {
  Place place;
  size_t at = 0;
  while (at < text.size() && IsSpace(text[at])) ++at;
  std::optional<RawValue> root = ValueAt(text, at);
  // A container that does not end can be looked into as far as it goes.
  if (!root.has_value() && at < text.size() && (text[at] == '{' || text[at] == '[')) {
    root =
        RawValue{.type = text[at] == '{' ? Type::kObject : Type::kArray, .text = text.substr(at)};
  }
  if (!root.has_value() || root->type == Type::kJunk) return place;
  place.sight = Sight::kFound;
  place.value = *root;
  while (place.is_found() && !path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    Descend(path.substr(0, dot), &place);
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return place;
}

}  // namespace convoy::json
