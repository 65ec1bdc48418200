// Context of a request that a handler answers, and parts that handlers share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/http.h"
#include "convoy/options.h"
#include "lib/http/api.h"
#include "lib/http/api_version.h"
#include "lib/http/reply.h"
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

// A change of one project's configuration. `build` makes the write from a current snapshot; if it
// is overtaken by another change, it is called again with the new snapshot, a few times. `answer`
// is called once the write is durable.
using BuildWrite = std::function<absl::StatusOr<ConfigWrite>(const Snapshot& project)>;
Reply ChangeProject(const Context& context, BuildWrite build, std::function<HttpResponse()> answer);

// The same for the instance: projects and API keys. `tell` may add what else goes into the
// transaction; it is called after each `build`.
using BuildInstanceWrite = std::function<absl::StatusOr<ConfigWrite>(uint64_t revision)>;
Reply ChangeInstance(const Context& context, BuildInstanceWrite build,
                     std::function<HttpResponse()> answer,
                     std::function<void(WriteBatch&)> tell = nullptr);

}  // namespace convoy::http
