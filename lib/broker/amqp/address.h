// Resolution of a host name to the addresses that the guard allows.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/transport/guard.h"

namespace convoy::broker::amqp {

// Numeric addresses in the resolver's order, at least one. kUnavailable if the name cannot be
// resolved, kPermissionDenied if the guard denies all of its addresses. Blocks as long as the
// system's resolver.
absl::StatusOr<std::vector<std::string>> ResolveAllowed(const std::string& host,
                                                        const transport::Guard& guard);

}  // namespace convoy::broker::amqp
