// Handlers of endpoints, the receivers of events.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/http/request/pagination.h"
#include "lib/http/request/portal_scope.h"
#include "lib/http/request/viewer.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/endpoint_secrets.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/endpoint_fields.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/sign/standard_webhooks.h"

namespace convoy::http {
namespace {

// Each live one signs, so they make the signature longer.
constexpr size_t kSecretsMax = 16;
// That portals may make; a caller with a key may make more for an owner.
constexpr size_t kEndpointsOfOwnerMax = 1000;

// State of its breaker in this process, and of its rate in the store, for every process.
std::optional<dispatch::EndpointHealth> HealthOf(const ApiParts& parts, const Endpoint& endpoint) {
  std::optional<dispatch::EndpointHealth> health;
  if (parts.dispatcher != nullptr) health = parts.dispatcher->HealthOf(endpoint.id);
  if (health.has_value()) health->throttled_until.reset();
  if (endpoint.rate_limit.count == 0 || endpoint.status != EndpointStatus::kActive) return health;
  const absl::StatusOr<absl::Time> closed_until = parts.storage->LaneClosedUntil(
      {.project_id = endpoint.project_id, .endpoint_id = endpoint.id}, parts.clock->Now());
  if (!closed_until.ok() || *closed_until == absl::InfinitePast()) return health;
  if (!health.has_value()) health.emplace();
  health->throttled_until = *closed_until;
  return health;
}

std::string EndpointJson(const Endpoint& endpoint, ApiVersion version) {
  return ToJson([&](json::Writer& writer) { WriteEndpoint(writer, endpoint, version); });
}

// Changes one endpoint: `change` is given the current one, each time anew.
Reply ChangeEndpoint(const Context& context, int code, std::string message, std::string not_found,
                     std::function<absl::Status(Endpoint&)> change) {
  auto changed = std::make_shared<Endpoint>();
  return ChangeProject(
      context,
      [changed, change = std::move(change), id = context.capture(1),
       not_found = std::move(not_found), portal = context.portal,
       clock = context.parts->clock](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Endpoint* current = project->FindEndpoint(id);
        const bool is_there = current != nullptr && IsOfPortal(portal.get(), *current);
        if (!is_there) return absl::InvalidArgumentError(not_found);
        *changed = *current;
        changed->updated_at = clock->Now();
        CONVOY_RETURN_IF_ERROR(change(*changed));
        // Managers of the endpoints of one owner cannot give them to another.
        if (portal != nullptr) changed->owner_id = portal->owner_id;
        return ConfigWrite{.puts = {*changed}};
      },
      [changed, code, message = std::move(message), version = context.version] {
        return Success(code, message, EndpointJson(*changed, version));
      });
}

// Secrets are rotated by an operation of their own, so that the old one goes on signing for a
// while.
absl::Status RefuseOtherSecret(const json::Document& document, const Endpoint& endpoint) {
  json::ObjectReader reader(document);
  std::string secret;
  reader.Read("secret", &secret);
  CONVOY_RETURN_IF_ERROR(reader.status());
  const bool is_known = std::any_of(endpoint.secrets.begin(), endpoint.secrets.end(),
                                    [&](const Secret& each) { return each.value == secret; });
  if (secret.empty() || is_known) return absl::OkStatus();
  return FieldError("secret", "cannot be changed by an update, use expire_secret");
}

// The kind of secret that a rotation without one makes: a key where the endpoint has one of its
// own.
StandardSignature KindOf(const Endpoint& endpoint, StandardSignature standard) {
  if (standard != StandardSignature::kV1a) return standard;
  const bool has_key =
      std::any_of(endpoint.secrets.begin(), endpoint.secrets.end(),
                  [](const Secret& secret) { return sign::IsPrivateKey(secret.value); });
  return has_key ? StandardSignature::kV1a : StandardSignature::kNone;
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
  Endpoint endpoint{
      .id = parts.ulids->Next(),
      .project_id = context.project->project().id,
      .has_advanced_signatures = !context.version.has_text_durations ||
                                 context.project->project().type == ProjectType::kIncoming,
      .created_at = parts.clock->Now()};
  endpoint.updated_at = endpoint.created_at;
  absl::Status status = ReadEndpoint(
      *document, {context.project->project(), *context.options, context.portal == nullptr},
      endpoint.created_at, nullptr, &endpoint);
  if (!status.ok()) return FromStatus(status);
  if (context.portal != nullptr) endpoint.owner_id = context.portal->owner_id;
  status = AddFirstSecret(parts, context.project->project().config.signature, secret, endpoint);
  if (!status.ok()) return FromStatus(status);
  const std::string data = EndpointJson(endpoint, context.version);
  return ChangeProject(
      context,
      [endpoint, portal = context.portal](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        if (portal != nullptr &&
            project->CountEndpointsOfOwner(endpoint.owner_id) >= kEndpointsOfOwnerMax) {
          return FieldError("owner_id", absl::StrCat("has ", kEndpointsOfOwnerMax,
                                                     " endpoints, a portal cannot make more"));
        }
        return ConfigWrite{.puts = {endpoint}};
      },
      [data] { return Success(201, "Endpoint created successfully", data); });
}

Reply ListEndpoints(const Context& context) {
  const std::string_view query = context.request->query;
  const PageRequest page = ParsePage(query);
  // The contract and Convoy's Go client spell this key differently.
  std::string name = ParameterOf(query, "q");
  if (name.empty()) name = ParameterOf(query, "query");
  ConfigQuery wanted{.project_id = context.project->project().id, .name_contains = std::move(name)};
  const std::string owner_id = ParameterOf(query, "ownerId");
  if (context.portal != nullptr) {
    wanted.conditions.push_back({.field = "owner_id", .values = {context.portal->owner_id}});
  }
  if (!owner_id.empty()) wanted.conditions.push_back({.field = "owner_id", .values = {owner_id}});
  const auto endpoints = ListConfig<Endpoint>(*context.parts->storage, std::move(wanted), page);
  if (!endpoints.ok()) return FromStatus(endpoints.status());
  return Success(200, "Endpoints fetched successfully",
                 PageToJson(*endpoints, page, [&](json::Writer& writer, const Endpoint& endpoint) {
                   WriteEndpoint(writer, Shown(context, endpoint), context.version,
                                 HealthOf(*context.parts, endpoint));
                 }));
}

Reply GetEndpoint(const Context& context) {
  const Endpoint* endpoint = FindEndpointInScope(context, context.capture(1));
  if (endpoint == nullptr) return Failure(404, "Resource not found");
  return Success(200, "Endpoint fetched successfully", ToJson([&](json::Writer& writer) {
                   WriteEndpoint(writer, Shown(context, *endpoint), context.version,
                                 HealthOf(*context.parts, *endpoint));
                 }));
}

Reply UpdateEndpoint(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  const auto body = std::make_shared<std::string>(context.request->body);
  return ChangeEndpoint(
      context, 202, "Endpoint updated successfully", "endpoint not found",
      [body, project = context.project, parts = context.parts, options = context.options,
       may_be_local = context.portal == nullptr](Endpoint& endpoint) -> absl::Status {
        CONVOY_ASSIGN_OR_RETURN(const json::Document fields, json::Parse(*body, {}));
        CONVOY_RETURN_IF_ERROR(RefuseOtherSecret(fields, endpoint));
        const Endpoint stored = endpoint;
        endpoint.url.clear();
        endpoint.name.clear();
        endpoint.description.clear();
        endpoint.content_type = Endpoint().content_type;
        endpoint.rate_limit = Endpoint().rate_limit;
        endpoint.auth = {};
        CONVOY_RETURN_IF_ERROR(ReadEndpoint(fields, {project->project(), *options, may_be_local},
                                            endpoint.updated_at, &stored, &endpoint));
        AddMissingKey(*parts, project->project().config.signature, endpoint);
        return absl::OkStatus();
      });
}

Reply DeleteEndpoint(const Context& context) {
  return ChangeProject(
      context,
      [id = context.capture(1),
       portal = context.portal](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        const Endpoint* const endpoint = project->FindEndpoint(id);
        if (endpoint == nullptr || !IsOfPortal(portal.get(), *endpoint)) {
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
  // The newest secret says of which kind the new one is, if none is given.
  return ChangeEndpoint(
      context, 200, "endpoint secret expired successfully", "endpoint not found",
      [value, expiration_s, parts = context.parts,
       project = context.project](Endpoint& endpoint) -> absl::Status {
        const StandardSignature standard =
            sign::StandardSignatureOf(project->project().config.signature, endpoint);
        CONVOY_RETURN_IF_ERROR(CheckSecret(value, standard));
        const Secret added = MakeSecret(*parts, value, KindOf(endpoint, standard));
        const bool is_key = sign::IsPrivateKey(added.value);
        const auto live = std::find_if(
            endpoint.secrets.begin(), endpoint.secrets.end(), [is_key](const Secret& secret) {
              return !secret.expires_at.has_value() && sign::IsPrivateKey(secret.value) == is_key;
            });
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
        if (endpoint.secrets.size() >= kSecretsMax) {
          return absl::InvalidArgumentError(
              "too many secrets are still expiring, wait until one has expired");
        }
        endpoint.secrets.push_back(added);
        return absl::OkStatus();
      });
}

}  // namespace convoy::http
