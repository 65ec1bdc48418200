// Filters of lists of what flows, as query parameters say them: for the lists, and for what is done
// to all that such a list would show.
#pragma once

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/http/request/context.h"

namespace convoy::http {

// Without searches (search.h), which batches do not have.
// kInvalidArgument, with the parameter's name, for what cannot be read or is not supported.
absl::StatusOr<EventQuery> ReadEventQuery(const Context& context);
absl::StatusOr<DeliveryQuery> ReadDeliveryQuery(const Context& context);

// Whether a list is to have the bodies: "withoutData=true" leaves them out.
bool WantsData(const Context& context);

}  // namespace convoy::http
