// Policies of lanes out of project snapshots.
#include "lib/dispatch/lane_policies.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "lib/model/local_name.h"

namespace convoy::dispatch {
namespace {

// An endpoint is limited by a limit of its own, for which the project's says in which time it holds
// where the endpoint leaves that open, and by those of its subscriptions. Where there are several,
// the one that holds for all is an even pace at the lowest rate: one delivery at a time.
RateLimit RateLimitOf(const Endpoint& endpoint, const route::ProjectSnapshot& project) {
  std::vector<RateLimit> limits = project.LowestLimitsOf(endpoint.id, 2);
  RateLimit own = endpoint.rate_limit;
  if (own.window <= absl::ZeroDuration()) own.window = project.project().config.rate_limit.window;
  if (own.count > 0) limits.push_back(own);
  if (limits.empty()) return own;
  if (limits.size() == 1) return limits.front();
  absl::Duration interval = absl::ZeroDuration();
  for (const RateLimit& limit : limits) interval = std::max(interval, limit.window / limit.count);
  return {.count = 1, .window = interval};
}

}  // namespace

std::function<std::optional<LanePolicy>(std::string_view project_id, std::string_view endpoint_id)>
PoliciesOf(config::ConfigCache* configuration, const LocalTransport* local) {
  return [configuration, local](std::string_view project_id,
                                std::string_view endpoint_id) -> std::optional<LanePolicy> {
    const std::shared_ptr<const route::ProjectSnapshot> project =
        configuration->FindHeldProject(project_id);
    if (project == nullptr) return std::nullopt;
    LanePolicy policy{.revision = project->revision()};
    const Endpoint* const endpoint = project->FindEndpoint(endpoint_id);
    // Deliveries to an endpoint that is gone are handed out to be discarded.
    if (endpoint == nullptr) return policy;
    policy.rate_limit = RateLimitOf(*endpoint, *project);
    policy.is_paused = endpoint->status == EndpointStatus::kPaused;
    policy.is_disabled = endpoint->status == EndpointStatus::kInactive;
    if (const auto name = model::LocalNameOf(endpoint->url)) {
      // A closed lane sleeps whether the name is served or not.
      policy.is_unserved = !policy.is_closed() && (local == nullptr || local->RoomOf(*name) == 0);
    }
    policy.is_fifo = endpoint->is_fifo;
    return policy;
  };
}

}  // namespace convoy::dispatch
