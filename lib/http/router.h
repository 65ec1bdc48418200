// Table of routes: the handler of each method and path, and what the caller's key must allow. The
// table is the only place that knows paths; tests walk it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/request/authentication.h"
#include "lib/http/request/context.h"

namespace convoy::http {

struct Route {
  std::string_view methods;  // one or more, "PUT POST"
  std::string_view path;     // "/api/v1/projects/{projectID}/events"
  Access access;
  Reply (*handle)(const Context& context);
  std::string_view name;  // of the handler, and of the operation in the description of the API
  PortalAccess portal = PortalAccess::kNone;
};

std::span<const Route> Routes();

struct RouteMatch {
  const Route* route = nullptr;       // null: none with this method
  std::string allowed_methods;        // all that are served here: "GET, PUT"; empty: unknown path
  std::vector<std::string> captures;  // of the route
};

RouteMatch MatchRoute(std::string_view method, std::string_view path);

}  // namespace convoy::http
