// Authentication and authorisation of API requests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/http.h"
#include "lib/http/request/api_parts.h"

namespace convoy::http {

// Permission that a route requires of the key; kCaller: every credential that is right.
enum class Access { kCaller, kRead, kWrite, kInstance };

// Limits of what a route lets the token of a portal link do. A handler that lets one in shows and
// changes nothing but the belongings of the link's owner (portal_scope.h).
enum class PortalAccess { kNone, kUse, kManage };

// Credential that a request has shown: a key, or the token of a portal link. One of them is set.
struct Caller {
  std::shared_ptr<const ApiKey> key;
  std::shared_ptr<const PortalLink> portal;
};

// The token after "Bearer" in the request's one Authorization header; empty if there is none.
std::string_view BearerTokenOf(const HttpRequest& request);

// The credential of a request, "Authorization: Bearer CO.<mask>.<secret>" (a key) or "Bearer
// PRT.<mask>.<secret>" (of a portal link). kUnauthenticated if there is none, or it is unknown,
// wrong or expired; which of these is not told.
absl::StatusOr<Caller> Authenticate(const ApiParts& parts, const HttpRequest& request);

// A new key, to be shown once, and what is stored of it.
struct NewApiKey {
  ApiKey stored;
  std::string text;  // "CO.<mask>.<secret>": shown once
};
NewApiKey MakeApiKey(Role role, std::string project_id, std::string name, const ApiParts& parts);

// A key as Convoy stores it: the text of the salt, the hash in base64. Only mask, salt and hash are
// set; nullopt if one of them has another form.
std::optional<ApiKey> ConvoyApiKey(std::string mask, std::string salt, std::string_view hash);

// kPermissionDenied unless the key's role allows `access` to `project_id` (empty: the instance), or
// the portal link allows `portal_access` to its own project.
absl::Status Authorize(const Caller& caller, Access access, PortalAccess portal_access,
                       std::string_view project_id);

// A new token of a portal link with this mask, to be shown once, and what is stored of it.
struct NewPortalToken {
  PortalToken stored;
  std::string text;
};
std::string MakePortalMask(const ApiParts& parts);
NewPortalToken MakePortalToken(const ApiParts& parts, std::string_view mask);

}  // namespace convoy::http
