// Trees: the scanner checks text and limits first, then RapidJSON builds what is known to be small
// and well-formed. It parses iteratively and frees by pool, so neither direction recurses.
#include "lib/json/document.h"

#include "absl/strings/str_cat.h"

#include "lib/json/raw.h"

namespace convoy::json {

absl::StatusOr<Document> Parse(std::string_view text, const Limits& limits) {
  if (absl::Status status = Validate(text, limits); !status.ok()) return status;
  Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag>(text.data(),
                                                                                      text.size());
  if (document.HasParseError()) {  // a number that no double can hold
    return absl::InvalidArgumentError(absl::StrCat(
        "body contains a number out of range (at character ", document.GetErrorOffset() + 1, ")"));
  }
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

std::string ObjectReader::PathOf(std::string_view field) const {
  return path_.empty() ? std::string(field) : absl::StrCat(path_, ".", field);
}

void ObjectReader::Fail(absl::Status status) { status_.Update(std::move(status)); }

void ObjectReader::FailType(std::string_view field) {
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
