// Construction of deliveries from matching subscriptions.
#pragma once

#include <string_view>
#include <vector>

#include "convoy/model.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/route/snapshot.h"

namespace convoy::intake {

// One delivery of `event` for each of `subscriptions`, due at `now`. Deliveries to an inactive
// endpoint are made, and discarded at once; those to a paused one wait. A subscription whose
// endpoint is gone gives none.
std::vector<Delivery> MakeDeliveries(const route::ProjectSnapshot& project, const Event& event,
                                     const std::vector<const Subscription*>& subscriptions,
                                     absl::Time now, base::UlidGenerator& ulids);

// A submission of `event`, whose status, reason and endpoint ids become what its deliveries make
// them.
Submission MakeSubmission(const route::ProjectSnapshot& project, Event event,
                          const std::vector<const Subscription*>& subscriptions,
                          base::UlidGenerator& ulids);

// The subscription of a project whose endpoint has none: it wants everything.
Subscription MakeImplicitSubscription(const Endpoint& endpoint, absl::Time now,
                                      base::UlidGenerator& ulids);

}  // namespace convoy::intake
