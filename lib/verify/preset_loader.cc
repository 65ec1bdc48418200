// Reads presets from JSON, as strictly as schemes.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/verify/preset.h"
#include "lib/verify/scheme_loader.h"
#include "lib/verify/strict_reader.h"

namespace convoy::verify {
namespace {

using json::ObjectReader;

absl::StatusOr<Computation> LoadComputation(const json::Value& object) {
  using crypto::HashAlgorithm;
  constexpr std::array<std::pair<std::string_view, HashAlgorithm>, 2> kAlgorithms = {
      {{"sha1", HashAlgorithm::kSha1}, {"sha256", HashAlgorithm::kSha256}}};
  constexpr std::array<std::pair<std::string_view, SignatureEncoding>, 2> kEncodings = {
      {{"hex", SignatureEncoding::kHex}, {"base64", SignatureEncoding::kBase64}}};
  ObjectReader reader(object, "challenges.computed");
  constexpr std::array<std::pair<std::string_view, MessageAlphabet>, 3> kAlphabets = {
      {{"token", MessageAlphabet::kToken},
       {"hex", MessageAlphabet::kHex},
       {"uuid", MessageAlphabet::kUuid}}};
  CONVOY_RETURN_IF_ERROR(CheckFields(
      object, reader,
      {"alg", "keyed", "encoding", "message", "message_alphabet", "size_min", "size_max"}));
  Computation computation;
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "alg", kAlgorithms, &computation.algorithm));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "encoding", kEncodings, &computation.encoding));
  CONVOY_RETURN_IF_ERROR(ReadChoice(reader, "message_alphabet", kAlphabets, &computation.alphabet));
  uint32_t size_min = 1, size_max = 1024;
  reader.Read("keyed", &computation.is_keyed);
  reader.Read("message", &computation.message);
  reader.Read("size_min", &size_min);
  reader.Read("size_max", &size_max);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (computation.message.empty()) return InvalidField(reader, "message", "is missing");
  if (size_max > 1024) return InvalidField(reader, "size_max", "must be at most 1024");
  computation.size_min = size_min;
  computation.size_max = size_max;
  return computation;
}

absl::Status LoadResponse(const json::Value& object, Challenge* out) {
  ObjectReader reader(object, "challenges.respond");
  CONVOY_RETURN_IF_ERROR(
      CheckFields(object, reader, {"status", "content_type", "headers", "body"}));
  uint32_t status = 200;
  reader.Read("status", &status);
  reader.Read("content_type", &out->content_type);
  reader.Read("body", &out->body);
  if (const json::Value* headers = reader.Object("headers")) {
    ObjectReader fields(*headers, "challenges.respond.headers");
    CONVOY_RETURN_IF_ERROR(CheckIsUnique(*headers, fields));
    for (const auto& member : headers->GetObject()) {
      const std::string name(member.name.GetString(), member.name.GetStringLength());
      std::string value;
      fields.Read(name, &value);
      if (!base::IsHeaderName(name)) return InvalidField(fields, name, "is no header name");
      out->headers.emplace_back(name, std::move(value));
    }
    CONVOY_RETURN_IF_ERROR(fields.status());
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (status < 200 || status > 499) return InvalidField(reader, "status", "must be 200 to 499");
  out->status = static_cast<int>(status);
  return absl::OkStatus();
}

absl::Status LoadLists(ObjectReader& reader, Preset* preset) {
  if (const json::Value* schemes = reader.Array("schemes")) {
    for (const json::Value& element : schemes->GetArray()) {
      CONVOY_ASSIGN_OR_RETURN(Scheme scheme, LoadScheme(element));
      preset->schemes.push_back(std::move(scheme));
    }
  }
  if (const json::Value* challenges = reader.Array("challenges")) {
    for (const json::Value& element : challenges->GetArray()) {
      CONVOY_ASSIGN_OR_RETURN(Challenge challenge, LoadChallenge(element));
      preset->challenges.push_back(std::move(challenge));
    }
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return preset->schemes.empty() ? InvalidField(reader, "schemes", "must hold at least one")
                                 : absl::OkStatus();
}

}  // namespace

absl::StatusOr<Challenge> LoadChallenge(const json::Value& object) {
  ObjectReader reader(object, "challenges");
  CONVOY_RETURN_IF_ERROR(CheckFields(object, reader,
                                     {"method", "path", "when", "signed", "computed", "respond",
                                      "learns_secret", "visits", "hosts"}));
  Challenge challenge;
  reader.Read("method", &challenge.method);
  reader.Read("path", &challenge.path);
  reader.Read("signed", &challenge.is_signed);
  reader.Read("hosts", &challenge.hosts);
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "learns_secret", &challenge.learns_secret));
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "visits", &challenge.visits));
  if (const json::Value* when = reader.Object("when")) {
    CONVOY_RETURN_IF_ERROR(LoadWhen(*when, &challenge.when));
  }
  if (const json::Value* computed = reader.Object("computed")) {
    CONVOY_ASSIGN_OR_RETURN(challenge.computed, LoadComputation(*computed));
  }
  if (const json::Value* respond = reader.Object("respond")) {
    CONVOY_RETURN_IF_ERROR(LoadResponse(*respond, &challenge));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (!challenge.path.empty() && !challenge.path.starts_with(kWellKnown)) {
    return InvalidField(reader, "path", "must begin with /.well-known/");
  }
  // A request that names a URL to visit must be signed, and may only name the provider's own hosts.
  if (challenge.visits.has_value() && (!challenge.is_signed || challenge.hosts.empty())) {
    return InvalidField(reader, "visits", "needs signed: true, and hosts");
  }
  return challenge;
}

absl::StatusOr<Preset> LoadPreset(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(text, kSchemeLimits));
  ObjectReader reader(document);
  CONVOY_RETURN_IF_ERROR(
      CheckFields(document, reader,
                  {"title", "aliases", "schemes", "challenges", "event_id", "handshake", "tenant",
                   "test_secrets", "refusal_status", "evidence", "sources", "notes"}));
  Preset preset;
  uint32_t refusal_status = 0;
  reader.Read("title", &preset.title);
  reader.Read("aliases", &preset.aliases);
  reader.Read("handshake", &preset.handshake);
  reader.Read("tenant", &preset.tenant);
  reader.Read("test_secrets", &preset.test_secrets);
  reader.Read("evidence", &preset.evidence);
  reader.Read("sources", &preset.sources);
  reader.Read("refusal_status", &refusal_status);
  CONVOY_RETURN_IF_ERROR(ReadLocator(reader, "event_id", &preset.event_id));
  CONVOY_RETURN_IF_ERROR(LoadLists(reader, &preset));
  if (refusal_status != 0 && (refusal_status < 400 || refusal_status > 499)) {
    return InvalidField(reader, "refusal_status", "must be 400 to 499");
  }
  preset.refusal_status = static_cast<int>(refusal_status);
  return preset;
}

absl::StatusOr<Preset> LoadDefinition(std::string_view text) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(text, kSchemeLimits));
  if (document.IsObject() && document.HasMember("schemes")) return LoadPreset(text);
  Preset alone;
  CONVOY_ASSIGN_OR_RETURN(Scheme scheme, LoadScheme(document));
  alone.schemes.push_back(std::move(scheme));
  return alone;
}

namespace {

// Letters and digits alone, in lower case.
std::string PlainName(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte)) plain.push_back(absl::ascii_tolower(byte));
  }
  return plain;
}

// "; similar: …", where names of presets hold the beginning of `name`, or it theirs.
std::string SimilarNames(std::string_view name) {
  constexpr size_t kNamesMax = 5, kBeginningMin = 3;
  const std::string wanted = PlainName(name).substr(0, 64);
  std::vector<std::string_view> similar;
  for (const PresetFile& file : PresetFiles()) {
    const std::string known = PlainName(file.name);
    const size_t size = std::max(kBeginningMin, std::min(known.size(), wanted.size()) * 3 / 4);
    const bool is_similar = wanted.size() >= kBeginningMin &&
                            (absl::StrContains(known, wanted.substr(0, size)) ||
                             (known.size() >= size && wanted.starts_with(known.substr(0, size))));
    if (is_similar && similar.size() < kNamesMax) similar.push_back(file.name);
  }
  if (similar.empty()) return "";
  return absl::StrCat("; similar: ", absl::StrJoin(similar, ", "));
}

}  // namespace

absl::StatusOr<Preset> FindPreset(std::string_view name) {
  if (const PresetFile* file = FindPresetFile(name)) return LoadPreset(file->json);
  for (const PresetFile& file : PresetFiles()) {
    absl::StatusOr<Preset> preset = LoadPreset(file.json);
    if (preset.ok() &&
        std::find(preset->aliases.begin(), preset->aliases.end(), name) != preset->aliases.end()) {
      return preset;
    }
  }
  return absl::NotFoundError(
      absl::StrCat("there is no preset called '", name, "'", SimilarNames(name)));
}

}  // namespace convoy::verify
