// Span of an attempt: beneath the reception of its event, in the event's trace (lib/trace).
#pragma once

#include <string_view>

#include "convoy/model.h"
#include "convoy/observer.h"
#include "convoy/span.h"
#include "lib/trace/context.h"

namespace convoy::dispatch {

// An attempt that has ended. `delivery` is as it was before it.
struct EndedAttempt {
  const Event& event;
  const Delivery& delivery;
  const Attempt& attempt;
  const trace::TraceContext& context;
  std::string_view outcome;
};

// Hands an attempt to the observer, and to the sink unless it is null
// (docs/observability/README.md has the fields and attributes).
void TellSpan(const EndedAttempt& ended, Observer& observer, SpanSink* sink);

}  // namespace convoy::dispatch
