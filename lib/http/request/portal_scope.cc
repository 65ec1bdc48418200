// Narrowing of what a portal link sees; see portal_scope.h.
#include "lib/http/request/portal_scope.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

constexpr size_t kEndpointsMax = 1000;
// No id is this short.
constexpr std::string_view kNone = "-";

}  // namespace

bool IsOfPortal(const PortalLink* portal, const Endpoint& endpoint) {
  return portal == nullptr || endpoint.owner_id == portal->owner_id;
}

bool IsInScope(const Context& context, const Endpoint& endpoint) {
  return IsOfPortal(context.portal.get(), endpoint);
}

const Endpoint* FindEndpointInScope(const Context& context, std::string_view id) {
  const Endpoint* const endpoint = context.project->FindEndpoint(id);
  return endpoint != nullptr && IsInScope(context, *endpoint) ? endpoint : nullptr;
}

absl::Status NarrowToScope(const Context& context, std::vector<std::string>* endpoint_ids) {
  if (context.portal == nullptr) return absl::OkStatus();
  if (endpoint_ids->empty()) {
    for (const Endpoint* const endpoint : context.project->EndpointsOfOwner(
             context.portal->owner_id, /*from_id=*/"", kEndpointsMax + 1)) {
      endpoint_ids->push_back(endpoint->id);
    }
    if (endpoint_ids->size() > kEndpointsMax) {
      return FieldError("endpointId",
                        absl::StrCat("must be given, as the owner has more than ", kEndpointsMax));
    }
  } else {
    std::erase_if(*endpoint_ids, [&](const std::string& id) {
      return FindEndpointInScope(context, id) == nullptr;
    });
  }
  if (endpoint_ids->empty()) endpoint_ids->emplace_back(kNone);
  return absl::OkStatus();
}

Event InScope(const Context& context, Event event) {
  if (context.portal == nullptr) return event;
  std::erase_if(event.endpoint_ids,
                [&](const std::string& id) { return FindEndpointInScope(context, id) == nullptr; });
  return event;
}

}  // namespace convoy::http
