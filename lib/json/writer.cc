// RapidJSON's writer with an added guarantee: the output is UTF-8, whatever the input.
#include "lib/json/writer.h"

#include "lib/base/text.h"

namespace convoy::json {
namespace {

// `text` with each byte that belongs to no UTF-8 sequence replaced by U+FFFD.
std::string Repaired(std::string_view text) {
  std::string repaired;
  while (!text.empty()) {
    size_t size = 1;
    while (size <= 4 && size <= text.size() && !base::IsValidUtf8(text.substr(0, size))) ++size;
    if (size > 4 || size > text.size()) {
      repaired += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      repaired += text.substr(0, size);
      text.remove_prefix(size);
    }
  }
  return repaired;
}

rapidjson::SizeType SizeOf(std::string_view text) {
  return static_cast<rapidjson::SizeType>(text.size());
}

}  // namespace

Writer::Writer() : writer_(buffer_) {}

Writer& Writer::BeginObject() { return writer_.StartObject(), *this; }
Writer& Writer::EndObject() { return writer_.EndObject(), *this; }
Writer& Writer::BeginArray() { return writer_.StartArray(), *this; }
Writer& Writer::EndArray() { return writer_.EndArray(), *this; }
Writer& Writer::Bool(bool value) { return writer_.Bool(value), *this; }
Writer& Writer::Int(int64_t value) { return writer_.Int64(value), *this; }
Writer& Writer::Uint(uint64_t value) { return writer_.Uint64(value), *this; }
Writer& Writer::Double(double value) { return writer_.Double(value), *this; }
Writer& Writer::Null() { return writer_.Null(), *this; }

Writer& Writer::Key(std::string_view key) {
  if (key.empty()) {
    writer_.Key("", 0);
  } else if (base::IsValidUtf8(key)) {
    writer_.Key(key.data(), SizeOf(key));
  } else {
    const std::string repaired = Repaired(key);
    writer_.Key(repaired.data(), SizeOf(repaired));
  }
  return *this;
}

Writer& Writer::String(std::string_view value) {
  if (value.empty()) {
    writer_.String("", 0);
  } else if (base::IsValidUtf8(value)) {
    writer_.String(value.data(), SizeOf(value));
  } else {
    const std::string repaired = Repaired(value);
    writer_.String(repaired.data(), SizeOf(repaired));
  }
  return *this;
}

Writer& Writer::Raw(std::string_view json) {
  writer_.RawValue(json.data(), json.size(), rapidjson::kObjectType);
  return *this;
}

Writer& Writer::FieldIfSet(std::string_view key, std::string_view value) {
  return value.empty() ? *this : Field(key, value);
}

std::string_view Writer::text() const { return {buffer_.GetString(), buffer_.GetSize()}; }

std::string Writer::TakeText() { return std::string(text()); }

}  // namespace convoy::json
