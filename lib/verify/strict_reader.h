// Strict reader for the loaders of schemes and presets: closed sets of fields and values, so that a
// typing error is reported with the field's name.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "lib/json/document.h"
#include "lib/verify/locator.h"

namespace convoy::verify {

// 'scheme field "signature.in" must be …'
absl::Status InvalidField(const json::ObjectReader& reader, std::string_view field,
                          std::string_view why);

// Refuses every member whose name is not among `known`, or that is there twice.
absl::Status CheckFields(const json::Value& object, const json::ObjectReader& reader,
                         std::initializer_list<std::string_view> known);
// For objects of free names: of two equal ones each reader would believe another.
absl::Status CheckIsUnique(const json::Value& object, const json::ObjectReader& reader);

// Reads a text that must be one of a few; `out` keeps its value if the field is absent.
template <typename Enum, size_t kCount>
absl::Status ReadChoice(json::ObjectReader& reader, std::string_view field,
                        const std::array<std::pair<std::string_view, Enum>, kCount>& choices,
                        Enum* out) {
  std::string text;
  if (!reader.Read(field, &text)) return reader.status();
  std::string names;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      *out = value;
      return absl::OkStatus();
    }
    absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  return InvalidField(reader, field, absl::StrCat("must be one of: ", names));
}

absl::Status ReadCharacter(json::ObjectReader& reader, std::string_view field, char* out);
absl::Status ReadSeconds(json::ObjectReader& reader, std::string_view field, absl::Duration* out);
absl::Status ReadLocator(json::ObjectReader& reader, std::string_view field,
                         std::optional<Locator>* out);
// A text, or a list of texts.
absl::Status ReadTexts(const json::Value& object, json::ObjectReader& reader,
                       std::string_view field, std::vector<std::string>* out);

}  // namespace convoy::verify
