// The verifiers of sources as clients write and see them: Convoy's own kinds, and ours (`preset`,
// `scheme`). Reading checks the form; CompileSourceVerifier judges the sense.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/pub_sub.h"
#include "lib/http/shape/wire.h"
#include "lib/model/names.h"
#include "lib/verify/guarantees.h"
#include "lib/verify/source_verifier.h"

namespace convoy::http {
namespace {

using json::ObjectReader;
using json::Writer;
using model::Name;

constexpr size_t kSecretsMax = 32;
constexpr size_t kParametersMax = 32;
constexpr size_t kTextBytesMax = 64 * 1024;

// Stored texts are bounded. Errors never repeat them.
absl::Status CheckTexts(const ApiKeyAuth& key) {
  CONVOY_RETURN_IF_ERROR(CheckText("verifier.api_key.header_name", key.header_name));
  return CheckText("verifier.api_key.header_value", key.header_value, kTextBytesMax);
}

absl::Status CheckTexts(const BasicAuth& basic) {
  CONVOY_RETURN_IF_ERROR(CheckText("verifier.basic_auth.username", basic.username));
  return CheckText("verifier.basic_auth.password", basic.password, kTextBytesMax);
}

absl::Status CheckTexts(const HmacVerifierConfig& hmac) {
  CONVOY_RETURN_IF_ERROR(CheckText("verifier.hmac.header", hmac.header));
  return CheckText("verifier.hmac.secret", hmac.secret, kTextBytesMax);
}

absl::StatusOr<HmacVerifierConfig> ReadHmac(const json::Value& object) {
  ObjectReader reader(object, "verifier.hmac");
  HmacVerifierConfig hmac;
  std::string hash, encoding;
  reader.Read("header", &hmac.header);
  reader.Read("secret", &hmac.secret);
  reader.Read("hash", &hash);
  reader.Read("encoding", &encoding);
  const auto parsed_hash = model::Parse<Hash>(hash);
  const auto parsed_encoding = model::Parse<Encoding>(encoding);
  if (!parsed_hash.has_value()) reader.FailField("hash", "must be SHA256 or SHA512");
  if (!parsed_encoding.has_value()) reader.FailField("encoding", "must be hex or base64");
  reader.Fail(CheckTexts(hmac));
  CONVOY_RETURN_IF_ERROR(reader.status());
  hmac.hash = *parsed_hash;
  hmac.encoding = *parsed_encoding;
  return hmac;
}

absl::Status ReadParameters(const json::Value& object, const std::string& path,
                            std::map<std::string, std::string>* out) {
  ObjectReader reader(object, path);
  for (const auto& member : object.GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    reader.Read(name, &(*out)[name]);
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  return out->size() > kParametersMax ? FieldError(path, "has too many entries") : absl::OkStatus();
}

// {"name", "scheme", "secrets", "config"} of a preset, or with "definition" in place of the name.
absl::StatusOr<SchemeVerifierConfig> ReadScheme(const json::Value& object,
                                                const std::string& path) {
  ObjectReader reader(object, path);
  SchemeVerifierConfig config;
  reader.Read("name", &config.preset);
  reader.Read("scheme", &config.scheme);
  reader.Read("secrets", &config.secrets);
  if (const json::Value* definition = reader.Object("definition")) {
    config.definition = json::ToText(*definition);
  }
  if (const json::Value* parameters = reader.Object("config")) {
    CONVOY_RETURN_IF_ERROR(
        ReadParameters(*parameters, absl::StrCat(path, ".config"), &config.parameters));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  const bool is_preset = path.ends_with("preset");
  if (is_preset ? config.preset.empty() : config.definition.empty()) {
    return FieldError(absl::StrCat(path, is_preset ? ".name" : ".definition"), "is missing");
  }
  if (is_preset ? !config.definition.empty() : !config.preset.empty()) {
    return FieldError(absl::StrCat(path, is_preset ? ".definition" : ".name"),
                      is_preset ? "goes with the type scheme" : "goes with the type preset");
  }
  if (is_preset) {
    const absl::Status found = verify::FindPreset(config.preset).status();
    if (!found.ok()) return FieldError(absl::StrCat(path, ".name"), found.message());
  }
  if (config.secrets.size() > kSecretsMax) {
    return FieldError(absl::StrCat(path, ".secrets"), "has too many entries");
  }
  for (const std::string& secret : config.secrets) {
    if (secret.size() > kTextBytesMax) {
      return FieldError(absl::StrCat(path, ".secrets"), "has an entry that is too long");
    }
  }
  return config;
}

void WriteScheme(Writer& writer, const SchemeVerifierConfig& config) {
  writer.BeginObject();
  if (config.preset.empty()) {
    writer.Key("definition").Raw(config.definition);
  } else {
    writer.Field("name", config.preset);
  }
  writer.Field("scheme", config.scheme);
  WriteTextsField(writer, "secrets", config.secrets);
  writer.Key("config").BeginObject();
  for (const auto& [name, value] : config.parameters) writer.Field(name, value);
  writer.EndObject().EndObject();
}

// Providers' own are longer. Shorter ones are taken, because some let their users choose.
constexpr size_t kSecretBytesWanted = 16;

bool HasShortSecret(const std::vector<std::string>& secrets) {
  return std::any_of(secrets.begin(), secrets.end(), [](const std::string& secret) {
    return secret.size() < kSecretBytesWanted && secret != kRedactedSecret;
  });
}

// The worth of an accepted request, for who sets a source up. Messages of schemes of one's own
// are left out: a secret could stand in one.
void WriteGuarantees(Writer& writer, const Source& source) {
  const auto defined = verify::DefineSource(source);
  if (!defined.ok()) return;
  auto known =
      verify::GuaranteesOf(defined->preset, defined->settings, !source.idempotency_keys.empty());
  if (!known.ok()) return;
  if (HasShortSecret(defined->settings.secrets)) {
    known->warnings.push_back(absl::StrCat("a secret is shorter than ", kSecretBytesWanted,
                                           " bytes: it could be found by trying"));
  }
  const auto* scheme = std::get_if<SchemeVerifierConfig>(&source.verifier);
  writer.Key("guarantees").BeginObject().Field("integrity", IntegrityName(known->integrity));
  if (scheme == nullptr || !scheme->preset.empty()) WriteTextsField(writer, "signs", known->signs);
  if (known->replay_window.has_value()) {
    writer.Field("replay_window_s", absl::ToInt64Seconds(*known->replay_window));
  } else {
    WriteNullField(writer, "replay_window_s");
  }
  writer.FieldIfSet("tenant", known->tenant).FieldIfSet("handshake", known->handshake);
  WriteTextsField(writer, "warnings", known->warnings);
  writer.EndObject();
}

}  // namespace

absl::StatusOr<VerifierConfig> ReadVerifier(const json::Value& object, Provider provider) {
  ObjectReader reader(object, "verifier");
  std::string type;
  reader.Read("type", &type);
  const json::Value* hmac = reader.Object("hmac");
  const json::Value* basic = reader.Object("basic_auth");
  const json::Value* key = reader.Object("api_key");
  const json::Value* preset = reader.Object("preset");
  const json::Value* scheme = reader.Object("scheme");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (provider != Provider::kNone) {
    // Header, hash and encoding are the provider's; only the secret is ours to know.
    HmacVerifierConfig config;
    if (hmac != nullptr) {
      ObjectReader fields(*hmac, "verifier.hmac");
      fields.Read("secret", &config.secret);
      CONVOY_RETURN_IF_ERROR(fields.status());
      CONVOY_RETURN_IF_ERROR(CheckTexts(config));
    }
    return VerifierConfig(std::move(config));
  }
  if (type.empty() && !AsksForNothing(object)) {
    // A secret was given: to accept everything nevertheless is not what was meant.
    return FieldError("verifier.type", "please provide a valid verifier type");
  }
  if (type.empty() || type == "noop") return VerifierConfig();
  if (type == "hmac") {
    if (hmac == nullptr) return absl::InvalidArgumentError("invalid verifier config for hmac");
    CONVOY_ASSIGN_OR_RETURN(HmacVerifierConfig config, ReadHmac(*hmac));
    return VerifierConfig(std::move(config));
  }
  if (type == "basic_auth") {
    if (basic == nullptr) {
      return absl::InvalidArgumentError("invalid verifier config for basic auth");
    }
    ObjectReader fields(*basic, "verifier.basic_auth");
    BasicAuth config;
    fields.Read("username", &config.username);
    fields.Read("password", &config.password);
    CONVOY_RETURN_IF_ERROR(fields.status());
    if (config.username.empty() || config.password.empty()) {
      return FieldError("verifier.basic_auth", "please provide a username and a password");
    }
    CONVOY_RETURN_IF_ERROR(CheckTexts(config));
    return VerifierConfig(std::move(config));
  }
  if (type == "api_key") {
    if (key == nullptr) return absl::InvalidArgumentError("invalid verifier config for api key");
    ObjectReader fields(*key, "verifier.api_key");
    ApiKeyAuth config;
    fields.Read("header_name", &config.header_name);
    fields.Read("header_value", &config.header_value);
    CONVOY_RETURN_IF_ERROR(fields.status());
    CONVOY_RETURN_IF_ERROR(CheckTexts(config));
    return VerifierConfig(std::move(config));
  }
  if (type == "preset" || type == "scheme") {
    const json::Value* object = type == "preset" ? preset : scheme;
    const std::string path = absl::StrCat("verifier.", type);
    if (object == nullptr) return FieldError(path, "is missing");
    CONVOY_ASSIGN_OR_RETURN(SchemeVerifierConfig config, ReadScheme(*object, path));
    return VerifierConfig(std::move(config));
  }
  return FieldError("verifier.type", "must be noop, hmac, basic_auth, api_key, preset or scheme");
}

void WriteVerifier(Writer& writer, const Source& source) {
  const VerifierConfig& verifier = source.verifier;
  const auto* hmac = std::get_if<HmacVerifierConfig>(&verifier);
  const auto* basic = std::get_if<BasicAuth>(&verifier);
  const auto* key = std::get_if<ApiKeyAuth>(&verifier);
  const auto* scheme = std::get_if<SchemeVerifierConfig>(&verifier);
  const bool is_preset = scheme != nullptr && !scheme->preset.empty();
  writer.Key("verifier")
      .BeginObject()
      .Field("type", hmac != nullptr     ? "hmac"
                     : basic != nullptr  ? "basic_auth"
                     : key != nullptr    ? "api_key"
                     : is_preset         ? "preset"
                     : scheme != nullptr ? "scheme"
                                         : "noop");
  writer.Key("hmac");
  if (hmac != nullptr) {
    writer.BeginObject()
        .Field("header", hmac->header)
        .Field("hash", Name(hmac->hash))
        .Field("encoding", Name(hmac->encoding))
        .Field("secret", hmac->secret)
        .EndObject();
  } else {
    writer.Null();
  }
  writer.Key("basic_auth");
  if (basic != nullptr) {
    writer.BeginObject()
        .Field("username", basic->username)
        .Field("password", basic->password)
        .EndObject();
  } else {
    writer.Null();
  }
  writer.Key("api_key");
  if (key != nullptr) {
    writer.BeginObject()
        .Field("header_name", key->header_name)
        .Field("header_value", key->header_value)
        .EndObject();
  } else {
    writer.Null();
  }
  if (scheme != nullptr) {
    writer.Key(is_preset ? "preset" : "scheme");
    WriteScheme(writer, *scheme);
  }
  if (source.type == SourceType::kHttp) WriteGuarantees(writer, source);
  writer.EndObject();
}

}  // namespace convoy::http
