// The handlers of the REST API, one file for each resource.
#pragma once

#include "lib/http/request/context.h"
#include "lib/http/request/reply.h"

namespace convoy::http {

// Of no project.
Reply GetAccess(const Context& context);
Reply ListPresetCatalogue(const Context& context);
Reply ReadMetrics(const Context& context);

Reply CreateProject(const Context& context);
Reply ListProjects(const Context& context);
Reply GetProject(const Context& context);
Reply UpdateProject(const Context& context);
Reply DeleteProject(const Context& context);

Reply ImportFromConvoy(const Context& context);

Reply CreateApiKey(const Context& context);
Reply ListApiKeys(const Context& context);
Reply DeleteApiKey(const Context& context);

Reply CreateSource(const Context& context);
Reply ListSources(const Context& context);
Reply GetSource(const Context& context);
Reply UpdateSource(const Context& context);
Reply DeleteSource(const Context& context);
Reply TestSourceFunction(const Context& context);
Reply GetConsumer(const Context& context);
Reply ExplainRequest(const Context& context);

Reply CreateEndpoint(const Context& context);
Reply ListEndpoints(const Context& context);
Reply GetEndpoint(const Context& context);
Reply UpdateEndpoint(const Context& context);
Reply DeleteEndpoint(const Context& context);
Reply PauseEndpoint(const Context& context);
Reply ActivateEndpoint(const Context& context);
Reply ExpireEndpointSecret(const Context& context);
Reply TestOAuth2(const Context& context);

Reply CreateSubscription(const Context& context);
Reply ListSubscriptions(const Context& context);
Reply GetSubscription(const Context& context);
Reply UpdateSubscription(const Context& context);
Reply DeleteSubscription(const Context& context);
Reply TestSubscriptionFilter(const Context& context);
Reply ToggleSubscriptionStatus(const Context& context);
Reply TestSubscriptionFunction(const Context& context);

Reply CreateFilter(const Context& context);
Reply CreateFilters(const Context& context);
Reply ListFilters(const Context& context);
Reply GetFilter(const Context& context);
Reply UpdateFilter(const Context& context);
Reply UpdateFilters(const Context& context);
Reply DeleteFilter(const Context& context);
Reply TestFilter(const Context& context);

Reply GetPeriodFailureRates(const Context& context);
Reply OnboardEndpoints(const Context& context);

Reply ListMetaEvents(const Context& context);
Reply GetMetaEvent(const Context& context);
Reply ResendMetaEvent(const Context& context);

Reply CreatePortalLink(const Context& context);
Reply ListPortalLinks(const Context& context);
Reply GetPortalLink(const Context& context);
Reply UpdatePortalLink(const Context& context);
Reply RefreshPortalToken(const Context& context);
Reply RevokePortalLink(const Context& context);

Reply CreateEventType(const Context& context);
Reply ListEventTypes(const Context& context);
Reply UpdateEventType(const Context& context);
Reply DeprecateEventType(const Context& context);
Reply ImportEventTypes(const Context& context);

Reply CreateEvent(const Context& context);
Reply CreateFanoutEvent(const Context& context);
Reply CreateBroadcastEvent(const Context& context);
Reply CreateDynamicEvent(const Context& context);
Reply ListEvents(const Context& context);
Reply GetEvent(const Context& context);
Reply ReplayEvent(const Context& context);

Reply ListDeliveries(const Context& context);
Reply GetDelivery(const Context& context);
Reply ResendDelivery(const Context& context);
Reply ForceResendDeliveries(const Context& context);
Reply ListAttempts(const Context& context);
Reply GetAttempt(const Context& context);

Reply BatchRetryDeliveries(const Context& context);
Reply CountBatchRetry(const Context& context);
Reply BatchReplayEvents(const Context& context);
Reply CountBatchReplay(const Context& context);
Reply ListJobs(const Context& context);
Reply GetJob(const Context& context);
Reply CancelJob(const Context& context);

Reply ListHeldInputs(const Context& context);
Reply GetHeldInput(const Context& context);
Reply DeleteHeldInput(const Context& context);
Reply ReleaseHeldInputs(const Context& context);

// Not of the REST API: `context.captures` holds the mask, and what stands behind it in the path.
Reply Ingest(const Context& context);

}  // namespace convoy::http
