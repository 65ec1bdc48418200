// Context of a request that a handler answers, and parts that handlers share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/http.h"
#include "convoy/options.h"
#include "lib/http/request/api_parts.h"
#include "lib/http/request/reply.h"
#include "lib/http/shape/api_version.h"
#include "lib/json/document.h"
#include "lib/route/snapshot.h"

namespace convoy::http {

using Snapshot = std::shared_ptr<const route::ProjectSnapshot>;

// Borrowed for the time of a request; copied into what finishes it later.
struct Context {
  const GatewayOptions* options;
  const ApiParts* parts;
  const HttpRequest* request;
  std::vector<std::string> captures;  // decoded path segments, in the order of the route
  Snapshot project;                   // of the route's {projectID}; null for other routes
  Role role = Role::kProjectViewer;   // of the caller's key, where a key is needed
  ApiVersion version = {};
  std::shared_ptr<const ApiKey> key;         // the caller's; null: a portal link's token was used
  std::shared_ptr<const PortalLink> portal;  // whose token was used, if one was; then `role` is
                                             // that of a viewer

  const std::string& capture(size_t index) const { return captures[index]; }
};

// The body as a tree without repeated keys; the status says what is wrong with it.
absl::StatusOr<json::Document> ParseBody(const Context& context, const json::Limits& limits = {});
absl::Status RepeatedKeyError(std::string_view key);
// A key that some object within `root` has twice. Parsers differ in which of the two counts, and
// what was checked must be what is used.
std::optional<std::string_view> FindRepeatedKey(const json::Value& root);

}  // namespace convoy::http
