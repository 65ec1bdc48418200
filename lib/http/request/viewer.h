// Resources as a caller may see them: a viewer's key reads everything but secrets, with which it
// could do more than read.
#pragma once

#include "convoy/model.h"
#include "lib/http/request/context.h"

namespace convoy::http {

// `resource`, with "[REDACTED]" in the place of each secret if the caller is a viewer: secrets and
// authentication of endpoints, secrets of verifiers, and headers of events that could carry any.
Project Shown(const Context& context, Project project);
Endpoint Shown(const Context& context, Endpoint endpoint);
Source Shown(const Context& context, Source source);
// To a portal also without its function, which is the operator's.
Subscription Shown(const Context& context, Subscription subscription);
Event Shown(const Context& context, Event event);
Attempt Shown(const Context& context, Attempt attempt);

}  // namespace convoy::http
