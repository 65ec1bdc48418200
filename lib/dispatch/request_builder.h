// Builder of the request that carries a delivery.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/transport.h"

namespace convoy::dispatch {

// The request of one attempt at `now`: the event's bytes, its headers, ids, signature and the
// endpoint's authentication. The body is not copied: it lives as long as `event` does.
// kFailedPrecondition if the endpoint cannot be signed for, or a header that is configured for the
// signature, the ids or the authentication would take the place of one of the connection's.
absl::StatusOr<OutgoingRequest> BuildRequest(const ProjectConfig& config, const Endpoint& endpoint,
                                             const Delivery& delivery,
                                             const std::shared_ptr<const Event>& event,
                                             absl::Time now);

// How long an attempt may take by what its endpoint is configured to.
absl::Duration TimeoutOf(const Endpoint& endpoint);

}  // namespace convoy::dispatch
