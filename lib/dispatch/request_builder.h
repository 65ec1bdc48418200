// Builder of the request that carries a delivery.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/local.h"
#include "convoy/model.h"
#include "convoy/transport.h"

namespace convoy::dispatch {

// The request of one attempt at `now`: the event's bytes, its headers, ids, signature and the
// endpoint's authentication. The body is not copied: it lives as long as `event` does.
// kFailedPrecondition if the endpoint cannot be signed for, or a header that is configured for the
// signature, the ids or the authentication would take the place of one of the connection's.
// `trace_header` is GatewayOptions::trace_header, of projects without one of their own.
absl::StatusOr<OutgoingRequest> BuildRequest(const ProjectConfig& config, const Endpoint& endpoint,
                                             const Delivery& delivery,
                                             const std::shared_ptr<const Event>& event,
                                             absl::Time now,
                                             std::string_view trace_header = "traceparent");

// The same for a local endpoint called `name`: the event's bytes and headers, and ids. Nothing can
// be wrong with it. `time_left` is left to the caller.
LocalRequest BuildLocalRequest(const ProjectConfig& config, const Endpoint& endpoint,
                               std::string_view name, const Delivery& delivery,
                               const std::shared_ptr<const Event>& event);

// How long an attempt may take by what its endpoint is configured to. A local endpoint that says
// nothing: infinite, its lease bounds it.
absl::Duration TimeoutOf(const Endpoint& endpoint);

}  // namespace convoy::dispatch
