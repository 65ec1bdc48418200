// In: a request's JSON and the endpoint as it is. Out: the endpoint as it shall be, or which field
// is wrong. Dispatch does all that is accepted here.
#include "lib/http/shape/endpoint_fields.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/shape/endpoint_credentials.h"
#include "lib/http/shape/fields.h"
#include "lib/intake/event_checks.h"
#include "lib/model/local_name.h"
#include "lib/sign/standard_webhooks.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr uint32_t kTimeoutSecondsMax = 60;

bool IsEmail(std::string_view text) {
  const size_t at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos &&
         text.find_first_of(" \t\r\n") == std::string_view::npos;
}

void ReadLimits(ObjectReader& reader, Endpoint* out) {
  absl::Duration timeout;
  if (ReadSeconds(reader, "http_timeout", &timeout) && timeout > absl::ZeroDuration()) {
    if (timeout > absl::Seconds(kTimeoutSecondsMax)) {
      reader.FailField("http_timeout",
                       absl::StrCat("must be at most ", kTimeoutSecondsMax, " seconds"));
    }
    out->timeout = timeout;
  }
  reader.Read("rate_limit", &out->rate_limit.count);
  ReadSeconds(reader, "rate_limit_duration", &out->rate_limit.window);
}

// A local endpoint is one that this host serves, and asks for nothing that only a connection or a
// signature could give.
void CheckLocalEndpoint(const Endpoint& endpoint, ObjectReader& reader) {
  constexpr std::string_view kNone = "a local endpoint has none";
  if (!endpoint.url.starts_with("local:")) reader.FailField("url", "must begin with local:");
  if (!std::holds_alternative<std::monostate>(endpoint.auth)) {
    reader.FailField("authentication", kNone);
  }
  if (!endpoint.tls.empty()) reader.FailField("mtls_client_cert", kNone);
  if (endpoint.content_type != Endpoint().content_type) {
    reader.FailField("content_type", "a local endpoint gets the event's own bytes");
  }
}

// Callers who may not choose a local URL do not learn which names there are; the URL that an
// endpoint has already may be repeated.
void CheckUrl(const Endpoint& endpoint, const EndpointScope& scope, const Endpoint* stored,
              ObjectReader& reader) {
  const std::optional<std::string_view> local_name = model::LocalNameOf(endpoint.url);
  if (!local_name.has_value()) {
    reader.Fail(CheckEndpointUrl(endpoint.url, scope.project.config.is_https_required));
  } else if (scope.may_be_local) {
    const absl::Status served = model::CheckServed(*local_name, scope.options.local_names);
    if (!served.ok()) reader.FailField("url", served.message());
  } else if (stored == nullptr || stored->url != endpoint.url) {
    reader.FailField("url", "invalid endpoint scheme, must be https or http");
  }
  if (local_name.has_value()) CheckLocalEndpoint(endpoint, reader);
}

// Adds everything that is wrong to `reader`.
void CheckEndpoint(const Endpoint& endpoint, const EndpointScope& scope, const Endpoint* stored,
                   ObjectReader& reader) {
  CheckUrl(endpoint, scope, stored, reader);
  if (endpoint.name.empty()) reader.FailField("name", "please provide your endpoint name");
  reader.Fail(CheckText("name", endpoint.name));
  reader.Fail(CheckText("description", endpoint.description));
  reader.Fail(CheckText("owner_id", endpoint.owner_id, intake::kOwnerIdBytesMax));
  reader.Fail(CheckText("support_email", endpoint.support_email));
  if (!endpoint.support_email.empty() && !IsEmail(endpoint.support_email)) {
    reader.FailField("support_email", "please provide a valid email");
  }
  for (const auto& [field, url] : {std::pair("slack_webhook_url", &endpoint.slack_webhook_url),
                                   std::pair("teams_webhook_url", &endpoint.teams_webhook_url)}) {
    if (url->empty()) continue;
    const absl::Status checked = CheckEndpointUrl(*url, scope.project.config.is_https_required);
    if (!checked.ok()) reader.FailField(field, "must be an http or https URL, or empty");
  }
  if (endpoint.content_type != "application/json" &&
      endpoint.content_type != "application/x-www-form-urlencoded") {
    reader.FailField("content_type",
                     "must be application/json or application/x-www-form-urlencoded");
  }
}

}  // namespace

absl::Status ReadEndpoint(const json::Value& document, const EndpointScope& scope, absl::Time now,
                          const Endpoint* stored, Endpoint* out) {
  const Project& project = scope.project;
  ObjectReader reader(document);
  reader.Read("slack_webhook_url", &out->slack_webhook_url);
  reader.Read("teams_webhook_url", &out->teams_webhook_url);
  bool is_disabled = false;
  if (reader.Read("is_disabled", &is_disabled) && is_disabled) {
    reader.FailField("is_disabled", "cannot be set here, pause the endpoint instead");
  }
  std::string owner_id;
  reader.Read("fifo", &out->is_fifo);
  // Clients of before 2024-04-01 have other names for these two.
  if (!reader.Read("url", &out->url)) reader.Read("target_url", &out->url);
  if (!reader.Read("name", &out->name)) reader.Read("title", &out->name);
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
  StandardSignature standard = sign::StandardSignatureOf(project.config.signature, *out);
  std::string chosen;
  if (reader.Read("standard_webhooks", &chosen) && !chosen.empty()) {
    ReadEnum(reader, "standard_webhooks", "must be none, v1 or v1a", &standard);
    out->standard_signature = standard;
  }
  ReadLimits(reader, out);
  if (const json::Value* authentication = reader.Object("authentication")) {
    const KeptAuth kept =
        stored == nullptr
            ? KeptAuth()
            : KeptAuth{.auth = stored->auth, .is_same_server = IsSameServer(stored->url, out->url)};
    absl::StatusOr<EndpointAuth> auth =
        ReadAuthentication(*authentication, project.config.is_https_required, kept);
    reader.Fail(auth.status());
    if (auth.ok()) out->auth = *std::move(auth);
  }
  reader.Fail(ReadTls(document, now, &out->tls));
  CheckEndpoint(*out, scope, stored, reader);
  return reader.status();
}

}  // namespace convoy::http
