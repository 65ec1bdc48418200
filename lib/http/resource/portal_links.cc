// Handlers of portal links: access for one owner to the endpoints of that owner. A token is shown
// when it is made, and at no other time.
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/authentication.h"
#include "lib/http/request/pagination.h"
#include "lib/http/resource/config_change.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/fields.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/event_checks.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr absl::Duration kTokenAge = absl::Hours(1);
// Live ones of a link; beyond that the oldest goes.
constexpr size_t kTokensMax = 16;
constexpr size_t kEndpointsShown = 100;
constexpr size_t kEndpointsMax = 256;  // that a request may give to the owner

// A link as a request makes it, and what is told once.
struct Change {
  PortalLink link;
  std::vector<Endpoint> claimed;  // endpoints that get the link's owner
  std::string token;              // that was made; empty: none
};

void WriteEndpoints(json::Writer& writer, const PortalLink& link,
                    const std::vector<const Endpoint*>& endpoints) {
  writer.Key("endpoints").BeginArray();
  for (const Endpoint* const endpoint : endpoints) writer.String(endpoint->id);
  writer.EndArray();
  writer.Key("endpoints_metadata").BeginArray();
  for (const Endpoint* const endpoint : endpoints) {
    writer.BeginObject()
        .Field("uid", endpoint->id)
        .Field("name", endpoint->name)
        .Field("project_id", link.project_id)
        .Field("owner_id", endpoint->owner_id)
        .Field("url", endpoint->url)
        .Field("status", model::Name(endpoint->status))
        .EndObject();
  }
  writer.EndArray();
}

void WriteLink(json::Writer& writer, const PortalLink& link, const Snapshot& project,
               std::string_view public_url, std::string_view token) {
  const bool is_static = link.auth == PortalAuth::kStaticToken;
  writer.BeginObject()
      .Field("uid", link.id)
      .Field("project_id", link.project_id)
      .Field("name", link.name)
      .Field("owner_id", link.owner_id)
      .Field("auth_type", model::Name(link.auth))
      .Field("can_manage_endpoint", link.may_manage_endpoints)
      .Field("token", is_static ? token : "")
      .Field("auth_key", is_static ? "" : token)
      .Field("url", absl::StrCat(public_url, "/portal", token.empty() ? "" : "?token=", token))
      .Field("endpoint_count",
             static_cast<uint64_t>(project->CountEndpointsOfOwner(link.owner_id)));
  WriteEndpoints(writer, link, project->EndpointsOfOwner(link.owner_id, "", kEndpointsShown));
  WriteTimeField(writer, "created_at", link.created_at);
  WriteTimeField(writer, "updated_at", link.updated_at);
  WriteNullField(writer, "deleted_at");
  writer.EndObject();
}

std::string LinkJson(const Context& context, const PortalLink& link) {
  return ToJson([&](json::Writer& writer) {
    WriteLink(writer, link, context.project, context.options->public_url, "");
  });
}

// Makes a token and keeps it with its link.
std::string AddToken(const ApiParts& parts, PortalLink& link) {
  NewPortalToken token = MakePortalToken(parts, link.mask_id);
  const absl::Time now = parts.clock->Now();
  std::erase_if(link.tokens, [now](const PortalToken& each) {
    return each.expires_at.has_value() && *each.expires_at <= now;
  });
  const auto passing = std::find_if(link.tokens.begin(), link.tokens.end(),
                                    [](const PortalToken& each) { return each.expires_at; });
  if (link.tokens.size() >= kTokensMax && passing != link.tokens.end()) link.tokens.erase(passing);
  link.tokens.push_back(std::move(token.stored));
  return std::move(token.text);
}

std::string AddPassingToken(const ApiParts& parts, PortalLink& link) {
  std::string text = AddToken(parts, link);
  link.tokens.back().expires_at = parts.clock->Now() + kTokenAge;
  return text;
}

// Endpoints that a request names get the link's owner, unless they have another one.
absl::Status ClaimEndpoints(const std::vector<std::string>& ids, const Snapshot& project,
                            absl::Time now, Change& change) {
  change.claimed.clear();
  for (const std::string& id : ids) {
    const Endpoint* const endpoint = project->FindEndpoint(id);
    if (endpoint == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("failed to find endpoint ", id));
    }
    if (endpoint->owner_id == change.link.owner_id) continue;
    if (!endpoint->owner_id.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("endpoint ", id, " already has owner_id ", endpoint->owner_id));
    }
    change.claimed.push_back(*endpoint);
    change.claimed.back().owner_id = change.link.owner_id;
    change.claimed.back().updated_at = now;
  }
  return absl::OkStatus();
}

// Reads a request over the link as it is. Rights that a request leaves out are taken away; the
// owner and the kind of token stay.
absl::Status ReadLink(std::string_view body, const ApiParts& parts, const Snapshot& project,
                      Change& change) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, json::Parse(body, {}));
  PortalLink& link = change.link;
  const PortalAuth auth_before = link.auth;
  const std::string owner_before = link.owner_id;
  ObjectReader reader(document);
  std::string name, owner_id;
  std::vector<std::string> endpoint_ids;
  link.may_manage_endpoints = false;
  reader.Read("name", &name);
  if (reader.Read("owner_id", &owner_id) && !owner_id.empty()) link.owner_id = owner_id;
  reader.Read("can_manage_endpoint", &link.may_manage_endpoints);
  reader.Read("endpoints", &endpoint_ids);
  ReadEnum(reader, "auth_type", "must be static_token or refresh_token", &link.auth);
  if (name.empty()) reader.FailField("name", "please provide a valid name");
  if (link.owner_id.empty()) reader.FailField("owner_id", "please provide an owner id");
  reader.Fail(CheckText("name", name));
  reader.Fail(CheckText("owner_id", link.owner_id, intake::kOwnerIdBytesMax));
  if (endpoint_ids.size() > kEndpointsMax) {
    reader.FailField("endpoints", absl::StrCat("must have at most ", kEndpointsMax, " entries"));
  }
  CONVOY_RETURN_IF_ERROR(reader.status());
  link.name = name;
  link.updated_at = parts.clock->Now();
  CONVOY_RETURN_IF_ERROR(ClaimEndpoints(endpoint_ids, project, link.updated_at, change));
  // A token was given to one owner, and shows nothing of another.
  const bool keeps_tokens = link.auth == auth_before && link.owner_id == owner_before;
  if (!link.tokens.empty() && keeps_tokens) return absl::OkStatus();
  link.tokens.clear();
  change.token =
      link.auth == PortalAuth::kStaticToken ? AddToken(parts, link) : AddPassingToken(parts, link);
  return absl::OkStatus();
}

absl::StatusOr<PortalLink> GetLink(const ApiParts& parts, const std::string& project_id,
                                   const std::string& id) {
  absl::StatusOr<PortalLink> link = GetConfig<PortalLink>(*parts.storage, project_id, id);
  if (absl::IsNotFound(link.status())) return absl::NotFoundError("Resource not found");
  return link;
}

// Writes the link that `make` gives, which is called each time anew, and answers with it.
Reply WriteLinkChange(const Context& context, int code, std::string message,
                      std::function<absl::StatusOr<Change>(const Snapshot&)> make) {
  auto change = std::make_shared<Change>();
  auto after = std::make_shared<Snapshot>();
  return ChangeProject(
      context,
      [change, after,
       make = std::move(make)](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_ASSIGN_OR_RETURN(*change, make(project));
        ConfigWrite write{.puts = {change->link}};
        for (const Endpoint& endpoint : change->claimed) write.puts.push_back(endpoint);
        CONVOY_ASSIGN_OR_RETURN(*after, project->WithChanges({.revision = project->revision(),
                                                              .is_complete = true,
                                                              .puts = write.puts}));
        return write;
      },
      [change, after, code, message = std::move(message),
       public_url = context.options->public_url] {
        return Success(code, message, ToJson([&](json::Writer& writer) {
                         WriteLink(writer, change->link, *after, public_url, change->token);
                       }));
      });
}

}  // namespace

Reply CreatePortalLink(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  PortalLink link{.id = context.parts->ulids->Next(),
                  .project_id = context.project->project().id,
                  .mask_id = MakePortalMask(*context.parts),
                  .created_at = context.parts->clock->Now()};
  return WriteLinkChange(
      context, 201, "Portal link created successfully",
      [link = std::move(link), parts = context.parts, body = std::string(context.request->body)](
          const Snapshot& project) -> absl::StatusOr<Change> {
        Change change{.link = link};
        CONVOY_RETURN_IF_ERROR(ReadLink(body, *parts, project, change));
        return change;
      });
}

Reply UpdatePortalLink(const Context& context) {
  const auto document = ParseBody(context);
  if (!document.ok()) return FromStatus(document.status());
  return WriteLinkChange(
      context, 202, "Portal link updated successfully",
      [id = context.capture(1), parts = context.parts, body = std::string(context.request->body)](
          const Snapshot& project) -> absl::StatusOr<Change> {
        Change change;
        CONVOY_ASSIGN_OR_RETURN(change.link, GetLink(*parts, project->project().id, id));
        CONVOY_RETURN_IF_ERROR(ReadLink(body, *parts, project, change));
        return change;
      });
}

Reply ListPortalLinks(const Context& context) {
  const std::string_view query = context.request->query;
  ConfigQuery wanted{.project_id = context.project->project().id,
                     .name_contains = ParameterOf(query, "q")};
  const std::string owner_id = ParameterOf(query, "ownerId");
  if (!owner_id.empty()) wanted.conditions.push_back({.field = "owner_id", .values = {owner_id}});
  const absl::Status refused = RefuseParameters(query, {"endpointId"});
  if (!refused.ok()) return FromStatus(refused);
  const PageRequest page = ParsePage(query);
  const auto links = ListConfig<PortalLink>(*context.parts->storage, std::move(wanted), page);
  if (!links.ok()) return FromStatus(links.status());
  return Success(200, "Portal links fetched successfully",
                 PageToJson(*links, page, [&](json::Writer& writer, const PortalLink& link) {
                   writer.Raw(LinkJson(context, link));
                 }));
}

Reply GetPortalLink(const Context& context) {
  const auto link = GetLink(*context.parts, context.project->project().id, context.capture(1));
  if (!link.ok()) return FromStatus(link.status());
  return Success(200, "Portal link fetched successfully", LinkJson(context, *link));
}

// Makes a token of an hour, whatever the link's own kind is. The contract has a GET here.
Reply RefreshPortalToken(const Context& context) {
  auto token = std::make_shared<std::string>();
  return ChangeProject(
      context,
      [token, id = context.capture(1),
       parts = context.parts](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_ASSIGN_OR_RETURN(PortalLink link, GetLink(*parts, project->project().id, id));
        *token = AddPassingToken(*parts, link);
        return ConfigWrite{.puts = {link}};
      },
      [token] {
        return Success(200, "Portal link fetched successfully",
                       ToJson([&](json::Writer& writer) { writer.String(*token); }));
      });
}

// All tokens of the link end with it.
Reply RevokePortalLink(const Context& context) {
  return ChangeProject(
      context,
      [id = context.capture(1),
       parts = context.parts](const Snapshot& project) -> absl::StatusOr<ConfigWrite> {
        CONVOY_RETURN_IF_ERROR(GetLink(*parts, project->project().id, id).status());
        return ConfigWrite{.removes = {{.kind = ConfigKind::kPortalLink, .id = id}}};
      },
      [] { return Success(200, "Portal link revoked successfully"); });
}

}  // namespace convoy::http
