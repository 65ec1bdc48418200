// Policies of lanes, for claims: what the configuration in memory says of each endpoint.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "convoy/lane.h"
#include "convoy/local.h"
#include "lib/config/config_cache.h"

namespace convoy::dispatch {

// A function for ClaimRequest::policy_of: asks the store nothing. Both must outlive it; `local` may
// be null: then no local endpoint is served.
std::function<std::optional<LanePolicy>(std::string_view project_id, std::string_view endpoint_id)>
PoliciesOf(config::ConfigCache* configuration, const LocalTransport* local);

}  // namespace convoy::dispatch
