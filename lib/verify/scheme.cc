// The strict loader: closed sets of fields and values, so that a typing error is an error.
#include "lib/verify/scheme.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/json/document.h"

namespace convoy::verify {
namespace {

using json::ObjectReader;

constexpr json::Limits kSchemeLimits = {.bytes_max = 64 * 1024, .depth_max = 8, .values_max = 500};
constexpr uint32_t kToleranceSecondsMax = 7 * 24 * 3600;

absl::Status Invalid(const ObjectReader& reader, std::string_view field, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("scheme field \"", reader.PathOf(field), "\" ", why));
}

// Refuses every member whose name is not among `known`.
absl::Status CheckFields(const json::Value& object, const ObjectReader& reader,
                         std::initializer_list<std::string_view> known) {
  if (!reader.status().ok()) return reader.status();
  for (const auto& member : object.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Invalid(reader, name, "is not known here");
    }
  }
  return absl::OkStatus();
}

// Reads a text that must be one of a few; `out` keeps its value if the field is absent.
template <typename Enum, size_t kCount>
absl::Status ReadChoice(ObjectReader& reader, std::string_view field,
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
  return Invalid(reader, field, absl::StrCat("must be one of: ", names));
}

absl::Status ReadSeparator(ObjectReader& reader, std::string_view field, char* out) {
  std::string text;
  if (!reader.Read(field, &text)) return reader.status();
  if (text.size() != 1) return Invalid(reader, field, "must be one character");
  *out = text[0];
  return absl::OkStatus();
}

absl::Status ReadHeaderName(ObjectReader& reader, std::string_view field, std::string* out) {
  if (reader.Read(field, out) && !base::IsHeaderName(*out)) {
    return Invalid(reader, field, "must be a header name");
  }
  return reader.status();
}

absl::StatusOr<ListSyntax> ParseList(const json::Value& object) {
  ObjectReader reader(object, "signature.list");
  CONVOY_RETURN_IF_ERROR(
      CheckFields(object, reader, {"item_sep", "kv_sep", "key", "key_numbered"}));
  ListSyntax list;
  CONVOY_RETURN_IF_ERROR(ReadSeparator(reader, "item_sep", &list.item_separator));
  CONVOY_RETURN_IF_ERROR(ReadSeparator(reader, "kv_sep", &list.key_separator));
  list.is_key_numbered = reader.Read("key_numbered", &list.key);
  if (reader.Read("key", &list.key) == list.is_key_numbered) {
    return Invalid(reader, "key", "or key_numbered must be given, and only one of them");
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return list;
}

absl::Status ParseSignature(const json::Value& object, SignatureField* out) {
  constexpr std::array<std::pair<std::string_view, Place>, 2> kPlaces = {
      {{"header", Place::kHeader}, {"query", Place::kQuery}}};
  ObjectReader reader(object, "signature");
  CONVOY_RETURN_IF_ERROR(CheckFields(object, reader, {"in", "name", "prefix", "list"}));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "in", kPlaces, &out->place));
  reader.Read("name", &out->name);
  reader.Read("prefix", &out->prefix);
  if (const json::Value* list = reader.Object("list")) {
    CONVOY_ASSIGN_OR_RETURN(out->list, ParseList(*list));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (out->place == Place::kHeader ? !base::IsHeaderName(out->name) : out->name.empty()) {
    return Invalid(reader, "name", "must name the header or query parameter");
  }
  return absl::OkStatus();
}

absl::Status ParseKey(const json::Value& object, Scheme* out) {
  constexpr std::array<std::pair<std::string_view, KeyFormat>, 3> kFormats = {
      {{"text", KeyFormat::kText}, {"hex", KeyFormat::kHex}, {"base64", KeyFormat::kBase64}}};
  ObjectReader reader(object, "key");
  CONVOY_RETURN_IF_ERROR(CheckFields(object, reader, {"format", "strip_prefix"}));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "format", kFormats, &out->key_format));
  reader.Read("strip_prefix", &out->key_prefix);
  return reader.status();
}

absl::Status ReadTolerance(ObjectReader& reader, std::string_view field, absl::Duration* out) {
  uint32_t seconds = 0;
  if (!reader.Read(field, &seconds)) return reader.status();
  if (seconds > kToleranceSecondsMax) return Invalid(reader, field, "must be at most a week");
  *out = absl::Seconds(seconds);
  return absl::OkStatus();
}

absl::StatusOr<TimestampField> ParseTimestamp(const json::Value& object, const Scheme& scheme) {
  constexpr std::array<std::pair<std::string_view, bool>, 2> kUnits = {
      {{"s", false}, {"ms", true}}};
  ObjectReader reader(object, "timestamp");
  CONVOY_RETURN_IF_ERROR(CheckFields(object, reader, {"from", "unit", "past_s", "future_s"}));
  TimestampField timestamp;
  std::string from;
  reader.Read("from", &from);
  if (from.starts_with("header:") && base::IsHeaderName(from.substr(7))) {
    timestamp.header = from.substr(7);
  } else if (from.starts_with("sig:") && from.size() > 4 && scheme.signature.list.has_value()) {
    timestamp.item = from.substr(4);
  } else {
    return Invalid(reader, "from", "must be header:NAME, or sig:ITEM of a signature list");
  }
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "unit", kUnits, &timestamp.is_milliseconds));
  CONVOY_RETURN_IF_ERROR(ReadTolerance(reader, "past_s", &timestamp.past_max));
  CONVOY_RETURN_IF_ERROR(ReadTolerance(reader, "future_s", &timestamp.future_max));
  CONVOY_RETURN_IF_ERROR(reader.status());
  return timestamp;
}

absl::Status ParseHmac(ObjectReader& reader, Scheme* scheme) {
  using crypto::HashAlgorithm;
  constexpr std::array<std::pair<std::string_view, HashAlgorithm>, 4> kAlgorithms = {
      {{"md5", HashAlgorithm::kMd5},
       {"sha1", HashAlgorithm::kSha1},
       {"sha256", HashAlgorithm::kSha256},
       {"sha512", HashAlgorithm::kSha512}}};
  constexpr std::array<std::pair<std::string_view, SignatureEncoding>, 3> kEncodings = {
      {{"hex", SignatureEncoding::kHex},
       {"base64", SignatureEncoding::kBase64},
       {"base64url", SignatureEncoding::kBase64Url}}};
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "alg", kAlgorithms, &scheme->algorithm));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "encoding", kEncodings, &scheme->encoding));
  reader.Read("message", &scheme->message);
  if (const json::Value* key = reader.Object("key")) {
    CONVOY_RETURN_IF_ERROR(ParseKey(*key, scheme));
  }
  if (const json::Value* timestamp = reader.Object("timestamp")) {
    CONVOY_ASSIGN_OR_RETURN(scheme->timestamp, ParseTimestamp(*timestamp, *scheme));
  }
  return reader.status();
}

absl::Status CheckFieldsOf(SchemeType type, const json::Value& object, const ObjectReader& reader) {
  switch (type) {
    case SchemeType::kHmac:
      return CheckFields(object, reader,
                         {"name", "type", "event_id", "signature", "alg", "encoding", "key",
                          "message", "timestamp"});
    case SchemeType::kToken:
      return CheckFields(object, reader, {"name", "type", "event_id", "signature"});
    case SchemeType::kBasic:
    case SchemeType::kNone:
      break;
  }
  return CheckFields(object, reader, {"name", "type", "event_id"});
}

}  // namespace

absl::StatusOr<Scheme> ParseScheme(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, SchemeType>, 4> kTypes = {
      {{"hmac", SchemeType::kHmac},
       {"token", SchemeType::kToken},
       {"basic", SchemeType::kBasic},
       {"none", SchemeType::kNone}}};
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(text, kSchemeLimits));
  ObjectReader reader(document);
  CONVOY_RETURN_IF_ERROR(reader.status());
  Scheme scheme;
  if (!reader.Has("type")) return Invalid(reader, "type", "is missing");
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "type", kTypes, &scheme.type));
  CONVOY_RETURN_IF_ERROR(CheckFieldsOf(scheme.type, document, reader));
  reader.Read("name", &scheme.name);
  CONVOY_RETURN_IF_ERROR(ReadHeaderName(reader, "event_id", &scheme.event_id_header));
  if (scheme.type == SchemeType::kHmac || scheme.type == SchemeType::kToken) {
    const json::Value* signature = reader.Object("signature");
    CONVOY_RETURN_IF_ERROR(reader.status());
    if (signature == nullptr) return Invalid(reader, "signature", "is missing");
    CONVOY_RETURN_IF_ERROR(ParseSignature(*signature, &scheme.signature));
    if (scheme.type == SchemeType::kToken && scheme.signature.list.has_value()) {
      return Invalid(reader, "signature.list", "is not for tokens");
    }
  }
  if (scheme.type == SchemeType::kHmac) CONVOY_RETURN_IF_ERROR(ParseHmac(reader, &scheme));
  CONVOY_RETURN_IF_ERROR(reader.status());
  return scheme;
}

}  // namespace convoy::verify
