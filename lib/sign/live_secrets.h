// Which secrets of an endpoint sign.
#pragma once

#include <vector>

#include "absl/time/time.h"

#include "convoy/model.h"

namespace convoy::sign {

// Those that have not expired, oldest first. Empty ones are left out. They live as long as the
// endpoint.
std::vector<const Secret*> LiveSecrets(const Endpoint& endpoint, absl::Time now);

}  // namespace convoy::sign
