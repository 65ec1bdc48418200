// Endpoints: where events go out.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/envelope.h"
#include "lib/http/fields.h"
#include "lib/http/handlers.h"
#include "lib/http/pagination.h"
#include "lib/http/wire.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kSecretSize = 25;
constexpr uint32_t kTimeoutSecondsMax = 60;

bool IsEmail(std::string_view text) {
  const size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos &&
         text.find_first_of(" \t\r\n") == std::string_view::npos;
}

absl::StatusOr<EndpointAuth> ReadAuthentication(const json::Value& object) {
  ObjectReader reader(object, "authentication");
  std::string type;
  reader.Read("type", &type);
  const json::Value* key = reader.Object("api_key");
  const json::Value* basic = reader.Object("basic_auth");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (type.empty()) return EndpointAuth();
  if (type == "api_key") {
    ApiKeyAuth auth;
    if (key != nullptr) {
      ObjectReader fields(*key, "authentication.api_key");
      fields.Read("header_name", &auth.header_name);
      fields.Read("header_value", &auth.header_value);
      CONVOY_RETURN_IF_ERROR(fields.status());
    }
    if (auth.header_value.empty()) return absl::InvalidArgumentError("api key field is required");
    if (!base::IsHeaderName(auth.header_name)) {
      return absl::InvalidArgumentError("api key header_name is required");
    }
    if (!base::IsHeaderValue(auth.header_value)) {
      return FieldError("authentication.api_key.header_value", "must be a header value");
    }
    return EndpointAuth(std::move(auth));
  }
  if (type == "basic_auth") {
    BasicAuth auth;
    if (basic != nullptr) {
      ObjectReader fields(*basic, "authentication.basic_auth");
      fields.Read("username", &auth.username);
      fields.Read("password", &auth.password);
      CONVOY_RETURN_IF_ERROR(fields.status());
    }
    if (auth.username.empty() || auth.username.find(':') != std::string::npos) {
      return FieldError("authentication.basic_auth.username", "must be given, without a colon");
    }
    return EndpointAuth(std::move(auth));
  }
  return FieldError("authentication.type", "must be api_key or basic_auth in this version");
}

absl::Status ReadLimits(ObjectReader& reader, Endpoint* out) {
  uint32_t timeout_s = 0, window_s = 0;
  if (reader.Read("http_timeout", &timeout_s) && timeout_s > 0) {
    if (timeout_s > kTimeoutSecondsMax) {
      return FieldError("http_timeout",
                        absl::StrCat("must be at most ", kTimeoutSecondsMax, " seconds"));
    }
    out->timeout = absl::Seconds(timeout_s);
  }
  reader.Read("rate_limit", &out->rate_limit.count);
  if (reader.Read("rate_limit_duration", &window_s)) {
    out->rate_limit.window = absl::Seconds(window_s);
  }
  return reader.status();
}

absl::Status CheckEndpoint(const Endpoint& endpoint, const ProjectConfig& config) {
  CONVOY_RETURN_IF_ERROR(CheckEndpointUrl(endpoint.url, config.is_https_required));
  if (endpoint.name.empty()) return FieldError("name", "please provide your endpoint name");
  CONVOY_RETURN_IF_ERROR(CheckLength("name", endpoint.name));
  CONVOY_RETURN_IF_ERROR(CheckLength("description", endpoint.description));
  CONVOY_RETURN_IF_ERROR(CheckLength("owner_id", endpoint.owner_id));
  if (!endpoint.support_email.empty() && !IsEmail(endpoint.support_email)) {
    return FieldError("support_email", "please provide a valid email");
  }
  if (endpoint.content_type != "application/json" &&
      endpoint.content_type != "application/x-www-form-urlencoded") {
    return FieldError("content_type",
                      "must be application/json or application/x-www-form-urlencoded");
  }
  return absl::OkStatus();
}

// Reads a request over what is there. What Convoy overwrites even if absent is reset first by the
// caller.
absl::Status ReadEndpoint(const json::Document& document, const Project& project, Endpoint* out) {
  for (const char* field : {"mtls_client_cert", "slack_webhook_url", "teams_webhook_url"}) {
    CONVOY_RETURN_IF_ERROR(RefuseIfSet(document, field));
  }
  ObjectReader reader(document);
  std::string owner_id;
  reader.Read("url", &out->url);
  reader.Read("name", &out->name);
  reader.Read("description", &out->description);
  reader.Read("support_email", &out->support_email);
  if (reader.Read("owner_id", &owner_id) && !owner_id.empty()) out->owner_id = owner_id;
  std::string content_type;
  if (reader.Read("content_type", &content_type) && !content_type.empty()) {
    out->content_type = content_type;
  }
  if (project.type == ProjectType::kOutgoing) {
    reader.Read("advanced_signatures", &out->has_advanced_signatures);
  }
  CONVOY_RETURN_IF_ERROR(ReadLimits(reader, out));
  const json::Value* authentication = reader.Object("authentication");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (authentication != nullptr) {
    CONVOY_ASSIGN_OR_RETURN(out->auth, ReadAuthentication(*authentication));
  }
  return CheckEndpoint(*out, project.config);
}

Secret MakeSecret(const ApiParts& parts, std::string value) {
  const absl::Time now = parts.clock->Now();
  if (value.empty()) value = base::RandomAlphanumeric(*parts.random, kSecretSize);
  return {
      .id = parts.ulids->Next(), .value = std::move(value), .created_at = now, .updated_at = now};
}

std::string EndpointJson(const Endpoint& endpoint) {
  return ToJson([&](json::Writer& writer) { WriteEndpoint(writer, endpoint); });
}

// Changes one endpoint: `change` is given the current one, each time anew.
Reply ChangeEndpoint(const Context& context, int code, std::string message, std::string not_found,
                     std::function<absl::Status(Endpoint&)> change) {
  auto changed = std::make_shared<Endpoint>();
  return ChangeProject(
      context,
      [changed, change = std::move(change), id = context.capture(1),
       not_found = std::move(not_found),
       clock = context.parts->clock](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Endpoint* current = project->FindEndpoint(id);
        if (current == nullptr) return absl::InvalidArgumentError(not_found);
        *changed = *current;
        changed->updated_at = clock->Now();
        CONVOY_RETURN_IF_ERROR(change(*changed));
        return ConfigWrite{.puts = {*changed}};
      },
      [changed, code, message = std::move(message)] {
        return Success(code, message, EndpointJson(*changed));
      });
}

absl::Status CannotBecome(EndpointStatus status, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("current endpoint status - ", model::Name(status), ", does not support ", what));
}

}  // namespace

Reply CreateEndpoint(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const ApiParts& parts = *context.parts;
  std::string secret;
  json::ObjectReader reader(*document);
  reader.Read("secret", &secret);
  if (!reader.status().ok()) return FromStatus(reader.status());
  if (const absl::Status status = CheckLength("secret", secret); !status.ok()) {
    return FromStatus(status);
  }
  Endpoint endpoint{.id = parts.ulids->Next(),
                    .project_id = context.project->project().id,
                    .created_at = parts.clock->Now()};
  endpoint.updated_at = endpoint.created_at;
  endpoint.secrets.push_back(MakeSecret(parts, secret));
  const absl::Status status = ReadEndpoint(*document, context.project->project(), &endpoint);
  if (!status.ok()) return FromStatus(status);
  const std::string data = EndpointJson(endpoint);
  return ChangeProject(
      context, [endpoint](const Snapshot&) { return ConfigWrite{.puts = {endpoint}}; },
      [data] { return Success(201, "Endpoint created successfully", data); });
}

Reply ListEndpoints(const Context& context) {
  const std::string_view query = context.request->query;
  const PageRequest page = ParsePage(query);
  const auto endpoints = context.parts->storage->ListEndpoints(
      {.project_id = context.project->project().id,
       .name_contains = base::FindQueryParameter(query, "q").value_or(""),
       .owner_id = base::FindQueryParameter(query, "ownerId").value_or("")},
      page);
  if (!endpoints.ok()) return FromStatus(endpoints.status());
  return Success(200, "Endpoints fetched successfully",
                 PageToJson(*endpoints, page, WriteEndpoint));
}

Reply GetEndpoint(const Context& context) {
  const Endpoint* endpoint = context.project->FindEndpoint(context.capture(1));
  if (endpoint == nullptr) return Failure(404, "Resource not found");
  return Success(200, "Endpoint fetched successfully", EndpointJson(*endpoint));
}

Reply UpdateEndpoint(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const auto body = std::make_shared<std::string>(context.request->body);
  return ChangeEndpoint(context, 202, "Endpoint updated successfully", "endpoint not found",
                        [body, project = context.project](Endpoint& endpoint) -> absl::Status {
                          CONVOY_ASSIGN_OR_RETURN(const json::Document fields,
                                                  json::Parse(*body, {}));
                          endpoint.url.clear();
                          endpoint.name.clear();
                          endpoint.description.clear();
                          endpoint.content_type = Endpoint().content_type;
                          endpoint.rate_limit.window = absl::ZeroDuration();
                          endpoint.auth = {};
                          return ReadEndpoint(fields, project->project(), &endpoint);
                        });
}

Reply DeleteEndpoint(const Context& context) {
  return ChangeProject(
      context,
      [id = context.capture(1)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        if (project->FindEndpoint(id) == nullptr) {
          return absl::InvalidArgumentError("endpoint not found");
        }
        return ConfigWrite{.removes = {{.kind = ConfigKind::kEndpoint, .id = id}}};
      },
      [] { return Success(200, "Endpoint deleted successfully"); });
}

Reply PauseEndpoint(const Context& context) {
  return ChangeEndpoint(context, 202, "endpoint status updated successfully",
                        "failed to find endpoint", [](Endpoint& endpoint) {
                          if (endpoint.status == EndpointStatus::kInactive) {
                            return CannotBecome(endpoint.status, "pausing or unpausing");
                          }
                          endpoint.status = endpoint.status == EndpointStatus::kActive
                                                ? EndpointStatus::kPaused
                                                : EndpointStatus::kActive;
                          return absl::OkStatus();
                        });
}

Reply ActivateEndpoint(const Context& context) {
  return ChangeEndpoint(context, 202, "endpoint status successfully activated",
                        "failed to find endpoint", [](Endpoint& endpoint) {
                          if (endpoint.status == EndpointStatus::kActive) {
                            return CannotBecome(endpoint.status, "activation");
                          }
                          endpoint.status = EndpointStatus::kActive;
                          return absl::OkStatus();
                        });
}

// The live secret gets an end and a new one is appended; until then both sign.
Reply ExpireEndpointSecret(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  json::ObjectReader reader(*document);
  std::string value;
  uint32_t expiration_s = 0;
  reader.Read("secret", &value);
  reader.Read("expiration", &expiration_s);
  if (!reader.status().ok()) return FromStatus(reader.status());
  if (const absl::Status status = CheckLength("secret", value); !status.ok()) {
    return FromStatus(status);
  }
  const Secret added = MakeSecret(*context.parts, value);
  return ChangeEndpoint(context, 200, "endpoint secret expired successfully", "endpoint not found",
                        [added, expiration_s](Endpoint& endpoint) -> absl::Status {
                          const auto live = std::find_if(
                              endpoint.secrets.begin(), endpoint.secrets.end(),
                              [](const Secret& secret) { return !secret.expires_at.has_value(); });
                          if (live == endpoint.secrets.end()) {
                            return absl::InvalidArgumentError("no active secret found");
                          }
                          live->expires_at = added.created_at + absl::Seconds(expiration_s);
                          live->updated_at = added.created_at;
                          // Those that have ended sign nothing and need not be kept.
                          const std::string expiring = live->id;
                          std::erase_if(endpoint.secrets, [&](const Secret& secret) {
                            return secret.id != expiring && secret.expires_at.has_value() &&
                                   *secret.expires_at <= added.created_at;
                          });
                          endpoint.secrets.push_back(added);
                          return absl::OkStatus();
                        });
}

}  // namespace convoy::http
