// Trees: the scanner of this folder tells the tokens, RapidJSON's document keeps the values. So
// there is one grammar and one set of limits. Building keeps no stack but a list, and values are
// freed by pool: neither direction recurses.
//
// Why not RapidJSON's reader: it shifts by an undefined number of bits for "0e63".
#include "lib/json/document.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/json/raw.h"
#include "lib/json/scanner.h"

namespace convoy::json {
namespace {

// Ends a message that does not tell of everything that is wrong.
constexpr std::string_view kAndMore = ", and more";

// Hands a text to a document, value by value; what Document::Populate takes.
class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, const Limits& limits) : scanner_(text, limits) {}

  // False if the text was not JSON to its end: see status().
  bool operator()(Document& document) {
    Token token = scanner_.Next();
    while (Add(token, document)) token = scanner_.Next();
    return token == Token::kEnd && status_.ok();
  }

  absl::Status status() const { return status_.ok() ? scanner_.status() : status_; }

 private:
  // False at the end.
  bool Add(Token token, Document& document) {
    switch (token) {
      case Token::kNull:
        return Count(), document.Null();
      case Token::kFalse:
      case Token::kTrue:
        return Count(), document.Bool(token == Token::kTrue);
      case Token::kNumber:
        return Count(), AddNumber(scanner_.token_text(), document);
      case Token::kString:
        return Count(), AddText(document);
      case Token::kKey:
        return AddText(document);
      case Token::kBeginArray:
        return Open(), document.StartArray();
      case Token::kBeginObject:
        return Open(), document.StartObject();
      case Token::kEndArray:
        return document.EndArray(Close());
      case Token::kEndObject:
        return document.EndObject(Close());
      case Token::kEnd:
      case Token::kError:
        break;
    }
    return false;
  }

  bool AddText(Document& document) {
    const auto text = RawValue{.type = Type::kString, .text = scanner_.token_text()}.AsString();
    return document.String(text->data(), static_cast<rapidjson::SizeType>(text->size()), true);
  }

  // A whole number stays one as far as 64 bits go.
  bool AddNumber(std::string_view text, Document& document) {
    if (const auto whole = ReadWhole<int64_t>(text)) return document.Int64(*whole);
    if (const auto whole = ReadWhole<uint64_t>(text)) return document.Uint64(*whole);
    double number = 0;
    if (absl::SimpleAtod(text, &number) && std::isfinite(number)) return document.Double(number);
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "body contains a number out of range (at character ", scanner_.token_begin() + 1, ")"));
    return false;
  }

  template <typename Integer>
  static std::optional<Integer> ReadWhole(std::string_view text) {
    Integer whole = 0;
    const char* const text_end = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), text_end, whole);
    if (error != std::errc() || end != text_end) return std::nullopt;
    return whole;
  }

  // Of each open container: how many values it has.
  void Count() {
    if (!counts_.empty()) ++counts_.back();
  }
  void Open() {
    Count();
    counts_.push_back(0);
  }
  rapidjson::SizeType Close() {
    const rapidjson::SizeType count = counts_.back();
    counts_.pop_back();
    return count;
  }

  Scanner scanner_;
  std::vector<rapidjson::SizeType> counts_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Document> Parse(std::string_view text, const Limits& limits) {
  TreeBuilder builder(text, limits);
  Document document;
  document.Populate(builder);
  if (absl::Status status = builder.status(); !status.ok()) return status;
  return document;
}

std::string ToText(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);  // recursive, but no deeper than Parse let the text be
  return std::string(buffer.GetString(), buffer.GetSize());
}

ObjectReader::ObjectReader(const Value& object, std::string path)
    : object_(object), path_(std::move(path)) {
  if (!object_.IsObject()) {
    Fail(absl::InvalidArgumentError(
        path_.empty()
            ? "body contains incorrect JSON type (at character 1)"
            : absl::StrCat("body contains incorrect JSON type for field \"", path_, "\"")));
  }
}

const Value* ObjectReader::Find(std::string_view field) const {
  if (!object_.IsObject()) return nullptr;
  const auto member =
      object_.FindMember(Value(field.data(), static_cast<rapidjson::SizeType>(field.size())));
  return member == object_.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
}

bool ObjectReader::Has(std::string_view field) const {
  return object_.IsObject() &&
         object_.FindMember(Value(field.data(), static_cast<rapidjson::SizeType>(field.size()))) !=
             object_.MemberEnd();
}

bool ObjectReader::HasText(std::string_view field) const {
  const Value* const value = Find(field);
  return value != nullptr && value->IsString();
}

std::string ObjectReader::PathOf(std::string_view field) const {
  return path_.empty() ? std::string(field) : absl::StrCat(path_, ".", field);
}

void AddProblem(const absl::Status& next, absl::Status* all) {
  constexpr size_t kBytesMax = 4096;
  if (next.ok()) return;
  if (all->ok()) {
    *all = next;
    return;
  }
  if (!absl::IsInvalidArgument(*all)) return;
  if (!absl::IsInvalidArgument(next)) {
    *all = next;
    return;
  }
  const std::string_view known = all->message();
  if (known.ends_with(kAndMore) || known.find(next.message()) != std::string_view::npos) return;
  const bool has_room = known.size() + next.message().size() < kBytesMax;
  *all = absl::InvalidArgumentError(has_room ? absl::StrCat(known, ", ", next.message())
                                             : absl::StrCat(known, kAndMore));
}

void ObjectReader::FailField(std::string_view field, std::string_view why) {
  if (std::find(mistyped_.begin(), mistyped_.end(), field) != mistyped_.end()) return;
  Fail(absl::InvalidArgumentError(absl::StrCat(PathOf(field), ":", why)));
}

void ObjectReader::FailType(std::string_view field) {
  mistyped_.emplace_back(field);
  Fail(absl::InvalidArgumentError(
      absl::StrCat("body contains incorrect JSON type for field \"", PathOf(field), "\"")));
}

bool ObjectReader::Read(std::string_view field, std::string* out) {
  const Value* value = Find(field);
  if (value == nullptr) return false;
  if (!value->IsString()) return FailType(field), false;
  out->assign(value->GetString(), value->GetStringLength());
  return true;
}

bool ObjectReader::Read(std::string_view field, bool* out) {
  const Value* value = Find(field);
  if (value == nullptr) return false;
  if (!value->IsBool()) return FailType(field), false;
  *out = value->GetBool();
  return true;
}

bool ObjectReader::Read(std::string_view field, uint32_t* out) {
  const Value* value = Find(field);
  if (value == nullptr) return false;
  if (!value->IsUint()) return FailType(field), false;
  *out = value->GetUint();
  return true;
}

bool ObjectReader::Read(std::string_view field, uint64_t* out) {
  const Value* value = Find(field);
  if (value == nullptr) return false;
  if (!value->IsUint64()) return FailType(field), false;
  *out = value->GetUint64();
  return true;
}

bool ObjectReader::Read(std::string_view field, int64_t* out) {
  const Value* value = Find(field);
  if (value == nullptr) return false;
  if (!value->IsInt64()) return FailType(field), false;
  *out = value->GetInt64();
  return true;
}

bool ObjectReader::Read(std::string_view field, std::vector<std::string>* out) {
  const Value* array = Array(field);
  if (array == nullptr) return false;
  std::vector<std::string> texts;
  for (const Value& element : array->GetArray()) {
    if (!element.IsString()) return FailType(field), false;
    texts.emplace_back(element.GetString(), element.GetStringLength());
  }
  *out = std::move(texts);
  return true;
}

const Value* ObjectReader::Object(std::string_view field) {
  const Value* value = Find(field);
  if (value != nullptr && !value->IsObject()) return FailType(field), nullptr;
  return value;
}

const Value* ObjectReader::Array(std::string_view field) {
  const Value* value = Find(field);
  if (value != nullptr && !value->IsArray()) return FailType(field), nullptr;
  return value;
}

}  // namespace convoy::json
