// Looks into RapidJSON's trees. Not to be included beside the library's own RapidJSON
// (lib/json/rapidjson.h).
#pragma once

#include <string>
#include <string_view>

#include "rapidjson/document.h"
#include "rapidjson/stringbuffer.h"
#include "rapidjson/writer.h"

namespace convoyd {

// A field that is a text; empty if it is absent or something else.
inline std::string_view TextMember(const rapidjson::Value& object, const char* field) {
  const auto member = object.FindMember(field);
  if (member == object.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

inline std::string ToText(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace convoyd
