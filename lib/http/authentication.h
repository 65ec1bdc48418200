// Authentication and authorisation of API requests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/http.h"
#include "lib/http/api.h"

namespace convoy::http {

// Permission that a route requires of the key.
enum class Access { kRead, kWrite, kInstance };

// The token after "Bearer" in the request's one Authorization header; empty if there is none.
std::string_view BearerTokenOf(const HttpRequest& request);

// The key that the request carries as "Authorization: Bearer CO.<mask>.<secret>". kUnauthenticated
// if there is none, or it is unknown, wrong or expired; which of these is not told.
absl::StatusOr<std::shared_ptr<const ApiKey>> Authenticate(const ApiParts& parts,
                                                           const HttpRequest& request);

// A key as Convoy stores it: the text of the salt, the hash in base64. Only mask, salt and hash are
// set; nullopt if one of them has another form.
std::optional<ApiKey> ConvoyApiKey(std::string mask, std::string salt, std::string_view hash);

// kPermissionDenied unless the key's role allows `access` to `project_id` (empty: the instance).
absl::Status Authorize(const ApiKey& key, Access access, std::string_view project_id);

}  // namespace convoy::http
