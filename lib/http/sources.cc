// Sources: where events come in.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "convoy/verifier.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/envelope.h"
#include "lib/http/fields.h"
#include "lib/http/handlers.h"
#include "lib/http/pagination.h"
#include "lib/http/wire.h"
#include "lib/intake/locations.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kMaskSize = 16;
constexpr size_t kResponseBytesMax = 50 * 1024;
constexpr size_t kForwardHeadersMax = 64;

absl::StatusOr<HmacVerifierConfig> ReadHmac(const json::Value& object) {
  ObjectReader reader(object, "verifier.hmac");
  HmacVerifierConfig hmac;
  std::string hash, encoding;
  reader.Read("header", &hmac.header);
  reader.Read("secret", &hmac.secret);
  reader.Read("hash", &hash);
  reader.Read("encoding", &encoding);
  CONVOY_RETURN_IF_ERROR(reader.status());
  const auto parsed_hash = model::Parse<Hash>(hash);
  const auto parsed_encoding = model::Parse<Encoding>(encoding);
  if (!parsed_hash.has_value()) {
    return FieldError("verifier.hmac.hash", "must be SHA256 or SHA512");
  }
  if (!parsed_encoding.has_value()) {
    return FieldError("verifier.hmac.encoding", "must be hex or base64");
  }
  hmac.hash = *parsed_hash;
  hmac.encoding = *parsed_encoding;
  return hmac;
}

absl::StatusOr<VerifierConfig> ReadVerifier(const json::Value& object, Provider provider) {
  ObjectReader reader(object, "verifier");
  std::string type;
  reader.Read("type", &type);
  const json::Value* hmac = reader.Object("hmac");
  const json::Value* basic = reader.Object("basic_auth");
  const json::Value* key = reader.Object("api_key");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (provider != Provider::kNone) {
    // Header, hash and encoding are the provider's; only the secret is ours to know.
    HmacVerifierConfig config;
    if (hmac != nullptr) {
      ObjectReader fields(*hmac, "verifier.hmac");
      fields.Read("secret", &config.secret);
      CONVOY_RETURN_IF_ERROR(fields.status());
    }
    return VerifierConfig(std::move(config));
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
    return VerifierConfig(std::move(config));
  }
  if (type == "api_key") {
    if (key == nullptr) return absl::InvalidArgumentError("invalid verifier config for api key");
    ObjectReader fields(*key, "verifier.api_key");
    ApiKeyAuth config;
    fields.Read("header_name", &config.header_name);
    fields.Read("header_value", &config.header_value);
    CONVOY_RETURN_IF_ERROR(fields.status());
    return VerifierConfig(std::move(config));
  }
  return FieldError("verifier.type", "please provide a valid verifier type");
}

absl::Status ReadCustomResponse(ObjectReader& parent, CustomResponse* out) {
  const json::Value* object = parent.Object("custom_response");
  if (object == nullptr) return parent.status();
  ObjectReader reader(*object, "custom_response");
  reader.Read("body", &out->body);
  reader.Read("content_type", &out->content_type);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (out->body.size() > kResponseBytesMax) {
    return absl::InvalidArgumentError("source custom response too large");
  }
  if (!base::IsHeaderValue(out->content_type)) {
    return FieldError("custom_response.content_type", "must be a header value");
  }
  return absl::OkStatus();
}

absl::Status ReadLists(ObjectReader& reader, Source* out) {
  reader.Read("idempotency_keys", &out->idempotency_keys);
  reader.Read("event_type_location", &out->event_type_location);
  reader.Read("forward_headers", &out->forward_headers);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (out->idempotency_keys.size() > intake::kLocationsMax) {
    return FieldError("idempotency_keys", "has too many entries");
  }
  for (const std::string& location : out->idempotency_keys) {
    CONVOY_RETURN_IF_ERROR(intake::CheckIdempotencyLocation(location));
  }
  if (out->forward_headers.size() > kForwardHeadersMax) {
    return FieldError("forward_headers", "has too many entries");
  }
  for (const std::string& name : out->forward_headers) {
    if (!base::IsHeaderName(name)) return FieldError("forward_headers", "must be header names");
  }
  return absl::OkStatus();
}

// Reads the fields of a request over what is there, then checks the whole.
absl::Status ReadSource(const json::Document& document, bool is_new, Source* source) {
  ObjectReader reader(document);
  for (const char* field : {"pub_sub", "body_function", "header_function"}) {
    CONVOY_RETURN_IF_ERROR(RefuseIfSet(document, field));
  }
  std::string name, type;
  reader.Read("name", &name);
  reader.Read("type", &type);
  reader.Read("is_disabled", &source->is_disabled);
  if (is_new) ReadEnum(reader, "provider", "unsupported provider", &source->provider);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (name.empty()) return FieldError("name", "please provide a source name");
  CONVOY_RETURN_IF_ERROR(CheckLength("name", name));
  source->name = name;
  const auto parsed = model::Parse<SourceType>(type);
  if (!parsed.has_value()) return FieldError("type", "unsupported source type");
  if (*parsed != SourceType::kHttp && *parsed != SourceType::kRestApi) {
    return FieldError("type", absl::StrCat(type, " sources are not supported by this version"));
  }
  source->type = *parsed;
  const json::Value* verifier = reader.Object("verifier");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (verifier != nullptr) {
    CONVOY_ASSIGN_OR_RETURN(source->verifier, ReadVerifier(*verifier, source->provider));
  }
  CONVOY_RETURN_IF_ERROR(ReadCustomResponse(reader, &source->custom_response));
  CONVOY_RETURN_IF_ERROR(ReadLists(reader, source));
  if (!source->event_type_location.empty()) {
    CONVOY_RETURN_IF_ERROR(intake::CheckEventTypeLocation(*source));
  }
  return CompileSourceVerifier(*source).status();
}

std::string SourceJson(const Context& context, const Source& source) {
  return ToJson(
      [&](json::Writer& writer) { WriteSource(writer, source, context.options->public_url); });
}

}  // namespace

Reply CreateSource(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const ApiParts& parts = *context.parts;
  Source source{.id = parts.ulids->Next(),
                .project_id = context.project->project().id,
                .mask_id = base::RandomAlphanumeric(*parts.random, kMaskSize),
                .created_at = parts.clock->Now()};
  source.updated_at = source.created_at;
  const absl::Status status = ReadSource(*document, true, &source);
  if (!status.ok()) return FromStatus(status);
  const std::string data = SourceJson(context, source);
  return ChangeProject(
      context, [source](const Snapshot&) { return ConfigWrite{.puts = {source}}; },
      [data] { return Success(201, "Source created successfully", data); });
}

Reply ListSources(const Context& context) {
  const std::string_view query = context.request->query;
  SourceQuery wanted{.project_id = context.project->project().id,
                     .name_contains = base::FindQueryParameter(query, "q").value_or("")};
  wanted.type = model::Parse<SourceType>(base::FindQueryParameter(query, "type").value_or(""));
  if (const auto provider = base::FindQueryParameter(query, "provider");
      provider.has_value() && !provider->empty()) {
    wanted.provider = model::Parse<Provider>(*provider);
  }
  const PageRequest page = ParsePage(query);
  const auto sources = context.parts->storage->ListSources(wanted, page);
  if (!sources.ok()) return FromStatus(sources.status());
  return Success(200, "Sources fetched successfully",
                 PageToJson(*sources, page, [&](json::Writer& writer, const Source& source) {
                   WriteSource(writer, source, context.options->public_url);
                 }));
}

Reply GetSource(const Context& context) {
  const auto source =
      context.parts->storage->GetSource(context.project->project().id, context.capture(1));
  if (!source.ok()) return FromStatus(source.status());
  return Success(200, "Source fetched successfully", SourceJson(context, *source));
}

Reply UpdateSource(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  auto source =
      context.parts->storage->GetSource(context.project->project().id, context.capture(1));
  if (!source.ok()) return FromStatus(source.status());
  source->updated_at = context.parts->clock->Now();
  const absl::Status status = ReadSource(*document, false, &*source);
  if (!status.ok()) return FromStatus(status);
  const std::string data = SourceJson(context, *source);
  return ChangeProject(
      context,
      [storage = context.parts->storage,
       source = *source](const Snapshot&) -> absl::StatusOr<ConfigWrite> {
        // It may have been deleted meanwhile: an update does not bring it back.
        CONVOY_RETURN_IF_ERROR(storage->GetSource(source.project_id, source.id).status());
        return ConfigWrite{.puts = {source}};
      },
      [data] { return Success(202, "Source updated successfully", data); });
}

Reply DeleteSource(const Context& context) {
  return ChangeProject(
      context,
      [storage = context.parts->storage,
       id = context.capture(1)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_RETURN_IF_ERROR(storage->GetSource(project->project().id, id).status());
        return ConfigWrite{.removes = {{.kind = ConfigKind::kSource, .id = id}}};
      },
      [] { return Success(200, "Source deleted successfully"); });
}

}  // namespace convoy::http
