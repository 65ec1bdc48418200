// Works on copies of the model, so that no writer of JSON has to know who asks.
#include "lib/http/request/viewer.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

#include "lib/http/shape/pub_sub.h"
#include "lib/intake/event_headers.h"
#include "lib/model/oauth2_codec.h"

namespace convoy::http {
namespace {

bool IsViewer(const Context& context) { return context.role == Role::kProjectViewer; }

void Redact(std::string& secret) {
  if (!secret.empty()) secret = kRedactedSecret;
}

// Of headers and parameters, whose meaning is not known here.
bool SoundsSecret(std::string_view name) {
  const std::string lower = absl::AsciiStrToLower(name);
  if (absl::StrContains(lower, "idempotency")) return false;
  constexpr std::string_view kWords[] = {"auth", "cookie", "key", "password", "secret", "token"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return absl::StrContains(lower, word); });
}

void Redact(Headers& headers) {
  for (Header& header : headers) {
    if (SoundsSecret(header.name) || intake::IsSecretHeader({}, header.name)) {
      Redact(header.value);
    }
  }
}

// Of endpoints and of verifiers alike.
void RedactCredentials(std::monostate&) {}
void RedactCredentials(ApiKeyAuth& key) { Redact(key.header_value); }
void RedactCredentials(BasicAuth& basic) { Redact(basic.password); }
void RedactCredentials(OAuth2Auth& oauth2) {
  Redact(oauth2.client_secret);
  for (const model::JwkMember& member : model::JwkMembers()) {
    if (member.is_secret) Redact(oauth2.signing_key.*member.text);
  }
}
void RedactCredentials(HmacVerifierConfig& hmac) { Redact(hmac.secret); }
void RedactCredentials(SchemeVerifierConfig& scheme) {
  for (std::string& secret : scheme.secrets) Redact(secret);
  for (auto& [name, value] : scheme.parameters) {
    if (SoundsSecret(name)) Redact(value);
  }
}

}  // namespace

Project Shown(const Context& context, Project project) {
  if (IsViewer(context) && project.config.meta_events.has_value()) {
    Redact(project.config.meta_events->secret);
  }
  return project;
}

Endpoint Shown(const Context& context, Endpoint endpoint) {
  // Owners who manage their endpoints need the secrets to verify what is sent.
  const bool is_managed = context.portal != nullptr && context.portal->may_manage_endpoints;
  if (!IsViewer(context) || is_managed) return endpoint;
  for (Secret& secret : endpoint.secrets) Redact(secret.value);
  std::visit([](auto& auth) { RedactCredentials(auth); }, endpoint.auth);
  Redact(endpoint.tls.client_key);
  Redact(endpoint.slack_webhook_url);
  Redact(endpoint.teams_webhook_url);
  return endpoint;
}

Source Shown(const Context& context, Source source) {
  if (!IsViewer(context)) return source;
  std::visit([](auto& verifier) { RedactCredentials(verifier); }, source.verifier);
  return source;
}

Subscription Shown(const Context& context, Subscription subscription) {
  if (context.portal != nullptr) subscription.function.clear();
  return subscription;
}

Event Shown(const Context& context, Event event) {
  if (IsViewer(context)) Redact(event.headers);
  return event;
}

Attempt Shown(const Context& context, Attempt attempt) {
  if (!IsViewer(context)) return attempt;
  Redact(attempt.request_headers);
  Redact(attempt.response_headers);
  return attempt;
}

}  // namespace convoy::http
