// Accessors for response members where a missing one counts as an empty one.
#pragma once

#include <string>
#include <string_view>

#include "lib/json/raw.h"

namespace convoy::broker {

// "" if there is no such member or it is not a string.
inline std::string TextOf(const json::RawObject& object, std::string_view key) {
  const json::RawValue* const value = object.Find(key);
  return value == nullptr ? "" : value->AsString().value_or("");
}

}  // namespace convoy::broker
