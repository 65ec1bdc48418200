// Making and checking of signing secrets.
#include "lib/http/resource/endpoint_secrets.h"

#include <algorithm>
#include <utility>

#include "lib/base/status_macros.h"
#include "lib/base/ulid.h"
#include "lib/http/shape/fields.h"
#include "lib/sign/standard_webhooks.h"

namespace convoy::http {
namespace {

constexpr size_t kSecretSize = 25;

}  // namespace

Secret MakeSecret(const ApiParts& parts, std::string value, StandardSignature standard) {
  const absl::Time now = parts.clock->Now();
  if (value.empty()) {
    value = standard == StandardSignature::kNone
                ? base::RandomAlphanumeric(*parts.random, kSecretSize)
                : sign::MakeKey(standard, *parts.random);
  }
  return {
      .id = parts.ulids->Next(), .value = std::move(value), .created_at = now, .updated_at = now};
}

absl::Status CheckSecret(std::string_view secret, StandardSignature standard) {
  CONVOY_RETURN_IF_ERROR(CheckText("secret", secret));
  if (standard == StandardSignature::kNone && !sign::IsPrivateKey(secret)) return absl::OkStatus();
  const absl::Status status = sign::CheckKey(secret);
  return status.ok() ? status : FieldError("secret", status.message());
}

void AddMissingKey(const ApiParts& parts, const SignatureConfig& config, Endpoint& endpoint) {
  if (sign::StandardSignatureOf(config, endpoint) != StandardSignature::kV1a) return;
  const bool has_key =
      std::any_of(endpoint.secrets.begin(), endpoint.secrets.end(), [](const Secret& secret) {
        return !secret.expires_at.has_value() && sign::IsPrivateKey(secret.value);
      });
  if (!has_key && config.signing_key.empty()) {
    endpoint.secrets.push_back(MakeSecret(parts, "", StandardSignature::kV1a));
  }
}

absl::Status AddFirstSecret(const ApiParts& parts, const SignatureConfig& config,
                            std::string secret, Endpoint& endpoint) {
  const StandardSignature standard = sign::StandardSignatureOf(config, endpoint);
  CONVOY_RETURN_IF_ERROR(CheckSecret(secret, standard));
  // A key of the project signs v1a; what the endpoint needs is a secret for Convoy's signature.
  const bool has_project_key = standard == StandardSignature::kV1a && !config.signing_key.empty();
  endpoint.secrets.push_back(
      MakeSecret(parts, std::move(secret), has_project_key ? StandardSignature::kNone : standard));
  AddMissingKey(parts, config, endpoint);
  return absl::OkStatus();
}

absl::StatusOr<Endpoint> MakeEndpoint(const ApiParts& parts, const Project& project,
                                      std::string name, std::string url, std::string secret) {
  Endpoint endpoint{.id = parts.ulids->Next(),
                    .project_id = project.id,
                    .name = std::move(name),
                    .url = std::move(url),
                    .created_at = parts.clock->Now()};
  endpoint.updated_at = endpoint.created_at;
  CONVOY_RETURN_IF_ERROR(CheckEndpointUrl(endpoint.url, project.config.is_https_required));
  CONVOY_RETURN_IF_ERROR(
      AddFirstSecret(parts, project.config.signature, std::move(secret), endpoint));
  return endpoint;
}

}  // namespace convoy::http
