// Scope of a portal link: the endpoints of its owner. For a caller with a key everything of the
// project is in scope.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "lib/http/request/context.h"

namespace convoy::http {

// Null for what is not in scope, as for what is not there.
const Endpoint* FindEndpointInScope(const Context& context, std::string_view id);
bool IsInScope(const Context& context, const Endpoint& endpoint);
// The same where the request is gone; null: a caller with a key.
bool IsOfPortal(const PortalLink* portal, const Endpoint& endpoint);

// The condition on endpoints of a list, which is what was asked for, narrowed to the scope. If
// nothing is left, the condition is one that no object meets. kInvalidArgument if the owner has too
// many endpoints for a list of all of them.
absl::Status NarrowToScope(const Context& context, std::vector<std::string>* endpoint_ids);

// Without the endpoints that are not in scope.
Event InScope(const Context& context, Event event);

}  // namespace convoy::http
