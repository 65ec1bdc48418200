// Trial of an authorisation server: one access token is fetched with the settings that an endpoint
// is to have. Nothing of it is kept.
#include <string>
#include <utility>

#include "lib/base/time_text.h"
#include "lib/fetch/token_request.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/endpoint_credentials.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"

namespace convoy::http {
namespace {

constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";  // as Go writes the lack of one

HttpResponse Failed(std::string_view error) {
  return Success(200, "OAuth2 connection test failed", ToJson([&](json::Writer& writer) {
                   writer.BeginObject()
                       .Field("success", false)
                       .Field("expires_at", kNoTime)
                       .Field("error", error)
                       .Field("message", "no access token could be fetched")
                       .EndObject();
                 }));
}

HttpResponse AnswerOf(const OAuth2Auth& auth, const TransportResult& result, absl::Time now) {
  if (result.outcome == TransportOutcome::kCancelled) {
    return TryLater("the gateway is shutting down, try again");
  }
  const auto token = fetch::ReadTokenAnswer(auth, result, now);
  if (!token.ok()) return Failed(token.status().message());
  return Success(200, "OAuth2 connection test successful", ToJson([&](json::Writer& writer) {
                   writer.BeginObject()
                       .Field("success", true)
                       .Field("access_token", token->text)
                       .Field("token_type", token->type)
                       .Field("expires_at", base::FormatTime(now + token->lifetime))
                       .Field("message", "an access token was fetched")
                       .EndObject();
                 }));
}

}  // namespace

Reply TestOAuth2(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  json::ObjectReader reader(*document);
  const json::Value* const object = reader.Object("oauth2");
  if (!reader.status().ok()) return FromStatus(reader.status());
  if (object == nullptr) {
    return FromStatus(absl::InvalidArgumentError("oauth2 configuration is required"));
  }
  const ApiParts& parts = *context.parts;
  const ProjectConfig& config = context.project->project().config;
  auto auth = ReadOAuth2(*object, "oauth2", config.is_https_required, OAuth2Auth());
  if (!auth.ok()) return FromStatus(auth.status());
  auto request = fetch::MakeTokenRequest(*auth, parts.ulids->Next(), parts.clock->Now());
  if (!request.ok()) return Failed(request.status().message());
  return PendingFetch{.request = *std::move(request),
                      .finish = [auth = *std::move(auth),
                                 clock = parts.clock](const TransportResult& result) -> Reply {
                        return AnswerOf(auth, result, clock->Now());
                      }};
}

}  // namespace convoy::http
