// Loader of the part of a scheme that derives keys from secrets and locates published keys.
#include "lib/base/status_macros.h"
#include "lib/verify/scheme_loader.h"
#include "lib/verify/strict_reader.h"

namespace convoy::verify {
namespace {

using json::ObjectReader;

absl::StatusOr<KeyLocation> LoadKeyLocation(const json::Value& object) {
  using Kind = KeyLocation::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 3> kKinds = {
      {{"jwks", Kind::kJwks},
       {"certificate", Kind::kCertificate},
       {"pem_in_json", Kind::kPemInJson}}};
  ObjectReader reader(object, "key.location");
  CONVOY_RETURN_IF_ERROR(CheckFields(
      object, reader, {"kind", "url", "url_from", "hosts", "url_suffix", "path", "key_id"}));
  KeyLocation location;
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "kind", kKinds, &location.kind));
  reader.Read("url", &location.url);
  reader.Read("hosts", &location.hosts);
  reader.Read("url_suffix", &location.url_suffix);
  reader.Read("path", &location.path);
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "url_from", &location.url_from));
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "key_id", &location.key_id));
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (location.url.empty() != location.url_from.has_value()) {
    return InvalidField(reader, "url", "or url_from must be given, and only one of them");
  }
  if (!location.url.empty() && !location.url.starts_with("https://")) {
    return InvalidField(reader, "url", "must begin with https://");
  }
  if (location.url_from.has_value() == location.hosts.empty()) {
    return InvalidField(reader, "hosts", "go with url_from, which must not point just anywhere");
  }
  if (!location.url_suffix.empty() && !location.url_from.has_value()) {
    return InvalidField(reader, "url_suffix", "goes with url_from");
  }
  if (location.path.empty() == (location.kind == Kind::kPemInJson)) {
    return InvalidField(reader, "path", "goes with pem_in_json");
  }
  if (location.key_id.has_value() && location.kind != Kind::kJwks) {
    return InvalidField(reader, "key_id", "goes with jwks");
  }
  return location;
}

}  // namespace

absl::StatusOr<KeyRules> LoadKeyRules(const json::Value& object) {
  constexpr std::array<std::pair<std::string_view, KeyFormat>, 4> kFormats = {
      {{"text", KeyFormat::kText},
       {"hex", KeyFormat::kHex},
       {"base64", KeyFormat::kBase64},
       {"pem", KeyFormat::kPem}}};
  constexpr std::array<std::pair<std::string_view, bool>, 2> kWithoutPrefix = {
      {{"decode", false}, {"text", true}}};
  constexpr std::array<std::pair<std::string_view, bool>, 1> kDerivations = {{{"sha1", true}}};
  ObjectReader reader(object, "key");
  CONVOY_RETURN_IF_ERROR(CheckFields(
      object, reader,
      {"format", "strip_prefix", "without_prefix", "derive", "ascii_only", "location"}));
  KeyRules rules;
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "format", kFormats, &rules.format));
  CONVOY_RETURN_IF_ERROR(ReadTexts(object, reader, "strip_prefix", &rules.prefixes));
  CONVOY_RETURN_IF_ERROR(
      ReadChoice(reader, "without_prefix", kWithoutPrefix, &rules.is_text_without_prefix));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "derive", kDerivations, &rules.is_sha1_of_secret));
  reader.Read("ascii_only", &rules.is_ascii_only);
  if (const json::Value* location = reader.Object("location")) {
    CONVOY_ASSIGN_OR_RETURN(rules.location, LoadKeyLocation(*location));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return rules;
}

}  // namespace convoy::verify
