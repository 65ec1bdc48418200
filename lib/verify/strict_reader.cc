// Strict reader of JSON objects; see strict_reader.h.
#include "lib/verify/strict_reader.h"

#include <algorithm>

namespace convoy::verify {

using json::ObjectReader;

absl::Status InvalidField(const ObjectReader& reader, std::string_view field,
                          std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("scheme field \"", reader.PathOf(field), "\" ", why));
}

absl::Status CheckFields(const json::Value& object, const ObjectReader& reader,
                         std::initializer_list<std::string_view> known) {
  if (!reader.status().ok()) return reader.status();
  for (const auto& member : object.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return InvalidField(reader, name, "is not known here");
    }
  }
  return CheckIsUnique(object, reader);
}

absl::Status CheckIsUnique(const json::Value& object, const ObjectReader& reader) {
  for (auto member = object.MemberBegin(); member != object.MemberEnd(); ++member) {
    if (object.FindMember(member->name) != member) {
      const std::string_view name(member->name.GetString(), member->name.GetStringLength());
      return InvalidField(reader, name, "is given twice");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadCharacter(ObjectReader& reader, std::string_view field, char* out) {
  std::string text;
  if (!reader.Read(field, &text)) return reader.status();
  if (text.size() != 1) return InvalidField(reader, field, "must be one character");
  *out = text[0];
  return absl::OkStatus();
}

absl::Status ReadSeconds(ObjectReader& reader, std::string_view field, absl::Duration* out) {
  constexpr uint32_t kSecondsMax = 7 * 24 * 3600;
  uint32_t seconds = 0;
  if (!reader.Read(field, &seconds)) return reader.status();
  if (seconds > kSecondsMax) return InvalidField(reader, field, "must be at most a week");
  *out = absl::Seconds(seconds);
  return absl::OkStatus();
}

absl::Status ReadLocator(ObjectReader& reader, std::string_view field,
                         std::optional<Locator>* out) {
  std::string text;
  if (!reader.Read(field, &text)) return reader.status();
  absl::StatusOr<Locator> locator = ParseLocator(text);
  if (!locator.ok()) {
    return InvalidField(reader, field, absl::StrCat("is wrong: ", locator.status().message()));
  }
  *out = *std::move(locator);
  return absl::OkStatus();
}

absl::Status ReadTexts(const json::Value& object, ObjectReader& reader, std::string_view field,
                       std::vector<std::string>* out) {
  const auto member = object.FindMember(json::Value::StringRefType(field.data(), field.size()));
  if (member == object.MemberEnd() || !member->value.IsString()) {
    reader.Read(field, out);
    return reader.status();
  }
  out->assign(1, std::string(member->value.GetString(), member->value.GetStringLength()));
  return absl::OkStatus();
}

}  // namespace convoy::verify
