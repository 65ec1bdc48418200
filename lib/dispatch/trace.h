// Trace context of deliveries (W3C Trace Context, w3.org/TR/trace-context): an attempt is a span,
// in the trace of the request that brought the event, or in one that begins with the event.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/http.h"
#include "convoy/model.h"
#include "convoy/observer.h"
#include "convoy/span.h"

namespace convoy::dispatch {

// All in lower-case hexadecimal digits.
struct TraceContext {
  std::string trace_id;   // 32
  std::string parent_id;  // 16, of the sender's span; empty: the trace begins with the event
  std::string flags;      // 2: "01", it is sampled

  bool is_sampled() const;
};

// kInvalidArgument unless GatewayOptions::trace_header may be called so.
absl::Status CheckTraceHeader(std::string_view name);

// Reads the event's one header `trace_header`. Where there is none that is right: a trace of its
// own, which is the same for all attempts of all deliveries of the event.
TraceContext TraceOf(const Event& event, std::string_view trace_header);

// Of an attempt; the same in every process.
std::string SpanIdOf(std::string_view delivery_id, uint32_t attempt_number);

// Puts the context of an attempt into the headers of its request. The sender's data about the
// trace goes on in `tracestate`, unless it belongs to a trace that is not continued.
void SetTraceContext(const Event& event, const Delivery& delivery, std::string_view trace_header,
                     Headers& headers);

// An attempt that has ended. `delivery` is as it was before it.
struct EndedAttempt {
  const Event& event;
  const Delivery& delivery;
  const Attempt& attempt;
  const TraceContext& context;
  std::string_view outcome;
};

// Hands an attempt to the observer, as a log line "span" of the level kDebug, and to the sink,
// unless it is null (docs/observability/README.md has the fields and attributes).
void TellSpan(const EndedAttempt& ended, Observer& observer, SpanSink* sink);

}  // namespace convoy::dispatch
