// JSON of the resources. Null, absent and empty fields are as strict clients expect.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/dispatch/health.h"
#include "lib/http/shape/api_version.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"

namespace convoy::http {

void WriteProject(json::Writer& writer, const Project& project);
// `health` is what dispatch knows of it at this moment; absent if it has nothing to tell.
void WriteEndpoint(json::Writer& writer, const Endpoint& endpoint, ApiVersion version,
                   const std::optional<dispatch::EndpointHealth>& health = std::nullopt);
// The members "authentication", "tls_ca_bundle" and "mtls_client_cert" of an endpoint.
void WriteAuthentication(json::Writer& writer, const EndpointAuth& auth);
void WriteTls(json::Writer& writer, const EndpointTls& tls);
// {"type", "hmac", "basic_auth", "api_key", "preset", "scheme"}: of a source.
void WriteVerifier(json::Writer& writer, const Source& source);
absl::StatusOr<VerifierConfig> ReadVerifier(const json::Value& object, Provider provider);

void WriteSource(json::Writer& writer, const Source& source, std::string_view public_url);
// `endpoint` and `source` may be null: then their metadata is.
void WriteSubscription(json::Writer& writer, const Subscription& subscription,
                       const Endpoint* endpoint, const Source* source, ApiVersion version);
// Without `has_data` the body is left out, of which the size is told.
void WriteEvent(json::Writer& writer, const Event& event, bool has_data = true);
// `endpoint` is null if it was deleted.
void WriteDelivery(json::Writer& writer, const Delivery& delivery, const Event& event,
                   const Endpoint* endpoint, bool has_data = true);
void WriteAttempt(json::Writer& writer, const Attempt& attempt);
// One of `project_id`; `last` is its latest attempt, or null.
void WriteMetaEvent(json::Writer& writer, const std::string& project_id, const Delivery& delivery,
                    const Event& event, const Attempt* last);
// Values that could be secrets of the sender are redacted; `source` is null if it was deleted. The
// body is written only on demand.
void WriteHeld(json::Writer& writer, const HeldInput& input, const Source* source, bool has_body);
// Without the key itself, unless `text` is given.
void WriteApiKey(json::Writer& writer, const ApiKey& key, std::string_view text);

// Shared pieces.
void WriteTimeField(json::Writer& writer, std::string_view key, absl::Time time);
void WriteNullField(json::Writer& writer, std::string_view key);
void WriteTextOrNull(json::Writer& writer, std::string_view key, std::string_view text);
void WriteTextsField(json::Writer& writer, std::string_view key,
                     const std::vector<std::string>& texts);

// The text that `write` writes.
template <typename Write>
std::string ToJson(Write write) {
  json::Writer writer;
  write(writer);
  return writer.TakeText();
}

}  // namespace convoy::http
