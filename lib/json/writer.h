// Writer of JSON text: a thin typed interface over RapidJSON's writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/json/rapidjson.h"

namespace convoy::json {

// Calls must form one valid value; debug builds assert it. Strings and keys must be UTF-8; what is
// not is replaced by U+FFFD, so that an answer is always JSON.
class Writer {
 public:
  Writer();

  Writer& BeginObject();
  Writer& EndObject();
  Writer& BeginArray();
  Writer& EndArray();
  Writer& Key(std::string_view key);
  Writer& String(std::string_view value);
  Writer& Bool(bool value);
  Writer& Int(int64_t value);
  Writer& Uint(uint64_t value);
  Writer& Double(double value);
  Writer& Null();
  Writer& Raw(std::string_view json);  // a valid JSON value, written as it is

  // Shorthands for one member of an object.
  Writer& Field(std::string_view key, std::string_view value) { return Key(key).String(value); }
  Writer& Field(std::string_view key, const char* value) { return Key(key).String(value); }
  Writer& Field(std::string_view key, bool value) { return Key(key).Bool(value); }
  Writer& Field(std::string_view key, uint32_t value) { return Key(key).Uint(value); }
  Writer& Field(std::string_view key, uint64_t value) { return Key(key).Uint(value); }
  Writer& Field(std::string_view key, int64_t value) { return Key(key).Int(value); }
  Writer& Field(std::string_view key, int32_t value) { return Key(key).Int(value); }
  // Only if there is something to say.
  Writer& FieldIfSet(std::string_view key, std::string_view value);

  std::string_view text() const;
  std::string TakeText();

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

}  // namespace convoy::json
