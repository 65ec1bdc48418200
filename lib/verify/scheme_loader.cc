// Loader of schemes from JSON; see scheme_loader.h.
#include "lib/verify/scheme_loader.h"

#include <algorithm>
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/verify/strict_reader.h"

namespace convoy::verify {
namespace {

using crypto::HashAlgorithm;
using json::ObjectReader;

constexpr std::array<std::pair<std::string_view, SchemeType>, 9> kTypes = {
    {{"hmac", SchemeType::kHmac},
     {"digest", SchemeType::kDigest},
     {"ed25519", SchemeType::kEd25519},
     {"ecdsa-p256", SchemeType::kEcdsaP256},
     {"rsa-pkcs1", SchemeType::kRsaPkcs1},
     {"jwt", SchemeType::kJwt},
     {"token", SchemeType::kToken},
     {"basic", SchemeType::kBasic},
     {"none", SchemeType::kNone}}};
constexpr std::array<std::pair<std::string_view, HashAlgorithm>, 4> kAlgorithms = {
    {{"md5", HashAlgorithm::kMd5},
     {"sha1", HashAlgorithm::kSha1},
     {"sha256", HashAlgorithm::kSha256},
     {"sha512", HashAlgorithm::kSha512}}};
constexpr std::array<std::pair<std::string_view, SignatureEncoding>, 4> kEncodings = {
    {{"hex", SignatureEncoding::kHex},
     {"base64", SignatureEncoding::kBase64},
     {"base64url", SignatureEncoding::kBase64Url},
     {"base64_hex", SignatureEncoding::kBase64Hex}}};

absl::Status LoadTimestamp(const json::Value& object, Scheme* scheme) {
  constexpr std::array<std::pair<std::string_view, TimeUnit>, 4> kUnits = {
      {{"s", TimeUnit::kSeconds},
       {"ms", TimeUnit::kMilliseconds},
       {"rfc3339", TimeUnit::kRfc3339},
       {"http-date", TimeUnit::kHttpDate}}};
  ObjectReader reader(object, "timestamp");
  CONVOY_RETURN_IF_ERROR(
      CheckFields(object, reader, {"from", "unit", "past_s", "future_s", "enforced"}));
  TimestampField timestamp;
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "from", &timestamp.from));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "unit", kUnits, &timestamp.unit));
  CONVOY_RETURN_IF_ERROR(ReadSeconds(reader, "past_s", &timestamp.past_max));
  CONVOY_RETURN_IF_ERROR(ReadSeconds(reader, "future_s", &timestamp.future_max));
  reader.Read("enforced", &timestamp.is_enforced);
  CONVOY_RETURN_IF_ERROR(reader.status());
  const std::optional<ListSyntax>& list = scheme->signature.list;
  if (timestamp.from.has_value() == (list.has_value() && list->is_timestamp_first)) {
    return InvalidField(reader, "from", "must be given, unless the timestamp is first in the list");
  }
  if (timestamp.from.has_value() && timestamp.from->kind == Locator::Kind::kSignatureItem &&
      !list.has_value()) {
    return InvalidField(reader, "from", "names an item, but the signature is no list");
  }
  scheme->timestamp = std::move(timestamp);
  return absl::OkStatus();
}

absl::Status LoadChecks(const json::Value& array, std::vector<Condition>* out) {
  constexpr std::array<std::pair<std::string_view, bool>, 1> kHashes = {{{"sha256hex", true}}};
  for (const json::Value& element : array.GetArray()) {
    ObjectReader reader(element, "checks");
    CONVOY_RETURN_IF_ERROR(CheckFields(
        element, reader, {"value", "equals", "absent_if_empty", "if_configured", "hash"}));
    std::optional<Locator> place;
    Condition check;
    CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "value", &place));
    const bool has_expected = reader.Read("equals", &check.expected);
    reader.Read("absent_if_empty", &check.is_absent_if_empty);
    reader.Read("if_configured", &check.is_optional);
    CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "hash", kHashes, &check.is_hashed));
    CONVOY_RETURN_IF_ERROR(reader.status());
    if (!place.has_value() || !has_expected) {
      return InvalidField(reader, place.has_value() ? "equals" : "value", "is missing");
    }
    check.place = *std::move(place);
    out->push_back(std::move(check));
  }
  return absl::OkStatus();
}

absl::Status LoadJwtRules(const json::Value& object, JwtRules* out) {
  constexpr std::string_view kKnown[] = {"HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"};
  ObjectReader reader(object, "jwt");
  CONVOY_RETURN_IF_ERROR(
      CheckFields(object, reader, {"algs", "require_exp", "leeway_s", "max_age_s"}));
  reader.Read("algs", &out->algorithms);
  reader.Read("require_exp", &out->is_expiry_required);
  CONVOY_RETURN_IF_ERROR(ReadSeconds(reader, "leeway_s", &out->leeway));
  if (reader.Has("max_age_s")) {
    CONVOY_RETURN_IF_ERROR(ReadSeconds(reader, "max_age_s", &out->age_max.emplace()));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  for (const std::string& algorithm : out->algorithms) {
    if (std::find(std::begin(kKnown), std::end(kKnown), algorithm) == std::end(kKnown)) {
      return InvalidField(reader, "algs", "may hold HS256, HS384, HS512, RS256, ES256 and EdDSA");
    }
  }
  return out->algorithms.empty() ? InvalidField(reader, "algs", "must pin at least one")
                                 : absl::OkStatus();
}

absl::Status CheckFieldsOf(SchemeType type, const json::Value& object, const ObjectReader& reader) {
  switch (type) {
    case SchemeType::kHmac:
    case SchemeType::kDigest:
    case SchemeType::kEcdsaP256:
    case SchemeType::kRsaPkcs1:
      return CheckFields(
          object, reader,
          {"name", "type", "opt_in", "when", "event_id", "checks", "signature", "alg", "encoding",
           "key", "message", "url_variants", "each", "timestamp"});
    case SchemeType::kEd25519:
      return CheckFields(object, reader,
                         {"name", "type", "opt_in", "when", "event_id", "checks", "signature",
                          "encoding", "key", "message", "timestamp"});
    case SchemeType::kJwt:
      return CheckFields(
          object, reader,
          {"name", "type", "opt_in", "when", "event_id", "checks", "signature", "key", "jwt"});
    case SchemeType::kToken:
      return CheckFields(object, reader,
                         {"name", "type", "opt_in", "when", "event_id", "signature"});
    case SchemeType::kBasic:
    case SchemeType::kNone:
      break;
  }
  return CheckFields(object, reader, {"name", "type", "opt_in", "when", "event_id"});
}

bool NeedsSignature(SchemeType type) {
  return type != SchemeType::kBasic && type != SchemeType::kNone;
}

absl::Status LoadUrlVariants(const json::Value& object, ObjectReader& reader, Scheme* scheme) {
  constexpr std::array<std::pair<std::string_view, UrlVariant>, 5> kVariants = {
      {{"no_port", UrlVariant::kNoPort},
       {"default_port", UrlVariant::kDefaultPort},
       {"quoted", UrlVariant::kQuoted},
       {"legacy_query", UrlVariant::kLegacyQuery},
       {"hubspot_decoded", UrlVariant::kHubspotDecoded}}};
  std::vector<std::string> names;
  CONVOY_RETURN_IF_ERROR(ReadTexts(object, reader, "url_variants", &names));
  for (const std::string& name : names) {
    const auto* const known = std::find_if(kVariants.begin(), kVariants.end(),
                                           [&](const auto& each) { return each.first == name; });
    if (known == kVariants.end()) {
      return InvalidField(
          reader, "url_variants",
          "may hold no_port, default_port, quoted, legacy_query and hubspot_decoded");
    }
    scheme->url_variants.push_back(known->second);
  }
  return absl::OkStatus();
}

absl::Status LoadParts(ObjectReader& reader, Scheme* scheme) {
  if (const json::Value* when = reader.Object("when")) {
    CONVOY_RETURN_IF_ERROR(LoadWhen(*when, &scheme->when));
  }
  if (const json::Value* signature = reader.Object("signature")) {
    CONVOY_ASSIGN_OR_RETURN(scheme->signature, LoadSignatureField(*signature));
    // Of elements that are signed one by one, each holds its own signature.
    for (Locator& place : scheme->signature.places) {
      if (!scheme->each.empty() && place.kind == Locator::Kind::kJson) {
        place.kind = Locator::Kind::kItem;
      }
    }
  } else if (NeedsSignature(scheme->type)) {
    return InvalidField(reader, "signature", "is missing");
  }
  if (const json::Value* key = reader.Object("key")) {
    CONVOY_ASSIGN_OR_RETURN(scheme->key, LoadKeyRules(*key));
    const bool is_shared = scheme->type == SchemeType::kHmac || scheme->type == SchemeType::kDigest;
    if (is_shared && (scheme->key.format == KeyFormat::kPem || scheme->key.location.has_value())) {
      return InvalidField(reader, "key.format",
                          "is that of a public key, which hmac and digest do not use");
    }
  }
  if (const json::Value* timestamp = reader.Object("timestamp")) {
    CONVOY_RETURN_IF_ERROR(LoadTimestamp(*timestamp, scheme));
  }
  if (const json::Value* checks = reader.Array("checks")) {
    CONVOY_RETURN_IF_ERROR(LoadChecks(*checks, &scheme->checks));
  }
  if (const json::Value* jwt = reader.Object("jwt")) {
    CONVOY_RETURN_IF_ERROR(LoadJwtRules(*jwt, &scheme->jwt));
  } else if (scheme->type == SchemeType::kJwt) {
    return InvalidField(reader, "jwt", "is missing");
  }
  return reader.status();
}

}  // namespace

absl::Status LoadWhen(const json::Value& object, std::vector<Condition>* out) {
  ObjectReader reader(object, "when");
  CONVOY_RETURN_IF_ERROR(CheckIsUnique(object, reader));
  for (const auto& member : object.GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    std::string expected;
    const absl::StatusOr<Locator> locator = ParseLocator(name);
    if (!locator.ok()) return InvalidField(reader, name, "names no place in a request");
    reader.Read(name, &expected);
    out->push_back(
        {.place = *locator, .expected = std::move(expected), .is_absence = member.value.IsNull()});
  }
  return reader.status();
}

absl::StatusOr<Scheme> LoadScheme(const json::Value& object) {
  ObjectReader reader(object);
  CONVOY_RETURN_IF_ERROR(reader.status());
  Scheme scheme;
  if (!reader.Has("type")) return InvalidField(reader, "type", "is missing");
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "type", kTypes, &scheme.type));
  CONVOY_RETURN_IF_ERROR(CheckFieldsOf(scheme.type, object, reader));
  reader.Read("name", &scheme.name);
  reader.Read("opt_in", &scheme.is_opt_in);
  reader.Read("message", &scheme.message);
  reader.Read("each", &scheme.each);
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "alg", kAlgorithms, &scheme.algorithm));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "encoding", kEncodings, &scheme.encoding));
  const bool is_shared = scheme.type == SchemeType::kHmac || scheme.type == SchemeType::kDigest;
  if (scheme.encoding == SignatureEncoding::kBase64Hex && !is_shared) {
    return InvalidField(reader, "encoding", "may be base64_hex for hmac and digest only");
  }
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "event_id", &scheme.event_id));
  CONVOY_RETURN_IF_ERROR(LoadUrlVariants(object, reader, &scheme));
  CONVOY_RETURN_IF_ERROR(LoadParts(reader, &scheme));
  return scheme;
}

absl::StatusOr<Scheme> LoadScheme(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(text, kSchemeLimits));
  return LoadScheme(document);
}

}  // namespace convoy::verify
