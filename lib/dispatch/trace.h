// Trace context of deliveries (W3C Trace Context, w3.org/TR/trace-context): an attempt is a span,
// in the trace of the request that brought the event, or in one that begins with the event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "convoy/http.h"
#include "convoy/model.h"
#include "convoy/observer.h"

namespace convoy::dispatch {

// All in lower-case hexadecimal digits.
struct TraceContext {
  std::string trace_id;   // 32
  std::string parent_id;  // 16, of the sender's span; empty: the trace begins with the event
  std::string flags;      // 2: "01", it is sampled
};

// Reads the event's one traceparent. Where there is none that is right: a trace of its own,
// which is the same for all attempts of all deliveries of the event.
TraceContext TraceOf(const Event& event);

// Of an attempt; the same in every process.
std::string SpanIdOf(std::string_view delivery_id, uint32_t attempt_number);

// Puts the context of an attempt into the headers of its request. What the event's sender said of
// the trace goes on in `tracestate`, unless it belongs to a trace that is not gone on with.
void SetTraceContext(const Event& event, const Delivery& delivery, Headers& headers);

// Hands an attempt that has ended to the observer, as a log line "span" of the level kDebug
// (docs/observability/README.md has its fields).
void TellSpan(const Event& event, const Delivery& delivery, const Attempt& attempt,
              std::string_view outcome, Observer& observer);

}  // namespace convoy::dispatch
