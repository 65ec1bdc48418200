// Codecs of instants, durations, policies, credentials and verifiers.
#include "lib/model/codec_pieces.h"

#include <utility>

#include "lib/base/time_text.h"
#include "lib/model/oauth2_codec.h"

namespace convoy::model {

using json::ObjectReader;
using json::Writer;

namespace {

void WriteApiKeyAuth(Writer& writer, const ApiKeyAuth& auth) {
  writer.Field("kind", "api_key")
      .Field("header_name", auth.header_name)
      .Field("header_value", auth.header_value);
}

void WriteBasicAuth(Writer& writer, const BasicAuth& auth) {
  writer.Field("kind", "basic_auth")
      .Field("username", auth.username)
      .Field("password", auth.password);
}

ApiKeyAuth ReadApiKeyAuth(ObjectReader& reader) {
  ApiKeyAuth auth;
  reader.Read("header_name", &auth.header_name);
  reader.Read("header_value", &auth.header_value);
  return auth;
}

BasicAuth ReadBasicAuth(ObjectReader& reader) {
  BasicAuth auth;
  reader.Read("username", &auth.username);
  reader.Read("password", &auth.password);
  return auth;
}

void FailKind(ObjectReader& reader, std::string_view what) {
  reader.Fail(absl::DataLossError(absl::StrCat("stored ", what, " has an unknown kind")));
}

void WriteScheme(Writer& writer, const SchemeVerifierConfig& config) {
  writer.Field("kind", "scheme")
      .FieldIfSet("preset", config.preset)
      .FieldIfSet("definition", config.definition)
      .FieldIfSet("scheme", config.scheme);
  WriteTexts(writer, "secrets", config.secrets);
  writer.Key("parameters").BeginObject();
  for (const auto& [name, value] : config.parameters) writer.Field(name, value);
  writer.EndObject();
}

SchemeVerifierConfig ReadScheme(ObjectReader& reader) {
  SchemeVerifierConfig config;
  reader.Read("preset", &config.preset);
  reader.Read("definition", &config.definition);
  reader.Read("scheme", &config.scheme);
  reader.Read("secrets", &config.secrets);
  if (const json::Value* object = reader.Object("parameters")) {
    ObjectReader parameters(*object);
    for (const auto& member : object->GetObject()) {
      const std::string name(member.name.GetString(), member.name.GetStringLength());
      parameters.Read(name, &config.parameters[name]);
    }
    reader.Fail(parameters.status());
  }
  return config;
}

}  // namespace

void WriteTime(Writer& writer, std::string_view key, absl::Time time) {
  writer.Field(key, base::ToMicros(time));
}

void WriteDuration(Writer& writer, std::string_view key, absl::Duration duration) {
  writer.Field(key, absl::ToInt64Microseconds(duration));
}

void ReadTime(ObjectReader& reader, std::string_view key, absl::Time* out) {
  int64_t micros = 0;
  if (reader.Read(key, &micros)) *out = base::FromMicros(micros);
}

void ReadDuration(ObjectReader& reader, std::string_view key, absl::Duration* out) {
  int64_t micros = 0;
  if (reader.Read(key, &micros)) *out = absl::Microseconds(micros);
}

void WriteTexts(Writer& writer, std::string_view key, const std::vector<std::string>& texts) {
  writer.Key(key).BeginArray();
  for (const std::string& text : texts) writer.String(text);
  writer.EndArray();
}

void WriteRetry(Writer& writer, const RetryPolicy& retry) {
  writer.Key("retry").BeginObject().Field("strategy", Name(retry.strategy));
  WriteDuration(writer, "interval_us", retry.interval);
  writer.Field("attempts_max", retry.attempts_max).EndObject();
}

bool ReadRetry(ObjectReader& parent, RetryPolicy* out) {
  const json::Value* object = parent.Object("retry");
  if (object == nullptr) return false;
  ObjectReader reader(*object);
  ReadEnum(reader, "strategy", &out->strategy);
  ReadDuration(reader, "interval_us", &out->interval);
  reader.Read("attempts_max", &out->attempts_max);
  parent.Fail(reader.status());
  return true;
}

void WriteRateLimit(Writer& writer, const RateLimit& limit) {
  writer.Key("rate_limit").BeginObject().Field("count", limit.count);
  WriteDuration(writer, "window_us", limit.window);
  writer.EndObject();
}

void ReadRateLimit(ObjectReader& parent, RateLimit* out) {
  const json::Value* object = parent.Object("rate_limit");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  reader.Read("count", &out->count);
  ReadDuration(reader, "window_us", &out->window);
  parent.Fail(reader.status());
}

void WriteAuth(Writer& writer, const EndpointAuth& auth) {
  if (std::holds_alternative<std::monostate>(auth)) return;
  writer.Key("auth").BeginObject();
  if (const auto* api_key = std::get_if<ApiKeyAuth>(&auth)) WriteApiKeyAuth(writer, *api_key);
  if (const auto* basic = std::get_if<BasicAuth>(&auth)) WriteBasicAuth(writer, *basic);
  if (const auto* oauth2 = std::get_if<OAuth2Auth>(&auth)) WriteOAuth2(writer, *oauth2);
  writer.EndObject();
}

void ReadAuth(ObjectReader& parent, EndpointAuth* out) {
  const json::Value* object = parent.Object("auth");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  std::string kind;
  reader.Read("kind", &kind);
  if (kind == "api_key") {
    *out = ReadApiKeyAuth(reader);
  } else if (kind == "basic_auth") {
    *out = ReadBasicAuth(reader);
  } else if (kind == "oauth2") {
    *out = ReadOAuth2(reader);
  } else {
    FailKind(reader, "authentication");
  }
  parent.Fail(reader.status());
}

void WriteVerifier(Writer& writer, const VerifierConfig& verifier) {
  if (std::holds_alternative<std::monostate>(verifier)) return;
  writer.Key("verifier").BeginObject();
  if (const auto* hmac = std::get_if<HmacVerifierConfig>(&verifier)) {
    writer.Field("kind", "hmac")
        .Field("header", hmac->header)
        .Field("hash", Name(hmac->hash))
        .Field("encoding", Name(hmac->encoding))
        .Field("secret", hmac->secret);
  }
  if (const auto* basic = std::get_if<BasicAuth>(&verifier)) WriteBasicAuth(writer, *basic);
  if (const auto* api_key = std::get_if<ApiKeyAuth>(&verifier)) WriteApiKeyAuth(writer, *api_key);
  if (const auto* scheme = std::get_if<SchemeVerifierConfig>(&verifier)) {
    WriteScheme(writer, *scheme);
  }
  writer.EndObject();
}

void ReadVerifier(ObjectReader& parent, VerifierConfig* out) {
  const json::Value* object = parent.Object("verifier");
  if (object == nullptr) return;
  ObjectReader reader(*object);
  std::string kind;
  reader.Read("kind", &kind);
  if (kind == "hmac") {
    HmacVerifierConfig hmac;
    reader.Read("header", &hmac.header);
    ReadEnum(reader, "hash", &hmac.hash);
    ReadEnum(reader, "encoding", &hmac.encoding);
    reader.Read("secret", &hmac.secret);
    *out = std::move(hmac);
  } else if (kind == "basic_auth") {
    *out = ReadBasicAuth(reader);
  } else if (kind == "api_key") {
    *out = ReadApiKeyAuth(reader);
  } else if (kind == "scheme") {
    *out = ReadScheme(reader);
  } else {
    FailKind(reader, "verifier");
  }
  parent.Fail(reader.status());
}

}  // namespace convoy::model
