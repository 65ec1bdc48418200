// Table of routes; see router.h.
#include "lib/http/router.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/http/resource/handlers.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

#define CONVOY_PROJECT "/api/v1/projects/{projectID}"
#define CONVOY_HANDLER(name) name, #name

constexpr Route kRoutes[] = {
    {"GET", "/api/v1/access", Access::kCaller, CONVOY_HANDLER(GetAccess), PortalAccess::kUse},
    {"GET", "/api/v1/presets", Access::kCaller, CONVOY_HANDLER(ListPresetCatalogue),
     PortalAccess::kUse},
    {"GET", "/api/v1/metrics", Access::kInstance, CONVOY_HANDLER(ReadMetrics)},

    {"POST", "/api/v1/projects", Access::kInstance, CONVOY_HANDLER(CreateProject)},
    {"GET", "/api/v1/projects", Access::kInstance, CONVOY_HANDLER(ListProjects)},
    {"GET", CONVOY_PROJECT, Access::kRead, CONVOY_HANDLER(GetProject)},
    {"PUT POST", CONVOY_PROJECT, Access::kWrite, CONVOY_HANDLER(UpdateProject)},
    {"DELETE", CONVOY_PROJECT, Access::kWrite, CONVOY_HANDLER(DeleteProject)},

    {"POST", "/api/v1/import", Access::kInstance, CONVOY_HANDLER(ImportFromConvoy)},

    {"POST", CONVOY_PROJECT "/api-keys", Access::kWrite, CONVOY_HANDLER(CreateApiKey)},
    {"GET", CONVOY_PROJECT "/api-keys", Access::kWrite, CONVOY_HANDLER(ListApiKeys)},
    {"DELETE", CONVOY_PROJECT "/api-keys/{keyID}", Access::kWrite, CONVOY_HANDLER(DeleteApiKey)},

    {"POST", CONVOY_PROJECT "/sources", Access::kWrite, CONVOY_HANDLER(CreateSource)},
    {"GET", CONVOY_PROJECT "/sources", Access::kRead, CONVOY_HANDLER(ListSources)},
    {"POST", CONVOY_PROJECT "/sources/test_function", Access::kRead,
     CONVOY_HANDLER(TestSourceFunction)},
    {"GET", CONVOY_PROJECT "/sources/{sourceID}", Access::kRead, CONVOY_HANDLER(GetSource)},
    {"PUT POST", CONVOY_PROJECT "/sources/{sourceID}", Access::kWrite,
     CONVOY_HANDLER(UpdateSource)},
    {"DELETE", CONVOY_PROJECT "/sources/{sourceID}", Access::kWrite, CONVOY_HANDLER(DeleteSource)},
    {"GET", CONVOY_PROJECT "/sources/{sourceID}/consumer", Access::kRead,
     CONVOY_HANDLER(GetConsumer)},
    {"POST", CONVOY_PROJECT "/sources/{sourceID}/verify", Access::kWrite,
     CONVOY_HANDLER(ExplainRequest)},

    {"POST", CONVOY_PROJECT "/endpoints", Access::kWrite, CONVOY_HANDLER(CreateEndpoint),
     PortalAccess::kManage},
    {"GET", CONVOY_PROJECT "/endpoints", Access::kRead, CONVOY_HANDLER(ListEndpoints),
     PortalAccess::kUse},
    {"GET", CONVOY_PROJECT "/endpoints/period-failure-rates", Access::kRead,
     CONVOY_HANDLER(GetPeriodFailureRates), PortalAccess::kUse},
    {"GET", CONVOY_PROJECT "/endpoints/{endpointID}", Access::kRead, CONVOY_HANDLER(GetEndpoint),
     PortalAccess::kUse},
    {"PUT", CONVOY_PROJECT "/endpoints/{endpointID}", Access::kWrite,
     CONVOY_HANDLER(UpdateEndpoint), PortalAccess::kManage},
    {"DELETE", CONVOY_PROJECT "/endpoints/{endpointID}", Access::kWrite,
     CONVOY_HANDLER(DeleteEndpoint), PortalAccess::kManage},
    {"PUT", CONVOY_PROJECT "/endpoints/{endpointID}/pause", Access::kWrite,
     CONVOY_HANDLER(PauseEndpoint), PortalAccess::kManage},
    {"POST", CONVOY_PROJECT "/endpoints/{endpointID}/activate", Access::kWrite,
     CONVOY_HANDLER(ActivateEndpoint), PortalAccess::kManage},
    {"PUT", CONVOY_PROJECT "/endpoints/{endpointID}/expire_secret", Access::kWrite,
     CONVOY_HANDLER(ExpireEndpointSecret), PortalAccess::kManage},
    {"POST", CONVOY_PROJECT "/endpoints/oauth2/test", Access::kWrite, CONVOY_HANDLER(TestOAuth2)},

    {"POST", CONVOY_PROJECT "/portal-links", Access::kWrite, CONVOY_HANDLER(CreatePortalLink)},
    {"GET", CONVOY_PROJECT "/portal-links", Access::kRead, CONVOY_HANDLER(ListPortalLinks)},
    {"GET", CONVOY_PROJECT "/portal-links/{portalLinkID}", Access::kRead,
     CONVOY_HANDLER(GetPortalLink)},
    {"PUT", CONVOY_PROJECT "/portal-links/{portalLinkID}", Access::kWrite,
     CONVOY_HANDLER(UpdatePortalLink)},
    {"GET", CONVOY_PROJECT "/portal-links/{portalLinkID}/refresh_token", Access::kWrite,
     CONVOY_HANDLER(RefreshPortalToken)},
    {"PUT", CONVOY_PROJECT "/portal-links/{portalLinkID}/revoke", Access::kWrite,
     CONVOY_HANDLER(RevokePortalLink)},

    {"POST", CONVOY_PROJECT "/onboard", Access::kWrite, CONVOY_HANDLER(OnboardEndpoints)},

    {"POST", CONVOY_PROJECT "/subscriptions", Access::kWrite, CONVOY_HANDLER(CreateSubscription)},
    {"GET", CONVOY_PROJECT "/subscriptions", Access::kRead, CONVOY_HANDLER(ListSubscriptions),
     PortalAccess::kUse},
    {"POST", CONVOY_PROJECT "/subscriptions/test_function", Access::kRead,
     CONVOY_HANDLER(TestSubscriptionFunction)},
    {"POST", CONVOY_PROJECT "/subscriptions/test_filter", Access::kRead,
     CONVOY_HANDLER(TestSubscriptionFilter), PortalAccess::kUse},
    {"GET", CONVOY_PROJECT "/subscriptions/{subscriptionID}", Access::kRead,
     CONVOY_HANDLER(GetSubscription), PortalAccess::kUse},
    {"PUT", CONVOY_PROJECT "/subscriptions/{subscriptionID}", Access::kWrite,
     CONVOY_HANDLER(UpdateSubscription)},
    {"DELETE", CONVOY_PROJECT "/subscriptions/{subscriptionID}", Access::kWrite,
     CONVOY_HANDLER(DeleteSubscription)},
    {"PUT", CONVOY_PROJECT "/subscriptions/{subscriptionID}/toggle_status", Access::kWrite,
     CONVOY_HANDLER(ToggleSubscriptionStatus)},
    {"POST", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters", Access::kWrite,
     CONVOY_HANDLER(CreateFilter)},
    {"GET", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters", Access::kRead,
     CONVOY_HANDLER(ListFilters)},
    {"POST", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters/bulk", Access::kWrite,
     CONVOY_HANDLER(CreateFilters)},
    {"PUT POST", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters/bulk_update",
     Access::kWrite, CONVOY_HANDLER(UpdateFilters)},
    {"POST", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters/test/{eventType}",
     Access::kRead, CONVOY_HANDLER(TestFilter)},
    {"GET", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters/{filterID}", Access::kRead,
     CONVOY_HANDLER(GetFilter)},
    {"PUT", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters/{filterID}", Access::kWrite,
     CONVOY_HANDLER(UpdateFilter)},
    {"DELETE", CONVOY_PROJECT "/subscriptions/{subscriptionID}/filters/{filterID}", Access::kWrite,
     CONVOY_HANDLER(DeleteFilter)},

    {"POST", CONVOY_PROJECT "/event-types", Access::kWrite, CONVOY_HANDLER(CreateEventType)},
    {"GET", CONVOY_PROJECT "/event-types", Access::kRead, CONVOY_HANDLER(ListEventTypes),
     PortalAccess::kUse},
    {"POST", CONVOY_PROJECT "/event-types/import", Access::kWrite,
     CONVOY_HANDLER(ImportEventTypes)},
    {"PUT", CONVOY_PROJECT "/event-types/{eventTypeId}", Access::kWrite,
     CONVOY_HANDLER(UpdateEventType)},
    {"POST", CONVOY_PROJECT "/event-types/{eventTypeId}/deprecate", Access::kWrite,
     CONVOY_HANDLER(DeprecateEventType)},

    {"POST", CONVOY_PROJECT "/events", Access::kWrite, CONVOY_HANDLER(CreateEvent)},
    {"POST", CONVOY_PROJECT "/events/fanout", Access::kWrite, CONVOY_HANDLER(CreateFanoutEvent)},
    {"POST", CONVOY_PROJECT "/events/broadcast", Access::kWrite,
     CONVOY_HANDLER(CreateBroadcastEvent)},
    {"POST", CONVOY_PROJECT "/events/dynamic", Access::kWrite, CONVOY_HANDLER(CreateDynamicEvent)},
    {"GET", CONVOY_PROJECT "/events", Access::kRead, CONVOY_HANDLER(ListEvents),
     PortalAccess::kUse},
    {"POST", CONVOY_PROJECT "/events/batchreplay", Access::kWrite,
     CONVOY_HANDLER(BatchReplayEvents)},
    {"GET", CONVOY_PROJECT "/events/countbatchreplayevents", Access::kRead,
     CONVOY_HANDLER(CountBatchReplay)},
    {"GET", CONVOY_PROJECT "/events/{eventID}", Access::kRead, CONVOY_HANDLER(GetEvent),
     PortalAccess::kUse},
    {"PUT", CONVOY_PROJECT "/events/{eventID}/replay", Access::kWrite, CONVOY_HANDLER(ReplayEvent)},

    {"GET", CONVOY_PROJECT "/eventdeliveries", Access::kRead, CONVOY_HANDLER(ListDeliveries),
     PortalAccess::kUse},
    {"POST", CONVOY_PROJECT "/eventdeliveries/forceresend", Access::kWrite,
     CONVOY_HANDLER(ForceResendDeliveries)},
    {"POST", CONVOY_PROJECT "/eventdeliveries/batchretry", Access::kWrite,
     CONVOY_HANDLER(BatchRetryDeliveries)},
    {"GET", CONVOY_PROJECT "/eventdeliveries/countbatchretryevents", Access::kRead,
     CONVOY_HANDLER(CountBatchRetry)},
    {"GET", CONVOY_PROJECT "/eventdeliveries/{eventDeliveryID}", Access::kRead,
     CONVOY_HANDLER(GetDelivery), PortalAccess::kUse},
    {"PUT", CONVOY_PROJECT "/eventdeliveries/{eventDeliveryID}/resend", Access::kWrite,
     CONVOY_HANDLER(ResendDelivery), PortalAccess::kUse},
    {"GET", CONVOY_PROJECT "/eventdeliveries/{eventDeliveryID}/deliveryattempts", Access::kRead,
     CONVOY_HANDLER(ListAttempts), PortalAccess::kUse},
    {"GET",
     CONVOY_PROJECT "/eventdeliveries/{eventDeliveryID}/deliveryattempts/{deliveryAttemptID}",
     Access::kRead, CONVOY_HANDLER(GetAttempt), PortalAccess::kUse},

    {"GET", CONVOY_PROJECT "/meta-events", Access::kRead, CONVOY_HANDLER(ListMetaEvents)},
    {"GET", CONVOY_PROJECT "/meta-events/{metaEventID}", Access::kRead,
     CONVOY_HANDLER(GetMetaEvent)},
    {"PUT", CONVOY_PROJECT "/meta-events/{metaEventID}/resend", Access::kWrite,
     CONVOY_HANDLER(ResendMetaEvent)},

    {"GET", CONVOY_PROJECT "/jobs", Access::kRead, CONVOY_HANDLER(ListJobs)},
    {"GET", CONVOY_PROJECT "/jobs/{jobID}", Access::kRead, CONVOY_HANDLER(GetJob)},
    {"DELETE", CONVOY_PROJECT "/jobs/{jobID}", Access::kWrite, CONVOY_HANDLER(CancelJob)},

    {"GET", CONVOY_PROJECT "/held-inputs", Access::kRead, CONVOY_HANDLER(ListHeldInputs)},
    {"POST", CONVOY_PROJECT "/held-inputs/release", Access::kWrite,
     CONVOY_HANDLER(ReleaseHeldInputs)},
    {"GET", CONVOY_PROJECT "/held-inputs/{heldInputID}", Access::kRead,
     CONVOY_HANDLER(GetHeldInput)},
    {"DELETE", CONVOY_PROJECT "/held-inputs/{heldInputID}", Access::kWrite,
     CONVOY_HANDLER(DeleteHeldInput)},
};

#undef CONVOY_HANDLER
#undef CONVOY_PROJECT

// Takes the part of `path` before its next slash off.
std::string_view TakeSegment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

// Whether `path` has the form of `pattern`; the captured segments are decoded.
bool MatchPath(std::string_view pattern, std::string_view path,
               std::vector<std::string>* captures) {
  captures->clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = TakeSegment(pattern);
    const std::string_view segment = TakeSegment(path);
    if (!expected.starts_with('{')) {
      if (expected != segment) return false;
      continue;
    }
    std::optional<std::string> decoded = base::PercentDecode(segment);
    if (!decoded.has_value() || !MayBeId(*decoded)) return false;
    captures->push_back(*std::move(decoded));
  }
  return pattern.empty() && path.empty();
}

// Convoy's Python client 0.2.0 forgets the slash before "endpoints/" in one of its methods, and in
// no other: ".../{id}endpoints/{id}". Empty for paths of any other form.
std::string MendPath(std::string_view path) {
  constexpr std::string_view kProjects = "/api/v1/projects/";
  constexpr std::string_view kEndpoints = "endpoints";
  constexpr size_t kUlidSize = 26;
  if (!path.starts_with(kProjects)) return {};
  path.remove_prefix(kProjects.size());
  const size_t end = path.find('/');
  if (end == path.npos) return {};
  const std::string_view id = path.substr(0, end);
  const std::string_view rest = path.substr(end);
  if (id.size() != kUlidSize + kEndpoints.size() || !id.ends_with(kEndpoints)) return {};
  return absl::StrCat(kProjects, id.substr(0, kUlidSize), "/", kEndpoints, rest);
}

bool HasMethod(std::string_view methods, std::string_view method) {
  for (const std::string_view each : absl::StrSplit(methods, ' ')) {
    if (each == method) return true;
  }
  return false;
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

RouteMatch MatchRoute(std::string_view method, std::string_view path) {
  RouteMatch match;
  if (!path.starts_with('/')) return match;
  const std::string mended = MendPath(path);
  if (!mended.empty()) path = mended;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> captures;
  for (const Route& route : kRoutes) {
    if (!MatchPath(route.path, path, &captures)) continue;
    for (const std::string_view allowed : absl::StrSplit(route.methods, ' ')) {
      absl::StrAppend(&match.allowed_methods, match.allowed_methods.empty() ? "" : ", ", allowed);
    }
    // Of two patterns that fit, the one that stands first in the table wins.
    if (match.route == nullptr && HasMethod(route.methods, method)) {
      match.route = &route;
      match.captures = captures;
    }
  }
  return match;
}

}  // namespace convoy::http
