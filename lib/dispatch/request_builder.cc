// Builder of requests. Headers by precedence: a sender cannot set those that HTTP itself needs; the
// gateway's own headers (signature, ids, authentication) replace those of the event.
#include "lib/dispatch/request_builder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/signer.h"
#include "convoy/version.h"
#include "lib/base/encoding.h"
#include "lib/base/hops.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/json/raw.h"
#include "lib/model/local_name.h"
#include "lib/trace/context.h"

namespace convoy::dispatch {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(10);
// Bytes of an answer that are read and recorded. A project that receives more does not want to be
// answered more.
constexpr uint64_t kResponseBytesMax = 51'200;
constexpr std::string_view kFormContentType = "application/x-www-form-urlencoded";

// Headers of the connection, not of the message.
bool IsHopByHop(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "Connection", "Content-Length",    "Expect", "Host", "Keep-Alive", "Proxy-Connection", "TE",
      "Trailer",    "Transfer-Encoding", "Upgrade"};
  return std::any_of(std::begin(kNames), std::end(kNames), [name](std::string_view other) {
    return base::EqualsIgnoreCase(name, other);
  });
}

void Set(Headers& headers, std::string_view name, std::string value) {
  std::erase_if(headers,
                [name](const Header& header) { return base::EqualsIgnoreCase(header.name, name); });
  headers.push_back({.name = std::string(name), .value = std::move(value)});
}

// The endpoint's URL with the query of the incoming request added.
std::string UrlOf(const Endpoint& endpoint, const Event& event) {
  if (event.url_query.empty()) return endpoint.url;
  const size_t fragment = std::min(endpoint.url.find('#'), endpoint.url.size());
  const std::string_view base = std::string_view(endpoint.url).substr(0, fragment);
  const char* separator = base.find('?') == std::string_view::npos ? "?" : "&";
  return absl::StrCat(base, separator, event.url_query);
}

// A JSON object as form fields; nested values stay JSON text. nullopt for anything else.
std::optional<std::string> ToForm(std::string_view body) {
  const absl::StatusOr<json::RawObject> object = json::ScanObject(body, {});
  if (!object.ok()) return std::nullopt;
  std::string form;
  for (const json::RawMember& member : object->members) {
    const std::optional<std::string> scalar = member.value.AsScalarText();
    absl::StrAppend(
        &form, form.empty() ? "" : "&", base::PercentEncode(member.key), "=",
        base::PercentEncode(scalar.has_value() ? *scalar : std::string(member.value.text)));
  }
  return form;
}

void SetBody(const Endpoint& endpoint, const std::shared_ptr<const Event>& event,
             OutgoingRequest& request) {
  if (endpoint.content_type == kFormContentType) {
    if (std::optional<std::string> form = ToForm(event->body)) {
      request.body = std::make_shared<const std::string>(*std::move(form));
      Set(request.headers, "Content-Type", std::string(kFormContentType));
      return;
    }
  }
  request.body = std::shared_ptr<const std::string>(event, &event->body);
  Set(request.headers, "Content-Type",
      event->content_type.empty() ? "application/json" : event->content_type);
}

// A token of OAuth 2.0 is set when there is one (lib/fetch/access_tokens.h).
void SetAuthentication(const EndpointAuth& auth, Headers& headers) {
  if (const auto* api_key = std::get_if<ApiKeyAuth>(&auth)) {
    Set(headers, api_key->header_name, api_key->header_value);
  } else if (const auto* basic = std::get_if<BasicAuth>(&auth)) {
    Set(headers, "Authorization",
        absl::StrCat("Basic ",
                     base::Base64Encode(absl::StrCat(basic->username, ":", basic->password))));
  }
}

// Headers that receivers know to be the gateway's: none of them may come from a sender, even where
// the gateway sets none.
bool IsOurs(const ProjectConfig& config, const Event& event, std::string_view name) {
  const auto is = [name](std::string_view other) { return base::EqualsIgnoreCase(name, other); };
  return is(config.signature.header) || is(config.request_id_header) ||
         is("X-Convoy-EventDelivery-ID") || is("X-Convoy-Event-ID") || is(base::kHopsHeader) ||
         (event.source_id.empty() && is("X-Convoy-Source-Id"));
}

// The event's own headers that are passed on.
Headers HeadersOf(const ProjectConfig& config, const Event& event) {
  constexpr size_t kOwnHeaders = 8;  // most requests get no more of the gateway's own
  Headers headers;
  headers.reserve(event.headers.size() + kOwnHeaders);
  for (const Header& header : event.headers) {
    if (IsHopByHop(header.name) || IsOurs(config, event, header.name)) continue;
    headers.push_back(header);
  }
  return headers;
}

// The endpoint as its deliveries are signed.
const Endpoint& SignedAs(const ProjectConfig& config, const Endpoint& endpoint, Endpoint& changed) {
  if (!config.has_replay_prevention || endpoint.has_advanced_signatures) return endpoint;
  changed = endpoint;
  changed.has_advanced_signatures = true;
  return changed;
}

// Convoy's signature, and that of Standard Webhooks where it is chosen. An endpoint whose only
// secrets are keys for the latter gets the latter alone.
absl::Status SetSignatures(const SignatureConfig& config, const Endpoint& endpoint,
                           const std::string& event_id, absl::Time now, OutgoingRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(const Headers standard,
                          SignStandard(config, endpoint, event_id, *request.body, now));
  for (const Header& header : standard) Set(request.headers, header.name, header.value);
  absl::StatusOr<std::string> signature = Sign(config, endpoint, *request.body, now);
  if (signature.ok()) {
    Set(request.headers, config.header, *std::move(signature));
    return absl::OkStatus();
  }
  const bool has_only_keys = !endpoint.secrets.empty() && !standard.empty();
  return has_only_keys ? absl::OkStatus() : std::move(signature).status();
}

}  // namespace

absl::Duration TimeoutOf(const Endpoint& endpoint) {
  if (endpoint.timeout > absl::ZeroDuration()) return endpoint.timeout;
  const bool is_local = model::LocalNameOf(endpoint.url).has_value();
  return is_local ? absl::InfiniteDuration() : kDefaultTimeout;
}

LocalRequest BuildLocalRequest(const ProjectConfig& config, const Endpoint& endpoint,
                               std::string_view name, const Delivery& delivery,
                               const std::shared_ptr<const Event>& event) {
  return {.delivery = {.name = std::string(name),
                       .project_id = endpoint.project_id,
                       .endpoint_id = endpoint.id,
                       .delivery_id = delivery.id,
                       .event = event,
                       .headers = HeadersOf(config, *event),
                       .idempotency_key = delivery.idempotency_key,
                       .attempt_number = delivery.attempts_count + 1},
          .timeout = TimeoutOf(endpoint)};
}

absl::StatusOr<OutgoingRequest> BuildRequest(const ProjectConfig& config, const Endpoint& endpoint,
                                             const Delivery& delivery,
                                             const std::shared_ptr<const Event>& event,
                                             absl::Time now, std::string_view trace_header) {
  OutgoingRequest request;
  request.url = UrlOf(endpoint, *event);
  request.headers = HeadersOf(config, *event);
  request.headers.push_back(
      {std::string(base::kHopsHeader), absl::StrCat(base::HopsOf(event->headers) + 1)});
  if (!base::FindHeader(request.headers, "User-Agent").has_value()) {
    request.headers.push_back({"User-Agent", absl::StrCat("Convoy/", kVersion)});
  }
  SetBody(endpoint, event, request);
  // Before those that are configured: if they have its name, they win.
  if (config.has_trace_headers) {
    trace::SetContext(*event, delivery, trace::HeaderOf(config, trace_header), request.headers);
  }
  Endpoint changed;
  CONVOY_RETURN_IF_ERROR(SetSignatures(config.signature, SignedAs(config, endpoint, changed),
                                       event->id, now, request));
  if (!delivery.idempotency_key.empty()) {
    Set(request.headers, config.request_id_header, delivery.idempotency_key);
  }
  if (config.has_trace_headers) {
    Set(request.headers, "X-Convoy-EventDelivery-ID", delivery.id);
    Set(request.headers, "X-Convoy-Event-ID", event->id);
  }
  SetAuthentication(endpoint.auth, request.headers);
  if (!endpoint.tls.empty()) request.tls = std::make_shared<const EndpointTls>(endpoint.tls);
  // Configured names, too, may be those of the connection, but there they mean something else.
  for (const Header& header : request.headers) {
    if (IsHopByHop(header.name)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the header '", header.name, "' cannot be set: it belongs to the connection"));
    }
  }
  request.timeout = TimeoutOf(endpoint);
  request.response_bytes_max = std::min(config.body_bytes_max, kResponseBytesMax);
  return request;
}

}  // namespace convoy::dispatch
